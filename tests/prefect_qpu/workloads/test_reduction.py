import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import Statevector

from prefect_qpu.baselines import solve_baseline
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import Graph, weighted_graph
from prefect_qpu.workloads.maxcut import MaxCutWorkload
from prefect_qpu.workloads.reduction import core, joined

K4 = [[u, v] for v in range(4) for u in range(v)]
TAILED = [*K4, [3, 4], [4, 5], [4, 6, -2.0], [0, 7, 0.5], [7, 1, 2.0]]
"""A complete graph with a tree and a triangle's tip, which the core leaves out."""


def rows(nodes: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.array(list(itertools.product((0, 1), repeat=nodes)), dtype=np.uint8)


def drawn(seed: int) -> Graph:
    random = np.random.default_rng(seed)
    pairs = [(u, v) for v in range(9) for u in range(v) if random.random() < 0.3]
    chain = [(node, node + 1) for node in range(8)]
    weights = random.choice([-1.5, -1.0, 0.5, 1.0, 2.0], len(pairs) + 8)
    edges = sorted(set(pairs) | set(chain))
    return weighted_graph([[u, v, float(w)] for (u, v), w in zip(edges, weights, strict=False)], nodes=9)


@given(st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_the_core_keeps_the_largest_cut_and_lifts_it(seed: int) -> None:
    graph = drawn(seed)
    smaller = core(graph)
    every = rows(smaller.graph.nodes)
    cuts = smaller.graph.cuts(every)
    lifted = graph.cuts(smaller.lifted(every))
    assert lifted == pytest.approx(cuts + smaller.offset, abs=1e-9)
    assert lifted.max() == pytest.approx(graph.cuts(rows(9)).max())


@given(st.integers(0, 10_000), st.integers(2, 5))
@settings(max_examples=30, deadline=None)
def test_joined_communities_keep_the_value_of_every_cut_they_leave(seed: int, size: int) -> None:
    graph = drawn(seed)
    smaller = joined(graph, size)
    every = rows(smaller.graph.nodes)
    assert graph.cuts(smaller.lifted(every)) == pytest.approx(smaller.graph.cuts(every) + smaller.offset, abs=1e-9)
    assert smaller.graph.nodes >= 9 / size
    assert 0 <= smaller.details["share of the weight inside"] <= 1


def test_nodes_of_few_edges_are_left_out() -> None:
    workload = MaxCutWorkload(graph=TAILED, reduction={"method": "core"})
    assert (workload.graph.nodes, workload.encoded.nodes) == (8, 4)
    details = workload.encode().reduction
    assert (details["nodes before"], details["nodes after"], details["loss"]) == (8, 4, "none")
    assert details["reduction [s]"] > 0


def test_the_observable_is_the_cut_of_the_whole_graph() -> None:
    workload = MaxCutWorkload(graph=TAILED, reduction={"method": "core"})
    operator = workload.encode().observables["cut"]
    for label in ("0000", "0101", "0011"):
        answer = workload.decode(BitArray.from_samples([label], 4))
        assert answer is not None
        assert len(answer.solution) == 8
        found = Statevector.from_label(label).expectation_value(operator).real
        assert found == pytest.approx(answer.value) == pytest.approx(workload.graph.cut(answer.solution))


def test_the_opponent_solves_the_whole_graph() -> None:
    plain, smaller = MaxCutWorkload(graph=TAILED), MaxCutWorkload(graph=TAILED, reduction={"method": "communities"})
    optima = [solve_baseline(item, item.encode(), 10.0).baselines[0].value for item in (plain, smaller)]
    assert optima[0] == optima[1]


def test_local_search_may_leave_the_communities() -> None:
    graph = {"generator": "random_regular", "degree": 3, "nodes": 16, "seed": 2}
    workload = MaxCutWorkload(graph=graph, reduction={"method": "communities", "size": 4}, improve=True)
    answer = workload.decode(BitArray.from_samples(["0" * workload.encoded.nodes], workload.encoded.nodes))
    assert answer is not None
    assert answer.sampled is not None
    assert answer.value >= answer.sampled
    assert len(answer.solution) == 16
    values = workload.sample_values(BitArray.from_samples(["0" * workload.encoded.nodes] * 3, workload.encoded.nodes))
    assert values.tolist() == [answer.sampled] * 3


def test_the_document_says_how_the_graph_was_reduced() -> None:
    workload = MaxCutWorkload(graph=TAILED, reduction={"method": "communities", "size": 3})
    document = json.loads(json.dumps(workload.document()))
    assert document["reduction"] == {"method": "communities", "size": 3}
    assert MaxCutWorkload.model_validate(document) == workload != MaxCutWorkload(graph=TAILED)


@pytest.mark.parametrize("reduction", [{"method": "core"}, {"method": "communities", "size": 16}])
def test_a_graph_that_the_reduction_solves_is_refused(reduction: dict[str, Any]) -> None:
    with pytest.raises(WorkloadError, match="it has solved this one"):
        MaxCutWorkload(graph=[[0, 1, 1.0], [1, 2, -1.0], [2, 3, 1.0], [3, 0, 1.0]], reduction=reduction)
