"""Limits of sums of means of bounded shots: exact for one Pauli, where normal limits fail near the ends of the range.

An upper limit adds to the shots one more that lies at the upper end, and takes the quantile of the mean under random
weights of all of them (Gaffke's bound; a Bayesian bootstrap with one worst shot). For outcomes of two kinds that mean
has a Beta distribution, and the limit is Clopper and Pearson's. In general a Beta distribution on the range of the sum,
with the same first two moments, takes its place: so mean and variance are all that is kept of the shots.

Sources: C. J. Clopper, E. S. Pearson, Biometrika 26, 404 (1934); N. Gaffke, Three test statistics for a nonparametric
one-sided hypothesis on the mean of a nonnegative variable, Math. Methods Stat. 14, 451 (2005); E. Learned-Miller, P. S.
Thomas, A new confidence interval for the mean of a bounded random variable, arXiv:1905.06208. That the bound fails no
more often than it claims is proven for two outcomes and conjectured in general; docs/statistics.md measures it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.special import betaincinv

from prefect_qpu.statistics.quantiles import normal_quantile, t_quantile

_NOTHING = 1e-30
"""Variance, relative to the squared range, that is rounding."""


@dataclass(frozen=True)
class Mean:
    """Mean of independent shots, each of which lies between two ends."""

    value: float
    variance: float
    """Mean squared deviation of the shots."""
    shots: int
    low: float = -1.0
    high: float = 1.0

    @classmethod
    def of_pauli(cls, value: float, shots: int, weight: float = 1.0) -> "Mean":
        """The mean of shots that are plus or minus the weight.

        Example:
            >>> Mean.of_pauli(0.5, 100).variance
            0.75
        """
        size = abs(weight)
        return cls(weight * value, size**2 * max(0.0, 1 - value**2), shots, -size, size)

    def scaled(self, factor: float) -> "Mean":
        """The mean of the shots, each times a factor."""
        low, high = sorted((factor * self.low, factor * self.high))
        return Mean(factor * self.value, factor**2 * self.variance, self.shots, low, high)

    def document(self) -> list[float]:
        """The mean as JSON data."""
        return [self.value, self.variance, self.shots, self.low, self.high]

    @classmethod
    def from_document(cls, document: Sequence[float]) -> "Mean":
        """The mean of a `document`."""
        value, variance, shots, low, high = document
        return cls(value, variance, int(shots), low, high)


@dataclass(frozen=True)
class Reach:
    """How far a true value may lie below and above an estimate, each with the same confidence."""

    below: float
    above: float

    def scaled(self, factor: float) -> "Reach":
        """That of the estimate times a factor, which may be negative.

        Example:
            >>> Reach(0.1, 0.3).scaled(-2)
            Reach(below=0.6, above=0.2)
        """
        sides = (self.below, self.above) if factor >= 0 else (self.above, self.below)
        return Reach(*(abs(factor) * side for side in sides))

    def joined(self, other: "Reach") -> "Reach":
        """That of the sum of two independent estimates.

        Each side is added in quadrature, which keeps the asymmetry of limits near the end of a range.

        Source: G. Y. Zou, A. Donner, Stat. Med. 27, 1693 (2008).
        """
        return Reach(sqrt(self.below**2 + other.below**2), sqrt(self.above**2 + other.above**2))

    def widened(self, systematic: float, confidence: float) -> "Reach":
        """That with a systematic part besides, of which nobody knows whether it is a limit or a spread.

        The wider of two readings. As the limit of a bias it is added (one side alone can be wrong, so that the
        quantile stays that of one-sided tests). As the standard deviation of a bias it is added in quadrature.

        Sources: G. W. Imbens, C. F. Manski, Econometrica 72, 1845 (2004); S. D. Phillips, K. R. Eberhardt, B. Parry, J.
        Res. NIST 102, 577 (1997); JCGM 100:2008 (GUM), 4.3.

        Example:
            >>> wide = Reach(0.01, 0.02).widened(0.03, 0.95)
            >>> round(wide.below, 4), round(wide.above, 4)
            (0.0503, 0.0532)
        """
        if not systematic:
            return self
        part = normal_quantile(confidence) * systematic
        below, above = (max(reach + systematic, sqrt(reach**2 + part**2)) for reach in (self.below, self.above))
        return Reach(below, above)

    def around(self, value: float) -> tuple[float, float]:
        """The limits."""
        return value - self.below, value + self.above


def lower_limit(means: Sequence[Mean], confidence: float) -> float:
    """Lower limit of a sum of independent means."""
    return -_upper([mean.scaled(-1.0) for mean in means], confidence)


def limits(means: Sequence[Mean], confidence: float) -> tuple[float, float]:
    """Lower and upper limit of a sum of independent means, each with this confidence.

    Example:
        >>> low, high = limits([Mean.of_pauli(1.0, 50)], 0.95)
        >>> round(low, 4), high
        (0.8837, 1.0)
    """
    return lower_limit(means, confidence), _upper(means, confidence)


def reach_of(means: Sequence[Mean], confidence: float) -> Reach:
    """How far a sum of independent means may lie from its true value."""
    value, (low, high) = sum(mean.value for mean in means), limits(means, confidence)
    return Reach(max(0.0, value - low), max(0.0, high - value))


def reach(
    stderr: float, confidence: float, *, shots: int | None = None, norm: float = 1.0, freedom: float | None = None
) -> Reach:
    """How far an estimate may lie from its true value, from its standard error.

    With the number of shots, the estimate is taken for a mean of shots of plus and minus the norm. How near to an end
    it lies follows from the standard error, and at which end is not known: both sides get the longer reach. For a sum
    of Paulis the norm is the sum of the absolute weights.

    Args:
        stderr: Standard error, as `prefect_qpu.observables.estimate_from_counts` gives it.
        confidence: Of each side.
        shots: Shots of all circuits together.
        norm: Largest distance of one shot from the middle of its range.
        freedom: Degrees of freedom of the standard error, where it is the spread of replicates.

    Example:
        >>> round(reach(0.01, 0.95).above, 4), round(reach(0.01, 0.95, shots=400).above, 4)
        (0.0164, 0.0246)
    """
    plain = (normal_quantile(confidence) if freedom is None else t_quantile(confidence, freedom)) * stderr
    if shots is None or shots < 2:
        return Reach(plain, plain)
    square = (shots + 1) * (1 - shots * (stderr / norm) ** 2) / (shots - 1)
    if square <= 0:
        return Reach(plain, plain)
    end = min(1.0, sqrt(square))
    longest = max(plain, norm * (end - lower_limit([Mean.of_pauli(end, shots)], confidence)))
    return Reach(longest, longest)


def _upper(means: Sequence[Mean], confidence: float) -> float:
    low, high = sum(mean.low for mean in means), sum(mean.high for mean in means)
    centre = sum((mean.shots * mean.value + mean.high) / (mean.shots + 1) for mean in means)
    if high <= low or centre >= high:
        return high
    part, variance = (centre - low) / (high - low), sum(map(_variance, means)) / (high - low) ** 2
    if variance >= part * (1 - part):
        return high
    if variance < _NOTHING:
        return centre
    concentration = part * (1 - part) / variance - 1
    return float(low + (high - low) * betaincinv(part * concentration, (1 - part) * concentration, confidence))


def _variance(mean: Mean) -> float:
    """Of the weighted mean of the shots and one more at the upper end."""
    missing = (mean.high - mean.value) ** 2 / (mean.shots + 1)
    return (mean.variance + missing) * mean.shots / ((mean.shots + 1) * (mean.shots + 2))
