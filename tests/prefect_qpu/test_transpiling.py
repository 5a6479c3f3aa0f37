import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import CircuitError, ExperimentError
from prefect_qpu.experiment import AerBackendSpec, TranspileOptions
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.transpiling import compile_preparation, measure_in_basis
from prefect_qpu.validation import target_findings

DEVICES = [None, "FakeManilaV2", "FakeGuadalupeV2", "FakeSherbrooke", "FakeTorino"]


@pytest.fixture(scope="module")
def targets() -> dict:
    return {device: AerProvider(AerBackendSpec(device=device)).target() for device in DEVICES}


def measured_value(circuit: QuantumCircuit) -> float:
    """The parity of all classical bits, from the circuit's own measurements."""
    active = active_qubits(circuit)
    cut = QuantumCircuit(len(active))
    measured = []
    for instruction in circuit.data:
        qubits = [
            active.index(circuit.find_bit(qubit).index)
            for qubit in instruction.qubits
            if instruction.operation.name != "barrier"
        ]
        if instruction.operation.name == "measure":
            measured += qubits
        elif instruction.operation.name != "barrier":
            cut.append(instruction.operation, qubits)
    parity = SparsePauliOp("Z" * len(measured))
    return float(Statevector(cut).expectation_value(parity, measured).real)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_every_basis_measures_what_it_says_on_every_device(targets: dict, device: str | None, level: int) -> None:
    rng = np.random.default_rng(level)
    for seed in range(4):
        circuit = random_circuit(4, 4, max_operands=3, seed=seed)
        compiled = compile_preparation(circuit, targets[device], TranspileOptions(optimization_level=level), seed)
        basis = "".join(rng.choice(list("XYZ"), 4))
        isa = measure_in_basis(compiled, basis, targets[device], optimization_level=level)
        assert target_findings(isa, targets[device]) == []
        expected = Statevector(circuit).expectation_value(SparsePauliOp(basis)).real
        assert measured_value(isa) == pytest.approx(expected, abs=1e-9)


def test_gates_that_only_a_measurement_in_z_would_not_see_are_kept(targets: dict) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.t(0)
    circuit.cz(0, 1)
    target = targets["FakeManilaV2"]
    compiled = compile_preparation(circuit, target, TranspileOptions(optimization_level=3), 1)
    expected = Statevector(circuit).expectation_value(SparsePauliOp("IY")).real
    isa = measure_in_basis(compiled, "ZY", target)
    active = active_qubits(isa)
    bare = QuantumCircuit(len(active))
    for instruction in isa.data:
        if instruction.operation.name not in {"barrier", "measure"}:
            bare.append(
                instruction.operation, [active.index(isa.find_bit(qubit).index) for qubit in instruction.qubits]
            )
    place = active.index(compiled.qubits[0])
    assert Statevector(bare).expectation_value(SparsePauliOp("Z"), [place]).real == pytest.approx(expected)


def test_all_bases_share_one_layout(targets: dict) -> None:
    circuit = random_circuit(4, 5, max_operands=2, seed=3)
    compiled = compile_preparation(circuit, targets["FakeGuadalupeV2"], TranspileOptions(optimization_level=3), 5)
    for basis in ("ZZZZ", "XXXX", "XYZX"):
        isa = measure_in_basis(compiled, basis, targets["FakeGuadalupeV2"])
        measured = [isa.find_bit(item.qubits[0]).index for item in isa.data if item.operation.name == "measure"]
        assert tuple(measured) == compiled.qubits


@settings(max_examples=20, deadline=None)
@given(layout=st.permutations(range(5)))
def test_an_initial_layout_is_taken_as_given(layout: list[int]) -> None:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    target = AerProvider(AerBackendSpec(device="FakeManilaV2")).target()
    options = TranspileOptions(optimization_level=0, initial_layout=tuple(layout[:2]))
    assert compile_preparation(circuit, target, options, 1).qubits == tuple(layout[:2])


def test_the_seed_of_the_transpiler_decides_its_result(targets: dict) -> None:
    circuit = random_circuit(5, 6, max_operands=2, seed=8)
    options = TranspileOptions(optimization_level=1, routing_method="sabre")
    layouts = {compile_preparation(circuit, targets["FakeGuadalupeV2"], options, seed).qubits for seed in range(12)}
    again = {compile_preparation(circuit, targets["FakeGuadalupeV2"], options, 3).qubits for _ in range(3)}
    assert len(layouts) > 1
    assert len(again) == 1


def test_a_circuit_that_is_too_wide_is_refused_with_both_sizes(targets: dict) -> None:
    with pytest.raises(CircuitError, match="6 qubits, the device has 5"):
        compile_preparation(QuantumCircuit(6), targets["FakeManilaV2"], TranspileOptions(), 1)


@pytest.mark.parametrize("layout", [(0,), (0, 9)])
def test_a_layout_that_does_not_fit_is_refused(targets: dict, layout: tuple[int, ...]) -> None:
    with pytest.raises(ExperimentError, match="initial_layout"):
        compile_preparation(QuantumCircuit(2), targets["FakeManilaV2"], TranspileOptions(initial_layout=layout), 1)


def test_a_layout_means_nothing_on_an_ideal_simulator(targets: dict) -> None:
    with pytest.raises(ExperimentError, match="ideal simulator"):
        compile_preparation(QuantumCircuit(2), targets[None], TranspileOptions(initial_layout=(0, 1)), 1)


def test_free_parameters_stay_free(targets: dict) -> None:
    from qiskit.circuit import Parameter

    circuit = QuantumCircuit(2)
    theta = Parameter("theta")
    circuit.rx(theta, 0)
    circuit.rzz(theta, 0, 1)
    compiled = compile_preparation(circuit, targets["FakeTorino"], TranspileOptions(optimization_level=3), 1)
    assert {parameter.name for parameter in compiled.circuit.parameters} == {"theta"}
