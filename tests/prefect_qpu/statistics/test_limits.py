"""Limits of sums of bounded means, against the exact ones where there are any."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp
from scipy import stats

from prefect_qpu.observables import Estimate, estimate_from_counts, group_terms
from prefect_qpu.statistics import Mean, Reach, agrees, estimate_reach, limits, reach, reach_of

CONFIDENCE = st.floats(0.6, 0.9999)


@st.composite
def means(draw: st.DrawFn) -> Mean:
    low = draw(st.floats(-5, 5))
    width = draw(st.floats(0.01, 5))
    share = draw(st.floats(0, 1))
    # No spread of bounded shots is larger than that of shots at both ends.
    spread = draw(st.floats(0, 1)) * share * (1 - share) * width**2
    return Mean(low + share * width, spread, draw(st.integers(1, 10**6)), low, low + width)


@given(shots=st.integers(1, 5000), part=st.floats(0, 1), confidence=CONFIDENCE)
def test_limits_of_one_pauli_are_clopper_and_pearsons(shots: int, part: float, confidence: float) -> None:
    plus = round(part * shots)
    exact = stats.binomtest(plus, shots).proportion_ci(2 * confidence - 1, "exact")
    found = limits([Mean.of_pauli(2 * plus / shots - 1, shots)], confidence)
    assert found == pytest.approx((2 * exact.low - 1, 2 * exact.high - 1), abs=1e-8)


@given(st.lists(means(), min_size=1, max_size=5), CONFIDENCE)
def test_limits_enclose_the_value_and_stay_in_the_range(parts: list[Mean], confidence: float) -> None:
    low, high = limits(parts, max(confidence, 0.8))
    value = sum(part.value for part in parts)
    slack = 1e-9 * sum(abs(part.low) + abs(part.high) + 1 for part in parts)
    assert sum(part.low for part in parts) - slack <= low <= high <= sum(part.high for part in parts) + slack
    wide = limits(parts, 0.99999)
    assert wide[0] - slack <= value <= wide[1] + slack


@given(st.lists(means(), min_size=1, max_size=3), st.floats(-3, 3).filter(lambda item: abs(item) > 1e-3), CONFIDENCE)
def test_limits_scale_and_turn_with_the_observable(parts: list[Mean], factor: float, confidence: float) -> None:
    low, high = sorted(factor * limit for limit in limits(parts, confidence))
    scaled = limits([part.scaled(factor) for part in parts], confidence)
    size = abs(factor) * sum(part.high - part.low for part in parts)
    assert scaled == pytest.approx((low, high), abs=1e-6 * size)


@given(means(), CONFIDENCE)
def test_a_mean_is_the_same_after_storing(mean: Mean, confidence: float) -> None:
    again = Mean.from_document(mean.document())
    assert again == mean
    assert limits([again], confidence) == limits([mean], confidence)


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 2), st.floats(0.6, 0.999))
def test_a_systematic_part_widens_by_no_less_than_either_reading(
    below: float, above: float, systematic: float, confidence: float
) -> None:
    quantile = stats.norm.ppf(confidence)
    wide = Reach(below, above).widened(systematic, confidence)
    for side, before in ((wide.below, below), (wide.above, above)):
        assert side >= before + systematic - 1e-12 or side >= np.hypot(before, quantile * systematic) - 1e-12
        assert side == pytest.approx(max(before + systematic, np.hypot(before, quantile * systematic)))


@given(flips=st.integers(0, 60), shots=st.integers(60, 5000), confidence=st.floats(0.8, 0.999))
def test_the_standard_error_alone_gives_no_shorter_reach_than_the_counts(
    flips: int, shots: int, confidence: float
) -> None:
    counts = {"0": shots - flips, "1": flips} if flips < shots else {"1": shots}
    z = {"z": SparsePauliOp("Z")}
    estimate = estimate_from_counts(z, group_terms(z), [BitArray.from_counts(counts, 1)])["z"]
    exact = estimate_reach(estimate, confidence)
    guessed = reach(float(estimate.stderr), confidence, shots=shots)
    assert guessed.below >= max(exact.below, exact.above) * (1 - 1e-6)


@pytest.mark.parametrize("shots", [50, 200, 500])
@pytest.mark.parametrize("true", [0.9, 0.94, 0.99, 1.0])
def test_an_upper_end_is_never_passed_too_often_(shots: int, true: float) -> None:
    tolerance = 0.1
    seen = np.arange(shots + 1)
    chance = stats.binom.pmf(seen, shots, (1 - (true - tolerance)) / 2)
    passes = 0.0
    for flips, part in zip(seen.tolist(), chance, strict=True):
        if part > 1e-9:
            mean = Mean.of_pauli(1 - 2 * flips / shots, shots)
            stderr = np.sqrt(mean.variance / shots)
            estimate = Estimate(np.asarray(mean.value), np.asarray(stderr), shots, means=(mean,))
            passes += part * (agrees(estimate, true, tolerance).verdict == "pass")
    assert passes <= 0.05


def test_a_normal_interval_would_pass_far_too_often_there() -> None:
    # No flip among 50 shots, at a true value of 0.95: 28 %.
    seen = pauli_of(50)
    assert abs(float(seen.value) - 1.0) + 1.645 * float(seen.stderr) < 0.05
    assert 0.975**50 > 0.25
    assert agrees(seen, 1.0, 0.05).verdict == "inconclusive"


def pauli_of(shots: int) -> Estimate:
    z = {"z": SparsePauliOp("Z")}
    return estimate_from_counts(z, group_terms(z), [BitArray.from_counts({"0": shots}, 1)])["z"]


def test_groups_that_all_saw_their_end_do_not_claim_certainty() -> None:
    observable = {"o": SparsePauliOp.from_list([("ZZ", 1.0), ("XX", 1.0)])}
    bits = [BitArray.from_counts({"00": 100}, 2)] * 2
    estimate = estimate_from_counts(observable, group_terms(observable), bits)["o"]
    assert len(estimate.means) == 2
    found = estimate_reach(estimate, 0.95)
    assert found.above == 0
    # Seeing nothing in 100 shots leaves 3 % in either group, each worth 2.
    assert 2 * 0.0295 < found.below < 4 * 0.0295


def test_an_array_of_points_carries_no_means() -> None:
    z = {"z": SparsePauliOp("Z")}
    bits = BitArray.from_counts([{"0": 10}, {"1": 10}], 1)
    assert estimate_from_counts(z, group_terms(z), [bits])["z"].means == ()


def test_a_sum_reaches_as_far_as_its_parts_joined_where_both_are_normal() -> None:
    parts = [Mean.of_pauli(0.1, 10_000), Mean.of_pauli(-0.2, 20_000)]
    joined = reach_of(parts[:1], 0.95).joined(reach_of(parts[1:], 0.95))
    assert reach_of(parts, 0.95).above == pytest.approx(joined.above, rel=0.02)
