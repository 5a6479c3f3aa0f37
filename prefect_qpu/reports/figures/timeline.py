"""Where the time went: one row for each stage, with what ran at the provider beside what ran here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING

from prefect_qpu.latency import PRIMARY
from prefect_qpu.reports.style import (
    FAINT,
    PALETTE,
    TEXT,
    WIDE,
    axes_width,
    drawing,
    fitted,
    new_figure,
    panel,
    text_width,
    to_svg,
)
from prefect_qpu.reports.units import seconds
from prefect_qpu.summary import SpanSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_ROW, _ABOVE, _BELOW = 0.215, 0.34, 0.42
_LONGEST_LABEL, MOST_ROWS = 24, 40
_LONG_GAP, _GAP_WIDTH = 0.8, 0.22
"""A stretch in which no span begins or ends is cut if it is this part of the whole; and the width it then has."""
_UNITS = (("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("min", 60.0), ("h", 3600.0), ("d", 86_400.0))


@dataclass(frozen=True)
class Scale:
    """Seconds since the start as places on the axis; a long stretch without events may be cut short."""

    total: float
    cut: tuple[float, float] | None = None
    """Begin and end of the stretch that is cut short."""

    @classmethod
    def of(cls, events: Sequence[float]) -> "Scale":
        """The scale for spans that begin and end at these seconds.

        Example:
            >>> Scale.of([0, 1, 2, 10_000, 10_001]).cut, Scale.of([0, 1, 2]).cut
            ((2, 10000), None)
        """
        ordered = sorted(events)
        total = ordered[-1]
        longest = max(pairwise(ordered), key=lambda pair: pair[1] - pair[0], default=(0.0, 0.0))
        length = longest[1] - longest[0]
        return cls(total, longest if _LONG_GAP * total < length < total else None)

    @property
    def length(self) -> float:
        """Length of the axis, in seconds at its scale."""
        return self.place(self.total)

    def place(self, moment: float) -> float:
        """Place of a moment on the axis."""
        if self.cut is None or moment <= self.cut[0]:
            return moment
        begin, end = self.cut
        shown = (self.total - (end - begin)) * _GAP_WIDTH / (1 - _GAP_WIDTH)
        if moment >= end:
            return begin + shown + moment - end
        return begin + shown * (moment - begin) / (end - begin)


def timeline_figure(spans: Sequence[SpanSummary], width: float = WIDE) -> str | None:
    """The spans as an SVG, seconds since the first began; none without spans."""
    if not spans:
        return None
    start = min(span.start for span in spans)
    rows = _rows(spans)
    ends = [moment for span in spans for moment in _ends(span, start)]
    with drawing():
        figure = new_figure(width, _ABOVE + _BELOW + _ROW * len(rows))
        labels = [fitted(stage.replace("_", " "), _LONGEST_LABEL) for stage, _ in rows]
        left = max(text_width(label) for label in labels) + 0.12
        axes = panel(figure, left, 0.12, _BELOW, _ABOVE)
        scale = Scale.of([0.0, *ends])
        axes.set_xlim(0, (scale.length or 1.0) * 1.005)
        axes.set_ylim(len(rows) - 0.45, -0.55)
        axes.set_yticks(range(len(rows)), labels)
        _shade_job(axes, spans, start, scale)
        for row, ((_, color), members) in enumerate(rows.items()):
            _draw_row(axes, row, members, _boxes(members, start, scale), color)
            if scale.cut is not None and any(_crosses(span, start, scale.cut) for span in members):
                _mark_cut(axes, row, scale, scale.cut)
        _axis(axes, scale)
        _legend(axes, {color for _, color in rows}, left)
        return to_svg(figure)


def jobs_out(spans: Sequence[SpanSummary]) -> list[SpanSummary]:
    """The provider's spans that belong to the run's own job, and not to a simulation inside another stage."""
    return [span for span in spans if span.source == "provider" and _simulating(span) is None]


def _simulating(span: SpanSummary) -> str | None:
    """The stage whose simulation this span of a provider is; none if it is the run's own job."""
    if span.role in {None, PRIMARY}:
        return None
    return "smoke_test" if span.role.startswith("smoke") else span.role


def _rows(spans: Sequence[SpanSummary]) -> dict[tuple[str, str], list[SpanSummary]]:
    """Spans by label and colour, in the order of their first start."""
    rows: dict[tuple[str, str], list[SpanSummary]] = {}
    for span in sorted(spans, key=lambda item: (item.start, -item.seconds)):
        simulating = _simulating(span)
        if simulating is None:
            rows.setdefault((span.stage, _color(span)), []).append(span)
        elif span.stage != "queue":
            rows.setdefault((f"{simulating} jobs", PALETTE["simulator"]), []).append(span)
    return dict(list(rows.items())[:MOST_ROWS])


def _ends(span: SpanSummary, start: datetime) -> tuple[float, float]:
    begin = (span.start - start).total_seconds()
    return begin, begin + max(0.0, span.seconds)


def _color(span: SpanSummary) -> str:
    if span.source == "provider":
        return PALETTE["quantum"]
    return PALETTE["classical"] if "baseline" in span.stage or "classical" in span.stage else PALETTE["workflow"]


