"""Reading graphs: edge lists as text, the formats of the benchmark collections, and GraphML."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import Graph, weighted_graph
from prefect_qpu.workloads.graph_formats import (
    Row,
    is_dimacs,
    parse_counted,
    parse_dimacs,
    parse_quadratic,
    table_rows,
)

_LARGEST_FILE = 64 * 2**20
_GRAPHML = {".graphml", ".xml"}
_FORMATS: dict[str, Callable[..., Graph]] = {
    **dict.fromkeys((".dimacs", ".col", ".clq"), parse_dimacs),
    **dict.fromkeys((".mc", ".rud", ".rudy", ".gset"), parse_counted),
    **dict.fromkeys((".bq", ".sparse"), parse_quadratic),
}


def read_graph(path: Path, field: str = "graph") -> Graph:
    """The graph in a file, in the format that the end of its name tells, or else a text with one edge a line.

    ========================== ====================================================================================
    name                       format
    ========================== ====================================================================================
    .graphml .xml              GraphML; nodes in the order of their names; the edge attribute ``weight`` counts
    .dimacs .col .clq          DIMACS: `prefect_qpu.workloads.graph_formats.parse_dimacs`
    .mc .rud .rudy .gset       Gset and Biq Mac: `prefect_qpu.workloads.graph_formats.parse_counted`
    .bq .sparse                a quadratic program: `prefect_qpu.workloads.graph_formats.parse_quadratic`
    anything else              ``node node`` or ``node node weight`` a line, separated by spaces or commas; ``#`` begins
                               a comment. A first line with the numbers of nodes and edges, as in the Gset and Biq Mac
                               collections, and the line ``p`` of DIMACS are recognised.
    ========================== ====================================================================================

    Raises:
        WorkloadError: the file is missing, too large, malformed, or not a graph as `weighted_graph` wants it.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST_FILE:
            raise WorkloadError(field, given=f"{path} of {size} bytes", expected=f"at most {_LARGEST_FILE} bytes")
        if path.suffix.lower() in _GRAPHML:
            return _graphml(path, field)
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise WorkloadError(field, given=str(path), expected="a readable graph file", hint=f"{reason}.") from error
    parse = _FORMATS.get(path.suffix.lower()) or (parse_dimacs if is_dimacs(text) else parse_edges)
    return parse(text, field=field, shown=path.name)


def parse_edges(text: str, *, field: str = "graph", shown: str = "the text") -> Graph:
    r"""The graph of a text with one edge a line.

    Example:
        >>> parse_edges("# a path\n0 1\n1, 2, 0.5")
        Graph(nodes=3, edges=((0, 1, 1.0), (1, 2, 0.5)))
    """
    rows = table_rows(text)
    if _begins_with_counts(rows, field, shown):
        return parse_counted(text, field=field, shown=shown)
    if not rows:
        raise WorkloadError(
            field, given=f"no edge in {shown}", expected="a line 'node node' or 'node node weight' each"
        )
    return weighted_graph(
        [row for _, row in rows], field=field, places=[f"Line {line} of {shown}." for line, _ in rows]
    )


def _begins_with_counts(rows: Sequence[Row], field: str, shown: str) -> bool:
    """Whether the first line counts the nodes 1, 2, ... and the edges, and is no edge itself.

    Raises:
        WorkloadError: it may be both.
    """
    rest = [words for _, words in rows[1:]]
    if not rest or len(rows[0][1]) != 2 or rows[0][1][1] != len(rest):
        return False
    nodes, edges = rows[0][1]
    named = {node for words in rest for node in words[:2]}
    if not isinstance(nodes, int) or not named <= set(range(1, nodes + 1)):
        return False
    # More edges than nodes: as an edge, the line would name a node that no other line does.
    weighted = all(len(words) == 3 for words in rest)
    if edges > nodes or (weighted and len(named) == nodes):
        return True
    hint = f"If it counts, end the name of {shown} in .mc; if it is an edge, move it below the others."
    raise WorkloadError(
        field, given=rows[0][1], expected="a first line that is either an edge or the counts", hint=hint
    )


def _graphml(path: Path, field: str) -> Graph:
    from networkx import NetworkXError, read_graphml

    try:
        graph = read_graphml(path)
    except (NetworkXError, ParseError, KeyError, ValueError, TypeError) as error:
        raise WorkloadError(field, given=str(path), expected="a valid GraphML file", hint=f"{error}") from error
    names = sorted(graph.nodes, key=_natural)
    numbers = {name: number for number, name in enumerate(names)}
    edges: list[list[Any]] = []
    places = []
    for u, v, weight in graph.edges(data="weight", default=1.0):
        edges.append([numbers[u], numbers[v], weight])
        places.append(f"The edge from {u} to {v} in {path.name}.")
    if not edges:
        raise WorkloadError(field, given=f"no edge in {path.name}", expected="at least one edge")
    return weighted_graph(edges, nodes=len(names), field=field, places=places)


def _natural(name: str) -> list[Any]:
    """Sort key in which n2 stands before n10."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", str(name))]
