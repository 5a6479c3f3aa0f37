"""Quantiles, and the level that is left where a question is asked several times."""

from math import inf
from statistics import NormalDist

from scipy.special import stdtrit

from prefect_qpu.errors import InputError

_normal = NormalDist()


def normal_quantile(probability: float) -> float:
    """Quantile of the standard normal distribution."""
    return _normal.inv_cdf(probability)


def normal_probability(quantile: float) -> float:
    """Probability that a standard normal number is not larger.

    Example:
        >>> round(normal_probability(normal_quantile(0.95)), 9)
        0.95
    """
    return _normal.cdf(quantile)


def t_quantile(probability: float, freedom: float = inf) -> float:
    """Quantile of Student's t; of the normal distribution for infinitely many degrees of freedom.

    Example:
        >>> round(t_quantile(0.95, 4), 3), round(t_quantile(0.95), 3)
        (2.132, 1.645)
    """
    return normal_quantile(probability) if freedom == inf else float(stdtrit(freedom, probability))


def interval(value: float, stderr: float, confidence: float = 0.95) -> tuple[float, float]:
    """Two-sided normal interval.

    Example:
        >>> [round(bound, 3) for bound in interval(0.5, 0.01)]
        [0.48, 0.52]
    """
    reach = normal_quantile((1 + confidence) / 2) * stderr
    return value - reach, value + reach


def shared_confidence(confidence: float, parts: int) -> float:
    """Confidence of each of several tests, or looks at growing data, that are wrong together at most as often as one.

    The level is divided by their number. For repeated looks this spends the level evenly and needs no table; with 3
    and 5 looks it costs little against Pocock's and O'Brien and Fleming's boundaries.

    Source: O. J. Dunn, J. Am. Stat. Assoc. 56, 52 (1961); as alpha spending, K. K. G. Lan, D. L. DeMets, Biometrika 70,
    659 (1983).

    Raises:
        InputError: the confidence is no probability between 0 and 1, or there is no part.

    Example:
        >>> round(shared_confidence(0.95, 5), 6)
        0.99
    """
    checked_confidence(confidence)
    if parts < 1:
        raise InputError("parts", given=parts, expected="an integer from 1")
    return 1 - (1 - confidence) / parts


def checked_confidence(confidence: float, field: str = "confidence") -> float:
    """The confidence, if it is one.

    Raises:
        InputError: it is not between 0 and 1.
    """
    if not 0 < confidence < 1:
        raise InputError(field, given=confidence, expected="a number between 0 and 1")
    return confidence
