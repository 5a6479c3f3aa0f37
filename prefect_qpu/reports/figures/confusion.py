"""The readout's confusion as a heat map: how often each qubit was read wrong, for either state."""

from typing import TYPE_CHECKING

import numpy as np

from prefect_qpu.reports.mitigated import Confusion
from prefect_qpu.reports.style import FAINT, INK, NARROW, PALETTE, TEXT, drawing, new_figure, panel, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_IN_A_ROW = {NARROW: 8}
"""Qubits side by side, by the width of the figure."""
_WIDEST_ROW = 16
_CELL, _ABOVE, _BELOW, _LEFT, _RIGHT = 0.3, 0.36, 0.3, 0.9, 0.1
_ROWS = ("reads 1 for 0", "reads 0 for 1")


def confusion_figure(item: Confusion, width: float = NARROW) -> str:
    """The heat map as an SVG, in rows of qubits that fit the width; chances in per cent.

    Example:
        >>> confusion_figure(Confusion((3, 5), (0.01, 0.02), (0.04, 0.05))).startswith("<svg")
        True
    """
    longest = MOST_IN_A_ROW.get(width, _WIDEST_ROW)
    parts = [slice(start, start + longest) for start in range(0, len(item.qubits), longest)]
    worst = max(*item.reads_one, *item.reads_zero, 1e-9)
    height = _ABOVE + len(parts) * (2 * _CELL + _BELOW)
    with drawing(**{"axes.spines.bottom": False, "xtick.major.size": 0.0}):
        figure = new_figure(width, height)
        across = (width - _LEFT - _RIGHT) / min(longest, len(item.qubits))
        for number, part in enumerate(parts):
            count = len(item.qubits[part])
            top = _ABOVE + number * (2 * _CELL + _BELOW)
            right = width - _LEFT - count * across
            axes = panel(figure, _LEFT, right, height - top - 2 * _CELL, top)
            _draw(axes, item, part, worst)
        figure.text(0.1 / width, 1 - 0.17 / height, "Readout errors [%]", weight="bold", size=TEXT + 1, va="center")
        return to_svg(figure)


def _draw(axes: "Axes", item: Confusion, part: slice, worst: float) -> None:
    from matplotlib.colors import LinearSegmentedColormap

    shades = LinearSegmentedColormap.from_list("errors", ["#f4f7fa", PALETTE["quantum"]])
    chances = np.array([item.reads_one[part], item.reads_zero[part]])
    columns = chances.shape[1]
    axes.pcolormesh(chances, cmap=shades, vmin=0.0, vmax=worst, edgecolors="white", linewidth=1.5)
    axes.set_ylim(2, 0)
    for (row, column), chance in np.ndenumerate(chances):
        color = "white" if chance > 0.55 * worst else INK
        place = (column + 0.5, row + 0.5)
        axes.annotate(_percent(chance), place, ha="center", va="center", size=TEXT - 0.5, color=color)
    axes.set_xticks(np.arange(columns) + 0.5, [str(qubit) for qubit in item.qubits[part]], color=FAINT)
    axes.set_yticks([0.5, 1.5], _ROWS, fontsize=TEXT - 0.5)


def _percent(chance: float) -> str:
    return f"{100 * chance:.1f}" if chance < 0.0995 else f"{100 * chance:.0f}"
