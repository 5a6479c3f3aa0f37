import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from prefect_qpu.errors import InputError
from prefect_qpu.statistics import goodness_of_fit, shots_to_notice
from prefect_qpu.statistics.goodness import pooled

SHARES = st.lists(st.floats(0.001, 1), min_size=2, max_size=20).map(lambda parts: [part / sum(parts) for part in parts])


@given(SHARES, st.integers(1, 5000), st.integers(0, 2**32 - 1))
def test_pooling_keeps_all_shots_and_leaves_no_small_cell_beside_another(
    shares: list[float], shots: int, seed: int
) -> None:
    counts = dict(enumerate(np.random.default_rng(seed).multinomial(shots, shares).tolist()))
    cells = pooled(counts, dict(enumerate(shares)))
    assert sum(cells.observed) == shots
    assert sum(cells.expected) == pytest.approx(shots)
    assert len(cells.expected) == 1 or min(cells.expected) >= 5 - 1e-6


@given(SHARES, st.integers(500, 5000), st.integers(0, 2**32 - 1))
def test_the_statistic_is_the_likelihood_ratio_with_williams_correction(
    shares: list[float], shots: int, seed: int
) -> None:
    counts = dict(enumerate(np.random.default_rng(seed).multinomial(shots, shares).tolist()))
    cells = pooled(counts, dict(enumerate(shares)))
    if len(cells.expected) < 2:
        return
    expected = np.array(cells.expected) * shots / sum(cells.expected)
    plain = stats.power_divergence(cells.observed, expected, lambda_="log-likelihood")
    freedom = len(expected) - 1
    correction = 1 + ((shots / expected).sum() - 1) / (6 * shots * freedom)
    corrected = stats.chi2.sf(plain.statistic / correction, freedom)
    assert goodness_of_fit(counts, dict(enumerate(shares))).observed == pytest.approx(corrected, abs=1e-6)


@pytest.mark.parametrize(("outcomes", "shots"), [(2, 100), (8, 200), (32, 200), (32, 4000)])
def test_counts_of_the_distribution_fail_as_often_as_the_level_says(outcomes: int, shots: int) -> None:
    random = np.random.default_rng(outcomes)
    shares = random.dirichlet(np.ones(outcomes))
    exact = dict(enumerate(shares.tolist()))
    failed = [
        goodness_of_fit(dict(enumerate(random.multinomial(shots, shares).tolist())), exact).verdict == "fail"
        for _ in range(1500)
    ]
    assert np.mean(failed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 1500)


def test_the_planned_shots_notice_the_distance_with_the_planned_power() -> None:
    shots, random = shots_to_notice(0.1, 7, power=0.9), np.random.default_rng(2)
    moved = np.full(8, 1 / 8) + np.where(np.arange(8) < 4, 0.025, -0.025)
    exact = dict.fromkeys(range(8), 1 / 8)
    noticed = [
        goodness_of_fit(dict(enumerate(random.multinomial(shots, moved).tolist())), exact).verdict == "fail"
        for _ in range(800)
    ]
    assert np.mean(noticed) > 0.9 - 3 * np.sqrt(0.09 / 800)


def test_one_impossible_outcome_fails() -> None:
    result = goodness_of_fit({"00": 5000, "11": 5000, "01": 1}, {"00": 0.5, "11": 0.5})
    assert result.verdict == "fail"
    assert "1 shots have impossible outcomes" in result.reason


def test_a_certain_outcome_passes_once_another_one_would_have_been_seen() -> None:
    assert goodness_of_fit({"0": 10}, {"0": 1.0}).verdict == "inconclusive"
    assert goodness_of_fit({"0": 100}, {"0": 1.0}).verdict == "pass"


def test_few_shots_are_undecided_and_say_how_many_would_do() -> None:
    result = goodness_of_fit({"0": 26, "1": 24}, {"0": 0.5, "1": 0.5}, distance=0.05)
    assert result.verdict == "inconclusive"
    assert result.shots_needed == shots_to_notice(0.05, 1)
    assert result.power is not None
    assert result.power < 0.9


def test_more_tests_make_a_failure_rarer() -> None:
    counts, fair = {"0": 460, "1": 540}, {"0": 0.5, "1": 0.5}
    assert goodness_of_fit(counts, fair).verdict == "fail"
    assert goodness_of_fit(counts, fair, tests=10).verdict != "fail"


@pytest.mark.parametrize(
    ("counts", "shares"), [({}, {"0": 1.0}), ({"0": 0}, {"0": 1.0}), ({"0": 5}, {"0": 0.5}), ({"0": -5}, {"0": 1.0})]
)
def test_what_is_no_table_or_no_distribution_is_refused(counts: dict[str, int], shares: dict[str, float]) -> None:
    with pytest.raises(InputError):
        goodness_of_fit(counts, shares)
