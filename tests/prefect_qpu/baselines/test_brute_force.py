import time
import tracemalloc

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings

from prefect_qpu.baselines import brute_force
from prefect_qpu.baselines.brute_force import best_cut, predicted_seconds
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.graph_generators import generated_graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, graphs


@pytest.mark.parametrize("tabulated", [1, 3, 16])
@settings(max_examples=40, deadline=None)
@given(graph=graphs())
def test_no_assignment_cuts_more(tabulated: int, graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(brute_force, "_TABULATED", tabulated)
        value, assignment = best_cut(graph)
    assert value == pytest.approx(by_hand(graph), abs=1e-9)
    assert value == graph.cut(assignment)
    assert assignment[0] == "0"


@pytest.mark.parametrize(
    ("settings_", "expected"),
    [
        ({"generator": "complete", "nodes": 20}, 100),
        ({"generator": "cycle", "nodes": 21}, 20),
        ({"generator": "grid", "rows": 4, "columns": 5}, 31),
        ({"generator": "grid", "rows": 4, "columns": 5, "periodic": True}, 36),
    ],
)
def test_families_have_their_known_largest_cut(settings_: dict[str, object], expected: float) -> None:
    assert best_cut(generated_graph(settings_))[0] == expected


def test_the_value_is_that_of_a_search_with_networkx() -> None:
    graph = generated_graph({"generator": "erdos_renyi", "nodes": 16, "probability": 0.5, "seed": 3})
    known = nx.Graph()
    known.add_weighted_edges_from(graph.edges)
    searched = max(nx.approximation.one_exchange(known, seed=seed)[0] for seed in range(30))
    assert best_cut(graph)[0] >= searched
    assert best_cut(graph)[0] == pytest.approx(searched)


def test_24_nodes_take_no_longer_than_predicted() -> None:
    graph = generated_graph({"generator": "complete", "nodes": 24, "weights": "signs", "seed": 1})
    started = time.perf_counter()
    best_cut(graph)
    assert time.perf_counter() - started < 1.0
    assert predicted_seconds(graph) < 0.1


def test_memory_does_not_grow_with_the_graph() -> None:
    graph = generated_graph({"generator": "cycle", "nodes": 24})
    tracemalloc.start()
    best_cut(graph)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5e6
    assert np.isclose(predicted_seconds(graph), 2**23 * 4e-9)
