"""Exact values over arrays against one state vector for each point."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.baselines.arrays import exact_over_arrays

OBSERVABLES = {"a": SparsePauliOp(["ZZI", "IXY"], [1.0, -0.5]), "b": SparsePauliOp("YIZ")}


def ansatz(*, wide: bool) -> QuantumCircuit:
    angles = ParameterVector("t", 3)
    circuit = QuantumCircuit(3)
    circuit.h(0)
    for qubit, angle in enumerate(angles):
        circuit.ry(2 * angle + 0.1, qubit)
    if wide:
        circuit.ccx(0, 1, 2)
    circuit.cx(0, 1)
    circuit.rzz(angles[0] * angles[1], 1, 2)
    return circuit


@pytest.mark.parametrize("wide", [False, True])
def test_each_point_has_the_value_of_its_own_state_vector(*, wide: bool) -> None:
    circuit = ansatz(wide=wide)
    values = {item.name: np.linspace(0, 1 + item.index, 7) for item in circuit.parameters}
    found = exact_over_arrays(circuit, OBSERVABLES, values)
    assert found is not None
    for point in range(7):
        state = Statevector(circuit.assign_parameters({item: values[item.name][point] for item in circuit.parameters}))
        for name, operator in OBSERVABLES.items():
            assert found[name][point] == pytest.approx(state.expectation_value(operator).real, abs=1e-9)


def test_a_circuit_without_parameters_has_one_value() -> None:
    bell = QuantumCircuit(2)
    bell.h(0)
    bell.cx(0, 1)
    found = exact_over_arrays(bell, {"zz": SparsePauliOp("ZZ")}, {})
    assert found is not None
    assert found["zz"].tolist() == pytest.approx([1.0])


def test_what_would_take_too_long_is_left_out() -> None:
    circuit = ansatz(wide=False)
    values = {item.name: np.zeros(100) for item in circuit.parameters}
    assert exact_over_arrays(circuit, OBSERVABLES, values, time_limit=1e-6) is None
    assert exact_over_arrays(QuantumCircuit(21), {"z": SparsePauliOp("Z" * 21)}, {}) is None
