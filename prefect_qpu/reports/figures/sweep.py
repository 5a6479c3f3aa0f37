"""A sweep as one small figure: a heat map, lines with their intervals, or points."""

from typing import TYPE_CHECKING

import numpy as np

from prefect_qpu.reports.style import FAINT, INK, drawing, fitted, new_figure, panel, to_svg
from prefect_qpu.sweeps.pictures import Picture, Series

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT = 5.4, 3.2
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#5b6470", "#1f2328")
"""Source: M. Okabe, K. Ito, Color Universal Design (2008)."""
_MOST_MARKS = 1_000
_MOST_CELLS = 200
_LONGEST = 48


def sweep_figure(picture: Picture) -> str:
    """The picture as SVG text of at most 100 kB; of very many points, evenly chosen ones are drawn."""
    with drawing():
        figure = new_figure(WIDTH, HEIGHT)
        axes = panel(figure, 0.75, 0.75 if picture.kind == "heat map" else 0.2, 0.5, 0.3)
        axes.set_title(fitted(picture.value, _LONGEST))
        axes.set_xlabel(fitted(picture.x, _LONGEST))
        if picture.kind == "heat map":
            axes.set_ylabel(fitted(picture.y, _LONGEST))
            _draw_cells(axes, picture)
        else:
            for place, series in enumerate(picture.series):
                _draw_series(axes, series, COLOURS[place % len(COLOURS)], lines=picture.kind == "lines")
            if len(picture.series) > 1:
                axes.legend(frameon=False, fontsize=6)
        return to_svg(figure)


def _draw_cells(axes: "Axes", picture: Picture) -> None:
    assert picture.cells is not None
    assert picture.columns is not None
    assert picture.rows is not None
    across, down = (max(1, -(-length // _MOST_CELLS)) for length in (len(picture.columns), len(picture.rows)))
    cells = picture.cells[::down, ::across]
    extent = (*_ends(picture.columns), *_ends(picture.rows))
    image = axes.imshow(cells, origin="lower", aspect="auto", extent=extent, cmap="viridis", interpolation="nearest")
    figure = axes.get_figure()
    assert figure is not None
    bar = figure.colorbar(image, ax=axes)
    bar.outline.set_visible(False)


def _ends(values: "np.typing.NDArray[np.float64]") -> tuple[float, float]:
    """The outer edges of the first and the last cell."""
    half = (values[-1] - values[0]) / (2 * max(1, len(values) - 1)) or 0.5
    return float(values[0] - half), float(values[-1] + half)


def _draw_series(axes: "Axes", series: Series, colour: str, *, lines: bool) -> None:
    every = max(1, -(-len(series.x) // _MOST_MARKS))
    x, value, stderr, exact = (item[::every] for item in (series.x, series.value, series.stderr, series.exact))
    if lines and np.isfinite(exact).any():
        axes.plot(x, exact, color=INK, linewidth=0.7, linestyle=(0, (3, 2)), label="exact" if not series.name else None)
    if len(x) <= 200:
        axes.errorbar(x, value, 1.96 * stderr, color=colour, fmt="none", elinewidth=0.6)
    axes.plot(
        x, value, color=colour, marker="o", markersize=2, linewidth=0.8 if lines else 0, label=series.name or None
    )
    axes.tick_params(colors=FAINT)
