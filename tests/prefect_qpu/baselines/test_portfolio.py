import subprocess
import sys

import pytest
from hypothesis import given, settings

from prefect_qpu.baselines import brute_force, portfolio
from prefect_qpu.baselines.portfolio import largest_cut
from prefect_qpu.workloads.graph import Graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, cubic, dense, graphs


@settings(max_examples=25, deadline=None)
@given(graph=graphs())
def test_without_counting_the_largest_cut_is_found_too(graph: Graph) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portfolio, "_QUICK_COUNT", 0.0)
        patch.setattr(portfolio, "_PATIENCE", 1)
        patch.setattr(brute_force, "MOST_NODES", 0)
        result = largest_cut(graph, 10.0)
    slack = 1e-8 * (1 + abs(by_hand(graph)))
    assert result.value == pytest.approx(by_hand(graph), abs=slack)
    assert result.value == graph.cut(result.assignment)
    assert result.bound >= by_hand(graph) - slack


def test_a_small_graph_is_counted_out_alone() -> None:
    result = largest_cut(dense(16), 10.0)
    assert (result.found_by, result.bound_by, result.exact) == ("brute force", "brute force", True)
    assert [attempt["solver"] for attempt in result.attempts] == ["brute force"]


@pytest.mark.parametrize("nodes", [50, 100])
def test_a_sparse_graph_is_proven_by_odd_cycles(nodes: int) -> None:
    result = largest_cut(cubic(nodes), 60.0)
    assert result.exact
    assert result.value == result.bound
    assert result.bound_by == "odd cycles"


def test_a_dense_graph_has_a_bound_within_3_per_cent() -> None:
    result = largest_cut(dense(100), 20.0)
    assert (result.value, result.bound_by) == (1424.0, "goemans-williamson")
    assert 1424 < result.bound < 1.03 * 1424
    assert "edges a node" in result.skipped["odd cycles"]


def test_a_dense_graph_of_medium_size_is_counted_if_the_bound_leaves_a_gap() -> None:
    result = largest_cut(dense(29, seed=5), 30.0)
    assert result.exact
    assert result.bound_by == "brute force"
    assert result.found_by != "brute force"


def test_who_found_what_is_told() -> None:
    result = largest_cut(cubic(60, seed=4), 30.0)
    attempts = {attempt["solver"]: attempt for attempt in result.attempts}
    assert attempts[result.found_by]["value"] == result.value
    assert attempts[result.bound_by]["bound"] == result.bound
    assert {"burer-monteiro", "tabu search", "simulated annealing"} <= set(attempts)
    assert all(attempt["value"] <= result.value for attempt in attempts.values())
    assert 0 < result.seconds_to_value <= sum(attempt["seconds"] for attempt in attempts.values()) + 1


def test_a_bipartite_graph_needs_no_solver_of_bounds() -> None:
    graph = Graph(40, tuple((node, node + 1, 1.0) for node in range(39)))
    result = largest_cut(graph, 10.0)
    assert (result.value, result.bound_by, result.exact) == (39.0, "sum of the positive weights", True)


def test_without_time_there_is_an_answer_and_a_bound() -> None:
    for graph in (cubic(100), dense(100)):
        result = largest_cut(graph, 0.0)
        assert 0 < result.value <= result.bound == graph.weights.sum()
        assert not result.exact


def test_where_nothing_gains_nothing_is_cut() -> None:
    graph = Graph(40, tuple((node, node + 1, -1.0) for node in range(39)))
    result = largest_cut(graph, 10.0)
    assert (result.value, result.bound, result.assignment) == (0.0, 0.0, "0" * 40)


def test_without_the_extra_the_rest_solves_and_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portfolio, "has_samplers", lambda: False)
    result = largest_cut(cubic(100), 60.0)
    assert (result.value, result.exact) == (138.0, True)
    assert result.skipped["tabu search"] == "dwave-samplers is not installed (extra baselines)"
    assert {attempt["solver"] for attempt in result.attempts} == {"burer-monteiro", "odd cycles"}


def test_the_samplers_are_imported_only_where_they_search() -> None:
    code = "import sys, prefect_qpu.baselines; print([name for name in ('dwave', 'scs') if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
