"""Designs: how the values of axes are combined to points. None makes more than its columns, however many points."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from math import prod
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import ConfigDict, Field, PrivateAttr, ValidationInfo, model_validator

from prefect_qpu.definition import Definition, Seed, base_folder
from prefect_qpu.errors import ExperimentError
from prefect_qpu.sweeps.levels import Column, Count, Interval, Levels, Values, checked, length, levels_of
from prefect_qpu.sweeps.tables import read_columns

MOST_POINTS = 1_000_000
"""Points of one sweep."""


def _with_kind(schema: dict[str, Any]) -> None:
    """Require the kind in the JSON schema: a mapping without it is one of axes."""
    schema["required"] = sorted({"kind", *schema.get("required", ())})


class Design(Definition):
    """A way to combine the values of axes."""

    model_config = ConfigDict(json_schema_extra=_with_kind)

    kind: str

    @abstractmethod
    def count(self) -> int:
        """How many points there are; nothing is made for it."""

    @abstractmethod
    def columns(self) -> dict[str, Column]:
        """The column of each axis, all of the same length."""

    @abstractmethod
    def varied(self) -> tuple[str, ...]:
        """The axes."""

    def elements(self, vectors: Mapping[str, Sequence[str]]) -> "Design":  # noqa: ARG002 - lists fill vectors later
        """The same design, where axes over a vector of parameters become one axis for each element."""
        return self


class Grid(Design):
    """All combinations; the last axis changes fastest."""

    kind: Literal["grid"] = "grid"
    axes: Annotated[dict[str, Levels], Field(min_length=1)]

    def count(self) -> int:
        """The product of the lengths."""
        return prod(length(key, levels) for key, levels in self.axes.items())

    def columns(self) -> dict[str, Column]:
        """One level of each axis for each place of the grid."""
        levels = {key: levels_of(key, given) for key, given in self.axes.items()}
        places = np.indices([len(values) for values in levels.values()]).reshape(len(levels), -1)
        return {key: Column(values, codes) for (key, values), codes in zip(levels.items(), places, strict=True)}

    def varied(self) -> tuple[str, ...]:
        """The axes."""
        return tuple(self.axes)


class Zip(Design):
    """The first values of all axes together, then the second ones, and so on."""

    kind: Literal["zip"] = "zip"
    axes: Annotated[dict[str, Levels], Field(min_length=1)]

    def count(self) -> int:
        """The common length.

        Raises:
            ExperimentError: the axes have different lengths.
        """
        lengths = {key: length(key, levels) for key, levels in self.axes.items()}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{length} for {key}" for key, length in lengths.items())
            raise ExperimentError("axes", given=told, expected="as many values for each axis of a zip")
        return next(iter(lengths.values()))

    def columns(self) -> dict[str, Column]:
        """The values as they are."""
        order = np.arange(self.count())
        return {key: Column(levels_of(key, given), order) for key, given in self.axes.items()}

    def varied(self) -> tuple[str, ...]:
        """The axes."""
        return tuple(self.axes)


class Sampled(Design):
    """Points drawn from a box: independently, as a Latin hypercube, or as a scrambled Sobol sequence.

    Sources: M. D. McKay, R. J. Beckman, W. J. Conover, Technometrics 21, 239 (1979); A. B. Owen, J. Complexity 14, 466
    (1998). A longer Sobol or random design of the same seed begins with the points of a shorter one.
    """

    kind: Literal["random", "latin_hypercube", "sobol"]
    axes: Annotated[dict[str, Interval], Field(min_length=1)]
    points: Count
    seed: Seed = 0

    def count(self) -> int:
        """The points asked for."""
        return self.points

    def columns(self) -> dict[str, Column]:
        """The drawn values."""
        unit, order = self._unit(), np.arange(self.points)
        return {
            key: Column(interval.scaled(unit[:, index], f"axes.{key}"), order)
            for index, (key, interval) in enumerate(self.axes.items())
        }

    def varied(self) -> tuple[str, ...]:
        """The axes."""
        return tuple(self.axes)

    def elements(self, vectors: Mapping[str, Sequence[str]]) -> "Sampled":
        """The same box with one side for each element of a vector."""
        axes = {name: interval for key, interval in self.axes.items() for name in vectors.get(key, (key,))}
        return self.model_copy(update={"axes": axes})

    def _unit(self) -> NDArray[np.float64]:
        """Points of the unit cube, one row each."""
        if self.kind == "random":
            return np.random.default_rng(self.seed).random((self.points, len(self.axes)))
        from scipy.stats import qmc

        if self.kind == "latin_hypercube":
            drawn = qmc.LatinHypercube(len(self.axes), rng=self.seed).random(self.points)
        else:
            # A power of two is drawn and cut, for the sequence is balanced in powers of two only.
            drawn = qmc.Sobol(len(self.axes), rng=self.seed).random_base2((self.points - 1).bit_length())
        return np.asarray(drawn[: self.points], dtype=float)


class Table(Design):
    """Points as they stand in a table, one row each."""

    kind: Literal["table"] = "table"
    file: str | None = None
    """Path of a CSV or Parquet file, relative to the definition's folder."""
    rows: dict[str, Values] | None = None
    """The columns themselves."""

    _columns: dict[str, tuple[Any, ...]] = PrivateAttr()

    @model_validator(mode="after")
    def _read(self, info: ValidationInfo) -> Self:
        if (self.file is None) == (self.rows is None):
            given = "both" if self.file else None
            raise ExperimentError("axes", given=given, expected="either the file or the rows of a table")
        if self.file is not None:
            self._columns = read_columns(base_folder(info) / self.file)
        else:
            self._columns = dict(self.rows or {})
        return self

    def count(self) -> int:
        """The rows.

        Raises:
            ExperimentError: there are none, or the columns have different lengths.
        """
        lengths = {key: len(values) for key, values in self._columns.items()}
        if not lengths or not all(lengths.values()):
            raise ExperimentError("axes", given="an empty table", expected="at least one row")
        if len(set(lengths.values())) > 1:
            raise ExperimentError("axes", given=lengths, expected="as many values in each column of a table")
        return next(iter(lengths.values()))

    def columns(self) -> dict[str, Column]:
        """The columns as they are."""
        order = np.arange(self.count())
        return {key: Column(checked(key, values), order) for key, values in self._columns.items()}

    def varied(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(self._columns)

    def document(self) -> dict[str, Any]:
        """The table by its content."""
        return {"kind": self.kind, "rows": {key: list(values) for key, values in self._columns.items()}}


def product(designs: Sequence[Design]) -> dict[str, Column]:
    """The columns of all combinations of the designs' points; those of the last design change fastest.

    Raises:
        ExperimentError: an axis stands in two designs, or there are too many points.

    Example:
        >>> columns = product([Grid(axes={"shots": (100, 200)}), Grid(axes={"replicate": (0, 1, 2)})])
        >>> columns["shots"].numbers().tolist()
        [100.0, 100.0, 100.0, 200.0, 200.0, 200.0]
    """
    total = count(designs)
    columns: dict[str, Column] = {}
    inner = total
    for design in designs:
        inner //= design.count()
        outer = total // (inner * design.count())
        columns |= {key: column.repeated(inner, outer) for key, column in design.columns().items()}
    return columns


def count(designs: Sequence[Design]) -> int:
    """How many points the designs make together; they are not made for it.

    Raises:
        ExperimentError: an axis stands in two designs, or there are too many points.
    """
    for key, places in Counter(key for design in designs for key in design.varied()).items():
        if places > 1:
            raise ExperimentError(f"axes.{key}", given="the axis in two designs", expected="each axis once")
    total = prod(design.count() for design in designs)
    if total > MOST_POINTS:
        hint = "" if all(isinstance(design, Sampled) for design in designs) else "Draw points: kind: sobol."
        raise ExperimentError("axes", given=f"{total:,} points", expected=f"at most {MOST_POINTS:,}", hint=hint)
    return total
