"""How a sweep is drawn: a heat map over a grid of two axes, lines over one, else points; chosen by the axes alone."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.sweeps.findings import Findings

if TYPE_CHECKING:
    import pandas as pd

MOST_SERIES = 8
_FEWEST_LEVELS = 3
"""Values of an axis of a heat map; fewer are lines."""


@dataclass(frozen=True)
class Series:
    """Points that belong together, by ascending x."""

    name: str
    x: NDArray[np.float64]
    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    exact: NDArray[np.float64]


@dataclass(frozen=True)
class Picture:
    """What is drawn of a sweep."""

    kind: Literal["heat map", "lines", "points"]
    x: str
    y: str
    """The second axis of a heat map; what is measured, else."""
    value: str
    series: tuple[Series, ...] = ()
    columns: NDArray[np.float64] | None = None
    """The values of x of a heat map."""
    rows: NDArray[np.float64] | None = None
    """The values of y of a heat map."""
    cells: NDArray[np.float64] | None = None
    """Shape ``(rows, columns)``; not a number where nothing was measured."""
    note: str = ""
    """What the picture leaves out or averages over."""


def picture_of(found: Findings) -> Picture:
    """The picture that suits the axes."""
    numeric = [axis for axis in found.axes if _numeric(found.table[axis])]
    varied = [axis for axis in numeric if len(found.shown[axis].unique()) > 1]
    others = [axis for axis in found.axes if axis not in numeric and len(found.shown[axis].astype(str).unique()) > 1]
    value = f"{found.observable} ({found.method})"
    if len(varied) >= 2:
        pair = _grid(found.shown, varied)
        if pair is not None:
            return _heat_map(found, *pair, value, [axis for axis in [*varied, *others] if axis not in pair])
    if not varied:
        return _lines(found, "point [1]", others, value, "points")
    longest = max(varied, key=lambda axis: found.shown[axis].nunique())
    rest = [axis for axis in [*varied, *others] if axis != longest]
    series = found.shown[rest].astype(str).agg(", ".join, axis=1).nunique() if rest else 1
    return _lines(
        found, longest, rest if series <= MOST_SERIES else [], value, "lines" if series <= MOST_SERIES else "points"
    )


def _numeric(column: "pd.Series[Any]") -> bool:
    return column.dtype.kind in "iuf"


def _grid(shown: "pd.DataFrame", axes: list[str]) -> tuple[str, str] | None:
    """The two longest axes whose combinations all stand in the table."""
    for x in sorted(axes, key=lambda axis: -shown[axis].nunique()):
        for y in axes:
            cells = shown[x].nunique() * shown[y].nunique()
            if (
                x != y
                and min(shown[x].nunique(), shown[y].nunique()) >= _FEWEST_LEVELS
                and len(shown[[x, y]].drop_duplicates()) == cells
            ):
                return x, y
    return None


def _heat_map(found: Findings, x: str, y: str, value: str, averaged: list[str]) -> Picture:
    cells = found.shown.pivot_table(index=y, columns=x, values="value [1]", aggfunc="mean", dropna=False)
    note = f"Mean over {', '.join(averaged)}." if averaged else ""
    return Picture(
        "heat map",
        x,
        y,
        value,
        columns=cells.columns.to_numpy(dtype=float),
        rows=cells.index.to_numpy(dtype=float),
        cells=cells.to_numpy(dtype=float),
        note=note,
    )


def _lines(found: Findings, x: str, by: list[str], value: str, kind: Literal["lines", "points"]) -> Picture:
    groups = found.shown.groupby(by, dropna=False, sort=True) if by else [("", found.shown)]
    series = []
    for name, rows in groups:
        ordered = rows.sort_values(x, kind="stable")
        told = name if isinstance(name, tuple) else (name,)
        title = ", ".join(f"{axis} = {level}" for axis, level in zip(by, told, strict=False))
        series.append(
            Series(title, *(ordered[key].to_numpy(dtype=float) for key in (x, "value [1]", "stderr [1]", "exact [1]")))
        )
    return Picture(kind, x, value, value, tuple(series))
