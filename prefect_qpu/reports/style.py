"""How every figure looks: one palette, one type, one way to SVG that gives the same bytes each time."""

import re
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from io import StringIO
from threading import RLock
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NARROW, WIDE = 3.6, 7.2
"""Widths in inches: a phone, or one of several panels; and a whole page."""
INK, FAINT, HAIRLINE = "#1f2328", "#5b6470", "#d9dde2"
PALETTE = {
    "quantum": "#0072B2",
    "cached": "#56B4E9",
    "simulator": "#D55E00",
    "classical": "#CC79A7",
    "baseline": "#CC79A7",
    "ideal": "#009E73",
    "noisy": "#E69F00",
    "exact": INK,
    "workflow": "#8792A0",
}
"""Colour of each quantity, in every figure; told apart under all common forms of colour blindness.

Source: M. Okabe, K. Ito, Color Universal Design (2008).
"""
MARKERS = {
    "quantum": "o",
    "cached": "o",
    "simulator": "s",
    "classical": "D",
    "baseline": "D",
    "ideal": "s",
    "noisy": "^",
}
TEXT = 7.5
"""Points; a figure of width `NARROW` is shown at about its natural size."""
_CHARACTER = 0.585
"""Mean width of a character of the figures' typeface, in ems."""
_RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": TEXT,
    "text.color": INK,
    "text.parse_math": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.spines.left": False,
    "axes.formatter.useoffset": False,
    "axes.titlesize": TEXT + 0.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "xtick.color": FAINT,
    "xtick.labelcolor": FAINT,
    "xtick.labelsize": TEXT - 0.5,
    "xtick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 0.0,
    "ytick.labelcolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "svg.fonttype": "path",
    "svg.hashsalt": "prefect-qpu",
    "path.simplify": True,
}
_PROLOG = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>", re.DOTALL)
_BLANK = re.compile(r">\s+<")
_SIZE = re.compile(r'<svg[^>]*? width="([\d.]+)pt" height="([\d.]+)pt"')
_PIXELS_PER_POINT = 96 / 72
_lock = RLock()


@contextmanager
def drawing(**settings: object) -> Iterator[None]:
    """The figures' settings, for the enclosed block only; one thread draws at a time, for settings are global."""
    import matplotlib as mpl

    with _lock, mpl.rc_context(_RC | settings):
        yield


def new_figure(width: float, height: float) -> "Figure":
    """An empty figure of this size in inches, outside pyplot's registry."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height))


def panel(figure: "Figure", left: float, right: float, bottom: float, top: float) -> "Axes":
    """Axes with margins in inches."""
    width, height = figure.get_size_inches()
    box = (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    return figure.add_axes(box)


def to_svg(figure: "Figure", *, tight: bool = False) -> str:
    """A figure as an SVG element, without prolog, comments and metadata; equal figures give equal text."""
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    raw = StringIO()
    box: Literal["tight"] | None = "tight" if tight else None
    canvas = FigureCanvasSVG(figure)
    canvas.print_figure(raw, format="svg", metadata={"Date": None}, bbox_inches=box, pad_inches=0.04)
    return _BLANK.sub("><", _PROLOG.sub("", raw.getvalue())).strip()


def size_of(svg: str) -> tuple[int, int]:
    """Width and height of an SVG made here, in CSS pixels."""
    found = _SIZE.search(svg)
    if found is None:
        raise ValueError("expected an SVG with a width and a height in points, as to_svg makes it")
    width, height = (round(float(length) * _PIXELS_PER_POINT) for length in found.groups())
    return width, height


def data_uri(svg: str) -> str:
    """An SVG as a data URI, for an image in HTML or markdown.

    Example:
        >>> data_uri("<svg/>")
        'data:image/svg+xml;base64,PHN2Zy8+'
    """
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode('ascii')}"


def axes_width(axes: "Axes") -> float:
    """Width of axes in inches."""
    return float(axes.bbox.width / axes.figure.dpi)


def text_width(text: str, size: float = TEXT) -> float:
    """About how wide a text is drawn, in inches; measuring it exactly would cost more than drawing it."""
    return len(text) * _CHARACTER * size / 72


def fitted(text: str, longest: int) -> str:
    """A text that can be drawn: characters without a glyph replaced, the middle of a long one left out."""
    known = _glyphs()
    drawn = "".join(character if ord(character) in known else "□" for character in text)
    if len(drawn) <= longest:
        return drawn
    tail = (longest - 1) // 2
    return f"{drawn[: longest - 1 - tail]}…{drawn[len(drawn) - tail :]}"


@cache
def _glyphs() -> frozenset[int]:
    from matplotlib.font_manager import FontProperties, findfont, get_font

    return frozenset(get_font(findfont(FontProperties(family="DejaVu Sans"))).get_charmap())
