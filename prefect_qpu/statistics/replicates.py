"""Replicates: how far the same experiment scatters between runs, beyond what the shots of each explain.

Shots tell the error within a run. What differs between runs (calibration, drift, layout, seed) is seen only by
repeating them, and an interval for the value that counts it rests on the spread of the replicates with Student's t:
five replicates have four degrees of freedom, whatever their shots.

Sources: Student, Biometrika 6, 1 (1908); W. G. Cochran, Biometrics 10, 101 (1954) for the test of equal values; S. R.
Searle, G. Casella, C. E. McCulloch, Variance Components, chapter 3, for the decomposition.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import sqrt
from typing import Any

from scipy.special import chdtrc, chdtri

from prefect_qpu.errors import InputError
from prefect_qpu.statistics.equivalence import equivalence
from prefect_qpu.statistics.quantiles import checked_confidence, normal_quantile, t_quantile
from prefect_qpu.statistics.results import TestResult

_MOST_REPLICATES = 100_000
_NOTHING = 1e-100
"""Standard error that counts as none."""


@dataclass(frozen=True)
class Spread:
    """Mean of replicates, and its variance taken apart."""

    mean: float
    stderr: float
    """Of the mean, from the spread of the replicates."""
    interval: tuple[float, float]
    """Of the mean, by Student's t."""
    confidence: float
    replicates: int
    within: float
    """Standard deviation that the shots of one run explain: the root mean square of the standard errors."""
    between: float
    """Standard deviation between runs beyond that; 0 where the replicates scatter less than their shots let expect."""
    between_interval: tuple[float, float]
    """Of the same confidence, from the chi-square distribution of the whole spread."""
    share: float
    """Part of the variance of one run that lies between runs."""
    p_value: float
    """Chance of such a spread if only shots scattered (Cochran's Q)."""

    @property
    def freedom(self) -> int:
        """Degrees of freedom."""
        return self.replicates - 1

    def document(self) -> dict[str, Any]:
        """The spread as JSON data."""
        data = asdict(self)
        return data | {name: list(data[name]) for name in ("interval", "between_interval")}


def between_runs(values: Sequence[float], stderrs: Sequence[float], *, confidence: float = 0.95) -> Spread:
    """The mean of replicates with an interval that counts what differs between runs, and how much that is.

    Args:
        values: One for each replicate, at least two.
        stderrs: Standard error of each, from its own shots.
        confidence: Of the two-sided intervals.

    Raises:
        InputError: fewer than two replicates, or not one error for each.

    Example:
        >>> found = between_runs([0.71, 0.75, 0.68, 0.78, 0.70], [0.01] * 5)
        >>> round(found.mean, 3), round(found.between, 3), round(found.share, 2), found.p_value < 0.001
        (0.724, 0.039, 0.94, True)
        >>> [round(bound, 3) for bound in found.interval]
        [0.674, 0.774]
    """
    checked_confidence(confidence)
    _check(values, stderrs)
    number, freedom = len(values), len(values) - 1
    mean = sum(values) / number
    total = sum((value - mean) ** 2 for value in values) / freedom
    within = sum(stderr**2 for stderr in stderrs) / number
    between = max(0.0, total - within)
    stderr = sqrt(total / number)
    reach = t_quantile((1 + confidence) / 2, freedom) * stderr
    return Spread(
        mean,
        stderr,
        (mean - reach, mean + reach),
        confidence,
        number,
        sqrt(within),
        sqrt(between),
        _between_interval(total, within, freedom, confidence),
        between / total if total else 0.0,
        _cochran(values, stderrs),
    )


def stable(
    values: Sequence[float],
    stderrs: Sequence[float],
    reference: float,
    tolerance: float,
    *,
    systematic: float = 0.0,
    confidence: float = 0.95,
    looks: int = 1,
) -> TestResult:
    """Whether the mean of replicates agrees with a value within a tolerance, whatever differs between runs.

    `equivalence` with the standard error of the replicates and Student's t. The replicates' own errors can only widen
    it: where they scatter less than their shots let expect, by chance, the shots' error counts.

    Args:
        values: One for each replicate, at least two.
        stderrs: Standard error of each, from its own shots.
        reference: The value.
        tolerance: Largest difference that counts as agreement.
        systematic: What may be off in all replicates alike.
        confidence: One minus the level of each one-sided test, all looks together.
        looks: How often the same question is asked of more and more replicates; the level is divided by it.

    Example:
        >>> steady = stable([0.70, 0.71, 0.69, 0.70, 0.70], [0.01] * 5, 0.7, 0.05)
        >>> shaken = stable([0.60, 0.81, 0.69, 0.80, 0.60], [0.01] * 5, 0.7, 0.05)
        >>> steady.verdict.value, shaken.verdict.value
        ('pass', 'inconclusive')
    """
    spread = between_runs(values, stderrs)
    own = spread.within / sqrt(spread.replicates)
    return equivalence(
        spread.mean - reference,
        max(spread.stderr, own),
        tolerance,
        systematic=systematic,
        freedom=spread.freedom,
        confidence=confidence,
        looks=looks,
    )


def replicates_for_equivalence(
    deviation: float,
    tolerance: float,
    *,
    difference: float = 0.0,
    confidence: float = 0.95,
    power: float = 0.9,
) -> int | None:
    """Replicates with which `stable` passes with the given power; none if no number would do.

    ``((t_confidence + t_power) * deviation / (tolerance - abs(difference)))**2``, with the quantiles of Student's t at
    the degrees of freedom of the answer.

    Args:
        deviation: Standard deviation of one replicate, between and within runs together.
        tolerance: Largest difference that counts as agreement.
        difference: True difference.
        confidence: One minus the level of each one-sided test.
        power: Wanted probability of a pass.

    Example:
        >>> replicates_for_equivalence(0.03, 0.05), replicates_for_equivalence(0.01, 0.05)
        (6, 3)
    """
    margin = tolerance - abs(difference)
    if margin <= 0:
        return None
    missed = (1 + power) / 2 if difference == 0 else power
    for number in range(2, _MOST_REPLICATES):
        factor = t_quantile(confidence, number - 1) + t_quantile(missed, number - 1)
        if factor * deviation <= margin * sqrt(number):
            return number
        if (normal_quantile(confidence) + normal_quantile(missed)) * deviation > margin * sqrt(_MOST_REPLICATES):
            return None
    return None


def _between_interval(total: float, within: float, freedom: int, confidence: float) -> tuple[float, float]:
    miss = (1 - confidence) / 2
    low, high = (total * freedom / chdtri(freedom, side) for side in (miss, 1 - miss))
    return sqrt(max(0.0, low - within)), sqrt(max(0.0, high - within))


def _cochran(values: Sequence[float], stderrs: Sequence[float]) -> float:
    if min(stderrs) < _NOTHING:
        return 0.0 if len(set(values)) > 1 else 1.0
    weights = [1 / stderr**2 for stderr in stderrs]
    mean = sum(weight * value for weight, value in zip(weights, values, strict=True)) / sum(weights)
    statistic = sum(weight * (value - mean) ** 2 for weight, value in zip(weights, values, strict=True))
    return float(chdtrc(len(values) - 1, statistic))


def _check(values: Sequence[float], stderrs: Sequence[float]) -> None:
    if len(values) < 2:
        raise InputError("values", given=len(values), expected="at least two replicates")
    if len(stderrs) != len(values):
        raise InputError("stderrs", given=len(stderrs), expected=f"one for each of the {len(values)} replicates")
