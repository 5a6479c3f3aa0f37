"""Measured outcomes of one basis against the ideal simulation, with binomial intervals."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

from prefect_qpu.reports.style import (
    FAINT,
    INK,
    MARKERS,
    NARROW,
    PALETTE,
    TEXT,
    drawing,
    fitted,
    new_figure,
    panel,
    text_width,
    to_svg,
)
from prefect_qpu.reports.units import probability

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_OUTCOMES = 16
OTHER = "other"
_ROW, _ABOVE, _BELOW = 0.17, 0.42, 0.42
_LONGEST_OUTCOME, _LONGEST_BASIS = 20, 18
_Z = 1.959963984540054


@dataclass(frozen=True)
class Outcomes:
    """Counts of one basis beside those of the ideal simulation."""

    basis: str
    measured: Mapping[str, int]
    """Counts by outcome; rare outcomes may be pooled under ``other``."""
    ideal: Mapping[str, int]
    kind: str = "quantum"
    """Source of the counts; sets their colour."""

    @property
    def shots(self) -> int:
        """Shots of the measurement."""
        return sum(self.measured.values())

    @property
    def ideal_shots(self) -> int:
        """Shots of the ideal simulation."""
        return sum(self.ideal.values())

    def rows(self) -> list[tuple[str, int | None, int | None]]:
        """Outcome, measured and ideal count: the most frequent ones, all others pooled in the last row.

        A count is none where the outcome is among the pooled ones.

        Example:
            >>> Outcomes("ZZ", {"00": 6, "11": 3, "other": 1}, {"00": 5, "11": 5}).rows()
            [('00', 6, 5), ('11', 3, 5), ('other', 1, 0)]
        """
        names = sorted({*self.measured, *self.ideal} - {OTHER}, key=lambda name: (-self._weight(name), name))
        shown = names[:MOST_OUTCOMES]
        if len(names) <= MOST_OUTCOMES and len(self.basis) <= 4:
            shown.sort()
        rows = [(name, _count(self.measured, name), _count(self.ideal, name)) for name in shown]
        rest = (self.shots - sum(row[1] or 0 for row in rows), self.ideal_shots - sum(row[2] or 0 for row in rows))
        return [*rows, (OTHER, *rest)] if max(rest) > 0 else rows

    def _weight(self, name: str) -> float:
        measured = self.measured.get(name, 0) / max(1, self.shots)
        return measured + self.ideal.get(name, 0) / max(1, self.ideal_shots)


def counts_figure(outcomes: Outcomes, width: float = NARROW) -> str | None:
    """Probabilities of the outcomes as an SVG: bars as measured, markers as simulated; none without counts."""
    rows = outcomes.rows()
    if not rows:
        return None
    with drawing():
        figure = new_figure(width, _ABOVE + _BELOW + _ROW * len(rows))
        labels = [fitted(name, _LONGEST_OUTCOME) for name, _, _ in rows]
        left = max(text_width(label, TEXT) for label in labels) * 1.06 + 0.14
        axes = panel(figure, left, 0.12, _BELOW, _ABOVE)
        named = [row for row in rows if row[0] != OTHER]
        _bars(axes, [row[1] for row in named], outcomes.shots, PALETTE[outcomes.kind])
        if outcomes.ideal_shots:
            _markers(axes, [row[2] for row in named], outcomes.ideal_shots)
        _frame(axes, labels, outcomes, left)
        if len(named) < len(rows):
            _write_other(axes, rows[-1], outcomes)
        return to_svg(figure)


def wilson(successes: int, shots: int) -> tuple[float, float]:
    """The 95 % interval of a probability.

    Source: E. B. Wilson, J. Am. Stat. Assoc. 22, 209 (1927).

    Example:
        >>> [round(end, 3) for end in wilson(0, 100)], [round(end, 3) for end in wilson(50, 100)]
        ([0.0, 0.037], [0.404, 0.596])
    """
    scale = 1 + _Z**2 / shots
    share = successes / shots
    middle = (share + _Z**2 / (2 * shots)) / scale
    reach = _Z / scale * sqrt(share * (1 - share) / shots + _Z**2 / (4 * shots**2))
    return max(0.0, middle - reach), min(1.0, middle + reach)


def _count(counts: Mapping[str, int], name: str) -> int | None:
    """Count of an outcome; none if nothing is known but that it is rare."""
    return counts.get(name, None if OTHER in counts else 0)


def _bars(axes: "Axes", counts: list[int | None], shots: int, color: str) -> None:
    rows, shares = _intervals(axes, counts, shots, color)
    axes.barh(rows, shares, height=0.66, color=color, alpha=0.55, linewidth=0)


def _intervals(axes: "Axes", counts: list[int | None], shots: int, color: str) -> tuple[list[int], list[float]]:
    """Draws the intervals; gives the rows that have a count, and their probabilities in per cent."""
    known = [(row, count) for row, count in enumerate(counts) if count is not None and shots]
    rows, ends = [row for row, _ in known], [wilson(count, shots) for _, count in known]
    axes.hlines(rows, [100 * low for low, _ in ends], [100 * high for _, high in ends], color, linewidth=1.1, zorder=3)
    return rows, [100 * count / shots for _, count in known]


def _write_other(axes: "Axes", row: tuple[str, int | None, int | None], outcomes: Outcomes) -> None:
    """The pooled outcomes in words: a bar would be longer than all others and say less."""
    parts = [f"{probability((row[1] or 0) / outcomes.shots)} measured"] if outcomes.shots else []
    if outcomes.ideal_shots:
        parts.append(f"{probability((row[2] or 0) / outcomes.ideal_shots)} ideal")
    place = len(axes.get_yticks()) - 1
    axes.annotate(", ".join(parts), (0, place), (4, 0), textcoords="offset points", va="center", color=FAINT)


def _markers(axes: "Axes", counts: list[int | None], shots: int) -> None:
    color = PALETTE["ideal"]
    rows, shares = _intervals(axes, counts, shots, color)
    axes.plot(
        shares,
        rows,
        MARKERS["ideal"],
        color=color,
        markerfacecolor="white",
        markeredgewidth=1.1,
        markersize=4.2,
        zorder=5,
        clip_on=False,
    )


def _frame(axes: "Axes", labels: list[str], outcomes: Outcomes, left: float) -> None:
    axes.set_yticks(range(len(labels)), labels, fontfamily="DejaVu Sans Mono", fontsize=TEXT - 0.5)
    axes.tick_params(axis="y", pad=5)
    axes.set_ylim(len(labels) - 0.4, -0.6)
    axes.set_xlim(left=0)
    axes.locator_params(axis="x", nbins=5)
    axes.set_xlabel("probability (%)", labelpad=2)
    text = f"basis {fitted(outcomes.basis, _LONGEST_BASIS)}"
    place = (-72 * left + 2, 12)
    axes.annotate(text, (0, 1), place, "axes fraction", "offset points", weight="bold", size=TEXT + 1, color=INK)
    _key(axes, -112, "■", PALETTE[outcomes.kind], "measured")
    if outcomes.ideal_shots:
        _key(axes, -50, "□", PALETTE["ideal"], "ideal")


def _key(axes: "Axes", place: float, mark: str, color: str, word: str) -> None:
    axes.annotate(mark, (1, 1), (place, 12), "axes fraction", "offset points", color=color)
    axes.annotate(word, (1, 1), (place + 9, 12), "axes fraction", "offset points")
