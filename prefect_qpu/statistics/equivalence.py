"""Three-valued tests on expectation values: agreement within a tolerance, and more than a threshold."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from prefect_qpu.errors import InputError
from prefect_qpu.statistics.demands import Demand
from prefect_qpu.statistics.means import Reach, reach, reach_of
from prefect_qpu.statistics.quantiles import normal_probability
from prefect_qpu.statistics.results import TestResult, Verdict
from prefect_qpu.statistics.sizes import shots_for_equivalence, shots_to_exceed

if TYPE_CHECKING:
    from prefect_qpu.observables import Estimate

EQUIVALENCE = "equivalence (TOST)"
THRESHOLD = "one-sided test"
_EXACT = ", limits of bounded shots"
_INSIDE = 1 - 1e-9
"""Part of the tolerance in which an interval must lie: one that ends at it, but for rounding, is not inside."""


def equivalence(
    difference: float,
    stderr: float,
    tolerance: float,
    *,
    confidence: float = 0.95,
    shots: int | None = None,
    norm: float = 1.0,
    systematic: float = 0.0,
    freedom: float | None = None,
    power: float = 0.9,
    looks: int = 1,
    tests: int = 1,
) -> TestResult:
    """Whether two values agree within a tolerance: two one-sided tests (TOST), three-valued.

    Pass if the interval of confidence ``2 * confidence - 1`` lies inside (-tolerance, tolerance), fail if it lies
    outside, else inconclusive, with the shots that would decide. The interval is the difference and what
    `prefect_qpu.statistics.reach` says, widened by the systematic part (`Reach.widened`). For an estimate from counts
    `agrees` knows more: the ends of the range of each group of observables.

    Source: D. J. Schuirmann, J. Pharmacokin. Biopharm. 15, 657 (1987).

    Args:
        difference: Difference of the two values.
        stderr: Standard error of the difference.
        tolerance: Largest difference that counts as agreement.
        confidence: One minus the level of each one-sided test, all looks together.
        shots: Shots behind ``stderr``; with them the limits hold for few shots and near the ends of the range, too.
        norm: Sum of the absolute weights of the observable's Paulis, in units of the difference.
        systematic: What may be off beside chance.
        freedom: Degrees of freedom of ``stderr``, where it is the spread of replicates.
        power: Chance of a pass for which ``shots_needed`` is planned.
        looks: How often the same question is asked of new or growing data; the level is divided by it.
        tests: Tests of which one that fails decides; a failure is shown at the level divided by it.

    Raises:
        InputError: the tolerance is not positive, or an error negative.

    Example:
        >>> equivalence(0.001, 0.005, 0.05).verdict.value, equivalence(0.2, 0.005, 0.05).verdict.value
        ('pass', 'fail')
        >>> equivalence(0.045, 0.005, 0.05).verdict.value
        'inconclusive'
        >>> doubtful = equivalence(0.0, 0.1, 0.05, shots=100)
        >>> doubtful.verdict.value, doubtful.shots_needed
        ('inconclusive', 4329)
    """
    demand = Demand(confidence, power, looks, tests)
    return _equivalent(
        difference,
        stderr,
        tolerance,
        lambda sure: reach(stderr, sure, shots=shots, norm=norm, freedom=freedom),
        demand,
        shots=shots,
        norm=norm,
        systematic=systematic,
        test=EQUIVALENCE + (_EXACT if shots else ", Student's t" if freedom else ""),
    )


def agrees(
    estimate: "Estimate",
    other: "Estimate | float",
    tolerance: float,
    *,
    confidence: float = 0.95,
    power: float = 0.9,
    looks: int = 1,
    tests: int = 1,
) -> TestResult:
    """Whether an estimate agrees with another one, or with an exact value, within a tolerance; three-valued.

    As `equivalence`, with limits from what the estimates know of their shots (`prefect_qpu.statistics.limits`); the
    reaches of two estimates are joined in quadrature, their systematic parts added.

    Args:
        estimate: A single point.
        other: An independent estimate, or a value without an error.
        tolerance: Largest difference that counts as agreement.
        confidence: One minus the level of each one-sided test, all looks together.
        power: Chance of a pass for which ``shots_needed`` is planned.
        looks: How often the same question is asked; the level is divided by it.
        tests: Tests of which one that fails decides.

    Example:
        >>> from qiskit.primitives.containers import BitArray
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> from prefect_qpu.observables import estimate_from_counts, group_terms
        >>> zz = {"zz": SparsePauliOp("ZZ")}
        >>> measured = {shots: BitArray.from_counts({"00": shots}, 2) for shots in (50, 500)}
        >>> few, many = (estimate_from_counts(zz, group_terms(zz), [bits])["zz"] for bits in measured.values())
        >>> agrees(few, 1.0, 0.05).verdict.value, agrees(many, 1.0, 0.05).verdict.value
        ('inconclusive', 'pass')
    """
    demand = Demand(confidence, power, looks, tests)
    sides = [estimate] if isinstance(other, int | float) else [estimate, other]
    value = other if isinstance(other, int | float) else float(other.value)
    return _equivalent(
        float(estimate.value) - value,
        sum(float(side.stderr) ** 2 for side in sides) ** 0.5,
        tolerance,
        lambda sure: _difference_reach(sides, sure),
        demand,
        shots=estimate.shots,
        norm=sum(mean.high - mean.low for mean in estimate.means) / 2 or 1.0,
        systematic=sum(systematic_of(side) for side in sides),
        test=EQUIVALENCE + _EXACT,
    )


def exceeds(
    value: float,
    stderr: float,
    threshold: float,
    *,
    confidence: float = 0.95,
    shots: int | None = None,
    norm: float = 1.0,
    reaches: Callable[[float], Reach] | None = None,
    power: float = 0.9,
    looks: int = 1,
    tests: int = 1,
) -> TestResult:
    """Whether a value lies above a threshold: pass or fail if its two-sided interval says so, else inconclusive.

    Args:
        value: The value.
        stderr: Its standard error.
        threshold: What it has to exceed.
        confidence: One minus the level of each side, all looks together.
        shots: Shots behind ``stderr``, as of `equivalence`.
        norm: As of `equivalence`.
        reaches: How far the value may be off with a given confidence, where that is known better.
        power: Chance of a pass for which ``shots_needed`` is planned, if the value is true.
        looks: How often the same question is asked; the level is divided by it.
        tests: Tests of which one that fails decides.

    Example:
        >>> exceeds(0.6, 0.01, 0.5).verdict.value, exceeds(0.505, 0.01, 0.5).verdict.value
        ('pass', 'inconclusive')
    """
    demand = Demand(confidence, power, looks, tests)
    sure = reaches or (lambda wanted: reach(stderr, wanted, shots=shots, norm=norm))
    low, high = sure(demand.passing).around(value)
    fails = sure(demand.failing).around(value)[1] < threshold
    verdict = Verdict.PASS if low > threshold else Verdict.FAIL if fails else Verdict.INCONCLUSIVE
    needed = None
    if verdict is Verdict.INCONCLUSIVE and shots is not None and value > threshold:
        needed = shots_to_exceed(stderr**2 * shots, value - threshold, confidence=demand.passing, power=power)
    return TestResult(
        verdict,
        value,
        (low, high),
        threshold,
        THRESHOLD,
        1 - confidence,
        needed,
        shots=shots,
        power=power,
        looks=looks,
        tests=tests,
    )


def estimate_reach(estimate: "Estimate", confidence: float) -> Reach:
    """How far an estimate of a single point may lie from its true value by chance.

    Example:
        >>> import numpy as np
        >>> from prefect_qpu.observables import Estimate
        >>> round(estimate_reach(Estimate(np.array(0.0), np.array(0.01), 10_000), 0.95).above, 4)
        0.0164
    """
    if estimate.means:
        return reach_of(estimate.means, confidence)
    return reach(float(estimate.stderr), confidence, shots=estimate.shots or None)


def systematic_of(estimate: "Estimate") -> float:
    """Systematic part of an estimate of a single point; 0 if there is none."""
    return 0.0 if estimate.systematic is None else float(estimate.systematic)


def _difference_reach(sides: Sequence["Estimate"], confidence: float) -> Reach:
    first, *others = (estimate_reach(side, confidence) for side in sides)
    return first.joined(others[0].scaled(-1)) if others else first


def _equivalent(
    difference: float,
    stderr: float,
    tolerance: float,
    reaches: Callable[[float], Reach],
    demand: Demand,
    *,
    shots: int | None,
    norm: float,
    systematic: float,
    test: str,
) -> TestResult:
    _check(stderr, tolerance, systematic)
    passing = reaches(demand.passing).widened(systematic, demand.passing)
    low, high = passing.around(difference)
    far_low, far_high = reaches(demand.failing).widened(systematic, demand.failing).around(difference)
    if max(-low, high) < tolerance * _INSIDE:
        verdict = Verdict.PASS
    elif far_low > tolerance or far_high < -tolerance:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE
    needed = None
    if verdict is not Verdict.PASS and shots:
        needed = shots_for_equivalence(
            stderr**2 * shots,
            tolerance,
            difference=difference if abs(difference) + systematic < tolerance else 0.0,
            systematic=systematic,
            norm=norm,
            confidence=demand.passing,
            power=demand.power_of_each,
        )
    reason = ""
    if systematic >= tolerance:
        reason = f"the systematic part {systematic:.3g} alone reaches the tolerance: no number of shots would decide"
    return TestResult(
        verdict,
        difference,
        (low, high),
        tolerance,
        test,
        1 - demand.confidence,
        needed,
        shots=shots,
        power=_chance_to_pass(passing, stderr, tolerance),
        systematic=systematic,
        looks=demand.looks,
        tests=demand.tests,
        reason=reason,
    )


def _chance_to_pass(sides: Reach, stderr: float, tolerance: float) -> float:
    """If the true difference is none."""
    above, below = tolerance - sides.above, tolerance - sides.below
    if above <= 0 or below <= 0:
        return 0.0
    if stderr == 0:
        return 1.0
    return max(0.0, normal_probability(above / stderr) + normal_probability(below / stderr) - 1)


def _check(stderr: float, tolerance: float, systematic: float) -> None:
    if not tolerance > 0:
        raise InputError("tolerance", given=tolerance, expected="a number greater than 0")
    for name, error in (("stderr", stderr), ("systematic", systematic)):
        if not error >= 0:
            raise InputError(name, given=error, expected="a number from 0")
