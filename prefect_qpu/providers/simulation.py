"""One simulation on Aer: PUBs in, counts out, with the seeds, shots and method that Aer says it used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import DensityMatrix

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuits import active_qubits, circuit_hash
from prefect_qpu.errors import JobFailedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.providers.forecast import density_matrix_seconds, state_vector_seconds, trajectory_seconds
from prefect_qpu.providers.preparation import MOST_QUBITS, Matrix, Preparations, split

_preparations = Preparations()


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
        simulator = self._simulator(self.qubits)
        circuits = self._prepared(simulator) if self._shares_preparation() else self._circuits()
        counts: dict[int, BitArray] = {}
        reports: dict[int, dict[str, Any]] = {}
        for turn, (shots, indices) in enumerate(_by_shots(self.pubs)):
            seed = self.seed if turn == 0 or self.seed is None else derive_seed(self.seed, f"shots-{shots}")
            chosen = [self.pubs[index] for index in indices], [circuits[index] for index in indices]
            drawn = _draw(simulator, *chosen, shots, seed)
            for index, (bits, report) in zip(indices, drawn, strict=True):
                counts[index], reports[index] = bits, report
        order = range(len(self.pubs))
        return tuple(counts[index] for index in order), {"pubs": [reports[index] for index in order]}

    def predicted_seconds(self) -> float:
        """A forecast of the run time, right within a factor of about four; see `benchmarks/simulation.py`."""
        if not self.pubs:
            return 0.0
        if self._shares_preparation():
            common, rests = self._parts
            return density_matrix_seconds(len(self.qubits), common.size() + sum(rest.size() for rest in rests))
        return sum(self._predicted(pub) for pub in self.pubs)

    def _predicted(self, pub: SamplerPub) -> float:
        qubits, gates = len(active_qubits(pub.circuit)), pub.circuit.size()
        once = (
            state_vector_seconds(qubits, gates, pub.shots)
            if self.calibration is None
            else min(density_matrix_seconds(qubits, gates), trajectory_seconds(qubits, gates, pub.shots))
        )
        return float(once * max(1, pub.parameter_values.size))

    @cached_property
    def qubits(self) -> tuple[int, ...]:
        """The qubits that the circuits use."""
        return tuple(sorted({qubit for pub in self.pubs for qubit in active_qubits(pub.circuit)})) or (0,)

    def _circuits(self) -> list[QuantumCircuit]:
        """The circuits, cut to the qubits in use; where there is one set of parameter values, with the values."""
        return [_cut(_bound(pub), self.qubits) for pub in self.pubs]

    def _shares_preparation(self) -> bool:
        """Whether a density matrix of what the circuits have in common is affordable, and is what was asked for."""
        return (
            self.calibration is not None
            and self.method in {"automatic", "density_matrix"}
            and len(self.qubits) <= MOST_QUBITS
            and all(pub.parameter_values.size == 1 for pub in self.pubs)
        )

    @cached_property
    def _parts(self) -> tuple[QuantumCircuit, list[QuantumCircuit]]:
        """What the circuits have in common, and the rest of each; the forecast and the run both want it."""
        return split(self._circuits())

    def _prepared(self, simulator: Any) -> list[QuantumCircuit]:
        """The circuits, each beginning with the density matrix of what they have in common."""
        common, rests = self._parts
        if not common.size():
            return rests
        key = circuit_hash(common), self.calibration.hash if self.calibration else None, self.qubits
        matrix = _preparations.matrix(key, lambda: _density_matrix(simulator, common))
        return [_after(matrix, rest) for rest in rests]

    def _simulator(self, qubits: tuple[int, ...]) -> Any:
        from qiskit_aer import AerSimulator

        if self.calibration is None:
            return AerSimulator(method=self.method)
        # Gates and their errors are multiplied first, which by default Aer does on seven qubits and more only.
        noise = noise_model(self.calibration, qubits)
        return AerSimulator(method=self.method, noise_model=noise, fusion_threshold=1, fusion_max_qubit=2)


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
    simulator: Any, pubs: Sequence[SamplerPub], circuits: Sequence[QuantumCircuit], shots: int, seed: int | None
) -> Iterable[tuple[BitArray, dict[str, Any]]]:
    # A circuit whose parameters have no effect is drawn anew for each set of values.
    repeated = [
        circuit
        for pub, circuit in zip(pubs, circuits, strict=True)
        for _ in range(1 if circuit.parameters else pub.parameter_values.size)
    ]
    values = {id(circuit): _bindings(pub, circuit) for pub, circuit in zip(pubs, circuits, strict=True)}
    result = simulator.run(
        repeated,
        shots=shots,
        seed_simulator=seed,
        # The same counts, without a circuit for each set of values.
        runtime_parameter_bind_enable=any(circuit.parameters for circuit in circuits),
        parameter_binds=[values[id(circuit)] for circuit in repeated],
    ).result()
    _check(result)
    start = 0
    for pub in pubs:
        reports = result.results[start : start + pub.parameter_values.size]
        start += len(reports)
        yield _bits([report.data.counts for report in reports], pub), _report(reports)


def _check(result: Any) -> None:
    if not result.success:
        reasons = {experiment.status for experiment in result.results if not experiment.success} or {result.status}
        raise JobFailedError(f"Aer could not simulate: {'; '.join(sorted(map(str, reasons)))}")


def _density_matrix(simulator: Any, circuit: QuantumCircuit) -> Matrix:
    saving = circuit.copy()
    saving.save_density_matrix()
    result = simulator.run(saving, shots=1, method="density_matrix").result()
    _check(result)
    return np.asarray(result.data(0)["density_matrix"])


def _after(matrix: Matrix, rest: QuantumCircuit) -> QuantumCircuit:
    started = rest.copy_empty_like()
    started.set_density_matrix(_Simulated(matrix))
    for instruction in rest.data:
        started.append(instruction)
    return started


class _Simulated(DensityMatrix):  # type: ignore[misc]
    """A matrix that Aer has made: to check its eigenvalues would take longer than all else."""

    def is_valid(self, atol: float | None = None, rtol: float | None = None) -> bool:  # noqa: ARG002
        return True


def _cut(circuit: QuantumCircuit, qubits: Sequence[int]) -> QuantumCircuit:
    position = {circuit.qubits[qubit]: index for index, qubit in enumerate(qubits)}
    # Counts do not tell the global phase, and Aer cannot bind one at run time.
    cut = QuantumCircuit(len(qubits), name=circuit.name)
    for register in circuit.cregs:
        cut.add_register(register)
    for instruction in circuit.data:
        if instruction.operation.name != "barrier":
            cut.append(
                instruction.operation, [position[qubit] for qubit in instruction.qubits], list(instruction.clbits)
            )
    return cut


def _bound(pub: SamplerPub) -> QuantumCircuit:
    if pub.parameter_values.size != 1 or not pub.circuit.parameters:
        return pub.circuit
    values = pub.parameter_values.as_array(pub.circuit.parameters)
    return pub.circuit.assign_parameters(dict(zip(pub.circuit.parameters, values.ravel().tolist(), strict=True)))


def _bindings(pub: SamplerPub, circuit: QuantumCircuit) -> dict[Any, NDArray[np.float64]]:
    """The values of the parameters that are left in a circuit of a PUB."""
    values = pub.parameter_values.as_array(pub.circuit.parameters)
    left = set(circuit.parameters)
    return {name: values[..., index].ravel() for index, name in enumerate(pub.circuit.parameters) if name in left}


def _bits(counts: Sequence[dict[str, int]], pub: SamplerPub) -> BitArray:
    """The outcomes of all sets; for many sets much faster than `BitArray.from_counts`, with the same result."""
    length = -(-pub.circuit.num_clbits // 8)
    raw = b"".join(int(key, 16).to_bytes(length, "big") for item in counts for key in item)
    repeats = np.fromiter((number for item in counts for number in item.values()), np.int64)
    drawn = np.repeat(np.frombuffer(raw, np.uint8).reshape(-1, length), repeats, axis=0)
    return BitArray(drawn.reshape(*pub.parameter_values.shape, pub.shots, length), pub.circuit.num_clbits)


def _report(experiments: Sequence[Any]) -> dict[str, Any]:
    first = experiments[0]
    return {
        "seed": int(first.seed_simulator),
        "shots": int(first.shots),
        "method": first.metadata.get("method"),
        "noise": first.metadata.get("noise"),
        "seconds": float(sum(experiment.time_taken for experiment in experiments)),
    }
