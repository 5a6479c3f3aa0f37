"""Tables as data: what the page's one table macro shows."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prefect_qpu.reports.labels import Badge, verdict
from prefect_qpu.reports.units import by_name, title


@dataclass(frozen=True)
class Cell:
    """One cell: text, with a verdict's mark or a quantity's colour where it has one."""

    text: str
    badge: Badge | None = None
    kind: str = ""
    """Key of the palette."""
    code: bool = False
    whole: bool = False
    """Whether the text stands on one line."""
    again: bool = False
    """Whether the row above has the same text here."""


@dataclass(frozen=True)
class Column:
    """One column; numbers stand at its right."""

    title: str
    numeric: bool = False


@dataclass(frozen=True)
class Table:
    """A table, with a note below and what is to be said of single rows."""

    caption: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    note: str = ""
    remarks: tuple[str, ...] = ()
    """What stands below each row, over its whole width; nothing, or as many as there are rows."""


def table(
    caption: str,
    columns: Sequence[str],
    rows: Sequence[Sequence[str | Cell]],
    note: str = "",
    remarks: Sequence[str] = (),
) -> Table:
    """A table; a column whose title begins with ``#`` holds numbers, a column without any text is left out.

    Example:
        >>> made = table("Sizes", ["Name", "#Depth", "#Width"], [["a", "3", ""], ["b", "5", ""]])
        >>> [column.title for column in made.columns], made.rows[1][1].text
        (['Name', 'Depth'], '5')
    """
    cells = [[Cell(item) if isinstance(item, str) else item for item in row] for row in rows]
    kept = [place for place in range(len(columns)) if any(row[place].text for row in cells)]
    return Table(
        caption,
        tuple(Column(columns[place].removeprefix("#"), columns[place].startswith("#")) for place in kept),
        tuple(tuple(row[place] for place in kept) for row in cells),
        note,
        tuple(remarks),
    )


def judged(word: str | None) -> Cell:
    """A verdict as a cell."""
    return Cell(word, verdict(word)) if word else Cell("")


def facts(data: Mapping[str, Any], unit: str = "") -> list[tuple[str, str]]:
    r"""Names and values of free-form data, nested data on lines of their own, in the units that the names tell.

    Example:
        >>> facts({"wall_seconds": {"encode": 0.25}, "shots": 100})[1], facts({"wall_seconds": 2.0})
        (('Shots', '100'), [('Wall time', '2\u202fs')])
    """
    return list(_facts(data, unit))


def _lower(text: str) -> str:
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _facts(data: Mapping[str, Any], unit: str, above: str = "") -> Iterator[tuple[str, str]]:
    for name, value in data.items():
        words = f"{above}: {_lower(title(str(name)))}" if above else title(str(name))
        if isinstance(value, Mapping) and value:
            yield from _facts(value, f"{unit}_{name}", words)
        else:
            yield words, by_name(f"{unit}_{name}", value)
