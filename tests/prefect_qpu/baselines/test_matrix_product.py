import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator

from prefect_qpu.baselines.matrix_product import evolve
from prefect_qpu.baselines.rotations import elementary
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import exact, kicked_ising, local


@settings(max_examples=40, deadline=None)
@given(qubits=st.integers(2, 7), seed=st.integers(0, 10_000), bonds=st.sampled_from([1, 2, 3, 8]), data=st.data())
def test_the_exact_value_lies_within_the_error(qubits: int, seed: int, bonds: int, data: st.DataObject) -> None:
    circuit = elementary(Encoding(random_circuit(qubits, 5, seed=seed), {}))
    text = st.text("IXYZ", min_size=qubits, max_size=qubits)
    paulis = data.draw(st.lists(text, min_size=1, max_size=4, unique=True))
    operator = SparsePauliOp(paulis, [0.5 + number for number in range(len(paulis))])
    found = evolve(circuit, {"o": operator}, most_bonds=bonds)
    assert found is not None
    assert abs(found.values["o"] - exact(circuit, operator)) <= found.errors["o"] + 1e-9
    assert found.bond <= bonds
    if bonds == 8:
        assert found.distance < 1e-9


def test_more_bonds_have_smaller_errors() -> None:
    circuit, operator = kicked_ising(12, 6), local("Z", [6], 12)
    found = [evolve(circuit, {"z": operator}, most_bonds=bonds) for bonds in (4, 16, 64)]
    errors = [item.errors["z"] for item in found if item is not None]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 1e-9


def test_gates_between_far_qubits_are_applied() -> None:
    circuit = QuantumCircuit(9)
    for site in range(9):
        circuit.ry(0.3 + 0.2 * site, site)
    for first, second in ((0, 8), (3, 7), (8, 2), (5, 0)):
        circuit.cx(first, second)
        circuit.ry(0.4, second)
    observables = {"a": local("XZ", [0, 8], 9), "b": local("YXY", [2, 5, 7], 9)}
    found = evolve(circuit, observables, most_bonds=16)
    assert found is not None
    assert found.values == pytest.approx({name: exact(circuit, operator) for name, operator in observables.items()})


def test_forty_sites_agree_with_another_implementation() -> None:
    circuit, operator = kicked_ising(40, 4), local("ZZ", [19, 22], 40)
    found = evolve(circuit, {"zz": operator}, most_bonds=64)
    circuit.save_expectation_value(operator, range(40), label="zz")
    other = AerSimulator(method="matrix_product_state").run(circuit).result().data(0)["zz"]
    assert found is not None
    assert found.values["zz"] == pytest.approx(other, abs=1e-9)


def test_no_time_gives_no_value() -> None:
    assert evolve(kicked_ising(6, 2), {"z": local("Z", [3], 6)}, most_bonds=8, left=lambda: 0.0) is None
