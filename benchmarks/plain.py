"""The same experiment as a plain Qiskit script: the peer that the package is measured against.

It loads the circuit, transpiles it, simulates it ideally and with noise, runs it, calculates the exact values and
estimates every observable; with the same shots, seeds and libraries, and without a record of any of it.
"""

from dataclasses import dataclass

import numpy as np
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_aer import AerSimulator
from qiskit_ibm_runtime import fake_provider


@dataclass(frozen=True)
class Case:
    """One experiment of the benchmark."""

    name: str
    qasm: str
    device: str
    observables: dict[str, dict[str, float]]
    bases: tuple[str, ...]
    """Measured bases that together serve all observables."""
    ideal_shots: tuple[int, ...]
    """Shots of each ideal simulation that the smoke test makes."""
    shots: int = 8192
    seed: int = 7


def run(case: Case) -> dict[str, tuple[float, float]]:
    """Value and standard error of each observable, as the plain script finds them."""
    circuit = qasm3.loads(case.qasm)
    backend = getattr(fake_provider, case.device)()
    passes = generate_preset_pass_manager(optimization_level=3, backend=backend, seed_transpiler=case.seed)
    circuits = [passes.run(measured(circuit, basis)) for basis in case.bases]
    ideal, noisy = AerSimulator(), AerSimulator.from_backend(backend)
    for shots in case.ideal_shots:
        estimates(case, ideal.run(circuits, shots=shots, seed_simulator=1).result())
    estimates(case, noisy.run(circuits, shots=case.shots, seed_simulator=2).result())
    state = Statevector(circuit)
    for terms in case.observables.values():
        state.expectation_value(SparsePauliOp.from_list(list(terms.items())))
    return estimates(case, noisy.run(circuits, shots=case.shots, seed_simulator=case.seed).result())


def measured(circuit: QuantumCircuit, basis: str) -> QuantumCircuit:
    rotated = circuit.copy()
    for qubit, letter in enumerate(reversed(basis)):
        if letter == "Y":
            rotated.sdg(qubit)
        if letter in "XY":
            rotated.h(qubit)
    rotated.measure_all()
    return rotated


def estimates(case: Case, result) -> dict[str, tuple[float, float]]:  # noqa: ANN001
    found = {}
    for name, terms in case.observables.items():
        value, variance = 0.0, 0.0
        for index in range(len(case.bases)):
            mine = {pauli: weight for pauli, weight in terms.items() if index_of(pauli, case) == index}
            if mine:
                mean, error = moments(result.get_counts(index), mine)
                value, variance = value + mean, variance + error
        found[name] = (value, float(np.sqrt(variance)))
    return found


def fits(pauli: str, basis: str) -> bool:
    return all(letter in ("I", other) for letter, other in zip(pauli, basis, strict=True))


def index_of(pauli: str, case: Case) -> int:
    return next(index for index, basis in enumerate(case.bases) if fits(pauli, basis))


def moments(counts: dict[str, int], terms: dict[str, float]) -> tuple[float, float]:
    bits = np.array([[int(bit) for bit in key] for key in counts])
    weights = np.array(list(counts.values()), dtype=float)
    sample = np.zeros(len(weights))
    for pauli, weight in terms.items():
        support = [position for position, letter in enumerate(pauli) if letter != "I"]
        sample += weight * (1 - 2 * (bits[:, support].sum(axis=1) % 2))
    mean = float(np.average(sample, weights=weights))
    return mean, float(np.average((sample - mean) ** 2, weights=weights) / weights.sum())
