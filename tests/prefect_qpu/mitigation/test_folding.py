import pytest
from qiskit import QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import CXGate, SXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import Operator, SparsePauliOp
from qiskit.transpiler import InstructionProperties, Target

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Measurement, PlanContext, plan_batch
from prefect_qpu.mitigation.folding import achieved_scale, fold, noise_weight
from prefect_qpu.observables import group_terms
from tests.prefect_qpu.mitigation.workloads import (
    NATIVE,
    context,
    ising,
    magnetisation,
    off_target,
    target,
    two_qubit_gates,
)

GENERIC = GenericBackendV2(5, seed=1).target


def isa(device: str) -> QuantumCircuit:
    return context(ising(), {"z": magnetisation()}, device).circuits[0]


@pytest.mark.parametrize("device", NATIVE)
@pytest.mark.parametrize(("scale", "gates"), [(1, 24), (1.5, 36), (3, 72), (5, 120)])
def test_the_two_qubit_gates_are_repeated_at_the_nominal_ratio_in_every_native_gate(
    device: str, scale: float, gates: int
) -> None:
    folded = fold(isa(device), scale, target(device), seed=1)
    assert two_qubit_gates(folded) == gates == folded.count_ops()[NATIVE[device]]
    assert off_target(folded, device) == []


@pytest.mark.parametrize("device", NATIVE)
@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_the_transpiler_cannot_undo_the_folds(device: str, level: int) -> None:
    folded = fold(isa(device), 3, target(device), seed=1)
    after = transpile(
        folded,
        target=target(device),
        optimization_level=level,
        initial_layout=range(folded.num_qubits),
        seed_transpiler=1,
    )
    assert two_qubit_gates(after) == 72


def test_folds_without_barriers_are_undone_which_is_why_they_have_them() -> None:
    circuit = isa("FakeManilaV2")
    bare = circuit.copy_empty_like()
    for item in fold(circuit, 3, target("FakeManilaV2"), seed=1).data:
        if item.operation.name != "barrier":
            bare.append(item)
    after = transpile(bare, target=target("FakeManilaV2"), optimization_level=1, initial_layout=range(5))
    assert two_qubit_gates(after) == 24


@pytest.mark.parametrize("names", [("q", "anc"), ("b", "a"), ("q10", "q2")])
def test_registers_in_any_order_keep_their_qubits(names: tuple[str, str]) -> None:
    circuit = QuantumCircuit(QuantumRegister(2, names[0]), QuantumRegister(1, names[1]))
    circuit.x(0)
    circuit.cx(0, 1)
    folded = fold(circuit, 3, GENERIC, seed=1)
    assert Operator(folded).equiv(Operator(circuit))
    assert folded.qregs == circuit.qregs


def test_barriers_layout_registers_parameters_and_measurements_stay() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(2, 2)
    circuit.rz(angle, 0)
    circuit.cx(0, 1)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.measure([1, 0], [0, 1])
    made = transpile(circuit, target=GENERIC, optimization_level=0, initial_layout=[3, 4])
    folded = fold(made, 3, GENERIC, seed=1)
    assert folded.layout == made.layout
    assert folded.cregs == made.cregs
    assert list(folded.parameters) == [angle]
    assert [folded.find_bit(item.clbits[0]).index for item in folded.get_instructions("measure")] == [0, 1]
    assert folded.count_ops()["barrier"] == 1 + 3 * 2


def test_a_half_range_gate_is_undone_by_itself_between_flips() -> None:
    circuit = QuantumCircuit(2)
    circuit.rzz(0.4, 0, 1)
    folded = fold(circuit, 3, GENERIC, seed=1)
    assert Operator(folded).equiv(Operator(circuit))
    assert {item.operation.params[0] for item in folded.get_instructions("rzz")} == {0.4}


@pytest.mark.parametrize("device", NATIVE)
def test_the_achieved_scale_counts_the_gates_that_are_not_folded(device: str) -> None:
    circuit = isa(device)
    assert 2.4 < achieved_scale(fold(circuit, 3, target(device), seed=1), circuit, target(device)) < 3


def test_an_error_of_a_one_qubit_gate_damps_three_halves_of_one_of_a_two_qubit_gate() -> None:
    plain = Target(num_qubits=2)
    plain.add_instruction(SXGate(), {(0,): InstructionProperties(error=1e-6), (1,): InstructionProperties(error=1e-6)})
    plain.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=1e-6)})
    one, two = QuantumCircuit(2), QuantumCircuit(2)
    one.sx(0)
    two.cx(0, 1)
    assert noise_weight(one, plain) == pytest.approx(2e-6, rel=1e-4)
    assert noise_weight(one, plain) / noise_weight(two, plain) == pytest.approx(1.5, rel=1e-4)


@pytest.mark.parametrize("method", ["zne", "lre"])
def test_a_gate_that_leaves_nothing_of_the_state_is_refused(method: str) -> None:
    broken = Target(num_qubits=2)
    both = {(0,): InstructionProperties(error=1e-4), (1,): InstructionProperties(error=1e-4)}
    broken.add_instruction(SXGate(), both)
    broken.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=1.0)})
    circuit = QuantumCircuit(2, 2)
    circuit.sx(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    observables = {"zz": SparsePauliOp("ZZ")}
    plan = PlanContext((circuit,), Measurement(observables, tuple(group_terms(observables))), broken, 1000, 1)
    refused = plan_batch([MethodSpec(method=method, options={"readout": "none"})], plan).refused
    (reason,) = refused.values()
    assert reason.startswith("folding: cx on qubits 0, 1 has a reported error of 1, which leaves no signal")


def test_the_same_seed_folds_the_same_gates() -> None:
    circuit = isa("FakeManilaV2")
    first, again, other = (fold(circuit, 1.5, target("FakeManilaV2"), seed) for seed in (1, 1, 2))
    assert first == again != other


def test_a_circuit_without_two_qubit_gates_is_refused() -> None:
    with pytest.raises(MitigationRefusedError, match="no two-qubit gate"):
        fold(QuantumCircuit(2), 3, GENERIC, seed=1)


def test_gates_inside_control_flow_are_refused() -> None:
    circuit = QuantumCircuit(2, 1)
    circuit.cx(0, 1)
    with circuit.if_test((0, True)):
        circuit.x(0)
    with pytest.raises(MitigationRefusedError, match="control flow"):
        fold(circuit, 3, GENERIC, seed=1)


def test_a_gate_without_native_inverse_is_refused() -> None:
    circuit = QuantumCircuit(2)
    circuit.iswap(0, 1)
    with pytest.raises(MitigationRefusedError, match="the inverse of the gate iswap is not native"):
        fold(circuit, 3, GENERIC, seed=1)