def _boxes(spans: list[SpanSummary], start: datetime, scale: Scale) -> list[tuple[float, float]]:
    """Begin and width of each bar; none is too narrow to be seen."""
    least = scale.length * 0.004
    ends = [[scale.place(moment) for moment in _ends(span, start)] for span in spans]
    return [(begin, max(end - begin, least)) for begin, end in ends]


def _draw_row(axes: "Axes", row: int, spans: list[SpanSummary], boxes: list[tuple[float, float]], color: str) -> None:
    queued = spans[0].stage == "queue"
    face, line = ("white", 0.8) if queued else (color, 0)
    axes.broken_barh(boxes, (row - 0.32, 0.64), facecolor=face, edgecolor=color, linewidth=line, zorder=3)
    total = sum(max(0.0, span.seconds) for span in spans)
    _label(axes, row, seconds(total) if len(spans) == 1 else f"{seconds(total)} in {len(spans)} parts", boxes)


def _label(axes: "Axes", row: int, text: str, boxes: list[tuple[float, float]]) -> None:
    """The duration beside the bars: after the last, else before the first, else inside the widest."""
    limit = axes.get_xlim()[1]
    wide = (text_width(text) + 0.1) * limit / axes_width(axes)
    first, last = boxes[0][0], max(begin + length for begin, length in boxes)
    if last + wide <= limit:
        place, side, shift = last, "left", 3
    elif first - wide >= 0:
        place, side, shift = first, "right", -3
    else:
        widest = max(boxes, key=lambda box: box[1])
        place, side, shift = widest[0], "left", 4
    halo = {"facecolor": "white", "edgecolor": "none", "pad": 0.6, "alpha": 0.85} if shift == 4 else None
    axes.annotate(text, (place, row), (shift, 0), textcoords="offset points", ha=side, va="center", bbox=halo, zorder=5)


def _crosses(span: SpanSummary, start: datetime, cut: tuple[float, float]) -> bool:
    begin, end = _ends(span, start)
    return begin <= cut[0] and end >= cut[1]


def _mark_cut(axes: "Axes", row: int, scale: Scale, cut: tuple[float, float]) -> None:
    middle = (scale.place(cut[0]) + scale.place(cut[1])) / 2
    axes.plot([middle], [row], marker=(2, 0, -20), markersize=13, color="white", markeredgewidth=4.5, zorder=4)
    shift = 0.006 * scale.length
    axes.plot([middle - shift], [row], marker=(2, 0, -20), markersize=12, color=FAINT, markeredgewidth=0.7, zorder=4)
    axes.plot([middle + shift], [row], marker=(2, 0, -20), markersize=12, color=FAINT, markeredgewidth=0.7, zorder=4)


def _shade_job(axes: "Axes", spans: Sequence[SpanSummary], start: datetime, scale: Scale) -> None:
    """A band behind all rows while the job is out: what stands in it ran meanwhile."""
    ends = [_ends(span, start) for span in jobs_out(spans)]
    if ends:
        out, back = scale.place(min(end[0] for end in ends)), scale.place(max(end[1] for end in ends))
        axes.axvspan(out, back, color=PALETTE["quantum"], alpha=0.07, linewidth=0, zorder=0)


def _axis(axes: "Axes", scale: Scale) -> None:
    from matplotlib.ticker import MaxNLocator

    cut = scale.cut or (scale.total, scale.total)
    whole = scale.total - (cut[1] - cut[0])
    unit, size = next((item for item in reversed(_UNITS) if whole >= 2 * item[1]), _UNITS[0])
    ticks = MaxNLocator(max(2, int(axes_width(axes) / 0.8)), steps=[1, 2, 2.5, 5, 10]).tick_values(0, whole / size)
    kept = [tick for tick in ticks if 0 <= tick * size <= cut[0] * (1 + 1e-9)]
    axes.set_xticks([tick * size for tick in kept], [f"{tick:g}" for tick in kept])
    axes.set_xlabel(f"time since the start ({unit})", labelpad=2, loc="left")
    if scale.cut is not None:
        middle = (scale.place(cut[0]) + scale.place(cut[1])) / 2
        text = f"{seconds(cut[1] - cut[0])} cut short"
        place, units = (middle, 0), ("data", "axes fraction")
        axes.annotate(text, place, (0, -4), units, "offset points", ha="center", va="top", color=FAINT, size=TEXT - 0.5)


def _legend(axes: "Axes", colors: set[str], left: float) -> None:
    words = (
        ("■", "workflow", "workflow"),
        ("■", "simulator", "simulation"),
        ("■", "classical", "baseline"),
        ("□", "quantum", "queue"),
        ("■", "quantum", "provider"),
    )
    kinds = [(mark, PALETTE[key], word) for mark, key, word in words if PALETTE[key] in colors]
    place = -72 * left + 2
    for mark, color, word in kinds:
        for text, ink in ((mark, color), (word, None)):
            axes.annotate(text, (0, 1), (place, 9), "axes fraction", "offset points", color=ink or FAINT)
            place += 72 * text_width(text) * 0.93 + 4
        place += 8
