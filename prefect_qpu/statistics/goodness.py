"""The G-test: whether counts of a simulator follow an exact distribution. Any hardware fails it: it is no tolerance."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from math import ceil, log, log1p
from typing import TypeVar

from scipy.special import chdtrc, chdtri, chndtr

from prefect_qpu.errors import InputError
from prefect_qpu.statistics.quantiles import checked_confidence
from prefect_qpu.statistics.results import TestResult, Verdict

GOODNESS = "G-test"
LEAST_EXPECTED = 5.0
"""Expected count below which outcomes are pooled."""
IMPOSSIBLE = 1e-12
"""Probability below which an outcome must not occur at all."""

Outcome = TypeVar("Outcome", bound=Hashable)


@dataclass(frozen=True)
class Cells:
    """Outcomes with what was observed and expected, the rare ones pooled."""

    observed: tuple[int, ...]
    expected: tuple[float, ...]
    forbidden: int
    """Shots with impossible outcomes."""

    @property
    def shots(self) -> int:
        """All shots."""
        return sum(self.observed) + self.forbidden


def pooled(
    counts: Mapping[Outcome, int], probabilities: Mapping[Outcome, float], *, least: float = LEAST_EXPECTED
) -> Cells:
    """The cells of a test: outcomes of small expected counts are one cell, which joins the smallest other if small too.

    Raises:
        InputError: there are no shots, or the probabilities do not sum to 1.

    Example:
        >>> pooled({"0": 60, "1": 38, "2": 2}, {"0": 0.6, "1": 0.36, "2": 0.02, "3": 0.02})
        Cells(observed=(60, 40), expected=(60.0, 40.0), forbidden=0)
    """
    shots = checked_counts(counts)
    checked_probabilities(probabilities)
    forbidden = sum(seen for name, seen in counts.items() if probabilities.get(name, 0.0) < IMPOSSIBLE)
    pairs = [(shots * chance, counts.get(name, 0)) for name, chance in probabilities.items() if chance >= IMPOSSIBLE]
    large = sorted((pair for pair in pairs if pair[0] >= least), reverse=True)
    rest = [pair for pair in pairs if pair[0] < least]
    if rest:
        together = (sum(pair[0] for pair in rest), sum(pair[1] for pair in rest))
        if together[0] < least and large:
            smallest = large.pop()
            together = (together[0] + smallest[0], together[1] + smallest[1])
        large.append(together)
    return Cells(tuple(seen for _, seen in large), tuple(round(wanted, 9) for wanted, _ in large), forbidden)


def goodness_of_fit(
    counts: Mapping[Outcome, int],
    probabilities: Mapping[Outcome, float],
    *,
    level: float = 0.05,
    power: float = 0.9,
    distance: float = 0.05,
    tests: int = 1,
) -> TestResult:
    """Whether counts follow an exact distribution; three-valued.

    Fail if an impossible outcome occurred, or if the G statistic, with Williams' correction, is less probable than the
    level. Pass if it is not, and would have been with the wanted power at the given total variation distance; else
    inconclusive, with the shots that would decide. ``observed`` is the p-value.

    A distance *d* makes the statistic a noncentral chi-square of at least ``4 * shots * d**2``, for the chi-square
    distance is at least the square of the sum of absolute differences.

    Sources: R. R. Sokal, F. J. Rohlf, Biometry, chapter 17; D. A. Williams, Biometrika 63, 33 (1976); for the power W.
    C. Guenther, Am. Stat. 31, 83 (1977).

    Args:
        counts: Shots by outcome.
        probabilities: The distribution, by outcome; those that are left out are impossible.
        level: Chance that counts of this distribution fail, all tests together.
        power: Chance to notice the distance.
        distance: Total variation distance that matters.
        tests: Tests of which one that fails decides.

    Raises:
        InputError: there are no shots, the probabilities do not sum to 1, or level and power are no probabilities.

    Example:
        >>> fair = {"0": 0.5, "1": 0.5}
        >>> [goodness_of_fit(seen, fair).verdict.value for seen in ({"0": 4980, "1": 5020}, {"0": 4700, "1": 5300})]
        ['pass', 'fail']
        >>> goodness_of_fit({"0": 52, "1": 48}, fair).shots_needed
        1051
    """
    checked_confidence(level, "level")
    checked_confidence(power, "power")
    cells = pooled(counts, probabilities)
    each, freedom = level / tests, len(cells.expected) - 1
    p_value = _p_value(cells)
    needed = shots_to_notice(distance, freedom, level=each, power=power)
    if cells.forbidden or p_value < each:
        verdict = Verdict.FAIL
    else:
        verdict = Verdict.PASS if cells.shots >= needed else Verdict.INCONCLUSIVE
    return TestResult(
        verdict,
        p_value,
        (p_value, p_value),
        each,
        GOODNESS,
        level,
        needed if verdict is Verdict.INCONCLUSIVE else None,
        shots=cells.shots,
        power=_power(cells.shots, distance, freedom, each),
        tests=tests,
        reason=f"{cells.forbidden} shots have impossible outcomes" if cells.forbidden else "",
    )


def shots_to_notice(distance: float, freedom: int, *, level: float = 0.05, power: float = 0.9) -> int:
    """Shots with which a G-test notices a total variation distance with the given power.

    With one possible outcome (no degree of freedom) they are those in which another one occurs.

    Example:
        >>> shots_to_notice(0.05, 1), shots_to_notice(0.05, 31), shots_to_notice(0.05, 0)
        (1051, 3077, 45)
    """
    if freedom == 0:
        return ceil(log(1 - power) / log1p(-distance))
    low, high = 0, 1
    while _power(high, distance, freedom, level) < power:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if _power(middle, distance, freedom, level) >= power else (middle, high)
    return high


def _power(shots: int, distance: float, freedom: int, level: float) -> float:
    if freedom == 0:
        return float(1 - (1 - distance) ** shots)
    return float(1 - chndtr(chdtri(freedom, level), freedom, 4 * shots * distance**2))


def _p_value(cells: Cells) -> float:
    """Of G among the possible outcomes; 0 if impossible ones occurred."""
    if cells.forbidden:
        return 0.0
    number, shots = len(cells.expected), cells.shots
    if number < 2:
        return 1.0
    terms = (seen * log(seen / wanted) for seen, wanted in zip(cells.observed, cells.expected, strict=True) if seen)
    inverse = sum(shots / wanted for wanted in cells.expected)
    return float(chdtrc(number - 1, max(0.0, 2 * sum(terms)) / (1 + (inverse - 1) / (6 * shots * (number - 1)))))


def checked_counts(counts: Mapping[Outcome, int], field: str = "counts") -> int:
    """The number of shots.

    Raises:
        InputError: there are none, or a count is negative.
    """
    shots = sum(counts.values())
    if shots < 1 or min(counts.values()) < 0:
        raise InputError(
            field, given=dict(list(counts.items())[:5]), expected="at least one shot, and no negative count"
        )
    return shots


def checked_probabilities(probabilities: Mapping[Outcome, float], field: str = "probabilities") -> None:
    """Refuse what is no distribution.

    Raises:
        InputError: a probability is negative, or they do not sum to 1.
    """
    total = sum(probabilities.values())
    if not abs(total - 1) < 1e-6 or min(probabilities.values()) < -1e-9:
        raise InputError(field, given=f"a sum of {total:.6g}", expected="probabilities from 0 that sum to 1")
