"""Values with two kinds of error: of their own shots, and of a calibration that several values share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from prefect_qpu.mitigation.types import Values


@dataclass(frozen=True)
class Uncertain:
    """An array of values; the covariance of two of them is what their calibration does to both.

    ``value`` and ``variance`` have the shape of the parameter array; ``shared`` has one more axis: the deviation that
    each independent unit-variance cause in the calibration makes.
    """

    value: Values
    variance: Values
    """Of the value's own shots, independent of all other values."""
    shared: Values

    @property
    def stderr(self) -> Values:
        """Both kinds of error together."""
        total: Values = np.sqrt(self.variance + np.sum(self.shared**2, axis=-1))
        return total

    @classmethod
    def constant(cls, value: float, shape: tuple[int, ...], causes: int) -> Self:
        """A value without error."""
        return cls(np.full(shape, value), np.zeros(shape), np.zeros((*shape, causes)))

    def __add__(self, other: "Uncertain") -> "Uncertain":
        return Uncertain(self.value + other.value, self.variance + other.variance, self.shared + other.shared)

    def scaled(self, factor: ArrayLike) -> "Uncertain":
        """The value times a constant, or times one constant for each point."""
        weight = np.asarray(factor, dtype=float)
        return Uncertain(self.value * weight, self.variance * weight**2, self.shared * weight[..., None])


def weighted_sum(weights: ArrayLike, values: Sequence[Uncertain]) -> Uncertain:
    """The weighted sum of values with one calibration, whose errors add up before they are squared.

    Args:
        weights: One weight, or one array of weights for the points, for each value.
        values: The values.

    Example:
        >>> one = Uncertain(np.array(1.0), np.array(0.04), np.array([0.3]))
        >>> float(weighted_sum([1.0, -1.0], [one, one]).stderr)**2  # the shared error cancels
        0.08
    """
    total = values[0].scaled(np.asarray(weights)[0])
    for weight, value in zip(np.asarray(weights)[1:], values[1:], strict=True):
        total = total + value.scaled(weight)
    return total


def stack(values: Sequence[Uncertain]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and their own variances with a leading axis over the values."""
    return np.stack([item.value for item in values]), np.stack([item.variance for item in values])
