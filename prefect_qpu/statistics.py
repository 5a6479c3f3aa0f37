"""Intervals and three-valued tests on estimates with standard errors."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, inf
from statistics import NormalDist
from typing import Any

_normal = NormalDist()


class Verdict(StrEnum):
    """Outcome of a test; ``inconclusive`` asks for more data, it is not a pass."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class TestResult:
    """What a test saw and what it says."""

    __test__ = False

    verdict: Verdict
    observed: float
    interval: tuple[float, float]
    """The interval that the decision uses."""
    threshold: float
    test: str
    level: float
    shots_needed: int | None = None
    """Shots that would let the test pass with 90 % power, if it is not decided and the observed value is true."""

    def document(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {
            "verdict": str(self.verdict),
            "observed": self.observed,
            "interval": list(self.interval),
            "threshold": self.threshold,
            "test": self.test,
            "level": self.level,
            "shots_needed": self.shots_needed,
        }


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return _normal.inv_cdf(probability)


def interval(value: float, stderr: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided normal interval.

    Example:
        >>> [round(bound, 3) for bound in interval(0.5, 0.01)]
        [0.48, 0.52]
    """
    reach = normal_quantile((1 + confidence) / 2) * stderr
    return value - reach, value + reach


def equivalence(
    difference: float, stderr: float, tolerance: float, *, confidence: float = 0.95, shots: int | None = None
) -> TestResult:
    """Whether two values agree within a tolerance: two one-sided tests (TOST), three-valued.

    Pass if the interval of confidence ``2 * confidence - 1`` lies inside (-tolerance, tolerance), fail if it lies
    outside. It also fails where the interval is too wide for the tolerance at any difference: no outcome could pass.

    Source: D. J. Schuirmann, J. Pharmacokin. Biopharm. 15, 657 (1987).

    Args:
        difference: Difference of the two values.
        stderr: Standard error of the difference.
        tolerance: Largest difference that counts as agreement.
        confidence: One minus the level of each one-sided test.
        shots: Shots behind ``stderr``, to say how many would decide.

    Example:
        >>> equivalence(0.001, 0.005, 0.05).verdict.value, equivalence(0.2, 0.005, 0.05).verdict.value
        ('pass', 'fail')
        >>> equivalence(0.045, 0.005, 0.05).verdict.value
        'inconclusive'
    """
    reach = normal_quantile(confidence) * stderr
    low, high = difference - reach, difference + reach
    if -tolerance < low and high < tolerance:
        verdict = Verdict.PASS
    elif low > tolerance or high < -tolerance or reach >= tolerance:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.INCONCLUSIVE
    needed = None
    if verdict is not Verdict.PASS and shots is not None:
        near = difference if abs(difference) < tolerance else 0.0
        needed = shots_for_equivalence(stderr**2 * shots, tolerance, difference=near, confidence=confidence)
    return TestResult(verdict, difference, (low, high), tolerance, "equivalence (TOST)", 1 - confidence, needed)


def exceeds(value: float, stderr: float, threshold: float, *, confidence: float = 0.95) -> TestResult:
    """Whether a value lies above a threshold: pass or fail if its two-sided interval says so, else inconclusive.

    Example:
        >>> exceeds(0.6, 0.01, 0.5).verdict.value, exceeds(0.505, 0.01, 0.5).verdict.value
        ('pass', 'inconclusive')
    """
    reach = normal_quantile(confidence) * stderr
    low, high = value - reach, value + reach
    verdict = Verdict.PASS if low > threshold else Verdict.FAIL if high < threshold else Verdict.INCONCLUSIVE
    return TestResult(verdict, value, (low, high), threshold, "one-sided z test", 1 - confidence)


def shots_for_equivalence(
    variance: float, tolerance: float, *, difference: float = 0.0, confidence: float = 0.95, power: float = 0.9
) -> int | None:
    """Shots with which `equivalence` passes with the given power; none if the difference is not inside the tolerance.

    Source: S. C. Chow, J. Shao, H. Wang, Sample Size Calculations in Clinical Research, chapter 3.

    Args:
        variance: Variance of one shot.
        tolerance: Largest difference that counts as agreement.
        difference: True difference.
        confidence: One minus the level.
        power: Wanted probability of a pass.

    Example:
        >>> shots_for_equivalence(1.0, 0.05), shots_for_equivalence(1.0, 0.05, difference=0.025)
        (4329, 13703)
    """
    margin = tolerance - abs(difference)
    if margin <= 0:
        return None
    miss = (1 - power) / 2 if difference == 0 else 1 - power
    shots = variance * (normal_quantile(confidence) + normal_quantile(1 - miss)) ** 2 / margin**2
    return ceil(shots) if shots < inf else None
