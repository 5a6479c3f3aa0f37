"""Cuts improved one node at a time, many of them side by side."""

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.workloads.graph import Graph

Spins = NDArray[np.float64]
"""+1 or -1 for each node; one row for each cut."""
_RELATIVE_GAIN = 1e-9


def weight_matrix(graph: Graph) -> NDArray[np.float64]:
    """The symmetric matrix of the weights, with shape ``(nodes, nodes)``."""
    matrix = np.zeros((graph.nodes, graph.nodes))
    for u, v, weight in graph.edges:
        matrix[u, v] = matrix[v, u] = weight
    return matrix


def climb(weights: NDArray[np.float64], spins: Spins) -> Spins:
    """The cuts after moving, again and again, the node that gains most, until no single move gains.

    Args:
        weights: `weight_matrix` of the graph.
        spins: Shape ``(cuts, nodes)``; left as it is.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> square = weight_matrix(weighted_graph([[0, 1], [1, 2], [2, 3], [3, 0]]))
        >>> spins_text(climb(square, np.ones((1, 4)))[0])
        '0101'
    """
    spins = spins.copy()
    fields = spins @ weights
    least = _RELATIVE_GAIN * float(abs(weights).max())
    rows = np.arange(len(spins))
    while len(rows):
        gains = spins[rows] * fields[rows]
        nodes = gains.argmax(axis=1)
        better = gains[np.arange(len(rows)), nodes] > least
        rows, nodes = rows[better], nodes[better]
        spins[rows, nodes] *= -1
        fields[rows] += 2 * spins[rows, nodes][:, None] * weights[nodes]
    return spins


def best_of(weights: NDArray[np.float64], spins: Spins) -> Spins:
    """The row with the largest cut."""
    best: Spins = spins[np.einsum("si,si->s", spins @ weights, spins).argmin()]
    return best


def spins_text(spins: Spins) -> str:
    """One character 0 or 1 for each node, node 0 in part 0."""
    return "".join("0" if spin == spins[0] else "1" for spin in spins)
