"""Proof that a cut is the largest: linear programs over odd cycles, and a tree of them where one does not suffice."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from math import floor
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from prefect_qpu.baselines.bounds import cut_unit, trivial_bound
from prefect_qpu.baselines.local_search import Spins, best_of, climb, spins_text, weight_matrix
from prefect_qpu.baselines.odd_cycles import OddCycles, Solution
from prefect_qpu.workloads.graph import Graph

_ROUNDING = 1e-7
"""Relative to the unit of cuts: what a bound may lack in floating point and still hold in exact fractions."""
_INTEGRAL = 1e-6
_STALLED = 1e-4
_TIGHT = 1e-6


@dataclass(order=True)
class _Leaf:
    """A part of all cuts: some edges are fixed."""

    priority: float
    fixed: dict[int, int] = field(compare=False)
    multipliers: dict[int, float] = field(compare=False)
    active: list[int] = field(compare=False)


@dataclass(frozen=True)
class Proof:
    """What a search has found."""

    spins: Spins
    """The best cut it knows."""
    document: dict[str, Any]
    """JSON data; `prefect_qpu.baselines.bounds.odd_cycle_bound` tells what it proves."""
    programs: int
    """Linear programs that were solved."""


class Prover:
    """Best-first search on one graph.

    Example:
        >>> from prefect_qpu.baselines.bounds import odd_cycle_bound
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> ring = weighted_graph([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]])
        >>> proof = Prover(ring, np.ones(5), seed=1, left=lambda: 10.0).run()
        >>> odd_cycle_bound(ring, proof.document), ring.cut(spins_text(proof.spins))
        (4.0, 4.0)
    """

    def __init__(self, graph: Graph, spins: Spins, *, seed: int, left: Callable[[], float]) -> None:
        """A search that begins with a known cut and stops when ``left`` tells that no seconds are left."""
        self._graph, self._left = graph, left
        self._cycles = OddCycles(graph)
        self._weights = weight_matrix(graph)
        self._random = np.random.default_rng(seed)
        self._unit = float(cut_unit(graph))
        self._spins, self._value = spins, graph.cut(spins_text(spins))
        self._closed: list[_Leaf] = []
        self._waiting = [_Leaf(-trivial_bound(graph), {}, {}, [])]
        self._programs = 0
        self._paused: Callable[[], bool] = lambda: False

    def run(self) -> Proof:
        """The proof when all leaves are closed, or as far as it came when the time was up."""
        self.advance(lambda: False)
        return self.proof()

    def advance(self, paused: Callable[[], bool]) -> bool:
        """Whether all leaves are closed; goes on until they are, the time is up, or it is paused after a program."""
        self._paused = paused
        begun = self._programs
        while self._waiting and self._left() > 0 and not (self._programs > begun and paused()):
            leaf = heapq.heappop(self._waiting)
            for child in self._work(leaf):
                heapq.heappush(self._waiting, child)
        return not self._waiting

    def offer(self, spins: Spins) -> None:
        """Take a cut that was found elsewhere, if it is better."""
        value = self._graph.cut(spins_text(spins))
        if value > self._value:
            self._spins, self._value = spins, value

    def proof(self) -> Proof:
        """What is found so far; its bound holds at any time."""
        return Proof(self._spins, self._document([*self._closed, *self._waiting]), self._programs)

    def _work(self, leaf: _Leaf) -> list[_Leaf]:
        """Nothing if the leaf is closed now; else its two branches, or itself if time ran out."""
        solution = self._tighten(leaf)
        if self._is_closed(-leaf.priority):
            self._closed.append(leaf)
            return []
        if solution is None:
            return [leaf]
        distance = abs(solution.edges - 0.5)
        distance[list(leaf.fixed)] = np.inf
        edge = int(distance.argmin())
        if not np.isfinite(distance[edge]):
            self._closed.append(leaf)
            return []
        return [self._branch(leaf, edge, side) for side in (0, 1)]

    def _branch(self, leaf: _Leaf, edge: int, side: int) -> _Leaf:
        fixed = {**leaf.fixed, edge: side}
        bound = self._cycles.bound(leaf.multipliers, fixed)
        return _Leaf(-min(bound, -leaf.priority), fixed, leaf.multipliers, leaf.active)

    def _tighten(self, leaf: _Leaf) -> Solution | None:
        """Add violated walks until none is left or they no longer help; none if time ran out."""
        active, solution, best = list(leaf.active), None, np.inf
        while True:
            solved = self._cycles.solve(active, leaf.fixed, self._left())
            if solved is None:
                return None
            self._programs += 1
            solution = solved
            if solution.bound <= -leaf.priority or not leaf.multipliers:
                leaf.priority, leaf.multipliers = -solution.bound, solution.multipliers
            self._try(solution.edges)
            if self._is_closed(solution.bound):
                break
            if self._paused():
                leaf.active = active
                return None
            violated = self._cycles.violated(solution.edges, self._random)
            new = set(violated) - set(active)
            if not new or (leaf.fixed and best - solution.bound < _STALLED * self._unit):
                break
            best = min(best, solution.bound)
            active = self._tight(active, solution) + sorted(new)
        leaf.active = self._tight(active, solution)
        return solution if self._left() > 0 else None

    def _tight(self, active: list[int], solution: Solution) -> list[int]:
        """The walks that hold with equality: the others can go."""
        return [
            number
            for number in active
            if number in solution.multipliers or self._cycles.violation(number, solution.edges) > -_TIGHT
        ]

    def _is_closed(self, bound: float) -> bool:
        rounding = _ROUNDING * max(self._unit, 1e-3 * abs(self._value))
        possible = floor((bound - self._value + rounding) / self._unit)
        return possible < 1 or bound <= self._value + rounding * 1e-3

    def _try(self, edges: NDArray[np.float64]) -> None:
        """Take the cut that agrees with the most decided edges of a solution, if it is better."""
        self.offer(best_of(self._weights, climb(self._weights, _along_tree(self._graph, edges)[None, :])))

    def _document(self, leaves: list[_Leaf]) -> dict[str, Any]:
        used = sorted({number for leaf in leaves for number in leaf.multipliers})
        places = {number: place for place, number in enumerate(used)}
        walks = [self._cycles.walks[number] for number in used]
        return {
            "walks": [{"nodes": list(walk.nodes), "odd": list(walk.odd)} for walk in walks],
            "leaves": [
                {
                    "fixed": [list(item) for item in leaf.fixed.items()],
                    "multipliers": [[places[number], price] for number, price in leaf.multipliers.items()],
                }
                for leaf in leaves
            ],
        }


def _along_tree(graph: Graph, edges: NDArray[np.float64]) -> Spins:
    """The spins that follow the edges of a spanning forest, those that are nearest to 0 or 1."""
    u, v = np.array([edge[:2] for edge in graph.edges]).T
    doubt = 1 - abs(edges - 0.5)
    tree = minimum_spanning_tree(coo_matrix((doubt, (u, v)), shape=(graph.nodes, graph.nodes)))
    cut = {edge[:2]: share > 0.5 for edge, share in zip(graph.edges, edges, strict=True)}
    spins = np.zeros(graph.nodes)
    for root in range(graph.nodes):
        if spins[root]:
            continue
        spins[root] = 1
        order, before = breadth_first_order(tree, root, directed=False)
        for node in order[1:].tolist():
            parent = int(before[node])
            spins[node] = -spins[parent] if cut[min(node, parent), max(node, parent)] else spins[parent]
    return spins
