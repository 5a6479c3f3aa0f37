"""Reading quadratic objectives: the Biq Mac format, JSON, and matrices as text."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph_formats import counted_rows, table_rows
from prefect_qpu.workloads.quadratic_form import MOST_VARIABLES

_QBSOLV = re.compile(r"^p\s+qubo\s", re.MULTILINE)
_LARGEST_FILE = 64 * 2**20


@dataclass(frozen=True)
class BinaryMatrix:
    """The matrix ``Q`` of ``x'Qx``, by its entries."""

    variables: int
    entries: tuple[tuple[int, int, float], ...]
    """Row, column, value; from 0, ascending, not 0, each pair once."""

    def document(self) -> dict[str, Any]:
        """The matrix as JSON data."""
        return {"variables": self.variables, "entries": [list(entry) for entry in self.entries]}


def read_text(path: Path, field: str) -> str:
    """The text of a file that is not too large.

    Raises:
        WorkloadError: there is no such text.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise WorkloadError(field, given=f"{path} of {size} bytes", expected=f"at most {_LARGEST_FILE} bytes")
        return path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WorkloadError(field, given=str(path), expected="a readable file", hint=f"{reason}.") from error


def read_json(path: Path, field: str) -> Any:
    """The JSON data of a file.

    Raises:
        WorkloadError: it holds none.
    """
    try:
        return json.loads(read_text(path, field))
    except (ValueError, RecursionError) as error:
        raise WorkloadError(field, given=str(path), expected="a JSON file", hint=f"{error}.") from error


def read_matrix(path: Path, field: str = "matrix") -> BinaryMatrix:
    """The matrix in a file: Biq Mac (``.bq .sparse``), qbsolv (``.qubo``), JSON (``.json``), or one row of it a line.

    What is no square of numbers is recognised as Biq Mac's by its first line, which counts, and as qbsolv's by ``p``.

    Raises:
        WorkloadError: the file is missing, too large or malformed.
    """
    if path.suffix.lower() == ".json":
        return binary_matrix(read_json(path, field), field)
    text = read_text(path, field)
    if path.suffix.lower() == ".qubo" or _QBSOLV.search(text):
        return parse_qbsolv(text, field=field, shown=path.name)
    if path.suffix.lower() in {".bq", ".sparse"} or _is_counted([row for _, row in table_rows(text)]):
        return parse_biq_mac(text, field=field, shown=path.name)
    return _dense([row for _, row in table_rows(text)], field, f" in {path.name}")


def binary_matrix(given: Any, field: str = "matrix") -> BinaryMatrix:
    """The matrix of nested lists, or of a mapping ``{variables, entries}``.

    Example:
        >>> binary_matrix([[1, -2], [0, 0]]).entries
        ((0, 0, 1.0), (0, 1, -2.0))
    """
    if isinstance(given, Mapping) and set(given) == {"variables", "entries"}:
        variables, entries = given["variables"], given["entries"]
        if not isinstance(entries, list | tuple):
            raise WorkloadError(f"{field}.entries", given=entries, expected="a list of [row, column, value]")
        return _checked(variables, entries, field)
    if isinstance(given, list | tuple):
        return _dense(given, field)
    raise WorkloadError(
        field,
        given=given,
        expected="a path, a list of rows, or a mapping of variables and entries [row, column, value]",
    )


def parse_biq_mac(text: str, *, field: str = "matrix", shown: str = "the text") -> BinaryMatrix:
    r"""The matrix of a Biq Mac text: ``variables entries``, then ``row column value`` each, from 1.

    ``Q`` is symmetric there, and one entry off the diagonal stands for both.

    Example:
        >>> parse_biq_mac("2 2\n1 1 -1\n1 2 1.5\n").entries
        ((0, 0, -1.0), (0, 1, 1.5), (1, 0, 1.5))
    """
    variables, rows = counted_rows(text, field, shown)
    entries: list[list[Any]] = []
    for line, words in rows:
        if len(words) != 3 or not all(isinstance(word, int) and 1 <= word <= variables for word in words[:2]):
            expected = f"row column value, with rows and columns from 1 to {variables}"
            raise WorkloadError(field, given=words, expected=expected, hint=f"Line {line} of {shown}.")
        row, column, value = words[0] - 1, words[1] - 1, words[2]
        entries += [[row, column, value], [column, row, value]][: 1 if row == column else 2]
    return _checked(variables, entries, field)


def parse_qbsolv(text: str, *, field: str = "matrix", shown: str = "the text") -> BinaryMatrix:
    r"""The matrix of a qbsolv text: ``p qubo 0 variables diagonals couplers``, then ``row column value`` each, from 0.

    A coupler stands once, above the diagonal, and counts once. Lines that begin with ``c`` are comments.

    Example:
        >>> parse_qbsolv("c two variables\np qubo 0 2 1 1\n0 0 -1\n0 1 1.5\n").entries
        ((0, 0, -1.0), (0, 1, 1.5))
    """
    rows = [row for row in table_rows(text) if row[1][0] != "c"]
    head = rows[0][1] if rows else None
    if head is None or len(head) != 6 or head[:2] != ["p", "qubo"]:
        raise WorkloadError(field, given=head, expected=f"a line 'p qubo 0 variables diagonals couplers' in {shown}")
    found = [sum((words[0] == words[1]) is same for _, words in rows[1:] if len(words) > 1) for same in (True, False)]
    if found != head[4:]:
        expected = f"the {head[4]} diagonals and {head[5]} couplers of which the first line of {shown} tells"
        raise WorkloadError(field, given=f"{found[0]} and {found[1]}", expected=expected)
    return _checked(head[3], [words for _, words in rows[1:]], field)


def _is_counted(rows: Sequence[Sequence[Any]]) -> bool:
    """Whether the first line counts the others, which are entries; then it is no matrix row by row."""
    if not rows or len(rows[0]) != 2 or len(rows) < 2:
        return False
    return rows[0][1] == len(rows) - 1 and all(len(row) == 3 for row in rows[1:])


def _dense(rows: Sequence[Any], field: str, where: str = "") -> BinaryMatrix:
    for number, row in enumerate(rows):
        if not isinstance(row, list | tuple) or len(row) != len(rows):
            expected = f"a square matrix{where}: {len(rows)} numbers in each of its {len(rows)} rows"
            raise WorkloadError(field, given=row, expected=expected, hint=f"Row {number}.")
    entries = [[i, j, value] for i, row in enumerate(rows) for j, value in enumerate(row) if value != 0]
    return _checked(len(rows), entries, field)


def _checked(variables: Any, entries: Sequence[Any], field: str) -> BinaryMatrix:
    if isinstance(variables, bool) or not isinstance(variables, int) or not 1 <= variables <= MOST_VARIABLES:
        expected = f"from 1 to {MOST_VARIABLES} variables"
        raise WorkloadError(field, given=variables, expected=expected)
    found: dict[tuple[int, int], float] = {}
    for index, entry in enumerate(entries):
        row, column, value = _entry(entry, variables, field, f"Entry {index}.")
        if (row, column) in found:
            raise WorkloadError(field, given=list(entry), expected="each row and column once", hint=f"Entry {index}.")
        found[row, column] = value
    return BinaryMatrix(variables, tuple((*place, value) for place, value in sorted(found.items()) if value))


def _entry(entry: Any, variables: int, field: str, place: str) -> tuple[int, int, float]:
    if not isinstance(entry, list | tuple) or len(entry) != 3:
        raise WorkloadError(field, given=entry, expected="an entry [row, column, value]", hint=place)
    row, column, value = entry
    if any(isinstance(at, bool) or not isinstance(at, int) or not 0 <= at < variables for at in (row, column)):
        raise WorkloadError(
            field, given=list(entry), expected=f"rows and columns from 0 to {variables - 1}", hint=place
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WorkloadError(field, given=list(entry), expected="a finite number as the value", hint=place)
    return row, column, float(value)
