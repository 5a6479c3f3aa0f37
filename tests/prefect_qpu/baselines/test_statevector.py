import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.circuit.library import PauliEvolutionGate
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector
from scipy.linalg import expm

from prefect_qpu.baselines import exact_values
from prefect_qpu.baselines.statevector import MOST_QUBITS, refusal
from prefect_qpu.workloads import Encoding


@settings(max_examples=30, deadline=None)
@given(qubits=st.integers(1, 4), seed=st.integers(0, 10_000), data=st.data())
def test_values_are_those_of_matrix_algebra(qubits: int, seed: int, data: st.DataObject) -> None:
    circuit = random_circuit(qubits, 3, seed=seed)
    pauli = data.draw(st.text("IXYZ", min_size=qubits, max_size=qubits))
    operator = SparsePauliOp([pauli, "Z" * qubits], [0.7, -1.5])
    state = Operator(circuit).data[:, 0]
    expected = (state.conj() @ operator.to_matrix() @ state).real
    assert exact_values(Encoding(circuit, {"e": operator})) == pytest.approx({"e": expected})


def test_parameters_are_bound_to_their_values() -> None:
    circuit, theta, phi = QuantumCircuit(1), Parameter("theta"), Parameter("phi")
    circuit.ry(theta, 0)
    circuit.rz(phi, 0)
    encoding = Encoding(
        circuit,
        {"x": SparsePauliOp("X"), "y": SparsePauliOp("Y"), "z": SparsePauliOp("Z")},
        {"theta": np.asarray(0.4), "phi": np.asarray(1.1)},
    )
    expected = {"x": np.sin(0.4) * np.cos(1.1), "y": np.sin(0.4) * np.sin(1.1), "z": np.cos(0.4)}
    assert exact_values(encoding) == pytest.approx(expected)
    assert encoding.circuit.num_parameters == 2


@pytest.mark.parametrize("hidden", [False, True], ids=["plain", "inside a gate"])
def test_an_evolution_is_the_product_formula_that_a_backend_runs(*, hidden: bool) -> None:
    hamiltonian = SparsePauliOp(["ZZ", "XI", "IX"])
    evolution = QuantumCircuit(2)
    evolution.append(PauliEvolutionGate(hamiltonian, 0.7), [0, 1])
    circuit = QuantumCircuit(2)
    circuit.append(evolution.to_gate(), [0, 1]) if hidden else circuit.compose(evolution, inplace=True)
    observable = SparsePauliOp("ZZ")
    compiled = transpile(circuit, basis_gates=["rz", "sx", "cx"], optimization_level=0)
    run = Statevector(compiled).expectation_value(observable).real
    exact = Statevector(expm(-0.7j * hamiltonian.to_matrix()) @ [1, 0, 0, 0])
    assert exact_values(Encoding(circuit, {"zz": observable})) == pytest.approx({"zz": run})
    assert abs(run - exact.expectation_value(observable).real) > 0.01


def test_too_many_qubits_have_no_value() -> None:
    encoding = Encoding(QuantumCircuit(MOST_QUBITS + 1), {"z": SparsePauliOp("Z" * (MOST_QUBITS + 1))})
    assert exact_values(encoding) is None
    assert refusal(encoding, 10) == "25 qubits are more than the 24 of a state vector"


def test_a_simulation_beyond_the_time_limit_is_not_started() -> None:
    circuit = QuantumCircuit(MOST_QUBITS)
    for _ in range(1000):
        circuit.h(0)
    encoding = Encoding(circuit, {"z": SparsePauliOp("Z" * MOST_QUBITS)})
    started = time.perf_counter()
    assert exact_values(encoding, time_limit=10) is None
    assert time.perf_counter() - started < 1
    assert "would take about" in str(refusal(encoding, 10))


def test_12_qubits_take_less_than_a_tenth_of_a_second() -> None:
    circuit = QuantumCircuit(12)
    for qubit in range(12):
        circuit.h(qubit)
        circuit.rzz(0.3, qubit, (qubit + 1) % 12)
        circuit.rx(0.7, qubit)
    operator = SparsePauliOp.from_sparse_list([("ZZ", [node, (node + 1) % 12], 0.5) for node in range(12)], 12)
    encoding = Encoding(circuit, {"cut": operator, "x": SparsePauliOp("X" * 12)})
    exact_values(encoding)
    assert min(_seconds(encoding) for _ in range(3)) < 0.1


def _seconds(encoding: Encoding) -> float:
    started = time.perf_counter()
    exact_values(encoding)
    return time.perf_counter() - started


def test_baselines_need_no_simulator_of_the_quantum_path() -> None:
    code = "import sys, prefect_qpu.baselines; print('qiskit_aer' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"
