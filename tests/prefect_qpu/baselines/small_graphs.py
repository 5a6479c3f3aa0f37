"""Graphs whose largest cut can be counted by hand."""

import itertools
from typing import Any

from hypothesis import strategies as st

from prefect_qpu.workloads.graph import Graph, weighted_graph
from prefect_qpu.workloads.graph_generators import generated_graph

WEIGHTS = st.floats(-3, 3).filter(lambda weight: abs(weight) > 1e-3) | st.sampled_from([1.0, -1.0])


@st.composite
def graphs(draw: st.DrawFn, weights: st.SearchStrategy[float] = WEIGHTS) -> Graph:
    nodes = draw(st.integers(2, 9))
    path = {(node, node + 1) for node in range(nodes - 1)}
    more = draw(st.sets(st.sampled_from(list(itertools.combinations(range(nodes), 2)))))
    return weighted_graph([(u, v, draw(weights)) for u, v in sorted(path | more)])


def by_hand(graph: Graph) -> float:
    return max(graph.cut("".join(parts)) for parts in itertools.product("01", repeat=graph.nodes))


def cubic(nodes: int, seed: int = 1) -> Graph:
    return generated_graph({"generator": "random_regular", "degree": 3, "nodes": nodes, "seed": seed})


def dense(nodes: int, seed: int = 1, **settings: Any) -> Graph:
    return generated_graph({"generator": "erdos_renyi", "probability": 0.5, "nodes": nodes, "seed": seed, **settings})
