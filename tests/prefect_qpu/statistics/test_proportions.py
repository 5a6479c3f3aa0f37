import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prefect_qpu.errors import InputError
from prefect_qpu.statistics import clopper_pearson, shots_to_succeed, succeeds, wilson


@st.composite
def shares(draw: st.DrawFn) -> tuple[int, int]:
    shots = draw(st.integers(1, 5000))
    return draw(st.integers(0, shots)), shots


@given(shares(), st.floats(0.5, 0.999))
def test_intervals_are_those_of_an_independent_library(share: tuple[int, int], confidence: float) -> None:
    test = stats.binomtest(*share)
    for rule, method in ((wilson, "wilson"), (clopper_pearson, "exact")):
        expected = test.proportion_ci(confidence, method)
        assert rule(*share, confidence) == pytest.approx((expected.low, expected.high), abs=1e-7)


@given(shares(), st.floats(0.01, 0.99))
def test_a_threshold_is_reached_exactly_when_the_binomial_test_rejects_less(
    share: tuple[int, int], least: float
) -> None:
    p_value = stats.binomtest(*share, least, alternative="greater").pvalue
    if abs(p_value - 0.05) > 1e-6:
        assert (succeeds(*share, least).verdict == "pass") == (p_value < 0.05)


@pytest.mark.parametrize("least", [0.01, 0.02, 0.1, 0.5, 0.9, 0.99])
@pytest.mark.parametrize("shots", [50, 100, 500])
def test_a_probability_at_the_threshold_passes_at_most_at_the_level(least: float, shots: int) -> None:
    seen = [item for item in range(shots + 1) if succeeds(item, shots, least).verdict == "pass"]
    assert stats.binom.pmf(seen, shots, least).sum() <= 0.05


def test_the_wilson_bound_would_pass_too_often_for_small_probabilities() -> None:
    seen = [item for item in range(51) if wilson(item, 50, 0.9)[0] >= 0.01]
    assert stats.binom.pmf(seen, 50, 0.01).sum() > 0.08


@pytest.mark.parametrize(("true", "least"), [(0.95, 0.9), (0.6, 0.5), (0.999, 0.99), (1.0, 0.95), (0.05, 0.01)])
def test_planned_shots_have_the_planned_power(true: float, least: float) -> None:
    shots = shots_to_succeed(true, least, power=0.9)
    assert shots is not None
    seen = [item for item in range(shots + 1) if succeeds(item, shots, least).verdict == "pass"]
    assert stats.binom.pmf(seen, shots, true).sum() >= 0.9 - 1e-9


def test_no_shots_show_a_probability_that_is_not_above_the_threshold() -> None:
    assert shots_to_succeed(0.9, 0.9) is None
    assert succeeds(90, 100, 0.9).shots_needed is None


@pytest.mark.parametrize("looks", [2, 10])
def test_more_looks_ask_for_more(looks: int) -> None:
    assert succeeds(95, 100, 0.9).interval[0] > succeeds(95, 100, 0.9, looks=looks).interval[0]


@pytest.mark.parametrize(
    ("seen", "shots", "least"), [(5, 4, 0.5), (-1, 4, 0.5), (0, 0, 0.5), (1, 4, 1.5), (1, 4, np.nan)]
)
def test_shares_that_cannot_be_are_refused(seen: int, shots: int, least: float) -> None:
    with pytest.raises(InputError):
        succeeds(seen, shots, least)
