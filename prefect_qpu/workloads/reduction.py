"""Smaller graphs for MaxCut before the encoding: exactly, or by solving communities classically."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from math import fsum
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from prefect_qpu.definition import Definition
from prefect_qpu.workloads.graph import Graph

Rows = NDArray[np.uint8]
Adjacency = dict[int, dict[int, float]]
Lift = Callable[[Rows], None]
"""Fills in the part of one removed node, in place, from the parts of nodes that were removed later or kept."""


class ReductionSpec(Definition):
    """How a graph is made smaller before it is encoded."""

    method: Literal["core", "communities"] = "core"
    """``core`` removes nodes of one and two edges, which loses nothing; ``communities`` joins nodes."""
    size: Annotated[int, Field(ge=2, le=16)] = 6
    """Most nodes of a community."""


@dataclass(frozen=True)
class Reduced:
    """A smaller graph, and how its cuts become cuts of the whole one."""

    graph: Graph
    offset: float
    """What a cut of the whole graph weighs more than that of the smaller one from which it is lifted."""
    nodes: tuple[int, ...]
    """The nodes of the whole graph that the nodes of the smaller one stand for."""
    whole: Graph
    lifts: tuple[Lift, ...]
    details: dict[str, Any] = field(default_factory=dict)
    """What the reduction left out and what it cost, as JSON data."""

    def lifted(self, rows: Rows) -> Rows:
        """Parts of all nodes of the whole graph, from rows for the smaller one."""
        found = np.zeros((len(rows), self.whole.nodes), dtype=np.uint8)
        found[:, list(self.nodes)] = rows
        for lift in reversed(self.lifts):
            lift(found)
        return found


def reduced(graph: Graph, spec: ReductionSpec) -> Reduced:
    """The smaller graph of a method, with the time that it took.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> tail = weighted_graph([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2], [1, 3], [3, 4], [4, 5]])
        >>> smaller = reduced(tail, ReductionSpec(method="core"))
        >>> smaller.graph.nodes, smaller.offset, smaller.details["loss"]
        (4, 2.0, 'none')
    """
    started = time.perf_counter()
    found = core(graph) if spec.method == "core" else joined(graph, spec.size)
    found.details.update(
        {
            "method": spec.method,
            "nodes before": graph.nodes,
            "nodes after": found.graph.nodes,
            "edges before": len(graph.edges),
            "edges after": len(found.graph.edges),
            "reduction [s]": time.perf_counter() - started,
        }
    )
    return found


def core(graph: Graph) -> Reduced:
    """The graph without nodes of one and two edges, again and again; its largest cut, plus the offset, is the whole's.

    A node of one edge goes where it gains. A node of two edges gains ``max(0, v + w)`` if its neighbours are in one
    part and ``max(v, w)`` if not: an edge between them has the difference. Two nodes always stay.
    """
    near = _adjacency(graph)
    offsets: list[float] = []
    lifts: list[Lift] = []
    while len(near) > 2 and (node := _removable(near)) is not None:
        ends = sorted(near.pop(node).items())
        for end, _ in ends:
            del near[end][node]
        offsets.append(max(0.0, fsum(weight for _, weight in ends)))
        lifts.append(_follow(node, ends))
        if len(ends) == 2:
            _add_edge(near, ends)
    smaller, nodes = _kept(near)
    return Reduced(smaller, fsum(offsets), nodes, graph, tuple(lifts), {"loss": "none"})


def joined(graph: Graph, size: int) -> Reduced:
    """One node for each community of at most so many nodes, whose inner cut is solved by counting and then only turned.

    As in QAOA-in-QAOA (Zhou et al. 2023, https://arxiv.org/abs/2205.11762). Not every cut can be had any more; the
    details tell which share of the weight lies inside communities, where the quantum side decides nothing.
    """
    communities = _communities(graph, size)
    side, owner = np.zeros(graph.nodes, dtype=np.uint8), np.zeros(graph.nodes, dtype=int)
    for number, members in enumerate(communities):
        owner[members] = number
        side[members] = _inner_cut(graph, members)
    between: dict[tuple[int, int], float] = defaultdict(float)
    offsets: list[float] = []
    inside = 0.0
    for u, v, weight in graph.edges:
        apart = bool(side[u] != side[v])
        offsets.append(weight if apart else 0.0)
        if owner[u] != owner[v]:
            pair = (int(min(owner[u], owner[v])), int(max(owner[u], owner[v])))
            between[pair] += -weight if apart else weight
        else:
            inside += abs(weight)
    edges = tuple((a, b, weight) for (a, b), weight in sorted(between.items()))
    share = inside / float(abs(graph.weights).sum())
    details = {"loss": "cuts that part a community otherwise", "share of the weight inside": share}
    heads = tuple(members[0] for members in communities)
    lifts: list[Lift] = [_turn(members, side) for members in communities]
    return Reduced(Graph(len(communities), edges), fsum(offsets), heads, graph, tuple(lifts), details)


def _adjacency(graph: Graph) -> Adjacency:
    near: Adjacency = {node: {} for node in range(graph.nodes)}
    for u, v, weight in graph.edges:
        near[u][v] = near[v][u] = weight
    return near


def _removable(near: Adjacency) -> int | None:
    """A node of fewest edges, if these are two or fewer; the first of several."""
    node = min(near, key=lambda item: (len(near[item]), item))
    return node if len(near[node]) <= 2 else None


def _add_edge(near: Adjacency, ends: list[tuple[int, float]]) -> None:
    (a, v), (b, w) = ends
    weight = near[a].get(b, 0.0) + max(v, w) - max(0.0, v + w)
    for first, second in ((a, b), (b, a)):
        if weight:
            near[first][second] = weight
        else:
            near[first].pop(second, None)


def _follow(node: int, ends: list[tuple[int, float]]) -> Lift:
    """The part in which the node's edges gain most."""

    def lift(rows: Rows) -> None:
        pull = np.zeros(len(rows))
        for end, weight in ends:
            pull += weight * (1 - 2.0 * rows[:, end])
        rows[:, node] = pull > 0

    return lift


def _turn(members: list[int], side: Rows) -> Lift:
    """All members as in the inner cut, or all of them turned, as the first member's part says."""

    def lift(rows: Rows) -> None:
        rows[:, members] = side[members] ^ side[members[0]] ^ rows[:, members[:1]]

    return lift


def _kept(near: Adjacency) -> tuple[Graph, tuple[int, ...]]:
    """The graph of what is left; isolated nodes keep an edge of weight 0, so that every node has one."""
    nodes = sorted(near)
    numbers = {node: number for number, node in enumerate(nodes)}
    edges = {(numbers[u], numbers[v]): weight for u in nodes for v, weight in near[u].items() if u < v}
    for number, node in enumerate(nodes):
        if not near[node]:
            other = number - 1 if number else 1
            edges.setdefault((min(number, other), max(number, other)), 0.0)
    return Graph(len(nodes), tuple((u, v, weight) for (u, v), weight in sorted(edges.items()))), tuple(nodes)


def _communities(graph: Graph, size: int) -> list[list[int]]:
    """Communities that grow from the first free node by the neighbour that hangs on most weight."""
    near, free = _adjacency(graph), set(range(graph.nodes))
    return [sorted(members) for members in _grown(near, free, size)]


def _grown(near: Adjacency, free: set[int], size: int) -> Iterator[list[int]]:
    while free:
        members = [min(free)]
        free -= set(members)
        while len(members) < size:
            pull: dict[int, float] = defaultdict(float)
            for member in members:
                for other, weight in near[member].items():
                    if other in free:
                        pull[other] += abs(weight)
            if not pull:
                break
            members.append(max(sorted(pull), key=pull.__getitem__))
            free.remove(members[-1])
        yield members


def _inner_cut(graph: Graph, members: list[int]) -> Rows:
    """The largest cut among the edges inside a community, of equal ones the first in order of text."""
    numbers = {node: number for number, node in enumerate(members)}
    inner = [(numbers[u], numbers[v], weight) for u, v, weight in graph.edges if u in numbers and v in numbers]
    codes = np.arange(2 ** (len(members) - 1))
    rows: Rows = ((codes[:, None] >> np.arange(len(members))[::-1]) & 1).astype(np.uint8)
    best: Rows = rows[Graph(len(members), tuple(inner)).cuts(rows).round(9).argmax()]
    return best
