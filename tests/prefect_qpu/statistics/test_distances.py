"""Distances of counts: what they are, when they are refused, and how often their intervals hold."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import hellinger_distance

from prefect_qpu.errors import InputError
from prefect_qpu.statistics import Kind, distance, near, shots_for_distance

KINDS: list[Kind] = ["total variation", "hellinger"]
COUNTS = st.dictionaries(st.integers(0, 7), st.integers(1, 500), min_size=1, max_size=8)


@settings(deadline=None)
@given(COUNTS, COUNTS)
def test_distances_are_those_of_their_definitions(first: dict[int, int], second: dict[int, int]) -> None:
    shares = [{key: value / sum(table.values()) for key, value in table.items()} for table in (first, second)]
    keys = first.keys() | second.keys()
    variation = sum(abs(shares[0].get(key, 0) - shares[1].get(key, 0)) for key in keys) / 2
    assert distance(first, second).value == pytest.approx(variation)
    text = [{format(key, "03b"): value for key, value in table.items()} for table in (first, second)]
    assert distance(first, second, "hellinger").value == pytest.approx(hellinger_distance(*text), abs=1e-7)


@settings(deadline=None, max_examples=40)
@given(COUNTS, COUNTS, st.sampled_from(KINDS))
def test_an_interval_holds_what_was_seen_or_less_and_stays_between_0_and_1(
    first: dict[int, int], second: dict[int, int], kind: Kind
) -> None:
    found = distance(first, second, kind, largest_bias=1.0)
    assert found.interval is not None
    low, high = found.interval
    assert 0 <= low <= found.value + 1e-12
    assert low <= high <= 1
    assert found == distance(first, second, kind, largest_bias=1.0)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("share", [0.0, 0.03, 0.1, 0.4])
@pytest.mark.parametrize("outcomes", [2, 16])
def test_intervals_hold_as_often_as_they_claim(kind: Kind, share: float, outcomes: int) -> None:
    random, shots, repeats = np.random.default_rng(outcomes), 2000, 80
    reference = random.dirichlet(np.ones(outcomes))
    true = (1 - share) * reference + share * random.dirichlet(np.ones(outcomes))
    value = abs(true - reference).sum() / 2
    if kind == "hellinger":
        value = np.sqrt(max(0.0, 1 - np.sqrt(true * reference).sum()))
    exact, held = dict(enumerate(reference.tolist())), 0
    for seed in range(repeats):
        counts = dict(enumerate(random.multinomial(shots, true).tolist()))
        low, high = distance(counts, exact, kind, seed=seed, largest_bias=0.2).interval or (1, 0)
        held += low - 1e-9 <= value <= high + 1e-9
    assert held / repeats > 0.9 - 3 * np.sqrt(0.09 / repeats)


@pytest.mark.parametrize("kind", KINDS)
def test_intervals_between_two_counts_hold_no_difference_where_there_is_none(kind: Kind) -> None:
    random, shares, held = np.random.default_rng(3), np.full(8, 1 / 8), 0
    for seed in range(60):
        tables = [dict(enumerate(random.multinomial(shots, shares).tolist())) for shots in (4000, 1000)]
        low, _ = distance(*tables, kind, seed=seed, largest_bias=0.2).interval or (1, 0)
        held += low < 1e-9
    assert held / 60 > 0.9 - 3 * np.sqrt(0.09 / 60)


@pytest.mark.parametrize("kind", KINDS)
def test_too_few_shots_over_many_outcomes_are_refused_with_how_many_would_do(kind: Kind) -> None:
    shares = np.full(1024, 1 / 1024)
    counts = dict(enumerate(np.random.default_rng(1).multinomial(2000, shares).tolist()))
    exact = dict(enumerate(shares.tolist()))
    found = distance(counts, exact, kind)
    assert found.interval is None
    assert found.value > 0.1
    assert "1024 outcomes" in found.reason
    assert found.shots_needed is not None
    more = dict(enumerate(np.random.default_rng(1).multinomial(2 * found.shots_needed, shares).tolist()))
    assert distance(more, exact, kind).interval is not None
    verdict = near(counts, exact, 0.1, kind)
    assert verdict.verdict == "inconclusive"
    assert verdict.reason
    assert verdict.shots_needed is not None


def test_counts_that_never_meet_are_told_apart_even_if_each_outcome_came_once() -> None:
    first, second = ({start + place: 1 for place in range(500)} for start in (0, 500))
    found = distance(first, second)
    assert found.value == pytest.approx(1.0)
    assert found.interval is None


@pytest.mark.parametrize("kind", KINDS)
def test_a_distance_at_the_tolerance_seldom_passes_and_seldom_fails(kind: Kind) -> None:
    random, tolerance = np.random.default_rng(5), 0.1
    half = np.sin(np.pi / 4 + 2 * np.arcsin(tolerance / np.sqrt(2))) ** 2 - 0.5 if kind == "hellinger" else tolerance
    shares = np.array([0.5 + half, 0.5 - half])
    assert distance({0: 1}, {0: 0.5, 1: 0.5}).value == pytest.approx(0.5)
    found = [
        near(dict(enumerate(random.multinomial(2000, shares).tolist())), {0: 0.5, 1: 0.5}, tolerance, kind, seed=seed)
        for seed in range(150)
    ]
    for verdict in ("pass", "fail"):
        rate = np.mean([item.verdict == verdict for item in found])
        assert rate < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 150)


def test_a_certain_outcome_is_a_distribution_and_no_single_shot() -> None:
    found = distance({"000": 480, "001": 20}, {"000": 1})
    assert found.shots == (500,)
    assert found.interval is not None
    assert found.interval[0] < 0.04 < found.interval[1]


def test_planned_shots_let_a_small_distance_pass() -> None:
    shots = shots_for_distance(16, 0.1)
    counts = dict.fromkeys(range(16), shots // 16 + 1)
    assert near(counts, dict.fromkeys(range(16), 1 / 16), 0.1).verdict == "pass"


@pytest.mark.parametrize(
    ("counts", "reference", "field"),
    [
        ({}, {"0": 1.0}, "counts"),
        ({"0": -1, "1": 5}, {"0": 1.0}, "counts"),
        ({"0": 5}, {"0": 0.4}, "reference"),
        ({"0": 5}, {"0": 1.5, "1": -0.5}, "reference"),
        ({"0": 5}, {}, "reference"),
        ({"0": 5}, {"0": 0, "1": 0}, "reference"),
    ],
)
def test_what_is_neither_counts_nor_a_distribution_is_refused(
    counts: dict[str, int], reference: dict[str, float], field: str
) -> None:
    with pytest.raises(InputError) as caught:
        distance(counts, reference)
    assert caught.value.field == field


@pytest.mark.parametrize("tolerance", [0.0, 1.0, -0.1, float("nan")])
def test_a_tolerance_that_everything_or_nothing_meets_is_refused(tolerance: float) -> None:
    with pytest.raises(InputError):
        near({"0": 5}, {"0": 1.0}, tolerance)
