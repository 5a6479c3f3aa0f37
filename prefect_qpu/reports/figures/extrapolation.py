"""An extrapolation to zero noise: points with their errors, the curves through them, and the value they lead to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from prefect_qpu.reports.mitigated import Curve, Extrapolated
from prefect_qpu.reports.style import (
    FAINT,
    HAIRLINE,
    INK,
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
from prefect_qpu.reports.units import concise, number
from prefect_qpu.statistics import interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

_HEIGHT, _ABOVE, _BELOW, _RIGHT = 2.7, 0.62, 0.42, 0.12
_LONGEST_TITLE = 46
_BESIDE = 0.14
"""How far left of zero the systematic error stands, in units of the largest scale."""
_STYLES: tuple[tuple[str, tuple[float, Sequence[float]] | Literal["-"]], ...] = (
    (INK, "-"),
    ("#D55E00", (0, (4, 2))),
    ("#009E73", (0, (1, 1.5))),
    ("#CC79A7", (0, (5, 1, 1, 1))),
)
"""Colour and dashes of the first curve, the second, and so on: told apart without colour too."""


def extrapolation_figure(item: Extrapolated, width: float = NARROW) -> str:
    """The extrapolation as an SVG.

    Example:
        >>> from prefect_qpu.reports.mitigated import Curve
        >>> line = Curve("linear", 0.9, (0.9, -0.1))
        >>> points = ((0.8, 0.01), (0.6, 0.01))
        >>> made = Extrapolated("zz, zne", (1.0, 3.0), points, (line,), 0.9, 0.02, None, 1.0)
        >>> extrapolation_figure(made).startswith("<svg")
        True
    """
    with drawing(**{"axes.spines.left": True, "ytick.major.size": 2.5, "ytick.labelcolor": FAINT}):
        figure = new_figure(width, _HEIGHT)
        low, high = _limits(item)
        ticks = [f"{tick:.3g}" for tick in np.linspace(low, high, 4)]
        left = max(text_width(tick, TEXT - 0.5) for tick in ticks) + 0.22
        axes = panel(figure, left, _RIGHT, _BELOW, _ABOVE)
        axes.set_xlim(-2.2 * _BESIDE * item.scales[-1] / 1.4, item.scales[-1] * 1.06)
        axes.set_ylim(low, high)
        axes.locator_params(axis="y", nbins=4)
        axes.tick_params(axis="y", labelsize=TEXT - 0.5)
        axes.set_xticks([0.0, *item.scales], ["0", *(number(scale, 3) for scale in item.scales)])
        axes.set_xlabel("noise, relative to the circuit's own", fontsize=TEXT - 0.5)
        _draw(axes, item)
        _title(figure, item)
        return to_svg(figure)


def _draw(axes: "Axes", item: Extrapolated) -> None:
    axes.axvline(0.0, color=HAIRLINE, linewidth=0.8, zorder=0)
    if item.exact is not None:
        axes.axhline(item.exact, color=PALETTE["exact"], linewidth=0.9, dashes=(3, 2), zorder=1)
    scales = np.linspace(0.0, item.scales[-1], 60)
    for curve, (color, dashes) in zip(item.curves, _STYLES, strict=False):
        axes.plot(scales, _at(curve, scales), color=color, linestyle=dashes, linewidth=1.0, zorder=2)
    blue = PALETTE["quantum"]
    for scale, (value, stderr) in zip(item.scales, item.measured, strict=True):
        axes.vlines(scale, *interval(value, stderr), color=blue, linewidth=1.8, zorder=3)
        axes.plot([scale], [value], "o", color=blue, markersize=4.4, markerfacecolor="white", zorder=4)
    axes.vlines(0.0, *interval(item.value, item.stderr), color=blue, linewidth=2.4, zorder=5)
    axes.plot([0.0], [item.value], "o", color=blue, markersize=5.4, zorder=6)
    if item.systematic:
        place = -_BESIDE * item.scales[-1]
        ends = item.value - item.systematic, item.value + item.systematic
        axes.vlines(place, *ends, color=blue, linewidth=0.9, zorder=5)
        axes.plot([place, place], ends, "_", color=blue, markersize=5, zorder=5)


def _title(figure: "Figure", item: Extrapolated) -> None:
    """Name, value and a key to the curves, above the panel."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()

    def write(text: str, left: float, top: float, size: float, weight: str = "normal") -> None:
        figure.text(left / width, 1 - top / height, text, size=size, weight=weight, color=INK, va="center")

    write(fitted(item.title, _LONGEST_TITLE), 0.05, 0.12, TEXT + 1, "bold")
    systematic = f" (syst. ± {number(item.systematic, 2)})" if item.systematic else ""
    exact = "" if item.exact is None else f"   exact {number(item.exact, 5)}"
    write(f"{concise(item.value, item.stderr)}{systematic}{exact}", 0.05, 0.29, TEXT)
    left, top = 0.05, 0.46
    for curve, (color, dashes) in zip(item.curves, _STYLES, strict=False):
        ends, level = [left / width, (left + 0.22) / width], [1 - top / height] * 2
        figure.add_artist(Line2D(ends, level, color=color, linestyle=dashes, linewidth=1.2))
        write(curve.fit, left + 0.28, top, TEXT - 0.5)
        left += 0.42 + text_width(curve.fit, TEXT - 0.5)


def _at(curve: Curve, scales: "NDArray[np.floating]") -> "NDArray[np.float64]":
    if curve.fit == "predicted":
        asymptote, amplitude, rate, bend = curve.parameters
        # With its package comes Qiskit, which no other figure needs.
        from prefect_qpu.mitigation.fits import Damping

        return asymptote + amplitude * Damping(rate, bend).left(scales, 1.0)
    if curve.fit == "exponential":
        asymptote, amplitude, rate = curve.parameters
        return np.asarray(asymptote + amplitude * np.exp(-rate * scales), dtype=np.float64)
    return np.asarray(np.polyval(curve.parameters[::-1], scales), dtype=np.float64)


def _limits(item: Extrapolated) -> tuple[float, float]:
    ends = [*interval(item.value, item.stderr), *(curve.value for curve in item.curves)]
    ends += [end for value, stderr in item.measured for end in interval(value, stderr)]
    ends += [item.value + sign * (item.systematic or 0.0) for sign in (-1, 1)]
    ends += [] if item.exact is None else [item.exact]
    low, high = min(ends), max(ends)
    reach = (high - low) or 1.0
    return low - 0.08 * reach, high + 0.08 * reach
