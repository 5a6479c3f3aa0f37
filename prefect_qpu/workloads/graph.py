"""A weighted graph: checked, numbered from 0, in one canonical form."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.errors import WorkloadError
from prefect_qpu.hashing import content_hash

MOST_NODES = 1000

Edge = tuple[int, int, float]


@dataclass(frozen=True)
class Graph:
    """An undirected graph without loops whose every node has an edge."""

    nodes: int
    """Number of nodes; they are called 0, 1, ..."""
    edges: tuple[Edge, ...]
    """Smaller node, larger node, weight; in ascending order."""

    def document(self) -> dict[str, Any]:
        """The graph as JSON data."""
        return {"nodes": self.nodes, "edges": [list(edge) for edge in self.edges]}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the document."""
        return content_hash(self.document())

    @property
    def degrees(self) -> list[int]:
        """Number of edges of each node."""
        ends = [node for u, v, _ in self.edges for node in (u, v)]
        return [int(count) for count in np.bincount(ends, minlength=self.nodes)]

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weight of each edge, in their order."""
        return np.array([weight for _, _, weight in self.edges])

    def cut(self, assignment: str) -> float:
        """Total weight of the edges whose ends have different characters.

        Example:
            >>> weighted_graph([[0, 1], [1, 2], [0, 2, 0.5]]).cut("010")
            2.0
        """
        return fsum(weight for u, v, weight in self.edges if assignment[u] != assignment[v])

    def cuts(self, assignments: NDArray[np.uint8]) -> NDArray[np.float64]:
        """`cut` of each row of zeros and ones."""
        matrix = np.zeros((self.nodes, self.nodes))
        for u, v, weight in self.edges:
            matrix[u, v] = weight
        ones = assignments.astype(np.float64)
        cuts: NDArray[np.float64] = np.einsum("si,si->s", ones @ (matrix + matrix.T), 1 - ones)
        return cuts


def weighted_graph(edges: Any, *, nodes: int | None = None, field: str = "graph", places: Sequence[str] = ()) -> Graph:
    """The graph of an edge list; without a number of nodes, the nodes that have an edge are numbered in their order.

    Args:
        edges: ``[node, node]`` or ``[node, node, weight]`` each; the weight is 1 if it is left out.
        nodes: Number of nodes; the edges then name nodes from 0 to ``nodes - 1``.
        field: Name of the setting, for the error message.
        places: Where each edge stands, for the error message; its number in the list if left out.

    Raises:
        WorkloadError: an edge is malformed, a loop or a duplicate, a node has no edge, or there are too many nodes.

    Example:
        >>> weighted_graph([[7, 3], [3, 5, 0.5]])
        Graph(nodes=3, edges=((0, 1, 0.5), (0, 2, 1.0)))
    """
    if not isinstance(edges, list | tuple) or not edges:
        raise WorkloadError(
            field, given=edges, expected="a list of at least one edge [node, node] or [node, node, weight]"
        )
    named = places or [f"Edge {index}." for index in range(len(edges))]
    checked = [_edge(edge, field, place) for edge, place in zip(edges, named, strict=True)]
    _refuse_duplicates(checked, field, named)
    labels = sorted({node for u, v, _ in checked for node in (u, v)})
    numbers = _numbers(labels, nodes, field)
    if not any(weight for _, _, weight in checked):
        raise WorkloadError(field, given="weights that are all 0", expected="at least one other weight")
    numbered = ((numbers[u], numbers[v], weight) for u, v, weight in checked)
    return Graph(len(numbers), tuple(sorted((min(u, v), max(u, v), weight) for u, v, weight in numbered)))


def _edge(edge: Any, field: str, place: str) -> Edge:
    if not isinstance(edge, list | tuple) or len(edge) not in {2, 3}:
        raise WorkloadError(field, given=edge, expected="an edge [node, node] or [node, node, weight]", hint=place)
    u, v, weight = (*edge, 1.0)[:3]
    if any(isinstance(node, bool) or not isinstance(node, int) or node < 0 for node in (u, v)):
        raise WorkloadError(field, given=edge, expected="nodes that are integers from 0", hint=place)
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight):
        raise WorkloadError(field, given=edge, expected="a weight that is a finite number", hint=place)
    if u == v:
        raise WorkloadError(field, given=edge, expected="two different nodes (a loop is never cut)", hint=place)
    return u, v, float(weight)


def _refuse_duplicates(edges: Iterable[Edge], field: str, places: Sequence[str]) -> None:
    seen: dict[frozenset[int], str] = {}
    for (u, v, weight), place in zip(edges, places, strict=True):
        first = seen.setdefault(frozenset((u, v)), place)
        if first is not place:
            hint = f"{place} The same as: {first}"
            raise WorkloadError(field, given=[u, v, weight], expected="each pair of nodes once", hint=hint)


def _numbers(labels: Sequence[int], nodes: int | None, field: str) -> dict[int, int]:
    """The number of each label."""
    count = len(labels) if nodes is None else nodes
    if count > MOST_NODES:
        raise WorkloadError(field, given=f"{count} nodes", expected=f"at most {MOST_NODES} nodes")
    if nodes is None:
        return {label: number for number, label in enumerate(labels)}
    if labels[-1] >= nodes:
        raise WorkloadError(field, given=f"an edge of node {labels[-1]}", expected=f"nodes from 0 to {nodes - 1}")
    lonely = sorted(set(range(nodes)).difference(labels))
    if lonely:
        hint = "A node without an edge changes no cut: leave it out."
        raise WorkloadError(
            field, given=f"node {lonely[0]} without an edge", expected="an edge of every node", hint=hint
        )
    return {label: label for label in labels}
