"""Linear programs over odd cycles: how much a cut of a sparse graph can weigh at most.

Barahona, Groetschel, Juenger and Reinelt 1988 (https://doi.org/10.1287/opre.36.3.493): an inequality that a fractional
solution violates is a short path between the two copies of a node, in a graph whose edges keep the copy if they are not
cut and change it if they are.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from prefect_qpu.baselines.bounds import Inequality, walk_inequality
from prefect_qpu.workloads.graph import Graph

_VIOLATED = 1e-5
_TINY = 1e-9
"""Length of an edge of length zero, which a sparse matrix would forget."""
_MOST_SOURCES = 100
"""Nodes from which a noisy pass looks, or a quarter of all if that is more."""
_NOISE = 0.1
_NOISY_PASSES = 2
_LONGEST_NOISE = 10


@dataclass(frozen=True)
class Walk:
    """A closed walk and an odd set of its steps."""

    nodes: tuple[int, ...]
    odd: tuple[int, ...]
    inequality: Inequality


@dataclass(frozen=True)
class Solution:
    """The solution of one linear program."""

    edges: NDArray[np.float64]
    """Between 0 and 1, how much of each edge is cut."""
    multipliers: dict[int, float]
    """Positive shadow prices by the number of the walk."""
    bound: float
    """What they prove, within rounding."""


class OddCycles:
    """The walks found so far on one graph, and the linear programs over them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.walks: list[Walk] = []
        self._known: dict[tuple[tuple[int, int], ...], int] = {}
        self._index = {edge[:2]: number for number, edge in enumerate(graph.edges)}
        self._ends = np.array([edge[:2] for edge in graph.edges])
        self._weights = graph.weights
        self._penalty = 2 * float(abs(self._weights).sum())

    def solve(self, active: Sequence[int], fixed: Mapping[int, int], time_limit: float) -> Solution | None:
        """The optimum over some of the walks, with some edges fixed; none if time ran out.

        A fixed edge gets a large weight instead of a bound, so that contradictions have a solution, and a proof, too.
        """
        weights = self._weights.copy()
        for edge, side in fixed.items():
            weights[edge] += self._penalty if side else -self._penalty
        matrix = self._matrix(active)
        right = [self.walks[number].inequality[1] for number in active]
        result = linprog(
            -weights,
            A_ub=matrix if active else None,
            b_ub=right if active else None,
            bounds=(0, 1),
            method="highs-ds",
            options={"time_limit": max(time_limit, 1e-3)},
        )
        if result.status != 0:
            return None
        prices = np.round(np.clip(-result.ineqlin.marginals, 0, None), 9) if active else np.zeros(0)
        multipliers = {number: float(price) for number, price in zip(active, prices, strict=True) if price > 0}
        return Solution(result.x, multipliers, self.bound(multipliers, fixed))

    def bound(self, multipliers: Mapping[int, float], fixed: Mapping[int, int]) -> float:
        """What multipliers prove, as `prefect_qpu.baselines.bounds.leaf_bound` does, within rounding."""
        left = self._weights.copy()
        total = 0.0
        for number, price in multipliers.items():
            coefficients, right = self.walks[number].inequality
            total += price * right
            for edge, coefficient in coefficients.items():
                left[edge] -= price * coefficient
        gained = np.clip(left, 0, None)
        for edge, side in fixed.items():
            gained[edge] = left[edge] * side
        return total + float(gained.sum())

    def violated(self, edges: NDArray[np.float64], random: np.random.Generator) -> list[int]:
        """Numbers of walks whose inequality a solution violates, new ones or known ones; none only if there are none.

        The shortest paths of many nodes lead along the same few edges. Lengths with some noise give different walks.
        """
        found: set[int] = set()
        for _ in range(_NOISY_PASSES):
            noise = _NOISE * random.random((2, len(edges)))
            found.update(self._separate(edges, noise, self._sources(random)))
        if not found:
            found.update(self._separate(edges, np.zeros((2, len(edges))), np.arange(self.graph.nodes)))
        return sorted(found)

    def violation(self, number: int, edges: NDArray[np.float64]) -> float:
        """By how much a solution exceeds the right-hand side of a walk's inequality."""
        coefficients, right = self.walks[number].inequality
        return float(sum(coefficient * edges[edge] for edge, coefficient in coefficients.items()) - right)

    def _sources(self, random: np.random.Generator) -> NDArray[np.int64]:
        nodes = self.graph.nodes
        return random.permutation(nodes)[: max(_MOST_SOURCES, nodes // 4)]

    def _separate(
        self, edges: NDArray[np.float64], noise: NDArray[np.float64], sources: NDArray[np.int64]
    ) -> Iterable[int]:
        """Walks from the sources that are violated."""
        nodes = self.graph.nodes
        copies = self._copies(np.clip([edges, 1 - edges], 0, 1) + noise + _TINY)
        lengths, before = dijkstra(copies, indices=sources, return_predecessors=True, limit=1 + _LONGEST_NOISE * _NOISE)
        for row, source in enumerate(sources):
            if np.isfinite(lengths[row, source + nodes]):
                number = self._remember(self._walk(before[row], int(source)))
                if self.violation(number, edges) > _VIOLATED:
                    yield number

    def _copies(self, lengths: NDArray[np.float64]) -> csr_matrix:
        """The graph of both copies; an edge has one length if it keeps the copy and one if it changes it."""
        u, v = self._ends.T
        nodes = self.graph.nodes
        tails = np.concatenate([u, u + nodes, u, u + nodes])
        heads = np.concatenate([v, v + nodes, v + nodes, v])
        both = (np.concatenate([tails, heads]), np.concatenate([heads, tails]))
        return csr_matrix((np.tile(np.repeat(lengths, 2, axis=0).ravel(), 2), both), shape=(2 * nodes, 2 * nodes))

    def _walk(self, before: NDArray[np.int32], source: int) -> Walk:
        """The shortest closed part of the path between the copies that changes the copy an odd number of times."""
        nodes = self.graph.nodes
        path = [source + nodes]
        while path[-1] != source:
            path.append(int(before[path[-1]]))
        path = _innermost(path, nodes)
        steps = range(len(path) - 1)
        walk = tuple(place % nodes for place in path[:-1])
        odd = tuple(step for step in steps if (path[step] < nodes) != (path[step + 1] < nodes))
        return Walk(walk, odd, walk_inequality(self._index, walk, odd))

    def _remember(self, walk: Walk) -> int:
        key = tuple(sorted(walk.inequality[0].items()))
        number = self._known.setdefault(key, len(self.walks))
        if number == len(self.walks):
            self.walks.append(walk)
        return number

    def _matrix(self, active: Iterable[int]) -> csr_matrix:
        rows, columns, values = [], [], []
        count = 0
        for count, number in enumerate(active, start=1):
            for edge, coefficient in self.walks[number].inequality[0].items():
                rows.append(count - 1)
                columns.append(edge)
                values.append(coefficient)
        return csr_matrix((values, (rows, columns)), shape=(count, len(self._weights)))


def _innermost(path: list[int], nodes: int) -> list[int]:
    """The first part of a path that leads from one copy of a node to its other copy and visits no node twice."""
    seen: dict[int, int] = {}
    for place, copy in enumerate(path):
        node = copy % nodes
        if node in seen:
            return path[seen[node] : place + 1]
        seen[node] = place
    return path
