from math import pi

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, random_clifford

from prefect_qpu.baselines import circuit_values, statevector
from prefect_qpu.baselines.circuit_values import Problem, by_matrix_product, by_propagation, solve_values
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import exact, kicked_ising, local


@pytest.fixture
def no_state_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if no state vector of more than two qubits could be had."""
    monkeypatch.setattr(statevector, "MOST_QUBITS", 2)


@settings(max_examples=15, deadline=None)
@given(qubits=st.integers(2, 6), seed=st.integers(0, 10_000))
def test_a_circuit_of_clifford_gates_has_exact_values(qubits: int, seed: int) -> None:
    circuit = random_clifford(qubits, seed=seed).to_circuit()
    operator = SparsePauliOp(["Z" * qubits, "X" + "I" * (qubits - 1), "Y" * qubits], [1.0, 0.5, 0.25])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circuit_values, "_QUICK", 0.0)
        (found,) = solve_values(Encoding(circuit, {"o": operator}), 60.0).baselines
    assert (found.method, found.exact) == ("stabilisers", True)
    assert found.value == pytest.approx(exact(circuit, operator), abs=1e-12)


def test_a_hundred_kicked_sites_have_an_exact_value() -> None:
    small, large = kicked_ising(13, 4), kicked_ising(100, 4)
    (found,) = solve_values(Encoding(large, {"z": local("Z", [50], 100)}), 20.0).baselines
    assert (found.method, found.exact, found.error) == ("light cones", True, 0.0)
    assert found.value == pytest.approx(exact(small, local("Z", [6], 13)))


@pytest.mark.usefixtures("no_state_vectors")
def test_truncated_methods_tell_an_error_that_holds() -> None:
    circuit = kicked_ising(12, 7, coupling=-0.7)
    energy = SparsePauliOp(["Z" * 12, "I" * 12, "X" + "I" * 11], [1.0, 2.0, -0.5])
    operators = {"z": local("Z", [6], 12), "energy": energy}
    report = solve_values(Encoding(circuit, operators), 0.8)
    assert {item.method for item in report.baselines} == {"matrix product state", "pauli propagation"}
    for item in report.baselines:
        assert item.error is not None
        assert abs(item.value - exact(circuit, operators[item.observable])) <= item.error + 1e-9
    errors = [item.error for item in report.baselines]
    assert errors == sorted(errors, key=float)


@settings(max_examples=12, deadline=None)
@given(
    kick=st.sampled_from([pi / 4, pi / 4 - 1e-3, pi / 2 - 1e-2, 1e-4, 0.6]) | st.floats(0, pi),
    coupling=st.sampled_from([pi / 4, pi / 2 - 1e-3, -0.4]) | st.floats(-2, 2),
    steps=st.integers(1, 6),
)
def test_no_truncation_of_a_kicked_chain_exceeds_its_error(kick: float, coupling: float, steps: int) -> None:
    circuit = kicked_ising(10, steps, kick=kick, coupling=coupling)
    magnetisation = SparsePauliOp.from_sparse_list([("Z", [site], 0.1) for site in range(10)], 10)
    operators = {"far": local("ZZ", [1, 8], 10), "near": local("XY", [4, 5], 10), "sum": magnetisation}
    problem = Problem.of(Encoding(circuit, operators))
    truncated = [by_matrix_product(problem, bonds, lambda: 60.0) for bonds in (2, 4)]
    truncated += [by_propagation(problem, strings, lambda: 60.0) for strings in (5, 60)]
    for outcome in truncated:
        assert outcome is not None
        for name, (value, error) in outcome.values.items():
            assert abs(value - exact(circuit, operators[name])) <= error + 1e-9


@pytest.mark.usefixtures("no_state_vectors")
def test_an_error_is_no_larger_than_the_range_of_values() -> None:
    circuit = kicked_ising(14, 12)
    operator = SparsePauliOp(["I" * 14, "I" * 7 + "Z" + "I" * 6], [5.0, 1.0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(circuit_values, "_MOST_STRINGS", 1000)
        patch.setattr(circuit_values, "_MOST_BONDS", 8)
        for item in solve_values(Encoding(circuit, {"o": operator}), 60.0).baselines:
            assert item.error is not None
            assert item.error <= 1 + abs(item.value - 5)
            assert not item.exact


@pytest.mark.usefixtures("no_state_vectors")
def test_without_time_there_is_a_reason() -> None:
    report = solve_values(Encoding(kicked_ising(30, 9), {"z": local("Z", [15], 30)}), 0.0)
    assert report.baselines == ()
    assert report.reason == "neither exact nor truncated methods have a value within 0 s"


def test_a_barrier_is_no_gate() -> None:
    circuit = QuantumCircuit(30)
    circuit.rx(0.4, 3)
    circuit.barrier()
    (found,) = solve_values(Encoding(circuit, {"z": local("Z", [3], 30)}), 5.0).baselines
    assert found.value == pytest.approx(0.9210609940028851)
