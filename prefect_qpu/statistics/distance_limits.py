"""Total variation and Hellinger distance of two columns of shares, their bias, and limits that hold near 0."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import pi, sqrt
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, chndtr, chndtrinc

from prefect_qpu.statistics.goodness import checked_counts, checked_probabilities
from prefect_qpu.statistics.means import Mean, reach_of

Kind = Literal["total variation", "hellinger"]
Table = NDArray[np.float64]

_KINK = 1 + sqrt(2)
"""Bias of an absolute value at 0, over that which resampling sees: 1 / (sqrt(2) - 1)."""
_CLEAR = 3.0
"""Standard errors from which on the sign of a difference is taken for known."""


@dataclass(frozen=True)
class Tables:
    """Two columns over the same outcomes."""

    first: Table
    second: Table
    shots: tuple[int, ...]
    """Of the first, and of the second if it is counts."""

    @classmethod
    def of(cls, counts: Mapping[Any, int], reference: Mapping[Any, float]) -> "Tables":
        """The columns of counts and of a distribution, or of other counts if all are integers with a sum above 1.

        Raises:
            InputError: there are no shots, or the probabilities do not sum to 1.
        """
        number = checked_counts(counts)
        whole = bool(reference) and all(isinstance(item, int | np.integer) for item in reference.values())
        counted = whole and sum(reference.values()) != 1
        shots = (number, checked_counts(reference, "reference")) if counted else (number,)  # type: ignore[arg-type]
        if not counted:
            checked_probabilities(reference, "reference")
        names = list(dict.fromkeys([*counts, *reference]))
        columns = [np.array([table.get(name, 0) for name in names], dtype=float) for table in (counts, reference)]
        return cls(columns[0], np.clip(columns[1], 0.0, None), shots)

    def shares(self) -> tuple[Table, Table]:
        """Both columns, each with the sum 1."""
        return self.first / self.first.sum(), self.second / self.second.sum()

    def resampled(self, number: int, random: np.random.Generator) -> tuple[Table, Table]:
        """Shares of counts drawn again."""
        first, second = self.shares()
        drawn = random.multinomial(self.shots[0], first, number) / self.shots[0]
        if len(self.shots) == 1:
            return drawn, second
        return drawn, random.multinomial(self.shots[1], second, number) / self.shots[1]

    def typical(self) -> tuple[Table, float]:
        """Shares that the counts would have if both were alike, and the sum of the inverse shots."""
        if len(self.shots) == 1:
            return self.shares()[1], 1 / self.shots[0]
        return (self.first + self.second) / sum(self.shots), sum(1 / shots for shots in self.shots)


@dataclass(frozen=True)
class Measure:
    """A kind of distance, or a monotonic function of it that is resampled in its place."""

    raw: Callable[[Table, Table], Any]
    """Over the last axis; what is resampled."""
    bias: Callable[[Tables], float]
    shown: Callable[[float], float]
    """From the resampled to the shown quantity, ascending."""
    limits: Callable[[Tables, float, float], tuple[float, float]]
    """Lower and upper limit from the tables, what was observed, and the confidence of each side."""
    kink: float
    """Bias where both are alike, over that which resampling sees."""


def _variation(first: Table, second: Table) -> Any:
    return 0.5 * np.abs(first - second).sum(axis=-1)


def _variation_bias(tables: Tables) -> float:
    """Half the sum of the mean absolute deviations of binomial shares."""
    return float(min(1.0, 0.5 * _absolute(*tables.typical()).sum()))


def _absolute(shares: Table, inverse: float) -> Table:
    """Mean absolute deviation of each share: that of a normal one, at most twice the share."""
    found: Table = np.minimum(np.sqrt(2 * shares * (1 - shares) * inverse / pi), 2 * shares)
    return found


def _variation_limits(tables: Tables, observed: float, confidence: float) -> tuple[float, float]:
    """Limits from the event whose probabilities differ most.

    The distance is the difference of the probabilities of that event, and the observed distance is no smaller than
    that of its frequencies, which are binomial: so the true distance exceeds the observed one by no more than the
    frequencies are off. It is smaller by no more than that and the bias, which only outcomes have whose sign is not
    clear.
    """
    first, second = tables.shares()
    shares, inverse = tables.typical()
    errors = np.sqrt(np.maximum(first, shares) * inverse)
    clear = (np.abs(first - second) > _CLEAR * errors) | (second == 0)
    bias = 0.5 * float(_absolute(np.maximum(first, shares), inverse)[~clear].sum())
    reach = sqrt(
        sum(
            _frequency_reach(column, clear, first > second, shots, confidence) ** 2
            for column, shots in zip((first, second), tables.shots, strict=False)
        )
    )
    return observed - bias - reach, observed + reach


def _frequency_reach(
    column: Table, clear: NDArray[np.bool_], above: NDArray[np.bool_], shots: int, sure: float
) -> float:
    """How far the frequency of the event may be off, at worst over the outcomes that may belong to it."""
    least = float(column[clear & above].sum())
    most = least + float(column[~clear].sum())
    frequency = min(max(0.5, least), most)
    both = reach_of([Mean.of_pauli(2 * frequency - 1, shots)], sure)
    return max(both.below, both.above) / 2


def _squared_hellinger(first: Table, second: Table) -> Any:
    return np.clip(1 - np.sqrt(first * second).sum(axis=-1), 0.0, 1.0)


def _squared_hellinger_bias(tables: Tables) -> float:
    shares, inverse = tables.typical()
    return float(min(1.0, 0.5 * np.minimum((1 - shares) * inverse / 4, shares)[shares > 0].sum()))


def _hellinger_limits(tables: Tables, observed: float, confidence: float) -> tuple[float, float]:
    """Limits of the square.

    The roots of frequencies have nearly the same normal error in all directions, half the root of the inverse shots:
    the square of the distance, in these units, is a noncentral chi-square whose noncentrality is that of the true
    distance.
    """
    shares, inverse = tables.typical()
    first, _ = tables.shares()
    scale = 8 / inverse
    # Outcomes that the reference does not have have no part in the sum of roots.
    seen = np.minimum(1.0, np.maximum(shares, first) / inverse)[shares > 0]
    freedom, statistic = max(1.0, float(seen.sum()) - 1), scale * observed
    low = float(chndtrinc(statistic, freedom, confidence)) if statistic > chdtri(freedom, 1 - confidence) else 0.0
    high = (
        float(chndtrinc(statistic, freedom, 1 - confidence)) if chndtr(statistic, freedom, 0) > 1 - confidence else 0.0
    )
    return low / scale, high / scale


def _root(squared: float) -> float:
    return sqrt(max(0.0, squared))


MEASURES: Mapping[Kind, Measure] = {
    "total variation": Measure(_variation, _variation_bias, float, _variation_limits, _KINK),
    "hellinger": Measure(_squared_hellinger, _squared_hellinger_bias, _root, _hellinger_limits, 1.0),
}
