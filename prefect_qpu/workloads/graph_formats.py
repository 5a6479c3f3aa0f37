"""The text formats of the collections of MaxCut and quadratic problems."""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import MOST_NODES, Graph, weighted_graph

Row = tuple[int, list[Any]]
"""Number of a line, and its words as numbers where they are numbers."""
_SEPARATOR = re.compile(r"[\s,;]+")
_DIMACS = re.compile(r"^p\s+\w+\s+\d+\s+\d+\s*$", re.MULTILINE)


def table_rows(text: str, comment: str = "#") -> list[Row]:
    """The lines that hold something, without comments."""
    lines = [(number, line.split(comment)[0].strip()) for number, line in enumerate(text.splitlines(), start=1)]
    return [(number, [_number(word) for word in _SEPARATOR.split(line)]) for number, line in lines if line]


def is_dimacs(text: str) -> bool:
    """Whether a text has the line that every DIMACS file has."""
    return _DIMACS.search(text) is not None


def parse_dimacs(text: str, *, field: str = "graph", shown: str = "the text") -> Graph:
    r"""The graph of a DIMACS text: ``p edge nodes edges``, then ``e node node`` or ``e node node weight`` each.

    Lines that begin with ``c`` are comments. Many files of the collection give each edge in both directions; it counts
    once. A node without an edge keeps its number. Lines of other kinds, such as the ``n`` of coloured nodes, are
    refused, since they would mean something.

    Example:
        >>> parse_dimacs("c a path\np edge 3 2\ne 1 2\ne 2 3 0.5\n")
        Graph(nodes=3, edges=((0, 1, 1.0), (1, 2, 0.5)))
    """
    rows = [row for row in table_rows(text, "\0") if row[1][0] != "c"]
    if not rows or rows[0][1][0] != "p" or len(rows[0][1]) != 4:
        raise WorkloadError(field, given=_first(rows), expected=f"a line 'p edge nodes edges' first in {shown}")
    nodes = _count(rows[0][1][2], field, shown)
    for line, words in rows[1:]:
        if words[0] != "e" or len(words) not in {3, 4}:
            place = f"Line {line} of {shown}."
            raise WorkloadError(field, given=words, expected="e node node, or e node node weight", hint=place)
    return _numbered_from_one(_once([(line, words[1:]) for line, words in rows[1:]]), nodes, field, shown)


def parse_counted(text: str, *, field: str = "graph", shown: str = "the text") -> Graph:
    r"""The graph of a Gset or Biq Mac text: ``nodes edges``, then ``node node weight`` (or ``node node``) each.

    Nodes are 1, 2, ...; one without an edge keeps its number. ``#`` begins a comment.

    Example:
        >>> parse_counted("3 2\n1 2 1\n2 3 -1\n")
        Graph(nodes=3, edges=((0, 1, 1.0), (1, 2, -1.0)))
    """
    nodes, rows = counted_rows(text, field, shown)
    return _numbered_from_one(rows, nodes, field, shown)


def parse_quadratic(text: str, *, field: str = "graph", shown: str = "the text") -> Graph:
    r"""The graph whose largest cut is ``-min x' Q x`` over ``x`` of 0 and 1, of a Biq Mac text of the matrix ``Q``.

    The text is ``variables entries``, then ``row column value`` each, from 1; ``Q`` is symmetric, one entry stands for
    both. Node ``i`` is variable ``i``, node 0 is added (Hammer 1965): a variable is 1 if its node is not in the part of
    node 0. Then ``x_i x_j = (c_0i + c_0j - c_ij) / 2`` for what is cut, so edges weigh ``q_ij``, and those of node 0
    weigh ``-sum_j q_ij``.

    Example:
        >>> parse_quadratic("2 3\n1 1 -1\n2 2 -1\n1 2 1.5\n")
        Graph(nodes=3, edges=((0, 1, -0.5), (0, 2, -0.5), (1, 2, 1.5)))
    """
    variables, rows = counted_rows(text, field, shown)
    edges: list[Row] = []
    to_origin: dict[int, float] = defaultdict(float)
    for line, words in rows:
        row, column, value = (*words, 1.0)[:3]
        if not all(isinstance(node, int) and 1 <= node <= variables for node in (row, column)):
            expected = f"a row and a column from 1 to {variables}"
            raise WorkloadError(field, given=words, expected=expected, hint=f"Line {line} of {shown}.")
        to_origin[row] -= value
        if row != column:
            to_origin[column] -= value
            edges.append((line, words))
    joined = {node for _, words in edges for node in words[:2]}
    origin = [(0, [0, node, weight]) for node, weight in to_origin.items() if weight or node not in joined]
    rows = [*edges, *origin]
    places = [f"Line {line} of {shown}." for line, _ in rows]
    return weighted_graph([words for _, words in rows], nodes=variables + 1, field=field, places=places)


def counted_rows(text: str, field: str, shown: str) -> tuple[int, list[Row]]:
    """The number in front, and the lines that are counted."""
    rows = table_rows(text)
    if not rows or len(rows[0][1]) != 2:
        raise WorkloadError(field, given=_first(rows), expected=f"the two counts first in {shown}")
    counts, rest = rows[0][1], rows[1:]
    if counts[1] != len(rest):
        raise WorkloadError(
            field, given=f"{len(rest)} lines", expected=f"{counts[1]} lines after the first one of {shown}, as it says"
        )
    return _count(counts[0], field, shown), rest


def _numbered_from_one(rows: Sequence[Row], nodes: int, field: str, shown: str) -> Graph:
    places = [f"Line {line} of {shown}." for line, _ in rows]
    for (_, words), place in zip(rows, places, strict=True):
        if any(isinstance(node, int) and not 1 <= node <= nodes for node in words[:2]):
            raise WorkloadError(field, given=words, expected=f"nodes from 1 to {nodes}", hint=place)
    edges = [[*(node - 1 if isinstance(node, int) else node for node in words[:2]), *words[2:]] for _, words in rows]
    lonely = _lonely(edges, nodes)
    named = [*places, *(f"Node {node + 1} of {shown}." for node, _, _ in lonely)]
    return weighted_graph([*edges, *lonely], nodes=nodes, field=field, places=named)


def _lonely(edges: Sequence[Sequence[Any]], nodes: int) -> list[list[Any]]:
    """Edges of weight 0 for nodes without any, so that the numbers of all nodes stay as they are."""
    joined = {node for edge in edges for node in edge[:2]}
    return [[node, int(node == 0), 0.0] for node in range(nodes) if node not in joined] if joined else []


def _once(rows: Sequence[Row]) -> list[Row]:
    """Without edges that stood before in the other direction."""
    seen: set[tuple[Any, ...]] = set()
    kept = []
    for line, words in rows:
        if (words[1], words[0], *words[2:]) not in seen:
            kept.append((line, words))
            seen.add(tuple(words))
    return kept


def _count(word: Any, field: str, shown: str) -> int:
    if isinstance(word, int) and 1 <= word <= MOST_NODES:
        return word
    raise WorkloadError(field, given=word, expected=f"a number of nodes from 1 to {MOST_NODES} first in {shown}")


def _first(rows: Sequence[Row]) -> Any:
    return rows[0][1] if rows else None


def _number(word: str) -> int | float | str:
    for kind in (int, float):
        try:
            return kind(word)
        except ValueError:
            continue
    return word
