"""Sample sizes: the shots with which a test passes what is right, with a wanted power."""

from collections.abc import Callable
from functools import lru_cache
from math import ceil, sqrt

from scipy.special import bdtr

from prefect_qpu.statistics.means import Mean, Reach, lower_limit
from prefect_qpu.statistics.quantiles import normal_probability, normal_quantile

MOST = 1e30
"""Shots above which nothing is planned."""
_MOST_TRIED = 10**15
_HALVINGS = 100
_FAR = 8.0
"""Standard deviations beyond which no outcome is looked at."""
_RARE = 500.0
"""Expected shots of the rarer outcome from which on a normal distribution describes their number."""


@lru_cache(maxsize=4096)
def shots_for_equivalence(
    variance: float,
    tolerance: float,
    *,
    difference: float = 0.0,
    systematic: float = 0.0,
    norm: float = 1.0,
    confidence: float = 0.95,
    power: float = 0.9,
) -> int | None:
    """Shots with which `equivalence` passes with the given power; none if no number would do.

    With the quantiles z of the normal distribution at the confidence and at the power, they are ``variance *
    (z_confidence + z_power)**2 / (tolerance - abs(difference))**2`` for a difference near the tolerance; for one near 0
    the power is that of both sides, at a difference of 0 with its quantile at ``(1 + power) / 2``. A systematic part
    narrows the margin as it widens the interval. Where the rarer of two outcomes would be seen less
    than 500 times, the power is summed over its binomial distribution, with the limits that the test takes.

    Source: S. C. Chow, J. Shao, H. Wang, Sample Size Calculations in Clinical Research, chapter 3.

    Args:
        variance: Variance of one shot.
        tolerance: Largest difference that counts as agreement.
        difference: True difference.
        systematic: What may be off beside chance.
        norm: Sum of the absolute weights of the observable's Paulis: the largest standard deviation of one shot.
        confidence: One minus the level of one look.
        power: Wanted probability of a pass.

    Example:
        >>> shots_for_equivalence(1.0, 0.05), shots_for_equivalence(1.0, 0.05, difference=0.025)
        (4329, 13703)
        >>> shots_for_equivalence(0.0, 0.05), shots_for_equivalence(1.0, 0.05, systematic=0.02)
        (119, 13460)
    """
    if Reach(0.0, 0.0).widened(systematic, confidence).above >= tolerance - abs(difference):
        return None
    shots = variance / _stderr(tolerance, difference, systematic, confidence, power) ** 2
    if not shots < MOST:
        return None
    rarer = _rarer(variance, norm)
    if rarer * shots >= _RARE:
        return ceil(shots)
    passes = _binomial_power(rarer, norm, tolerance, difference, systematic, confidence)
    return _least(max(ceil(shots), 1), lambda number: passes(number) >= power)


def shots_to_exceed(variance: float, margin: float, *, confidence: float = 0.95, power: float = 0.9) -> int | None:
    """Shots with which `exceeds` passes with the given power, if the true value lies a margin above the threshold.

    Example:
        >>> shots_to_exceed(1.0, 0.1)
        857
    """
    if margin <= 0:
        return None
    shots = variance * (normal_quantile(confidence) + normal_quantile(power)) ** 2 / margin**2
    return max(ceil(shots), 1) if shots < MOST else None


def _stderr(tolerance: float, difference: float, systematic: float, confidence: float, power: float) -> float:
    """The largest standard error with which the test passes with the power, for a normal estimate."""

    def enough(stderr: float) -> bool:
        plain = normal_quantile(confidence) * stderr
        margin = tolerance - Reach(plain, plain).widened(systematic, confidence).above
        near, far = (normal_probability((margin + side * abs(difference)) / stderr) for side in (-1, 1))
        return near + far - 1 >= power

    low, high = 0.0, tolerance
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def _rarer(variance: float, norm: float) -> float:
    """Probability of the rarer outcome of shots of plus and minus the norm with this variance."""
    return (1 - sqrt(max(0.0, 1 - variance / norm**2))) / 2


def _binomial_power(
    rarer: float, norm: float, tolerance: float, difference: float, systematic: float, confidence: float
) -> Callable[[int], float]:
    """The chance of a pass as a function of the shots; the true value lies on the side where the limits are wider."""

    def passes(seen: int, shots: int) -> bool:
        mean = Mean.of_pauli(1 - 2 * seen / shots, shots, norm)
        longer = mean.value - lower_limit([mean], confidence)
        off = abs(2 * norm * (seen / shots - rarer) + abs(difference))
        return off + Reach(longer, longer).widened(systematic, confidence).below < tolerance

    def power(shots: int) -> float:
        middle = max(0, min(shots, round(shots * (rarer - abs(difference) / (2 * norm)))))
        far = ceil(_FAR * (sqrt(shots * rarer) + 1))
        fewest, largest = max(0, int(shots * rarer) - far), min(shots, int(shots * rarer) + far)
        most = _edge(lambda seen: passes(seen, shots), middle, max(middle, largest))
        if most is None:
            return 0.0
        low = -(_edge(lambda seen: passes(-seen, shots), -middle, -min(middle, fewest)) or 0)
        return float(bdtr(most, shots, rarer) - (bdtr(low - 1, shots, rarer) if low > 0 else 0.0))

    return power


def _edge(holds: Callable[[int], bool], start: int, end: int) -> int | None:
    """The largest number from the start on for which something holds that holds up to some number."""
    if not holds(start):
        return None
    low, high = start, end + 1
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if holds(middle) else (low, middle)
    return low


def _least(start: int, enough: Callable[[int], bool]) -> int | None:
    """A number of shots that is enough while one less, or one that is smaller by less than a part in 500, is not."""
    low, high = start - 1, start
    while not enough(high):
        low, high = high, 2 * high
        if high > _MOST_TRIED:
            return None
    while high - low > max(1, high // 500):
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
