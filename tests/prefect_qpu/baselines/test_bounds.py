from fractions import Fraction
from typing import Any

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.baselines.bounds import cut_unit, odd_cycle_bound, semidefinite_bound, trivial_bound
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.graph import Graph, weighted_graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, graphs

TRIANGLE = weighted_graph([[0, 1], [1, 2], [0, 2]])
"""Edge 0 joins 0 and 1, edge 1 joins 0 and 2, edge 2 joins 1 and 2."""
WALK = {"nodes": [0, 1, 2], "odd": [0, 1, 2]}
LEAF = {"fixed": [], "multipliers": [[0, 1.0]]}


def close_to(bound: float, largest: float) -> bool:
    return bound >= largest - 1e-9 * (1 + abs(largest))


@settings(max_examples=100, deadline=None)
@given(graph=graphs(), data=st.data())
def test_any_multipliers_give_a_true_semidefinite_bound(graph: Graph, data: st.DataObject) -> None:
    multipliers = [data.draw(st.floats(-5, 5)) for _ in range(graph.nodes)]
    assert close_to(semidefinite_bound(graph, multipliers), by_hand(graph))


@settings(max_examples=100, deadline=None)
@given(graph=graphs(), data=st.data())
def test_any_walks_and_multipliers_give_a_true_bound(graph: Graph, data: st.DataObject) -> None:
    known = nx.Graph([edge[:2] for edge in graph.edges])
    walks = []
    for _ in range(data.draw(st.integers(0, 4))):
        forth = [data.draw(st.sampled_from(sorted(known)))]
        for _ in range(data.draw(st.integers(1, 6))):
            forth.append(data.draw(st.sampled_from(sorted(known[forth[-1]]))))
        back = nx.shortest_path(known, forth[-1], forth[0])
        nodes = forth[:-1] + back[:-1]
        odd = data.draw(st.sets(st.sampled_from(range(len(nodes)))).filter(lambda steps: len(steps) % 2))
        walks.append({"nodes": nodes, "odd": sorted(odd)})
    leaves = [
        {"fixed": fixed, "multipliers": [[number, data.draw(st.floats(0, 3))] for number in range(len(walks))]}
        for fixed in data.draw(st.sampled_from([[[]], [[[0, 0]], [[0, 1]]]]))
    ]
    assert close_to(odd_cycle_bound(graph, {"walks": walks, "leaves": leaves}), by_hand(graph))


def test_a_complete_graph_has_its_known_semidefinite_bound() -> None:
    complete = weighted_graph([[u, v, 1.0] for v in range(7) for u in range(v)])
    assert semidefinite_bound(complete, [7 / 4] * 7) == 12.0


def test_a_bound_is_the_largest_possible_cut_below_it() -> None:
    assert cut_unit(weighted_graph([[0, 1, 4], [1, 2, -6]])) == 2
    assert cut_unit(weighted_graph([[0, 1, 0.75], [1, 2, 0.5]])) == Fraction(1, 4)
    assert semidefinite_bound(weighted_graph([[0, 1, 4], [1, 2, 4], [0, 2, 4]]), [3.0] * 3) == 8.0


def test_without_a_walk_the_bound_is_the_sum_of_the_positive_weights() -> None:
    graph = weighted_graph([[0, 1, 2.5], [1, 2, -1]])
    assert trivial_bound(graph) == 2.5
    assert odd_cycle_bound(graph, {"walks": [], "leaves": [{"fixed": [], "multipliers": []}]}) == 2.5


def test_leaves_that_cover_all_cuts_are_a_proof() -> None:
    leaves = [{"fixed": [[2, 0]], "multipliers": []}, {"fixed": [[2, 1]], "multipliers": [[0, 1.0]]}]
    assert odd_cycle_bound(TRIANGLE, {"walks": [WALK], "leaves": leaves}) == 2.0


@pytest.mark.parametrize(
    "leaves",
    [
        [],
        [{"fixed": [[0, 0]], "multipliers": [[0, 1.0]]}],
        [{"fixed": [[0, 0]], "multipliers": []}, {"fixed": [[1, 1]], "multipliers": []}],
        [
            {"fixed": [[0, 0]], "multipliers": []},
            {"fixed": [[0, 1], [1, 0]], "multipliers": []},
        ],
    ],
    ids=["none", "half", "different edges", "a quarter is missing"],
)
def test_leaves_that_leave_out_cuts_are_refused(leaves: list[Any]) -> None:
    with pytest.raises(CertificateError, match="do not cover all cuts"):
        odd_cycle_bound(TRIANGLE, {"walks": [WALK], "leaves": leaves})


@pytest.mark.parametrize(
    ("walk", "leaf", "told"),
    [
        ({"nodes": [0, 1, 2], "odd": [0, 1]}, LEAF, "is not an odd set"),
        ({"nodes": [0, 1, 2], "odd": [0, 0, 0]}, LEAF, "is not an odd set"),
        ({"nodes": [0, 1, 2], "odd": [3]}, LEAF, "is not an odd set"),
        ({"nodes": [0, 1, 3], "odd": [0]}, LEAF, "a walk steps from 1 to 3, where there is no edge"),
        ({"nodes": [0, 1]}, LEAF, "malformed"),
        (WALK, {"fixed": [], "multipliers": [[0, -1.0]]}, "a multiplier is negative"),
        (WALK, {"fixed": [], "multipliers": [[0, float("nan")]]}, "a multiplier is negative or not finite"),
        (WALK, {"fixed": [], "multipliers": [[1, 1.0]]}, "belongs to no walk"),
        (WALK, {"fixed": [[0, 2]], "multipliers": []}, "not to 0 or 1"),
        (WALK, {"fixed": [[9, 1]], "multipliers": []}, "one that does not exist"),
        (WALK, {"fixed": [[0, 1], [0, 1]], "multipliers": []}, "fixes an edge twice"),
        (WALK, {"multipliers": []}, "malformed"),
    ],
)
def test_a_proof_that_does_not_follow_the_graph_is_refused(walk: Any, leaf: Any, told: str) -> None:
    with pytest.raises(CertificateError, match=told):
        odd_cycle_bound(TRIANGLE, {"walks": [walk], "leaves": [leaf]})


@pytest.mark.parametrize("multipliers", [[], [1.0, 1.0], [1.0, 1.0, np.inf], ["a", "b", "c"], None])
def test_semidefinite_multipliers_are_one_number_for_each_node(multipliers: Any) -> None:
    with pytest.raises(CertificateError, match="multipliers are not"):
        semidefinite_bound(TRIANGLE, multipliers)
