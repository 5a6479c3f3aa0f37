import itertools
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings

from prefect_qpu.baselines.bounds import odd_cycle_bound
from prefect_qpu.baselines.branching import Proof, Prover
from prefect_qpu.baselines.local_search import spins_text
from prefect_qpu.workloads.graph import Graph, weighted_graph
from prefect_qpu.workloads.graph_generators import generated_graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, cubic, graphs

TORUS = generated_graph({"generator": "grid", "rows": 6, "columns": 6, "periodic": True, "weights": "signs", "seed": 3})
COMPLETE = weighted_graph([[u, v, 1.0] for v in range(7) for u in range(v)])
"""Its odd cycles alone prove only 14."""


def proven(graph: Graph, left: Callable[[], float] = lambda: 60.0) -> Proof:
    return Prover(graph, np.ones(graph.nodes), seed=1, left=left).run()


@settings(max_examples=60, deadline=None)
@given(graph=graphs())
def test_the_largest_cut_is_found_and_proven(graph: Graph) -> None:
    proof = proven(graph)
    largest = pytest.approx(by_hand(graph), rel=1e-8, abs=1e-8)
    assert graph.cut(spins_text(proof.spins)) == largest
    assert odd_cycle_bound(graph, proof.document) == largest


@pytest.mark.parametrize("graph", [cubic(20), cubic(50), TORUS, cubic(100)], ids=["20", "50", "torus", "100"])
def test_sparse_graphs_are_proven_from_nothing(graph: Graph) -> None:
    proof = proven(graph)
    assert graph.cut(spins_text(proof.spins)) == odd_cycle_bound(graph, proof.document)


def test_where_odd_cycles_do_not_suffice_the_cuts_are_branched() -> None:
    proof = proven(COMPLETE)
    assert len(proof.document["leaves"]) > 1
    assert COMPLETE.cut(spins_text(proof.spins)) == odd_cycle_bound(COMPLETE, proof.document) == 12.0


def test_every_leaf_is_needed() -> None:
    document = proven(COMPLETE).document
    assert odd_cycle_bound(COMPLETE, {**document, "leaves": [{"fixed": [], "multipliers": []}]}) == 21.0


@pytest.mark.parametrize("checks", [0, 1, 3, 10, 30])
def test_a_search_that_runs_out_of_time_still_proves_a_bound(checks: int) -> None:
    counter = itertools.count()
    proof = proven(COMPLETE, left=lambda: 1.0 if next(counter) < checks else 0.0)
    assert 12.0 <= odd_cycle_bound(COMPLETE, proof.document) <= 21.0
