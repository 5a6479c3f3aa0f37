"""The largest cut of a small graph, by counting all of them."""

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.local_search import weight_matrix
from prefect_qpu.workloads.graph import Graph

METHOD = "brute force"
MOST_NODES = 36
_TABULATED = 16
"""Nodes whose assignments are counted together; a table of so many stays in the processor's cache."""
_SECONDS_PER_CUT = 4e-9


def best_cut(graph: Graph) -> tuple[float, str]:
    """The largest cut and an assignment that has it, with node 0 in part 0.

    The cuts of the first nodes stand in one table; each assignment of the other nodes adds a linear function of the
    first ones. Time doubles with each node; 28 nodes take about 0.3 s and 3 MB.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> best_cut(weighted_graph([[0, 1], [1, 2], [2, 3], [3, 0], [0, 2, 0.5]]))
        (4.0, '0101')
    """
    weights = weight_matrix(graph)
    first = min(_TABULATED, graph.nodes - 1)
    table = _cut_table(weights[:first, :first])
    best, chosen = -np.inf, ""
    for rest in _assignments(graph.nodes - 1 - first):
        others = np.array([*rest, 0])  # the last node stays in part 0: the complement of a cut is the same cut
        cuts = table + _linear_table(weights[:first, first:] @ (1 - 2 * others))
        constant = weights[:first, first:].sum(axis=0) @ others + others @ weights[first:, first:] @ (1 - others)
        index = int(cuts.argmax())
        if cuts[index] + constant > best:
            best, chosen = float(cuts[index] + constant), _text(index, first) + "".join(map(str, others))
    assignment = chosen.translate({48: "1", 49: "0"}) if chosen[0] == "1" else chosen
    return graph.cut(assignment), assignment


def predicted_seconds(graph: Graph) -> float:
    """Predicted wall time of `best_cut`."""
    return float(2.0 ** (graph.nodes - 1) * _SECONDS_PER_CUT)


def _linear_table(coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sum of the coefficients of the set bits, for all assignments; bit ``i`` of the index is node ``i``."""
    table = np.zeros(2 ** len(coefficients))
    for node, coefficient in enumerate(coefficients):
        np.add(table[: 2**node], coefficient, out=table[2**node : 2 ** (node + 1)])
    return table


def _cut_table(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """The cut of all assignments; the index is as in `_linear_table`."""
    table = np.zeros(2 ** len(weights))
    for node in range(1, len(weights)):
        earlier = weights[node, :node]
        set_bits = _linear_table(earlier)
        table[2**node : 2 ** (node + 1)] = table[: 2**node] + (earlier.sum() - set_bits)
        table[: 2**node] += set_bits
    return table


def _assignments(nodes: int) -> NDArray[np.int64]:
    bits: NDArray[np.int64] = (np.arange(2**nodes)[:, None] >> np.arange(nodes)) & 1
    return bits


def _text(index: int, nodes: int) -> str:
    return "".join(str(index >> node & 1) for node in range(nodes))
