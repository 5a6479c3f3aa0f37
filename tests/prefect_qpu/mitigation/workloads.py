"""Circuits on devices that the tests of mitigation plan from and run."""

from functools import cache

from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration
from prefect_qpu.experiment import TranspileOptions
from prefect_qpu.mitigation import Batch, Measurement, PlanContext
from prefect_qpu.observables import group_terms
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.simulation import Simulation
from prefect_qpu.transpiling import compile_preparation, measure_in_basis

NATIVE = {"FakeManilaV2": "cx", "FakeSherbrooke": "ecr", "FakeTorino": "cz"}


@cache
def calibration(device: str) -> Calibration:
    return device_calibration(device)


@cache
def target(device: str) -> Target:
    return calibration(device).target()


def ising(qubits: int = 5, steps: int = 3) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    for _ in range(steps):
        for qubit in range(qubits - 1):
            circuit.rzz(-0.4, qubit, qubit + 1)
        circuit.rx(0.32, range(qubits))
    return circuit


def ghz(qubits: int = 5) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def magnetisation(qubits: int = 5) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_list([("Z", [qubit], 1 / qubits) for qubit in range(qubits)], qubits)


def exact(circuit: QuantumCircuit, observable: SparsePauliOp) -> float:
    return float(Statevector(circuit).expectation_value(observable).real)


def context(
    circuit: QuantumCircuit,
    observables: dict[str, SparsePauliOp],
    device: str = "FakeManilaV2",
    *,
    shots: int = 4000,
    seed: int = 7,
) -> PlanContext:
    options = TranspileOptions(optimization_level=3)
    compiled = compile_preparation(circuit, target(device), options, seed)
    groups = tuple(group_terms(observables))
    circuits = tuple(measure_in_basis(compiled, group.basis, target(device)) for group in groups)
    return PlanContext(circuits, Measurement(observables, groups), target(device), shots, seed)


def simulated(batch: Batch, device: str = "FakeManilaV2", seed: int = 11) -> list[BitArray]:
    counts, _ = Simulation(batch.pubs, calibration(device), seed).run()
    return list(counts)


def two_qubit_gates(circuit: QuantumCircuit) -> int:
    return sum(n for name, n in circuit.count_ops().items() if name in {"cx", "ecr", "cz", "rzz", "swap"})


def off_target(circuit: QuantumCircuit, device: str) -> list[str]:
    """Instructions that the device does not have on their qubits."""
    return [
        item.operation.name
        for item in circuit.data
        if item.operation.name != "barrier"
        and not target(device).instruction_supported(
            item.operation.name, tuple(circuit.find_bit(qubit).index for qubit in item.qubits)
        )
    ]
