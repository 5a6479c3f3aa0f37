"""What a dual proof is worth: bounds on the cut, from the graph and the proof alone.

Nothing here knows a solver. Any multipliers give a true bound, good ones a close bound, so that there is nothing to
trust: whoever changes a proof changes the bound that follows from it.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from math import floor, fsum, gcd, lcm
from typing import Any

import numpy as np

from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.graph import Graph

SEMIDEFINITE = "goemans-williamson"
ODD_CYCLES = "odd cycles"
"""Kinds of proofs."""
_ROUNDING = 8 * np.finfo(float).eps
"""Bound on the relative error of an eigenvalue, times the number of rows."""
_SLACK = 1e-6
"""How far a bound may exceed a possible cut, relative to the unit of cuts, and still be called that cut.

Only bounds from eigenvalues use it, against rounding; those from odd cycles are computed in exact fractions."""


def cut_unit(graph: Graph) -> Fraction:
    """The largest number of which every weight, and therefore every cut, is a multiple.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> cut_unit(weighted_graph([[0, 1, 1.5], [1, 2, -2], [0, 2, 0.5]]))
        Fraction(1, 2)
    """
    ratios = [weight.as_integer_ratio() for weight in graph.weights.tolist()]
    below = lcm(*(bottom for _, bottom in ratios))
    return Fraction(gcd(*(top * (below // bottom) for top, bottom in ratios)), below)


def semidefinite_bound(graph: Graph, multipliers: Sequence[float]) -> float:
    """The bound of the dual of the Goemans-Williamson relaxation, as the largest possible cut below it.

    A cut is ``s' L s / 4`` for spins ``s`` and the Laplacian ``L``. For any multipliers ``y``, the smallest eigenvalue
    of ``diag(y) - L / 4`` called ``m``, a cut is at most ``sum y - nodes * m`` (Delorme and Poljak 1993,
    https://doi.org/10.1007/BF01585184).

    Raises:
        CertificateError: there is not one finite number for each node.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> semidefinite_bound(weighted_graph([[0, 1], [1, 2], [2, 0]]), [0.75] * 3)
        2.0
    """
    numbers = _numbers(multipliers, graph.nodes)
    form = -_laplacian(graph) / 4
    form[np.diag_indices(graph.nodes)] += numbers
    rounding = _ROUNDING * graph.nodes * float(abs(form).sum(axis=1).max())
    smallest = float(np.linalg.eigvalsh(form)[0]) - rounding
    bound = float(numbers.sum()) - graph.nodes * smallest
    unit = cut_unit(graph)
    return min(float(floor(Fraction(bound) / unit + Fraction(_SLACK)) * unit), trivial_bound(graph))


def trivial_bound(graph: Graph) -> float:
    """The sum of the positive weights."""
    return fsum(weight for weight in graph.weights.tolist() if weight > 0)


def odd_cycle_bound(graph: Graph, proof: Mapping[str, Any]) -> float:
    """The bound of a tree of linear programs over odd cycles, as the largest possible cut below it.

    A cut crosses a closed walk an even number of times. So for an odd number of steps ``F`` of the walk, not all of
    ``F`` and none of the others can be crossed: ``x(F) - x(others) <= |F| - 1`` (Barahona and Mahjoub 1986,
    https://doi.org/10.1007/BF02592023). Non-negative multipliers of such inequalities leave a weight on each edge, and
    each edge adds at most what it can add between 0 and 1. A leaf of the tree fixes some edges; the leaves together
    must cover all cuts. All sums are exact fractions.

    Args:
        graph: The graph.
        proof: ``walks``, each ``{"nodes": [...], "odd": [...]}`` with the step numbers ``F``; and ``leaves``, each
            ``{"fixed": [[edge, 0 or 1], ...], "multipliers": [[walk, number], ...]}`` with what is fixed in the order
            of the branches.

    Raises:
        CertificateError: a walk does not follow edges or its ``F`` is even, a multiplier is negative, or the leaves
            leave out some cuts.

    Example:
        >>> from prefect_qpu.workloads.graph import weighted_graph
        >>> triangle = weighted_graph([[0, 1], [1, 2], [2, 0]])
        >>> walk = {"nodes": [0, 1, 2], "odd": [0, 1, 2]}
        >>> odd_cycle_bound(triangle, {"walks": [walk], "leaves": [{"fixed": [], "multipliers": [[0, 1.0]]}]})
        2.0
    """
    try:
        index = {edge[:2]: number for number, edge in enumerate(graph.edges)}
        walks = [walk_inequality(index, walk["nodes"], walk["odd"]) for walk in proof["walks"]]
        leaves = [_leaf(leaf, len(graph.edges), len(walks)) for leaf in proof["leaves"]]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise CertificateError(f"the proof by odd cycles is malformed: {error!r}") from error
    _require_cover([fixed for fixed, _ in leaves])
    bound = max(leaf_bound(graph, walks, fixed, multipliers) for fixed, multipliers in leaves)
    unit = cut_unit(graph)
    return float(floor(bound / unit) * unit)


Inequality = tuple[dict[int, int], int]
"""Coefficient of each edge on the left, and the right-hand side."""


def walk_inequality(index: Mapping[tuple[int, int], int], nodes: Sequence[int], odd: Sequence[int]) -> Inequality:
    """The inequality of a closed walk and an odd set of its steps; step ``i`` leaves ``nodes[i]``."""
    steps = set(odd)
    if len(steps) != len(odd) or len(steps) % 2 == 0 or not steps <= set(range(len(nodes))):
        raise CertificateError(f"{list(odd)} is not an odd set of the {len(nodes)} steps of a walk")
    coefficients: dict[int, int] = {}
    for step, node in enumerate(nodes):
        after = nodes[(step + 1) % len(nodes)]
        edge = index.get((min(node, after), max(node, after)))
        if edge is None:
            raise CertificateError(f"a walk steps from {node} to {after}, where there is no edge")
        coefficients[edge] = coefficients.get(edge, 0) + (1 if step in steps else -1)
    return coefficients, len(steps) - 1


def leaf_bound(
    graph: Graph, walks: Sequence[Inequality], fixed: Mapping[int, int], multipliers: Mapping[int, float]
) -> Fraction:
    """The exact bound of one leaf."""
    left = [Fraction(weight) for *_, weight in graph.edges]
    bound = Fraction(0)
    for number, multiplier in multipliers.items():
        coefficients, right = walks[number]
        exact = Fraction(multiplier)
        bound += exact * right
        for edge, coefficient in coefficients.items():
            left[edge] -= exact * coefficient
    nothing = Fraction(0)
    gains = (weight * fixed[edge] if edge in fixed else max(weight, nothing) for edge, weight in enumerate(left))
    return sum(gains, start=bound)


def _leaf(leaf: Mapping[str, Any], edges: int, walks: int) -> tuple[dict[int, int], dict[int, float]]:
    fixed = {int(edge): int(side) for edge, side in leaf["fixed"]}
    multipliers = {int(walk): float(number) for walk, number in leaf["multipliers"]}
    if len(fixed) != len(leaf["fixed"]) or not set(fixed) <= set(range(edges)) or not set(fixed.values()) <= {0, 1}:
        raise CertificateError("a leaf fixes an edge twice, or not to 0 or 1, or one that does not exist")
    if not set(multipliers) <= set(range(walks)) or not all(0 <= number < np.inf for number in multipliers.values()):
        raise CertificateError("a multiplier is negative or not finite, or belongs to no walk")
    return fixed, multipliers


def _require_cover(leaves: Sequence[dict[int, int]]) -> None:
    """Refuse leaves that are not those of a tree whose every branch splits one edge into 0 and 1."""
    waiting = [[list(leaf.items()) for leaf in leaves]]
    while waiting:
        branch = waiting.pop()
        if any(not leaf for leaf in branch):
            continue
        edges = {leaf[0][0] for leaf in branch}
        if len(edges) != 1:
            raise CertificateError("the leaves of the proof do not cover all cuts")
        waiting += [[leaf[1:] for leaf in branch if leaf[0][1] == side] for side in (0, 1)]


def _numbers(given: Sequence[float], nodes: int) -> Any:
    try:
        numbers = np.asarray(given, dtype=float)
    except (TypeError, ValueError) as error:
        raise CertificateError(f"the multipliers are not numbers: {error}") from error
    if numbers.shape != (nodes,) or not np.isfinite(numbers).all():
        raise CertificateError(f"the multipliers are not one finite number for each of {nodes} nodes")
    return numbers


def _laplacian(graph: Graph) -> Any:
    laplacian = np.zeros((graph.nodes, graph.nodes))
    for u, v, weight in graph.edges:
        laplacian[u, v] = laplacian[v, u] = -weight
        laplacian[u, u] += weight
        laplacian[v, v] += weight
    return laplacian
