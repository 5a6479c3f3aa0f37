import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from prefect_qpu.errors import InputError
from prefect_qpu.observables import Estimate
from prefect_qpu.statistics import (
    Demand,
    Mean,
    Verdict,
    agrees,
    equivalence,
    exceeds,
    interval,
    shared_confidence,
    shots_for_equivalence,
    shots_to_exceed,
)


def pauli(value: float, shots: int, systematic: float | None = None) -> Estimate:
    mean = Mean.of_pauli(value, shots)
    stderr = np.sqrt(mean.variance / shots)
    return Estimate(
        np.asarray(value),
        np.asarray(stderr),
        shots,
        systematic=None if systematic is None else np.asarray(systematic),
        means=(mean,),
    )


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


@given(
    value=st.floats(-1, 1),
    shots=st.integers(20, 10_000),
    reference=st.floats(-1, 1),
    tolerance=st.floats(0.01, 0.5),
    looks=st.integers(2, 10),
)
def test_more_looks_and_a_systematic_part_never_decide_what_was_open(
    value: float, shots: int, reference: float, tolerance: float, looks: int
) -> None:
    once = agrees(pauli(value, shots), reference, tolerance).verdict
    for stricter in (
        agrees(pauli(value, shots), reference, tolerance, looks=looks),
        agrees(pauli(value, shots, 0.1), reference, tolerance),
        agrees(pauli(value, shots), reference, tolerance, confidence=0.99),
    ):
        assert stricter.verdict in {once, Verdict.INCONCLUSIVE}


@given(value=st.floats(-1, 1), other=st.floats(-1, 1), shots=st.integers(20, 10_000), tolerance=st.floats(0.01, 0.5))
def test_agreement_is_mutual(value: float, other: float, shots: int, tolerance: float) -> None:
    first, second = pauli(value, shots), pauli(other, 3 * shots)
    there, back = agrees(first, second, tolerance), agrees(second, first, tolerance)
    assert there.verdict is back.verdict
    assert there.interval == pytest.approx(tuple(-bound for bound in reversed(back.interval)))


def test_more_tests_make_a_failure_rarer_and_leave_a_pass_as_it_is() -> None:
    off = pauli(0.85, 1000)
    assert agrees(off, 0.931, 0.05).verdict is Verdict.FAIL
    assert agrees(off, 0.931, 0.05, tests=20).verdict is Verdict.INCONCLUSIVE
    near = pauli(0.9, 4000)
    assert agrees(near, 0.9, 0.05).interval == agrees(near, 0.9, 0.05, tests=20).interval


def test_a_value_that_lies_at_the_tolerance_but_for_rounding_does_not_pass() -> None:
    # 1.0 - 0.9 is less than 0.1 in floating point, and no shot can be larger than 1.
    assert agrees(pauli(1.0, 10_000), 0.9, 0.1).verdict is Verdict.INCONCLUSIVE


def test_a_systematic_part_as_large_as_the_tolerance_cannot_be_bought_off_with_shots() -> None:
    result = agrees(pauli(0.5, 10**6, systematic=0.06), 0.5, 0.05)
    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.shots_needed is None
    assert "no number of shots would decide" in result.reason


@pytest.mark.parametrize("ratio", [0.0, 0.3, 1.0, 3.0, 10.0])
def test_neither_a_biased_method_nor_a_scattered_one_passes_too_often_at_the_edge(ratio: float) -> None:
    random, stderr, tolerance = np.random.default_rng(4), 0.01, 0.3
    size = ratio * stderr
    fixed = tolerance - size + random.normal(0, stderr, 3000)
    drawn = tolerance + random.normal(0, np.hypot(stderr, size), 3000)
    for values in (fixed, drawn):
        passed = [equivalence(item, stderr, tolerance, systematic=size).verdict is Verdict.PASS for item in values]
        assert np.mean(passed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)


