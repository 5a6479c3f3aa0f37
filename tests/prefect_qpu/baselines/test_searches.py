from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from math import inf

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.baselines import annealing, burer_monteiro
from prefect_qpu.baselines.local_search import Spins, best_of, climb, spins_text, weight_matrix
from prefect_qpu.workloads.graph import Graph
from tests.prefect_qpu.baselines.small_graphs import by_hand, cubic, dense, graphs

Search = Callable[[Graph, int], Iterator[Spins]]
SEARCHES: list[Search] = [
    burer_monteiro.cuts,
    annealing.annealed_cuts,
    partial(annealing.tabu_cuts, target=lambda: inf),
]
each_search = pytest.mark.parametrize("search", SEARCHES, ids=["burer-monteiro", "annealing", "tabu"])


def values(graph: Graph, found: Iterator[Spins], rounds: int) -> list[float]:
    return [graph.cut(spins_text(spins)) for spins in islice(found, rounds)]


@each_search
@settings(max_examples=25, deadline=None)
@given(graph=graphs())
def test_the_largest_cut_of_a_small_graph_is_found(search: Search, graph: Graph) -> None:
    assert max(values(graph, search(graph, 1), 3)) == pytest.approx(by_hand(graph), abs=1e-9)


@each_search
def test_the_same_seed_gives_the_same_cuts(search: Search) -> None:
    graph = cubic(100)
    first, again, other = ([spins_text(spins) for spins in islice(search(graph, seed), 3)] for seed in (5, 5, 6))
    assert first == again
    assert first != other


@each_search
def test_the_best_known_cut_of_a_graph_of_100_nodes_is_found(search: Search) -> None:
    assert max(values(cubic(100), search(cubic(100), 1), 6)) == 138.0


def test_tabu_search_stops_at_its_target() -> None:
    graph = dense(100)
    reached, best = (
        values(graph, annealing.tabu_cuts(graph, 1, lambda target=target: target), 1)[0] for target in (1300.0, inf)
    )
    assert 1300 <= reached < best


@settings(max_examples=50, deadline=None)
@given(graph=graphs(), seed=st.integers(0, 100))
def test_no_single_move_improves_a_climbed_cut(graph: Graph, seed: int) -> None:
    weights = weight_matrix(graph)
    start = np.random.default_rng(seed).choice([-1.0, 1.0], (4, graph.nodes))
    before = start.copy()
    for first, last in zip(start, climb(weights, start), strict=True):
        value = graph.cut(spins_text(last))
        assert value >= graph.cut(spins_text(first))
        for node in range(graph.nodes):
            moved = last.copy()
            moved[node] *= -1
            assert graph.cut(spins_text(moved)) <= value + 1e-6
    assert (start == before).all()


def test_the_best_of_some_cuts_is_the_largest() -> None:
    graph = dense(12)
    rows = np.random.default_rng(1).choice([-1.0, 1.0], (50, 12))
    best = graph.cut(spins_text(best_of(weight_matrix(graph), rows)))
    assert best == max(graph.cut(spins_text(row)) for row in rows)


def test_vectors_are_set_against_the_sum_of_their_neighbours() -> None:
    weights = weight_matrix(cubic(20))
    start = np.random.default_rng(1).normal(size=(20, 7))
    vectors = burer_monteiro.relaxed(weights, start, dimension=7, sweeps=5000, converged=1e-9)
    push = weights @ vectors
    assert np.allclose(vectors, -push / np.linalg.norm(push, axis=1)[:, None], atol=1e-6)
