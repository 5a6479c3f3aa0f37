import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator

from prefect_qpu.baselines.light_cones import rotation_circuit
from prefect_qpu.baselines.rotations import GATES, elementary, rotations
from prefect_qpu.workloads import Encoding


@pytest.mark.parametrize("name", sorted(GATES - {"barrier"}))
def test_the_rotations_of_a_gate_are_the_gate(name: str) -> None:
    gate = get_standard_gate_name_mapping()[name]
    angles = [0.3 + 0.4 * number for number in range(len(gate.params))]
    circuit = QuantumCircuit(gate.num_qubits)
    circuit.append(type(gate)(*angles), range(gate.num_qubits))
    assert Operator(rotation_circuit(rotations(circuit), range(gate.num_qubits))).equiv(circuit)


@settings(max_examples=25, deadline=None)
@given(qubits=st.integers(1, 4), seed=st.integers(0, 10_000))
def test_any_circuit_has_rotations(qubits: int, seed: int) -> None:
    circuit = random_circuit(qubits, 4, seed=seed)
    turned = rotation_circuit(rotations(elementary(Encoding(circuit, {}))), range(qubits))
    assert Operator(turned).equiv(circuit)


def test_a_rotation_by_right_angles_is_a_clifford_gate() -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.t(1)
    assert [turn.clifford for turn in rotations(circuit)] == [True] * 6 + [False]
