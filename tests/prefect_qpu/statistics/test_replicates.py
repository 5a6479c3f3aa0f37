import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prefect_qpu.errors import InputError
from prefect_qpu.statistics import between_runs, replicates_for_equivalence, stable

VALUES = st.lists(st.floats(-10, 10), min_size=2, max_size=20)


@given(VALUES, st.floats(0.5, 0.99))
def test_the_interval_of_the_mean_is_students(values: list[float], confidence: float) -> None:
    if np.std(values) < 1e-6:
        return
    found = between_runs(values, [0.1] * len(values), confidence=confidence)
    expected = stats.t.interval(confidence, len(values) - 1, np.mean(values), stats.sem(values))
    assert found.interval == pytest.approx(expected)


@given(VALUES, st.floats(0, 5))
def test_variance_between_and_within_make_the_whole_one(values: list[float], stderr: float) -> None:
    found = between_runs(values, [stderr] * len(values))
    whole = np.var(values, ddof=1)
    assert found.between**2 + found.within**2 == pytest.approx(max(whole, stderr**2), abs=1e-9)
    assert 0 <= found.share <= 1
    assert 0 <= found.between_interval[0] <= found.between_interval[1]


def test_the_parts_of_the_variance_are_found_again() -> None:
    random, between, within = np.random.default_rng(1), [], []
    for _ in range(400):
        values = random.normal(0, 0.03, 10) + random.normal(0, 0.01, 10)
        found = between_runs(values.tolist(), [0.01] * 10)
        between.append(found.between**2)
        low, high = found.between_interval
        within.append(low <= 0.03 <= high)
    assert np.sqrt(np.mean(between)) == pytest.approx(0.03, rel=0.05)
    assert np.mean(within) > 0.95 - 3 * np.sqrt(0.05 * 0.95 / 400)


def test_equal_runs_seldom_seem_to_differ() -> None:
    random = np.random.default_rng(2)
    small = [between_runs(random.normal(0, 0.02, 6).tolist(), [0.02] * 6).p_value < 0.05 for _ in range(1500)]
    assert np.mean(small) == pytest.approx(0.05, abs=3 * np.sqrt(0.05 * 0.95 / 1500))
    assert between_runs([1.0, 1.0, 1.0], [0.0] * 3).p_value == 1.0
    assert between_runs([1.0, 1.1, 1.0], [0.0] * 3).p_value == 0.0


@pytest.mark.parametrize("ratio", [0.0, 1.0, 5.0])
@pytest.mark.parametrize("number", [2, 3, 5])
def test_a_mean_at_the_edge_passes_at_most_at_the_level_however_runs_differ(number: int, ratio: float) -> None:
    random, tolerance, passed = np.random.default_rng(number), 0.1, 0
    for _ in range(2000):
        values = tolerance + random.normal(0, np.hypot(0.01, 0.01 * ratio), number)
        passed += stable(values.tolist(), [0.01] * number, 0.0, tolerance).verdict == "pass"
    assert passed / 2000 < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


def test_planned_replicates_have_about_the_planned_power() -> None:
    number = replicates_for_equivalence(0.03, 0.05, power=0.9)
    assert number is not None
    random = np.random.default_rng(3)
    passed = [
        stable(random.normal(0, 0.03, number).tolist(), [0.0] * number, 0.0, 0.05).verdict == "pass"
        for _ in range(1500)
    ]
    assert np.mean(passed) > 0.87
    assert replicates_for_equivalence(0.03, 0.05, difference=0.05) is None
    assert replicates_for_equivalence(1e6, 0.05) is None


@pytest.mark.parametrize(("values", "stderrs"), [([1.0], [0.1]), ([], []), ([1.0, 2.0], [0.1])])
def test_one_run_tells_nothing_between_runs(values: list[float], stderrs: list[float]) -> None:
    with pytest.raises(InputError):
        between_runs(values, stderrs)
