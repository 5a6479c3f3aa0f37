import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prefect_qpu.statistics import Verdict, equivalence, exceeds, interval, shots_for_equivalence


@given(
    difference=st.floats(-1, 1), stderr=st.floats(1e-4, 0.5), tolerance=st.floats(1e-3, 0.5), level=st.floats(0.01, 0.2)
)
def test_equivalence_passes_exactly_when_both_one_sided_tests_reject(
    difference: float, stderr: float, tolerance: float, level: float
) -> None:
    upper = stats.norm.cdf((difference - tolerance) / stderr)
    lower = stats.norm.sf((difference + tolerance) / stderr)
    if min(abs(upper - level), abs(lower - level)) > 1e-9:
        passed = equivalence(difference, stderr, tolerance, confidence=1 - level).verdict is Verdict.PASS
        assert passed == (max(upper, lower) < level)


def test_false_promotion_at_the_edge_of_the_tolerance_stays_at_the_level() -> None:
    rng = np.random.default_rng(1)
    passed = [equivalence(0.05 + rng.normal(0, 0.01), 0.01, 0.05).verdict is Verdict.PASS for _ in range(4000)]
    assert np.mean(passed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 4000)


def test_the_planned_shots_give_the_planned_power() -> None:
    rng = np.random.default_rng(2)
    for difference, power in ((0.0, 0.9), (0.02, 0.8)):
        shots = shots_for_equivalence(1.0, 0.05, difference=difference, power=power)
        assert shots is not None
        stderr = 1 / np.sqrt(shots)
        passed = [
            equivalence(rng.normal(difference, stderr), stderr, 0.05).verdict is Verdict.PASS for _ in range(4000)
        ]
        assert np.mean(passed) == pytest.approx(power, abs=0.02)


def test_an_interval_wider_than_the_tolerance_is_undecided_and_says_how_many_shots_would_do() -> None:
    result = equivalence(0.0, 0.1, 0.05, shots=100)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.shots_needed == shots_for_equivalence(1.0, 0.05)


def test_doubt_is_neither_pass_nor_fail() -> None:
    assert equivalence(0.049, 0.01, 0.05).verdict is Verdict.INCONCLUSIVE
    assert exceeds(0.051, 0.01, 0.05).verdict is Verdict.INCONCLUSIVE


def test_shots_for_a_difference_outside_the_tolerance_do_not_exist() -> None:
    assert shots_for_equivalence(1.0, 0.05, difference=0.05) is None


@given(value=st.floats(-10, 10), stderr=st.floats(0, 5), confidence=st.floats(0.5, 0.999))
def test_an_interval_is_centred_and_has_the_normal_width(value: float, stderr: float, confidence: float) -> None:
    low, high = interval(value, stderr, confidence)
    assert (low + high) / 2 == pytest.approx(value)
    assert high - low == pytest.approx(2 * stderr * stats.norm.ppf((1 + confidence) / 2))
