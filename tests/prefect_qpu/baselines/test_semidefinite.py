from typing import Literal

import pytest
from hypothesis import given, settings

from prefect_qpu.baselines.bounds import semidefinite_bound
from prefect_qpu.baselines.local_search import spins_text
from prefect_qpu.baselines.semidefinite import solve_relaxation
from prefect_qpu.workloads.graph import Graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, cubic, dense, graphs

SOLVERS: tuple[Literal["scs"], Literal["coordinate descent"]] = ("scs", "coordinate descent")


@pytest.mark.parametrize("solver", SOLVERS)
@settings(max_examples=25, deadline=None)
@given(graph=graphs())
def test_the_largest_cut_is_between_the_rounded_one_and_the_bound(
    solver: Literal["scs", "coordinate descent"], graph: Graph
) -> None:
    relaxation = solve_relaxation(graph, 1, solver=solver)
    largest, slack = by_hand(graph), 1e-9 * (1 + abs(by_hand(graph)))
    assert graph.cut(spins_text(relaxation.spins)) <= largest + slack
    assert semidefinite_bound(graph, relaxation.multipliers) >= largest - slack


@pytest.mark.parametrize("graph", [cubic(40), dense(40), dense(40, weights="signs")], ids=["cubic", "dense", "signs"])
def test_two_solvers_that_have_nothing_in_common_agree(graph: Graph) -> None:
    first, second = (
        semidefinite_bound(graph, solve_relaxation(graph, 1, solver=solver).multipliers) for solver in SOLVERS
    )
    assert abs(first - second) <= 1


def test_a_dense_graph_of_100_nodes_is_bounded_within_3_per_cent() -> None:
    graph = dense(100)
    relaxation = solve_relaxation(graph, 1)
    value, bound = graph.cut(spins_text(relaxation.spins)), semidefinite_bound(graph, relaxation.multipliers)
    assert 0.99 * 1424 <= value <= 1424 <= bound <= 1.03 * 1424


@pytest.mark.parametrize("solver", SOLVERS)
def test_what_a_solver_has_when_the_time_is_up_is_a_proof_too(solver: Literal["scs", "coordinate descent"]) -> None:
    graph = dense(16)
    relaxation = solve_relaxation(graph, 1, solver=solver, left=lambda: 0.0)
    assert semidefinite_bound(graph, relaxation.multipliers) >= by_hand(graph)
