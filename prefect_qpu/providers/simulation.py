"""One simulation on Aer: PUBs in, counts out, with the seeds, shots and method that Aer says it used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import JobFailedError
from prefect_qpu.hashing import derive_seed

_SECONDS_PER_AMPLITUDE = 2e-9
_SECONDS_PER_SHOT = 3e-6


@dataclass(frozen=True)
class Simulation:
    """All that decides the counts of a simulation."""

    pubs: tuple[SamplerPub, ...]
    calibration: Calibration | None
    """Noise; none for an ideal simulation."""
    seed: int | None
    method: str = "automatic"

    def run(self) -> tuple[tuple[BitArray, ...], dict[str, Any]]:
        """Counts of each PUB, and what Aer reported.

        PUBs with equal shots are drawn in one call. The device is cut to the qubits that the circuits use, which leaves
        the distribution as it is and makes the noise of a large device affordable.

        Raises:
            JobFailedError: Aer could not simulate a circuit.
        """
        qubits = sorted({qubit for pub in self.pubs for qubit in active_qubits(pub.circuit)}) or [0]
        simulator = self._simulator(tuple(qubits))
        counts: dict[int, BitArray] = {}
        reports: dict[int, dict[str, Any]] = {}
        for turn, (shots, indices) in enumerate(_by_shots(self.pubs)):
            seed = self.seed if turn == 0 or self.seed is None else derive_seed(self.seed, f"shots-{shots}")
            drawn = _draw(simulator, [self.pubs[index] for index in indices], qubits, shots, seed)
            for index, (bits, report) in zip(indices, drawn, strict=True):
                counts[index], reports[index] = bits, report
        order = range(len(self.pubs))
        return tuple(counts[index] for index in order), {"pubs": [reports[index] for index in order]}

    def predicted_seconds(self) -> float:
        """A rough forecast of the run time, right within a factor of about five."""
        return sum(self._predicted(pub) for pub in self.pubs)

    def _predicted(self, pub: SamplerPub) -> float:
        amplitudes = 2.0 ** len(active_qubits(pub.circuit))
        work = amplitudes if self.calibration is None else min(amplitudes * pub.shots, amplitudes**2)
        once = work * pub.circuit.size() * _SECONDS_PER_AMPLITUDE + pub.shots * _SECONDS_PER_SHOT
        return float(once * pub.parameter_values.size)

    def _simulator(self, qubits: tuple[int, ...]) -> Any:
        from qiskit_aer import AerSimulator

        if self.calibration is None:
            return AerSimulator(method=self.method)
        return AerSimulator(method=self.method, noise_model=noise_model(self.calibration, qubits))


@lru_cache(maxsize=8)
def noise_model(calibration: Calibration, qubits: tuple[int, ...]) -> Any:
    """Aer's noise model of some qubits of a device, renumbered in the order given.

    Depolarising and thermal relaxation errors after each gate and readout errors, as `NoiseModel.from_backend` makes
    them from a whole backend.
    """
    from qiskit_aer.noise import NoiseModel

    target = calibration.target(qubits, missing_readout_error=0.0)
    backend = SimpleNamespace(version=2, operation_names=list(target.operation_names), target=target, dt=target.dt)
    return NoiseModel.from_backend(backend)


def _by_shots(pubs: Sequence[SamplerPub]) -> list[tuple[int, list[int]]]:
    groups: dict[int, list[int]] = {}
    for index, pub in enumerate(pubs):
        groups.setdefault(pub.shots, []).append(index)
    return list(groups.items())


def _draw(
    simulator: Any, pubs: Sequence[SamplerPub], qubits: Sequence[int], shots: int, seed: int | None
) -> Iterable[tuple[BitArray, dict[str, Any]]]:
    result = simulator.run(
        [_cut(pub.circuit, qubits) for pub in pubs],
        shots=shots,
        seed_simulator=seed,
        parameter_binds=[_bindings(pub) for pub in pubs],
    ).result()
    if not result.success:
        reasons = {experiment.status for experiment in result.results if not experiment.success} or {result.status}
        raise JobFailedError(f"Aer could not simulate: {'; '.join(sorted(map(str, reasons)))}")
    start = 0
    for pub in pubs:
        sets = range(start, start := start + pub.parameter_values.size)
        reports = [result.results[index] for index in sets]
        yield _bits([result.data(index)["counts"] for index in sets], pub), _report(reports)


def _cut(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    position = {circuit.qubits[qubit]: index for index, qubit in enumerate(qubits)}
    cut = QuantumCircuit(len(qubits), name=circuit.name, global_phase=circuit.global_phase)
    for register in circuit.cregs:
        cut.add_register(register)
    for instruction in circuit.data:
        if instruction.operation.name != "barrier":
            cut.append(
                instruction.operation, [position[qubit] for qubit in instruction.qubits], list(instruction.clbits)
            )
    return cut


def _bindings(pub: SamplerPub) -> dict[Any, NDArray[np.float64]]:
    values = pub.parameter_values.as_array(pub.circuit.parameters)
    return {parameter: values[..., index].ravel() for index, parameter in enumerate(pub.circuit.parameters)}


def _bits(counts: Sequence[dict[str, int]], pub: SamplerPub) -> BitArray:
    width = pub.circuit.num_clbits
    drawn = BitArray.from_counts([{int(key, 16): n for key, n in item.items()} for item in counts], width)
    return drawn.reshape(pub.parameter_values.shape)


def _report(experiments: Sequence[Any]) -> dict[str, Any]:
    first = experiments[0]
    return {
        "seed": int(first.seed_simulator),
        "shots": int(first.shots),
        "method": first.metadata.get("method"),
        "noise": first.metadata.get("noise"),
        "seconds": float(sum(experiment.time_taken for experiment in experiments)),
    }
