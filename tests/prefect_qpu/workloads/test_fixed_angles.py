from math import atan, pi, sqrt

import networkx as nx
import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import minimize

from prefect_qpu.baselines import exact_values
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fixed_angles import TREE_ANGLES, Angles, fixed_angles
from prefect_qpu.workloads.graph import weighted_graph
from prefect_qpu.workloads.maxcut import MaxCutWorkload

PUBLISHED = {1: 0.6924, 2: 0.7559, 3: 0.7924}


def tree_cut_fraction(degree: int, gamma: NDArray[np.float64], beta: NDArray[np.float64]) -> float:
    """Expected part of the edges that QAOA cuts on a regular tree, by section 3 of https://arxiv.org/abs/2110.14206.

    Each node's path through the circuit and back is a string of ``2 p + 1`` spins; a subtree's influence on the path of
    its root follows from that of its branches.
    """
    layers = len(gamma)
    width = 2 * layers + 1
    paths = 1 - 2 * ((np.arange(2**width)[:, None] >> np.arange(width)) & 1)
    amplitude = np.full(2**width, 0.5, dtype=complex)
    for layer in range(layers):
        there = paths[:, layer] == paths[:, layer + 1]
        back = paths[:, -1 - layer] == paths[:, -2 - layer]
        amplitude *= np.where(there, np.cos(beta[layer]), 1j * np.sin(beta[layer]))
        amplitude *= np.where(back, np.cos(beta[layer]), -1j * np.sin(beta[layer]))
    phases = (paths * np.concatenate([gamma, [0.0], -gamma[::-1]]) / 2) @ paths.T
    branch = np.ones(2**width, dtype=complex)
    for _ in range(layers):
        branch = (np.cos(phases) @ (amplitude * branch)) ** (degree - 1)
    end = paths[:, layers] * amplitude * branch
    return float(0.5 + (0.5j * (end @ np.sin(phases) @ end)).real)


def on_the_tree(degree: int, angles: Angles) -> float:
    return tree_cut_fraction(degree, np.array(angles.gamma), np.array(angles.beta))


def best_from(degree: int, layers: int, start: NDArray[np.float64]) -> float:
    def loss(angles: NDArray[np.float64]) -> float:
        return -tree_cut_fraction(degree, angles[:layers], angles[layers:])

    return -float(minimize(loss, start, method="BFGS", options={"gtol": 1e-7}).fun)


def cubic(known: nx.Graph) -> list[list[int]]:
    return [list(edge) for edge in nx.convert_node_labels_to_integers(known).edges]


@pytest.mark.parametrize("degree", [2, 3, 4, 7])
def test_the_closed_form_is_the_best_single_layer_on_the_tree(degree: int) -> None:
    angles = Angles((atan(1 / sqrt(degree - 1)),), (pi / 8,))
    known = 0.5 + 0.5 / sqrt(degree) * ((degree - 1) / degree) ** ((degree - 1) / 2)
    assert on_the_tree(degree, angles) == pytest.approx(known, abs=1e-12)
    assert best_from(degree, 1, np.array([0.3, 0.3])) == pytest.approx(known, abs=1e-9)


@pytest.mark.parametrize(("degree", "layers"), TREE_ANGLES)
def test_no_start_leads_to_a_larger_cut_than_the_tabulated_angles(degree: int, layers: int) -> None:
    random = np.random.default_rng(degree * 10 + layers)
    tabulated = on_the_tree(degree, TREE_ANGLES[degree, layers])
    ramp = np.concatenate([np.linspace(0.5, 1.2, layers) / sqrt(degree / 2), np.linspace(0.6, 0.25, layers)])
    starts = [ramp * random.uniform(0.5, 1.5, 2 * layers) for _ in range(12 if layers == 2 else 4)]
    found = max(best_from(degree, layers, start) for start in starts)
    assert found == pytest.approx(tabulated, abs=1e-8)


@pytest.mark.parametrize("layers", [2, 3])
def test_the_published_cut_fractions_of_cubic_trees_are_reached(layers: int) -> None:
    assert on_the_tree(3, TREE_ANGLES[3, layers]) == pytest.approx(PUBLISHED[layers], abs=5e-5)


@pytest.mark.parametrize(
    ("known", "layers"),
    [
        (nx.heawood_graph(), 1),
        (nx.hypercube_graph(3), 1),
        (nx.petersen_graph(), 1),
        (nx.heawood_graph(), 2),
    ],
    ids=["Heawood, 1 layer", "cube, 1 layer", "Petersen, 1 layer", "Heawood, 2 layers"],
)
def test_a_graph_without_short_cycles_has_the_cut_of_the_tree(known: nx.Graph, layers: int) -> None:
    workload = MaxCutWorkload(graph=cubic(known), layers=layers)
    values = exact_values(workload.encode())
    assert values is not None
    assert values["cut"] / len(workload.graph.edges) == pytest.approx(PUBLISHED[layers], abs=1e-4)


def test_gamma_is_in_units_of_the_mean_absolute_weight() -> None:
    plain = [[0, 1], [1, 2], [2, 3], [3, 0]]
    heavy = [[u, v, -5.0 if u else 5.0] for u, v in plain]
    unit, scaled = (fixed_angles(weighted_graph(edges), 1) for edges in (plain, heavy))
    assert scaled.gamma == pytest.approx([gamma / 5 for gamma in unit.gamma])
    assert scaled.beta == unit.beta


@pytest.mark.parametrize("factor", [0.01, 30.0])
def test_the_unit_of_the_weights_changes_no_state(factor: float) -> None:
    edges = cubic(nx.hypercube_graph(3))
    plain = exact_values(MaxCutWorkload(graph=edges, layers=2).encode())
    scaled = exact_values(MaxCutWorkload(graph=[[u, v, factor] for u, v in edges], layers=2).encode())
    assert plain is not None
    assert scaled is not None
    assert scaled["cut"] == pytest.approx(factor * plain["cut"])


def test_a_single_edge_is_always_cut() -> None:
    assert exact_values(MaxCutWorkload(graph=[[0, 1]]).encode()) == pytest.approx({"cut": 1.0})


@pytest.mark.parametrize(
    ("edges", "layers", "told"),
    [
        ([[0, 1], [1, 2]], 2, "this graph has degree 1 to 2"),
        ([[0, 1], [1, 2], [2, 0]], 3, "this graph has degree 2"),
        (cubic(nx.hypercube_graph(3)), 4, "expected gamma and beta of 4 values each"),
    ],
)
def test_unknown_angles_must_be_given(edges: list[list[int]], layers: int, told: str) -> None:
    with pytest.raises(WorkloadError, match=r"^angles: got nothing") as caught:
        fixed_angles(weighted_graph(edges), layers)
    assert told in str(caught.value)
