from typing import Any

import networkx as nx
import numpy as np
import pytest

from prefect_qpu.errors import InputError
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.graph_generators import generated_graph


def as_networkx(graph: Graph) -> nx.Graph:
    known = nx.Graph()
    known.add_nodes_from(range(graph.nodes))
    known.add_weighted_edges_from(graph.edges)
    return known


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"generator": "cycle", "nodes": 6}, nx.cycle_graph(6)),
        ({"generator": "complete", "nodes": 5}, nx.complete_graph(5)),
        ({"generator": "grid", "rows": 2, "columns": 3}, nx.grid_2d_graph(2, 3)),
        ({"generator": "grid", "rows": 1, "columns": 4}, nx.path_graph(4)),
        (
            {"generator": "grid", "rows": 3, "columns": 4, "periodic": True},
            nx.grid_2d_graph(3, 4, periodic=True),
        ),
    ],
)
def test_a_family_is_what_its_name_says(settings: dict[str, Any], expected: nx.Graph) -> None:
    numbered = nx.convert_node_labels_to_integers(expected, ordering="sorted")
    found = as_networkx(generated_graph(settings))
    assert {frozenset(edge) for edge in found.edges} == {frozenset(edge) for edge in numbered.edges}
    assert set(found.nodes) == set(numbered.nodes)


@pytest.mark.parametrize("seed", range(5))
def test_a_random_regular_graph_is_regular(seed: int) -> None:
    graph = generated_graph({"generator": "random_regular", "degree": 3, "nodes": 10, "seed": seed})
    assert graph.degrees == [3] * 10


def test_a_seed_decides_the_graph() -> None:
    settings = {"generator": "erdos_renyi", "nodes": 12, "probability": 0.6}
    first, again, other = (generated_graph({**settings, "seed": seed}) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def test_signs_are_drawn_from_the_seed() -> None:
    settings = {"generator": "complete", "nodes": 12, "weights": "signs"}
    first, again, other = (generated_graph({**settings, "seed": seed}) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert set(first.weights) == {-1.0, 1.0}
    assert abs(np.mean(first.weights)) < 0.5


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"generator": "petersen"}, "graph.generator: got 'petersen', expected one of random_regular"),
        ({"generator": ["cycle"]}, "graph.generator: got ['cycle']"),
        ({"generator": "random_regular", "degree": 3, "nodes": 7, "seed": 1}, "got 'degree 3 and 7 nodes'"),
        ({"generator": "random_regular", "degree": 8, "nodes": 8, "seed": 1}, "graph.nodes: got 8, expected more"),
        ({"generator": "random_regular", "degree": 0, "nodes": 8, "seed": 1}, "graph.degree: got 0"),
        ({"generator": "random_regular", "degree": 3, "nodes": 8}, "graph.seed: got nothing"),
        ({"generator": "random_regular", "degree": 3, "nodes": 8, "seed": -1}, "graph.seed: got -1"),
        ({"generator": "erdos_renyi", "nodes": 9, "probability": 0, "seed": 1}, "graph.probability: got 0"),
        ({"generator": "erdos_renyi", "nodes": 90, "probability": 0.001, "seed": 1}, "without an edge"),
        ({"generator": "cycle", "nodes": 2}, "graph.nodes: got 2"),
        ({"generator": "cycle", "nodes": 1001}, "graph.nodes: got 1001, expected a number up to 1000"),
        ({"generator": "cycle", "nodes": 5, "weights": "signs"}, "graph.seed: got nothing"),
        ({"generator": "cycle", "nods": 5, "nodes": 5}, "Did you mean nodes?"),
        ({"generator": "grid", "rows": 1, "columns": 1}, "got '1 nodes'"),
        ({"generator": "grid", "rows": 40, "columns": 40}, "got '1600 nodes'"),
        ({"generator": "grid", "rows": 2, "columns": 4, "periodic": True}, "at least 3 of each if periodic"),
    ],
)
def test_parameters_that_do_not_fit_are_named(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        generated_graph(settings)
    assert told in str(caught.value)
