import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.circuit.random import random_circuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.errors import ObservableError
from prefect_qpu.observables import (
    Group,
    constant_of,
    estimate_from_counts,
    group_terms,
    norm_of,
    parse_observable,
)

paulis = st.integers(1, 5).flatmap(
    lambda width: st.dictionaries(
        st.text("IXYZ", min_size=width, max_size=width), st.floats(-3, 3).filter(bool), min_size=1, max_size=8
    )
)


def sampled(state: Statevector, group: Group, shots: int, rng: np.random.Generator) -> BitArray:
    from qiskit import QuantumCircuit

    rotation = QuantumCircuit(state.num_qubits)
    for qubit, letter in enumerate(reversed(group.basis)):
        if letter == "Y":
            rotation.sdg(qubit)
        if letter in "XY":
            rotation.h(qubit)
    probabilities = state.evolve(rotation).probabilities()
    outcomes = rng.choice(len(probabilities), size=shots, p=probabilities / probabilities.sum())
    return BitArray.from_samples([int(outcome) for outcome in outcomes], state.num_qubits)


@given(terms=paulis)
def test_groups_hold_every_term_once_and_commute_qubit_by_qubit(terms: dict[str, float]) -> None:
    width = len(next(iter(terms)))
    observable = parse_observable("o", terms, width)
    groups = group_terms({"o": observable})
    held = [term.pauli for group in groups for term in group.terms]
    assert sorted(held) == sorted(pauli for pauli in terms if set(pauli) != {"I"})
    for group in groups:
        assert set(group.basis) <= set("XYZ")
        for term in group.terms:
            assert all(letter in ("I", basis) for letter, basis in zip(term.pauli, group.basis, strict=True))


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 1000), width=st.integers(2, 4))
def test_estimates_agree_with_the_exact_state_within_four_standard_errors(seed: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    state = Statevector(random_circuit(width, 4, seed=seed))
    terms = {"".join(rng.choice(list("IXYZ"), width)): float(rng.normal()) for _ in range(4)}
    observables = {"o": parse_observable("o", terms, width)}
    groups = group_terms(observables)
    bits = [sampled(state, group, 4000, rng) for group in groups]
    estimate = estimate_from_counts(observables, groups, bits)["o"]
    exact = state.expectation_value(observables["o"]).real
    assert abs(float(estimate.value) - exact) <= 4.5 * float(estimate.stderr) + 1e-12


def test_the_standard_error_is_the_spread_over_repetitions() -> None:
    rng = np.random.default_rng(5)
    state = Statevector(random_circuit(3, 4, seed=11))
    observables = {"o": SparsePauliOp(["ZZI", "IZZ", "XXI", "IIX"], [1.0, 0.5, -0.7, 0.3])}
    groups = group_terms(observables)
    found = [
        estimate_from_counts(observables, groups, [sampled(state, group, 500, rng) for group in groups])["o"]
        for _ in range(400)
    ]
    spread = np.std([float(item.value) for item in found])
    assert np.mean([float(item.stderr) for item in found]) == pytest.approx(spread, rel=0.12)


def test_equal_outcomes_do_not_claim_certainty() -> None:
    observables = {"z": SparsePauliOp("Z")}
    bits = [BitArray.from_counts({"0": 1000}, 1)]
    estimate = estimate_from_counts(observables, group_terms(observables), bits)["z"]
    assert float(estimate.value) == 1.0
    assert 0.001 < float(estimate.stderr) < 0.002


def test_estimates_keep_the_shape_of_the_parameter_array() -> None:
    rng = np.random.default_rng(0)
    bits = BitArray(rng.integers(0, 4, size=(3, 5, 100, 1), dtype=np.uint8), 2)
    observables = {"zz": SparsePauliOp("ZZ"), "zi": SparsePauliOp("ZI")}
    estimates = estimate_from_counts(observables, group_terms(observables), [bits])
    one = estimate_from_counts(observables, group_terms(observables), [bits[1, 2]])
    assert estimates["zz"].value.shape == (3, 5)
    assert estimates["zi"].value[1, 2] == one["zi"].value
    assert estimates["zi"].stderr[1, 2] == one["zi"].stderr


def test_a_constant_observable_needs_no_measurement_but_is_still_answered() -> None:
    observables = {"c": parse_observable("c", {"II": 2.5}, 2)}
    (group,) = group_terms(observables)
    estimate = estimate_from_counts(observables, [group], [BitArray.from_counts({"00": 10}, 2)])["c"]
    assert (float(estimate.value), float(estimate.stderr)) == (2.5, 0.0)


def test_constant_and_norm_split_an_observable() -> None:
    observable = parse_observable("o", {"II": 1.5, "ZZ": -2.0, "XI": 0.5}, 2)
    assert (constant_of(observable), norm_of(observable)) == (1.5, 2.5)


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ("ZZQ", "letters I, X, Y, Z"),
        ("zz", "letters I, X, Y, Z"),
        ("ZZZZ", "one letter for each of the circuit's 3 qubits"),
        ({}, "at least one Pauli string"),
        ({"ZZZ": float("nan")}, "finite real number"),
        ({"ZZZ": "1"}, "finite real number"),
        ({"ZZZ": True}, "finite real number"),
    ],
)
def test_a_malformed_observable_is_refused_by_name(given_: object, message: str) -> None:
    with pytest.raises(ObservableError, match=message) as caught:
        parse_observable("parity", given_, 3)  # type: ignore[arg-type]
    assert "observables.parity" in str(caught.value)


def test_a_group_survives_its_document() -> None:
    for group in group_terms({"a": SparsePauliOp(["ZZ", "XX", "YI"]), "b": SparsePauliOp(["IZ"])}):
        assert Group.from_document(group.document()) == group
