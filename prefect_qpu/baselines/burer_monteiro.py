"""Cuts from the relaxation of rank two: each node is a point on a circle, pushed away from its neighbours.

After Burer, Monteiro and Zhang 2002 (https://doi.org/10.1137/S1052623400382467), with coordinate descent (Wang, Chang
and Kolter 2017, https://arxiv.org/abs/1706.00476) in place of their gradient steps, on many starts side by side.
"""

from collections.abc import Callable, Iterator
from math import inf

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.local_search import Spins, best_of, climb, weight_matrix
from prefect_qpu.workloads.graph import Graph

METHOD = "burer-monteiro"
_STARTS = 16
_HALF_PLANES = 6
_MOST_SWEEPS = 60
_CONVERGED = 1e-3
_KICK = 0.2 * np.pi
_DENSE = 0.25
"""Share of neighbours above which whole rows of the matrix are multiplied."""


def cuts(graph: Graph, seed: int) -> Iterator[Spins]:
    """The best cut of each round, without end: half of the starts are new, half are the best cut with a kick.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> ring = weighted_graph([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]])
        >>> from prefect_qpu.baselines.local_search import spins_text
        >>> ring.cut(spins_text(next(cuts(ring, seed=1))))
        4.0
    """
    weights, random = weight_matrix(graph), np.random.default_rng(seed)
    best: Spins | None = None
    while True:
        angles = random.uniform(0, 2 * np.pi, (graph.nodes, _STARTS))
        if best is not None:
            kicked = _STARTS // 2
            kicks = random.uniform(-_KICK, _KICK, (graph.nodes, kicked))
            angles[:, :kicked] = np.pi * (best[:, None] < 0) + kicks
        points = relaxed(weights, np.hstack([np.cos(angles), np.sin(angles)]), dimension=2)
        found = best_of(weights, climb(weights, _halves(points, random)))
        best = found if best is None else best_of(weights, np.array([best, found]))
        yield found


def relaxed(
    weights: NDArray[np.float64],
    points: NDArray[np.float64],
    *,
    dimension: int,
    sweeps: int = _MOST_SWEEPS,
    converged: float = _CONVERGED,
    left: Callable[[], float] = lambda: inf,
) -> NDArray[np.float64]:
    """Unit vectors at a stationary point of ``sum w v_u . v_v``: each is set against the sum of its neighbours.

    Args:
        weights: `weight_matrix` of the graph.
        points: Shape ``(nodes, dimension * starts)``, component by component; left as it is.
        dimension: Number of components.
        sweeps: At most so many passes over the nodes.
        converged: Largest change of a component in the last pass.
        left: Seconds that are left; with none, no further pass begins.
    """
    points = points.copy()
    near = [np.flatnonzero(row) for row in weights]
    selected: list[slice | NDArray[np.int64]] = [
        slice(None) if len(nodes) > _DENSE * len(weights) else nodes for nodes in near
    ]
    rows = [weights[node, chosen] for node, chosen in enumerate(selected)]
    for _ in range(sweeps):
        before = points.copy()
        for node, chosen in enumerate(selected):
            push = (rows[node] @ points[chosen]).reshape(dimension, -1)
            length = np.sqrt((push * push).sum(axis=0))
            length[length == 0] = np.inf
            moved = -push / length
            points[node] = np.where(np.isinf(length), points[node].reshape(dimension, -1), moved).ravel()
        if abs(points - before).max() < converged or left() <= 0:
            break
    return points


def _halves(points: NDArray[np.float64], random: np.random.Generator) -> Spins:
    """Each start cut by some lines through the origin."""
    across, up = np.hsplit(points, 2)
    normals = random.uniform(0, np.pi, _HALF_PLANES)
    sides = across[:, :, None] * np.cos(normals) + up[:, :, None] * np.sin(normals)
    halves: Spins = np.where(sides.reshape(len(points), -1).T >= 0, 1.0, -1.0)
    return halves