@pytest.mark.parametrize("number", [2, 5])
def test_looking_again_and_again_promotes_no_more_often_than_looking_once(number: int) -> None:
    random, batch, tolerance = np.random.default_rng(6), 200, 0.1
    seen = np.cumsum(random.binomial(batch, 0.05, (number, 2000)), axis=0)
    passed = np.zeros(2000, dtype=bool)
    for look in range(number):
        shots = batch * (look + 1)
        verdicts = {
            flips: agrees(pauli(1 - 2 * flips / shots, shots), 1.0, tolerance, looks=number).verdict
            for flips in set(seen[look].tolist())
        }
        passed |= np.array([verdicts[flips] is Verdict.PASS for flips in seen[look].tolist()])
    assert np.mean(passed) < 0.05 + 3 * np.sqrt(0.05 * 0.95 / 2000)


@pytest.mark.parametrize("value", [0.0, 0.9, 0.99, 1.0, -0.99])
@pytest.mark.parametrize("part", [0.0, 0.4])
def test_the_planned_shots_of_an_extreme_value_give_the_planned_power_exactly(value: float, part: float) -> None:
    tolerance = 0.06
    shots = shots_for_equivalence(1 - value**2, tolerance, difference=part * tolerance, power=0.9)
    assert shots is not None
    reference = value - np.sign(value or 1) * part * tolerance
    seen = np.arange(shots + 1)
    chance = stats.binom.pmf(seen, shots, (1 - value) / 2)
    power = sum(
        mass * (agrees(pauli(1 - 2 * flips / shots, shots), reference, tolerance).verdict is Verdict.PASS)
        for flips, mass in zip(seen.tolist(), chance, strict=True)
        if mass > 1e-6
    )
    assert power > 0.895


@settings(deadline=None)
@given(
    variance=st.floats(0, 1),
    tolerance=st.floats(0.02, 0.5),
    part=st.floats(0, 0.8),
    systematic=st.floats(0, 0.5),
    power=st.floats(0.5, 0.99),
)
def test_a_smaller_tolerance_or_a_systematic_part_never_needs_fewer_shots(
    variance: float, tolerance: float, part: float, systematic: float, power: float
) -> None:
    options = {"difference": part * tolerance, "power": power}
    plain = shots_for_equivalence(variance, tolerance, **options)
    assert plain is not None
    more = shots_for_equivalence(variance, tolerance, systematic=systematic * tolerance, **options)
    # The binomial distribution rises in steps, so that planned numbers are not monotonic to the last shot.
    assert more is None or more >= 0.9 * plain - 2


def test_the_shots_for_a_threshold_give_the_planned_power() -> None:
    shots = shots_to_exceed(1.0, 0.1, power=0.8)
    assert shots is not None
    stderr = 1 / np.sqrt(shots)
    random = np.random.default_rng(8)
    passed = [exceeds(random.normal(0.6, stderr), stderr, 0.5).verdict is Verdict.PASS for _ in range(3000)]
    assert np.mean(passed) == pytest.approx(0.8, abs=0.03)
    assert shots_to_exceed(1.0, 0.0) is None


@given(st.floats(0.5, 0.999), st.integers(1, 50))
def test_shared_levels_add_up_to_the_whole(confidence: float, parts: int) -> None:
    assert parts * (1 - shared_confidence(confidence, parts)) == pytest.approx(1 - confidence)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: equivalence(0.0, 0.1, 0.0), "tolerance"),
        (lambda: equivalence(0.0, 0.1, float("nan")), "tolerance"),
        (lambda: equivalence(0.0, -0.1, 0.1), "stderr"),
        (lambda: equivalence(0.0, float("nan"), 0.1), "stderr"),
        (lambda: equivalence(0.0, 0.1, 0.1, systematic=-1.0), "systematic"),
        (lambda: equivalence(0.0, 0.1, 0.1, confidence=1.0), "confidence"),
        (lambda: equivalence(0.0, 0.1, 0.1, looks=0), "parts"),
        (lambda: Demand(power=0.0), "power"),
    ],
)
def test_numbers_that_mean_nothing_are_refused_by_name(call: object, field: str) -> None:
    with pytest.raises(InputError) as caught:
        call()  # type: ignore[operator]
    assert caught.value.field == field
