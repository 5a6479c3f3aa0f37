"""The Goemans-Williamson relaxation: a bound on every cut, and cuts that random planes make from its solution.

Goemans and Williamson 1995 (https://doi.org/10.1145/227683.227684). The dual has one variable for each node, ``min sum
y`` with ``diag(y) - L / 4`` positive semidefinite. Two solvers have nothing in common: coordinate descent on the
vectors of the primal, whose stationary point gives the dual, and the conic solver SCS (extra ``baselines``) on the
dual, whose shadow prices are the vectors. The first is faster and its bound a little closer.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, inf, sqrt
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.burer_monteiro import relaxed
from prefect_qpu.baselines.local_search import Spins, best_of, climb, weight_matrix
from prefect_qpu.workloads.graph import Graph

Solver = Literal["coordinate descent", "scs"]
_PLANES = 64
_DIGITS = 10
_SWEEPS = 300
_CONVERGED = 1e-4


@dataclass(frozen=True)
class Relaxation:
    """An approximate solution of the relaxation."""

    multipliers: list[float]
    """One for each node; `prefect_qpu.baselines.bounds.semidefinite_bound` tells what they prove."""
    spins: Spins
    """The best of some rounded cuts."""


def solve_relaxation(
    graph: Graph, seed: int, *, solver: Solver = "coordinate descent", left: Callable[[], float] = lambda: inf
) -> Relaxation:
    """Multipliers close to the best, and a cut.

    Args:
        graph: The graph.
        seed: Of the starting vectors and the planes.
        solver: Which of the two.
        left: Seconds that are left; what a solver has when they are gone is a proof too, of a looser bound.

    Raises:
        ImportError: SCS is asked for and not installed.

    Example:
        >>> from prefect_qpu.baselines.bounds import semidefinite_bound
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> ring = weighted_graph([[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]])
        >>> semidefinite_bound(ring, solve_relaxation(ring, seed=1).multipliers)
        4.0
    """
    random = np.random.default_rng(seed)
    solve = _by_scs if solver == "scs" else _by_descent
    multipliers, vectors = solve(graph, random, left)
    return Relaxation(multipliers, _rounded(graph, vectors, random))


def _by_scs(graph: Graph, _: np.random.Generator, left: Callable[[], float]) -> tuple[list[float], NDArray[np.float64]]:
    import scs
    from scipy.sparse import csc_matrix

    nodes, form = graph.nodes, _quarter_laplacian(graph)
    rows, columns = _lower_triangle(nodes)
    scale = np.where(rows == columns, 1.0, sqrt(2))
    diagonal = np.flatnonzero(rows == columns)
    data = {
        "A": csc_matrix((-np.ones(nodes), (diagonal, np.arange(nodes))), shape=(len(rows), nodes)),
        "b": -form[rows, columns] * scale,
        "c": np.ones(nodes),
    }
    options = {"eps_abs": 1e-4, "eps_rel": 1e-5, "verbose": False}
    if left() < inf:
        options["time_limit_secs"] = max(left(), 1e-3)
    solution = scs.SCS(data, {"s": [nodes]}, **options).solve()
    gram = np.zeros((nodes, nodes))
    gram[rows, columns] = gram[columns, rows] = np.nan_to_num(solution["y"]) / scale
    return _plain(solution["x"]), _factor(gram)


def _by_descent(
    graph: Graph, random: np.random.Generator, left: Callable[[], float]
) -> tuple[list[float], NDArray[np.float64]]:
    """The stationary point of full rank is optimal (Boumal, Voroninski and Bandeira 2016), and gives the dual."""
    dimension = ceil(sqrt(2 * graph.nodes)) + 1
    vectors = random.normal(size=(graph.nodes, dimension))
    vectors /= np.linalg.norm(vectors, axis=1)[:, None]
    vectors = relaxed(
        weight_matrix(graph), vectors, dimension=dimension, sweeps=_SWEEPS, converged=_CONVERGED, left=left
    )
    return _plain(np.einsum("nd,nd->n", _quarter_laplacian(graph) @ vectors, vectors)), vectors


def _plain(multipliers: NDArray[np.float64]) -> list[float]:
    return [round(number, _DIGITS) for number in np.nan_to_num(multipliers).tolist()]


def _quarter_laplacian(graph: Graph) -> NDArray[np.float64]:
    weights = weight_matrix(graph)
    quarter: NDArray[np.float64] = (np.diag(weights.sum(axis=1)) - weights) / 4
    return quarter


def _lower_triangle(nodes: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows and columns of the lower triangle, column by column, as SCS orders them."""
    columns, rows = np.triu_indices(nodes)
    return rows, columns


def _factor(gram: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(gram)
    factor: NDArray[np.float64] = vectors * np.sqrt(np.clip(values, 0, None))
    return factor


def _rounded(graph: Graph, vectors: NDArray[np.float64], random: np.random.Generator) -> Spins:
    planes = random.normal(size=(_PLANES, vectors.shape[1]))
    spins = np.where(planes @ vectors.T >= 0, 1.0, -1.0)
    weights = weight_matrix(graph)
    return best_of(weights, climb(weights, spins))
