import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.circuit_values import Problem, by_light_cones
from prefect_qpu.baselines.light_cones import joint_cone, light_cones, rotation_circuit
from prefect_qpu.baselines.rotations import rotations
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import exact, kicked_ising, local


@settings(max_examples=30, deadline=None)
@given(qubits=st.integers(2, 5), seed=st.integers(0, 10_000), data=st.data())
def test_cones_and_their_union_have_the_values_of_the_circuit(qubits: int, seed: int, data: st.DataObject) -> None:
    circuit = random_circuit(qubits, 3, max_operands=2, seed=seed)
    text = st.text("IXYZ", min_size=qubits, max_size=qubits)
    operator = SparsePauliOp(data.draw(st.lists(text, min_size=1, max_size=4, unique=True))) * 0.7
    problem = Problem.of(Encoding(circuit, {"o": operator}))
    cones = light_cones(problem.turns, problem.observables)
    expected = exact(circuit, operator)
    assert by_light_cones(problem, cones).values["o"][0] == pytest.approx(expected)
    union = rotation_circuit(joint_cone(problem.turns, problem.observables), range(qubits))
    assert exact(union, operator) == pytest.approx(expected)


@pytest.mark.parametrize(("letter", "steps", "width"), [("Z", 1, 1), ("Z", 3, 5), ("X", 1, 3), ("X", 3, 7)])
def test_a_layer_of_commuting_gates_reaches_to_the_neighbours_only(letter: str, steps: int, width: int) -> None:
    (cone,) = light_cones(rotations(kicked_ising(40, steps)), {"o": local(letter, [20], 40)})
    assert cone.encoding.circuit.num_qubits == width


def test_terms_inside_another_cone_share_its_circuit() -> None:
    turns = rotations(kicked_ising(9, 3))
    observables = {"a": local("XX", [4, 5], 9), "b": local("Z", [4], 9)}
    (cone,) = light_cones(turns, observables)
    assert sorted(name for name, _ in cone.terms.values()) == ["a", "b"]


def test_a_constant_needs_no_cone() -> None:
    problem = Problem.of(Encoding(kicked_ising(4, 1), {"one": SparsePauliOp("IIII", 2.5)}))
    assert light_cones(problem.turns, problem.observables) == []
    assert by_light_cones(problem, []).values == {"one": (2.5, 0.0)}
