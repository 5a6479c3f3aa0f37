"""Five-qubit workloads and devices on which mitigation methods are measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuits import active_qubits
from prefect_qpu.experiment import MethodSpec, TranspileOptions
from prefect_qpu.mitigation import Batch, Measurement, PlanContext, plan_batch
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.types import Values
from prefect_qpu.observables import group_terms
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.simulation import noise_model
from prefect_qpu.transpiling import compile_preparation, measure_in_basis

QUBITS = 5
RING = [(qubit, (qubit + 1) % QUBITS) for qubit in range(QUBITS)]
DEVICES = {"Manila (cx)": "FakeManilaV2", "Sherbrooke (ecr)": "FakeSherbrooke", "Torino (cz)": "FakeTorino"}
# Optimal angles of the five-ring: the cut 3.75 and 4 of at most 4.
ANGLES = {
    1: [(-0.78539816, 0.39269908)],
    2: [(1.21144228, 0.24903382), (-0.49806793, 0.96507540)],
}


@dataclass(frozen=True)
class Workload:
    """A state and one observable."""

    name: str
    circuit: QuantumCircuit
    observable: SparsePauliOp

    @property
    def exact(self) -> float:
        """The noiseless value."""
        return float(Statevector(self.circuit).expectation_value(self.observable).real)


def _sum(letter: str, supports: Sequence[Sequence[int]], weight: float) -> SparsePauliOp:
    terms = [(letter * len(qubits), list(qubits), weight) for qubits in supports]
    return SparsePauliOp.from_sparse_list(terms, QUBITS)


def ghz() -> Workload:
    circuit = QuantumCircuit(QUBITS)
    circuit.h(0)
    for qubit in range(QUBITS - 1):
        circuit.cx(qubit, qubit + 1)
    return Workload("GHZ parity", circuit, SparsePauliOp("X" * QUBITS))


def ising(steps: int = 3, coupling: float = 0.2, field: float = 0.16) -> Workload:
    circuit = QuantumCircuit(QUBITS)
    for _ in range(steps):
        for qubit in range(QUBITS - 1):
            circuit.rzz(-2 * coupling, qubit, qubit + 1)
        for qubit in range(QUBITS):
            circuit.rx(2 * field, qubit)
    return Workload("Ising magnetisation", circuit, _sum("Z", [(qubit,) for qubit in range(QUBITS)], 1 / QUBITS))


def qaoa(layers: int) -> Workload:
    circuit = QuantumCircuit(QUBITS)
    circuit.h(range(QUBITS))
    for gamma, beta in ANGLES[layers]:
        for first, second in RING:
            circuit.rzz(gamma, first, second)
        for qubit in range(QUBITS):
            circuit.rx(2 * beta, qubit)
    cut = SparsePauliOp("I" * QUBITS, [len(RING) / 2]) + _sum("Z", RING, -0.5)
    return Workload(f"QAOA p = {layers}", circuit, cut.simplify())


def brickwork(layers: int = 4) -> Workload:
    circuit = QuantumCircuit(QUBITS)
    for layer in range(layers):
        for qubit in range(QUBITS):
            circuit.ry(0.3 + 0.1 * layer + 0.05 * qubit, qubit)
        for qubit in range(layer % 2, QUBITS - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return Workload("brickwork ZZ", circuit, _sum("ZZ", [(q, q + 1) for q in range(QUBITS - 1)], 0.25))


def heisenberg(steps: int = 2, angle: float = 0.25) -> Workload:
    circuit = QuantumCircuit(QUBITS)
    circuit.x([0, 2, 4])
    for _ in range(steps):
        for qubit in range(QUBITS - 1):
            circuit.rxx(angle, qubit, qubit + 1)
            circuit.ryy(angle, qubit, qubit + 1)
            circuit.rzz(angle, qubit, qubit + 1)
    staggered = SparsePauliOp.from_sparse_list([("Z", [q], (-1) ** q / QUBITS) for q in range(QUBITS)], QUBITS)
    return Workload("Heisenberg staggered Z", circuit, staggered)


def w_state() -> Workload:
    circuit = QuantumCircuit(QUBITS)
    circuit.x(0)
    for qubit in range(QUBITS - 1):
        circuit.cry(2 * np.arccos((QUBITS - qubit) ** -0.5), qubit, qubit + 1)
        circuit.cx(qubit + 1, qubit)
    return Workload("W state ZZ", circuit, _sum("ZZ", [(q, q + 1) for q in range(QUBITS - 1)], 0.25))


def fourier() -> Workload:
    circuit = QuantumCircuit(QUBITS)
    for qubit in range(QUBITS):
        circuit.ry(0.4 + 0.2 * qubit, qubit)
    for qubit in range(QUBITS):
        circuit.h(qubit)
        for other in range(qubit + 1, QUBITS):
            circuit.cp(np.pi / 2 ** (other - qubit), other, qubit)
    return Workload("Fourier magnetisation", circuit, _sum("Z", [(q,) for q in range(QUBITS)], 1 / QUBITS))


def random_bricks(seed: int, layers: int = 4) -> Workload:
    random, circuit = np.random.default_rng(seed), QuantumCircuit(QUBITS)
    for layer in range(layers):
        for qubit in range(QUBITS):
            circuit.u(*random.uniform(-0.7, 0.7, 3), qubit)
        for qubit in range(layer % 2, QUBITS - 1, 2):
            circuit.cx(qubit, qubit + 1)
    return Workload(f"random bricks {seed}", circuit, _sum("ZZ", [(q, q + 1) for q in range(QUBITS - 1)], 0.25))


# The predicted decay, its systematic error and the threshold of a flag were chosen with results of these in sight.
UNSEEN = {
    item.name: item
    for item in (
        brickwork(),
        heisenberg(),
        w_state(),
        fourier(),
        random_bricks(1),
        random_bricks(7),
        random_bricks(8, layers=6),
        replace(ising(4, 0.15, 0.3), name="Ising, 4 steps"),
    )
}
UNSEEN_DEVICES = {
    "Guadalupe (cx)": "FakeGuadalupeV2",
    "Lima (cx)": "FakeLimaV2",
    "Nairobi (cx)": "FakeNairobiV2",
    "Brisbane (ecr)": "FakeBrisbane",
    "Fez (cz)": "FakeFez",
    "Marrakesh (cz)": "FakeMarrakesh",
}
# Fixed after all rules, before any result of them was seen.
HELD_OUT = {
    item.name: item
    for item in (
        random_bricks(21),
        random_bricks(22, layers=6),
        replace(heisenberg(3, 0.17), name="Heisenberg, 3 steps"),
        replace(ising(2, 0.3, 0.1), name="Ising, 2 steps"),
    )
}
HELD_OUT_DEVICES = {"Jakarta (cx)": "FakeJakartaV2", "Kyiv (ecr)": "FakeKyiv", "Cusco (ecr)": "FakeCusco"}
WORKLOADS = {item.name: item for item in (ghz(), ising(), qaoa(1), qaoa(2))}


@cache
def calibration(device: str) -> Calibration:
    return device_calibration(device)


@cache
def context(device: str, workload: str, shots: int = 4000, seed: int = 7) -> PlanContext:
    """The context of a workload that is known by its name."""
    return plan_context(device, (WORKLOADS | UNSEEN | HELD_OUT)[workload], shots, seed)


def plan_context(device: str, item: Workload, shots: int = 4000, seed: int = 7) -> PlanContext:
    """What a method plans from, for a workload that is transpiled to a device at level 3."""
    target = calibration(device).target()
    options = TranspileOptions(optimization_level=3)
    compiled = compile_preparation(item.circuit, target, options, seed)
    observables = {"value": item.observable}
    groups = tuple(group_terms(observables))
    circuits = tuple(measure_in_basis(compiled, group.basis, target) for group in groups)
    return PlanContext(circuits, Measurement(observables, groups), target, shots, seed)


def batch(device: str, workload: str, methods: Sequence[MethodSpec], shots: int = 4000, seed: int = 7) -> Batch:
    return plan_batch(methods, context(device, workload, shots, seed))


def repeated_counts(planned: Batch, device: str, repeats: int, seed: int) -> list[list[BitArray]]:
    """Counts of many runs of a batch, drawn from the exact distribution of each circuit's outcomes."""
    random = np.random.default_rng([seed, *(len(pub.circuit.data) for pub in planned.pubs)])
    known = [distribution(pub.circuit, device) for pub in planned.pubs]
    return [
        [
            _bits(random.multinomial(pub.shots, chances), pub.circuit.num_clbits)
            for pub, chances in zip(planned.pubs, known, strict=True)
        ]
        for _ in range(repeats)
    ]


