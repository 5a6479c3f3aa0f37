import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.pauli_propagation import propagate
from prefect_qpu.baselines.rotations import Rotation, elementary, rotations
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import exact, kicked_ising, local

MANY = 10**6


@settings(max_examples=40, deadline=None)
@given(qubits=st.integers(1, 5), seed=st.integers(0, 10_000), kept=st.sampled_from([1, 2, 5, 20, MANY]), data=st.data())
def test_the_exact_value_lies_within_the_error(qubits: int, seed: int, kept: int, data: st.DataObject) -> None:
    circuit = random_circuit(qubits, 4, seed=seed)
    paulis = data.draw(st.lists(st.text("IXYZ", min_size=qubits, max_size=qubits), min_size=1, max_size=4, unique=True))
    operator = SparsePauliOp(paulis, [0.5 + number for number in range(len(paulis))])
    found = propagate(operator, rotations(elementary(Encoding(circuit, {}))), most_strings=kept)
    assert found is not None
    assert abs(found.value - exact(circuit, operator)) <= found.error + 1e-9
    if kept == MANY:
        assert found.error < 1e-9


def test_fewer_strings_have_larger_errors() -> None:
    turns, operator = rotations(kicked_ising(10, 5)), local("Z", [5], 10)
    found = [propagate(operator, turns, most_strings=kept) for kept in (50, 500, 50_000)]
    errors = [item.error for item in found if item is not None]
    assert errors[0] > errors[1] > errors[2] == 0
    assert next(item.strings for item in found if item is not None) < 110


@pytest.mark.parametrize("qubits", [63, 64, 65, 130])
def test_strings_are_told_apart_across_the_words_of_64_qubits(qubits: int) -> None:
    """The value is a product of cosines, for rotations that all act on the ends of words."""
    sites = [site for site in (0, 62, 63, 64, 127, 128) if site < qubits]
    turns = [Rotation((site,), "X", 0.1 * number) for number, site in enumerate(sites, start=1)] * 2
    found = propagate(local("Z" * len(sites), sites, qubits), turns, most_strings=MANY)
    expected = np.prod([np.cos(0.2 * number) for number in range(1, len(sites) + 1)])
    assert found is not None
    assert found.value == pytest.approx(expected)
    assert found.strings == 2 ** len(sites)


def test_no_time_gives_no_value() -> None:
    turns = rotations(kicked_ising(6, 2))
    assert propagate(local("Z", [3], 6), turns, most_strings=MANY, left=lambda: 0.0) is None
