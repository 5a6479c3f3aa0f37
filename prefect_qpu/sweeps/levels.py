"""The values of one axis: listed, spread over a span, or drawn from an interval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite, log
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Discriminator, Field, Tag

from prefect_qpu.definition import Definition, as_tuple
from prefect_qpu.errors import ExperimentError

Count = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class Column:
    """The values of one axis: its levels, and which of them each point has."""

    levels: Sequence[Any]
    codes: NDArray[np.int64]

    def numbers(self) -> NDArray[np.float64]:
        """The value of each point, as a number."""
        return np.asarray(self.levels, dtype=float)[self.codes]

    def repeated(self, inner: int, outer: int) -> "Column":
        """Each point ``inner`` times in a row, and all of that ``outer`` times."""
        return Column(self.levels, np.tile(np.repeat(self.codes, inner), outer))


class Span(Definition):
    """Numbers from one end to the other, both included."""

    start: float
    stop: float
    count: Count
    scale: Literal["linear", "log"] = "linear"

    def levels(self, field: str) -> list[float]:
        """The numbers; whole ones stay whole."""
        _check_scale(self.start, self.stop, self.scale, field)
        _check_length(self.start, self.stop, field)
        made = (np.geomspace if self.scale == "log" else np.linspace)(self.start, self.stop, self.count)
        return [float(value) for value in made]


class Interval(Definition):
    """Where the values of an axis are drawn."""

    start: float
    stop: float
    scale: Literal["linear", "log"] = "linear"
    integer: bool = False
    """Whether values are rounded to whole numbers."""

    def scaled(self, unit: NDArray[np.float64], field: str) -> list[Any]:
        """Numbers of the unit interval, moved into this one."""
        _check_scale(self.start, self.stop, self.scale, field)
        _check_length(self.start, self.stop, field)
        if self.scale == "log":
            values = np.exp(log(self.start) + unit * log(self.stop / self.start))
        else:
            values = self.start + unit * (self.stop - self.start)
        return [int(value) for value in np.rint(values)] if self.integer else values.tolist()


Values = Annotated[tuple[Any, ...], BeforeValidator(as_tuple)]
Levels = Annotated[
    Annotated[Span, Tag("Span")] | Annotated[Values, Tag("list[any]")],
    Discriminator(lambda given: "Span" if isinstance(given, Mapping | Span) else "list[any]"),
]


def length(key: str, given: Span | tuple[Any, ...]) -> int:
    """How many values an axis has.

    Raises:
        ExperimentError: it has none.
    """
    length = given.count if isinstance(given, Span) else len(given)
    if not length:
        raise ExperimentError(f"axes.{key}", given=list(given), expected="at least one value")
    return length


def levels_of(key: str, given: Span | tuple[Any, ...]) -> Sequence[Any]:
    """The values of an axis.

    Raises:
        ExperimentError: one of them is no value, or a span has no logarithm.
    """
    return given.levels(f"axes.{key}") if isinstance(given, Span) else checked(key, given)


def checked(key: str, values: Sequence[Any]) -> Sequence[Any]:
    """The values, if all numbers among them are finite, as floats too."""
    for place, value in enumerate(values):
        if value is None or not all(_is_finite(item) for item in _flat(value)):
            raise ExperimentError(f"axes.{key}.{place}", given=value, expected="a finite number")
    return values


def _flat(value: Any) -> list[Any]:
    return [leaf for item in value for leaf in _flat(item)] if isinstance(value, list | tuple) else [value]


def _check_scale(start: float, stop: float, scale: str, field: str) -> None:
    if scale == "log" and (start <= 0 or stop <= 0):
        raise ExperimentError(field, given=[start, stop], expected="two positive ends of a logarithmic scale")


def _is_finite(value: Any) -> bool:
    try:
        return not isinstance(value, int | float) or isfinite(value)
    except OverflowError:
        return False


def _check_length(start: float, stop: float, field: str) -> None:
    if not isfinite(stop - start):
        raise ExperimentError(field, given=[start, stop], expected="two ends whose distance is a finite number")