def distribution(circuit: QuantumCircuit, device: str) -> Values:
    """Probability of each outcome of a measured ISA circuit under a device's noise, readout errors included."""
    from qiskit_aer import AerSimulator

    qubits = active_qubits(circuit)
    place = {qubit: number for number, qubit in enumerate(qubits)}
    bare = QuantumCircuit(len(qubits))
    for instruction in circuit.data:
        if instruction.operation.name not in {"measure", "barrier"}:
            bare.append(instruction.operation, [place[circuit.find_bit(qubit).index] for qubit in instruction.qubits])
    measured = measured_qubits(circuit)
    bare.save_probabilities([place[qubit] for qubit in measured])
    simulator = AerSimulator(method="density_matrix", noise_model=noise_model(calibration(device), tuple(qubits)))
    chances = np.asarray(simulator.run(bare).result().data(0)["probabilities"]).reshape((2,) * len(measured))
    readout = calibration(device).target()["measure"]
    for bit, qubit in enumerate(measured):
        error, axis = readout[(qubit,)].error, len(measured) - 1 - bit
        chances = (1 - error) * chances + error * np.flip(chances, axis)
    flat: Values = np.maximum(chances.ravel(), 0.0)
    return flat / flat.sum()


def _bits(counts: NDArray[np.int64], width: int) -> BitArray:
    outcomes = np.repeat(np.arange(len(counts), dtype=">u8"), counts)
    octets = np.ascontiguousarray(outcomes).view(np.uint8).reshape(-1, 8)
    return BitArray(octets[:, -((width + 7) // 8) :], width)
