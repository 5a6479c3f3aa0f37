"""QAOA angles for MaxCut that need no optimisation: the best ones on infinite regular trees.

A node of a regular graph without short cycles sees a tree, so these angles hold for all such graphs, and they are a
good start on others: for degree 3 this is the fixed-angle conjecture (Wurtz and Lykov 2021,
https://arxiv.org/abs/2107.00677). The expected cut on the tree is that of Basso et al. 2021
(https://arxiv.org/abs/2110.14206); the tests maximise it again.
"""

from dataclasses import dataclass
from math import atan2, pi, sqrt

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import Graph


@dataclass(frozen=True)
class Angles:
    """Angles in radians, one for each layer, for the cost ``sum w (1 - ZZ) / 2`` and the mixer ``sum X``."""

    gamma: tuple[float, ...]
    beta: tuple[float, ...]


TREE_ANGLES: dict[tuple[int, int], Angles] = {
    (3, 2): Angles((0.487836, 0.897839), (0.554904, 0.292381)),
    (3, 3): Angles((0.421861, 0.798402, 0.936981), (0.608950, 0.459568, 0.235670)),
    (4, 2): Angles((0.407835, 0.739741), (0.534114, 0.282961)),
    (4, 3): Angles((0.354503, 0.651370, 0.754258), (0.587940, 0.423175, 0.223015)),
    (5, 2): Angles((0.358686, 0.645013), (0.524104, 0.278834)),
    (5, 3): Angles((0.311638, 0.563513, 0.647713), (0.578343, 0.407641, 0.218943)),
    (6, 2): Angles((0.324200, 0.579749), (0.518244, 0.276560)),
    (6, 3): Angles((0.281425, 0.504045, 0.576822), (0.572664, 0.398929, 0.216936)),
}
"""Angles by degree and number of layers."""


def fixed_angles(graph: Graph, layers: int) -> Angles:
    """Angles for a graph, by its degree; ``gamma`` is in units of the mean absolute weight.

    One layer takes the average degree, since its best angles are known in closed form (Wang, Hadfield, Jiang and
    Rieffel 2018, https://arxiv.org/abs/1706.02998): ``tan(gamma) = 1 / sqrt(degree - 1)``, ``beta = pi / 8``.

    Raises:
        WorkloadError: no angles are known for so many layers on this graph.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> ring = weighted_graph([[0, 1], [1, 2], [2, 3], [3, 0]])
        >>> [round(angle / pi, 3) for angle in (*fixed_angles(ring, 1).gamma, *fixed_angles(ring, 1).beta)]
        [0.25, 0.125]
    """
    unit = float(abs(graph.weights).mean())
    angles = _closed_form(graph) if layers == 1 else _tabulated(graph, layers)
    return Angles(tuple(gamma / unit for gamma in angles.gamma), angles.beta)


def _closed_form(graph: Graph) -> Angles:
    degree = 2 * len(graph.edges) / graph.nodes
    return Angles((atan2(1, sqrt(degree - 1)),), (pi / 8,))


def _tabulated(graph: Graph, layers: int) -> Angles:
    degrees = sorted(set(graph.degrees))
    angles = TREE_ANGLES.get((degrees[0], layers)) if len(degrees) == 1 else None
    if angles is None:
        shown = degrees[0] if len(degrees) == 1 else f"{degrees[0]} to {degrees[-1]}"
        raise WorkloadError(
            "angles",
            given=None,
            expected=f"gamma and beta of {layers} values each",
            hint=f"Fixed angles for more than one layer are known for {_known()}; this graph has degree {shown}.",
        )
    return angles


def _known() -> str:
    degrees, layers = (sorted(set(values)) for values in zip(*TREE_ANGLES, strict=True))
    return f"regular graphs of degree {degrees[0]} to {degrees[-1]} and {layers[0]} to {layers[-1]} layers"
