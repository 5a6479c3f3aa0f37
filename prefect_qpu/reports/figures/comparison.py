"""Expectation values side by side: every method and source with its interval, against the exact value."""

from collections.abc import Iterable
from itertools import accumulate
from math import isfinite
from typing import TYPE_CHECKING

from prefect_qpu.reports.readings import Compared, Reading, compared
from prefect_qpu.reports.style import (
    FAINT,
    HAIRLINE,
    INK,
    MARKERS,
    NARROW,
    PALETTE,
    TEXT,
    axes_width,
    drawing,
    fitted,
    new_figure,
    panel,
    text_width,
    to_svg,
)
from prefect_qpu.reports.units import concise, number
from prefect_qpu.summary import RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_OBSERVABLES = 6
"""Observables that one `comparison_figure` shows."""
MOST_READINGS = 14
"""Values of one observable that are drawn."""
_MOST_ROWS = 20
"""Values that one `comparison_figure` shows, so that it stays below 100 kB."""
_COMPARISON_WIDTH = 5.4
_ROW, _ABOVE, _BELOW, _GAP = 0.235, 0.5, 0.26, 0.1
_LONGEST_LABEL, _LONGEST_TITLE = 26, 44


def comparison_figure(summary: RunSummary) -> str:
    """All observables of a run under one another, as one SVG of at most 100 kB; the first ones if there are more.

    Example:
        >>> from prefect_qpu.reports import comparison_figure, data_uri
        >>> def markdown(summary):
        ...     return f"![estimates]({data_uri(comparison_figure(summary))})"
    """
    every = [item for item in compared(summary) if _drawable(item)]
    shown = _first(every)
    left_out = len(every) - len(shown)
    heights = [_height(item) for item in shown]
    with drawing():
        figure = new_figure(_COMPARISON_WIDTH, max(0.4, sum(heights) + (0.2 if left_out > 0 else 0.0)))
        margins = _margins(reading for item in shown for reading in _shown(item))
        top = 0.0
        for item, height in zip(shown, heights, strict=True):
            bottom = figure.get_figheight() - top - height
            axes = panel(figure, *margins, bottom + _BELOW, top + _ABOVE)
            _draw(axes, item, margins[0])
            top += height
        note = "no estimates" if not shown else f"{left_out} more observables are not shown" if left_out > 0 else ""
        if note:
            figure.text(0.02, 0.02, note, color=FAINT, va="bottom")
        return to_svg(figure)


def observable_figure(item: Compared, width: float = NARROW) -> str | None:
    """One observable as an SVG; none if it has no finite value."""
    if not _drawable(item):
        return None
    with drawing():
        figure = new_figure(width, _height(item))
        margins = _margins(_shown(item))
        _draw(panel(figure, *margins, _BELOW, _ABOVE), item, margins[0])
        return to_svg(figure)


def _first(every: list[Compared]) -> list[Compared]:
    """The first observables, as many as one figure holds, and at least one."""
    rows = list(accumulate(len(_shown(item)) for item in every))
    return [item for place, item in enumerate(every[:MOST_OBSERVABLES]) if place == 0 or rows[place] <= _MOST_ROWS]


def _drawable(item: Compared) -> bool:
    return bool(_shown(item))


def _shown(item: Compared) -> list[Reading]:
    return [reading for reading in item.readings if isfinite(reading.value)][:MOST_READINGS]


def _height(item: Compared) -> float:
    return _ABOVE + _BELOW + _ROW * len(_shown(item)) + _GAP


def _margins(readings: Iterable[Reading]) -> tuple[float, float]:
    """Left and right margins in inches that hold the labels and the values."""
    known = list(readings)
    labels = [text_width(reading.label[:_LONGEST_LABEL]) for reading in known]
    values = [text_width(concise(reading.value, reading.stderr)) for reading in known]
    return max(labels, default=0.0) + 0.14, max(values, default=0.0) + 0.14


def _draw(axes: "Axes", item: Compared, left: float) -> None:
    readings = _shown(item)
    low, high = _limits(item, readings)
    axes.set_xlim(low, high)
    axes.set_ylim(len(readings) - 0.4, -0.6)
    axes.hlines(range(len(readings)), low, high, color=HAIRLINE, linewidth=0.5, zorder=0)
    if item.exact is not None and isfinite(item.exact):
        _draw_exact(axes, item.exact)
    for row, reading in enumerate(readings):
        _draw_reading(axes, row, reading)
        text = concise(reading.value, reading.stderr)
        axes.annotate(text, (1, row), (4, 0), ("axes fraction", "data"), "offset points", va="center")
    labels = [fitted(reading.label, _LONGEST_LABEL) for reading in readings]
    axes.set_yticks(range(len(readings)), labels, fontsize=TEXT)
    axes.locator_params(axis="x", nbins=_ticks(axes, low, high))
    axes.annotate(
        fitted(item.title, _LONGEST_TITLE),
        (0, 1),
        (-72 * left + 2, 19),
        "axes fraction",
        "offset points",
        weight="bold",
        size=TEXT + 1,
        color=INK,
    )


def _draw_reading(axes: "Axes", row: int, reading: Reading) -> None:
    color = PALETTE[reading.kind]
    if reading.interval is not None:
        axes.hlines(row, *reading.interval, color=color, linewidth=2.0, zorder=3)
    if reading.systematic:
        ends = (reading.value - reading.systematic, reading.value + reading.systematic)
        axes.hlines(row + 0.28, *ends, color=color, linewidth=0.8, zorder=3)
    if reading.bound is not None and isfinite(reading.bound):
        axes.hlines(row, reading.value, reading.bound, color=color, linewidth=0.8, zorder=3)
        axes.plot([reading.bound], [row], "|", color=color, markersize=6, zorder=3)
    hollow = reading.solution or reading.kind in {"ideal", "noisy", "cached"}
    axes.plot(
        [reading.value],
        [row],
        MARKERS["baseline" if reading.solution else reading.kind],
        color=color,
        markerfacecolor="white" if hollow else color,
        markeredgewidth=1.2,
        markersize=4.6,
        zorder=4,
    )


def _draw_exact(axes: "Axes", exact: float) -> None:
    axes.axvline(exact, color=PALETTE["exact"], linewidth=0.9, dashes=(3, 2), zorder=1)
    low, high = axes.get_xlim()
    place = (exact - low) / (high - low)
    side = "left" if place < 1 / 4 else "right" if place > 3 / 4 else "center"
    text = f"exact {number(exact, 5)}"
    axes.annotate(text, (exact, 1), (0, 3), ("data", "axes fraction"), "offset points", ha=side, size=TEXT - 0.5)


def _limits(item: Compared, readings: list[Reading]) -> tuple[float, float]:
    ends = [reading.value for reading in readings]
    ends += [end for reading in readings for end in reading.interval or ()]
    ends += [reading.value + sign * (reading.systematic or 0.0) for reading in readings for sign in (-1, 1)]
    ends += [end for end in (item.exact, *(reading.bound for reading in readings)) if end is not None]
    finite = [end for end in ends if isfinite(end)]
    low, high = min(finite), max(finite)
    reach = high - low if high - low > 1e-9 * max(abs(low), abs(high), 1e-300) else max(abs(high), 1.0) * 0.2
    return low - 0.07 * reach, high + 0.07 * reach


def _ticks(axes: "Axes", low: float, high: float) -> int:
    """Number of intervals between ticks whose labels stay apart."""
    sample = f"{(low + high) / 2:.3g}"
    return max(1, min(5, int(axes_width(axes) / (text_width(sample) + 0.1))))
