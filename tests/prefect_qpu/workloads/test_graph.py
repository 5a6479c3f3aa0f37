import itertools
from math import inf, nan

import networkx as nx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import MOST_NODES, Graph, weighted_graph

NODES = st.integers(0, 7)
WEIGHTS = st.sampled_from([1.0, -1.0, 0.5, 2.25])


@st.composite
def edge_lists(draw: st.DrawFn) -> list[tuple[int, int, float]]:
    pairs = draw(st.sets(st.tuples(NODES, NODES).filter(lambda pair: pair[0] < pair[1]), min_size=1))
    return [(u, v, draw(WEIGHTS)) for u, v in draw(st.permutations(sorted(pairs)))]


@given(edge_lists(), st.randoms())
def test_neither_the_order_of_edges_nor_that_of_their_ends_counts(edges: list[tuple[int, int, float]], random) -> None:
    turned = [(v, u, w) if random.random() < 0.5 else (u, v, w) for u, v, w in edges]
    random.shuffle(turned)
    assert weighted_graph(turned) == weighted_graph(edges)
    assert weighted_graph(turned).hash == weighted_graph(edges).hash


@given(edge_lists())
def test_a_document_rebuilds_the_graph(edges: list[tuple[int, int, float]]) -> None:
    graph = weighted_graph(edges)
    document = graph.document()
    assert weighted_graph(document["edges"], nodes=document["nodes"]) == graph


@given(edge_lists())
def test_cuts_are_those_of_networkx(edges: list[tuple[int, int, float]]) -> None:
    graph = weighted_graph(edges)
    known = nx.Graph()
    known.add_weighted_edges_from(graph.edges)
    assignments = np.array(list(itertools.product([0, 1], repeat=graph.nodes)), dtype=np.uint8)
    expected = [nx.cut_size(known, set(np.flatnonzero(row)), weight="weight") for row in assignments]
    assert graph.cuts(assignments) == pytest.approx(expected)
    assert [graph.cut("".join(map(str, row))) for row in assignments] == pytest.approx(expected)


def test_nodes_are_numbered_in_their_order() -> None:
    assert weighted_graph([[70, 9], [9, 100, 3]]) == Graph(3, ((0, 1, 1.0), (0, 2, 3.0)))


def test_a_weight_counts_as_a_number_not_as_a_type() -> None:
    assert weighted_graph([[0, 1, 1]]).hash == weighted_graph([(1, 0)]).hash


@pytest.mark.parametrize(
    ("edges", "told"),
    [
        ([[0, 1], [2, 2]], "got [2, 2], expected two different nodes (a loop is never cut). Edge 1."),
        ([[0, 1], [1, 2], [1, 0]], "got [1, 0, 1.0], expected each pair of nodes once. Edge 2. The same as: Edge 0."),
        ([[0, 1, nan]], "got [0, 1, nan], expected a weight that is a finite number. Edge 0."),
        ([[0, 1, -inf]], "expected a weight that is a finite number"),
        ([[0, 1, True]], "expected a weight that is a finite number"),
        ([[0, 1, "2"]], "expected a weight that is a finite number"),
        ([[0, -1]], "got [0, -1], expected nodes that are integers from 0. Edge 0."),
        ([[0, 1.0]], "expected nodes that are integers from 0"),
        ([[0, True]], "expected nodes that are integers from 0"),
        ([[0]], "got [0], expected an edge [node, node] or [node, node, weight]. Edge 0."),
        ([[0, 1, 2, 3]], "expected an edge"),
        ([3], "expected an edge"),
        ([[0, 1, 0]], "got 'weights that are all 0'"),
        ([], "expected a list of at least one edge"),
        ({}, "expected a list of at least one edge"),
        ([[node, node + 1] for node in range(MOST_NODES)], "got '1001 nodes', expected at most 1000 nodes."),
    ],
)
def test_a_malformed_edge_is_named(edges: object, told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        weighted_graph(edges)
    assert str(caught.value).startswith("graph: got")
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("nodes", "told"),
    [
        (4, "got 'node 2 without an edge'"),
        (3, "got 'an edge of node 3', expected nodes from 0 to 2"),
        (10**9, "expected at most 1000 nodes"),
    ],
)
def test_the_number_of_nodes_must_fit_the_edges(nodes: int, told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        weighted_graph([[0, 1], [1, 3]], nodes=nodes)
    assert told in str(caught.value)
