"""MaxCut problems whose graph or angles are malformed."""

from collections.abc import Callable
from pathlib import Path

import pytest

Refused = Callable[..., str]

EDGE = "graph: [[0, 1]]\n"
FAMILIES = "one of random_regular, erdos_renyi, cycle, complete, grid."


def maxcut(body: str) -> str:
    return "name: test\nworkload:\n  kind: maxcut\n  " + body.replace("\n", "\n  ")


BODIES = {
    "layers: 1": "graph: got nothing, expected a value. The key is required.",
    "graph: null": "graph: got nothing, expected a path, a list of edges, a mapping of edges and nodes, or a mapping w",
    "graph: []": "graph: got [], expected a list of at least one edge [node, node] or [node, node, weight].",
    "graph: {nodes: 3}": "graph: got {'nodes': 3}, expected a path, a list of edges, ",
    "graph: [[0, 0]]": "graph: got [0, 0], expected two different nodes (a loop is never cut). Edge 0.",
    "graph: [[0, 1], [1, 0]]": "graph: got [1, 0, 1.0], expected each pair of nodes once. Edge 1. The same as: Edge 0.",
    "graph: [[0, 1, .nan]]": "graph: got [0, 1, nan], expected a weight that is a finite number. Edge 0.",
    "graph: [[0, 1, heavy]]": "graph: got [0, 1, 'heavy'], expected a weight that is a finite number. Edge 0.",
    "graph: [[0, 1, 0]]": "graph: got 'weights that are all 0', expected at least one other weight.",
    "graph: [[-1, 0]]": "graph: got [-1, 0], expected nodes that are integers from 0. Edge 0.",
    "graph: [[0.5, 1]]": "graph: got [0.5, 1], expected nodes that are integers from 0. Edge 0.",
    "graph: [[a, b]]": "graph: got ['a', 'b'], expected nodes that are integers from 0. Edge 0.",
    "graph: [[0, 1, 2, 3]]": "graph: got [0, 1, 2, 3], expected an edge [node, node] or [node, node, weight]. Edge 0.",
    "graph: {edges: [[0, 1]], nodes: 3}": "graph: got 'node 2 without an edge', expected an edge of every node.",
    "graph: {edges: [[0, 5]], nodes: 3}": "graph: got 'an edge of node 5', expected nodes from 0 to 2.",
    "graph: {edges: [[0, 1]], nodes: two}": "graph.nodes: got 'two', expected the number of nodes.",
    "graph: {generator: petersen}": f"graph.generator: got 'petersen', expected {FAMILIES}",
    "graph: {generator: 3}": f"graph.generator: got 3, expected {FAMILIES}",
    "graph: {generator: cycle, nodes: 4, degree: 2}": "graph.degree: got unknown key 'degree', expected one of ",
    "graph: {generator: cycle, nodes: 2}": "graph.nodes: got 2, expected a number from 3.",
    "graph: {generator: complete, nodes: 9999}": "graph.nodes: got 9999, expected a number up to 1000.",
    "graph: {generator: random_regular, degree: 3, nodes: 5, seed: 1}": "graph: got 'degree 3 and 5 nodes', expected "
    "an even product of degree and nodes (each edge has two ends).",
    "graph: {generator: random_regular, degree: 4, nodes: 4, seed: 1}": "graph.nodes: got 4, expected more nodes than ",
    "graph: {generator: random_regular, degree: 3, nodes: 4}": "graph.seed: got nothing, expected a value. The key is ",
    "graph: {generator: erdos_renyi, nodes: 4, probability: 1.5, seed: 1}": "graph.probability: got 1.5, expected a ",
    EDGE + "layers: 0": "layers: got 0, expected a number from 1.",
    EDGE + "layers: two": "layers: got 'two', expected an integer.",
    EDGE + "layer: 2": "layer: got unknown key 'layer', expected one of kind, graph, layers, angles,",
    EDGE
    + "observables: {z: Z}": "observables: got unknown key 'observables', expected one of kind, graph, layers, angles,",
    EDGE
    + "angles: {gamma: [1, 2], beta: [1]}": "angles.gamma: got [1.0, 2.0], expected one value for each of the 1 layers",
    EDGE + "angles: {gamma: [.nan], beta: [1]}": "angles.gamma.0: got nan, expected a finite number.",
    EDGE + "angles: {gamma: 1, beta: [1]}": "angles.gamma: got 1, expected a list.",
    EDGE + "angles: {gamma: [1]}": "angles.beta: got nothing, expected a value. The key is required.",
    "graph: [[0, 1], [1, 2]]\nlayers: 2": "angles: got nothing, expected gamma and beta of 2 values each. Fixed angles",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_graph_or_angle_that_does_not_fit_is_told(refused: Refused, body: str) -> None:
    assert refused(maxcut(body)).startswith(f"workload.{BODIES[body]}")


FILES = {
    "loop.txt": ("0 1\n1 1\n", "[1, 1], expected two different nodes (a loop is never cut). Line 2 of loop.txt."),
    "words.txt": ("ann bob\n", "['ann', 'bob'], expected nodes that are integers from 0. Line 1 of words.txt."),
    "empty.txt": ("# no edge\n", "'no edge in empty.txt', expected a line 'node node' or 'node node weight' each."),
    "bad.graphml": (
        "<graphml><graph>",
        "'{folder}/bad.graphml', expected a valid GraphML file. no element found: line 1",
    ),
}


@pytest.mark.parametrize("name", FILES)
def test_a_graph_file_that_is_malformed_is_told(refused: Refused, tmp_path: Path, name: str) -> None:
    content, told = FILES[name]
    (tmp_path / name).write_text(content)
    assert refused(maxcut(f"graph: {name}")).startswith(f"workload.graph: got {told.format(folder=tmp_path)}")


def test_a_graph_file_that_is_not_there_is_told(refused: Refused, tmp_path: Path) -> None:
    assert refused(maxcut("graph: nowhere.txt")) == (
        f"workload.graph: got '{tmp_path}/nowhere.txt', expected a readable graph file. No such file or directory."
    )
    assert refused(maxcut("graph: '.'")).endswith("expected a readable graph file. Is a directory.")


def test_more_nodes_than_the_device_has_qubits_are_told(refused: Refused) -> None:
    ring = maxcut("graph: {generator: cycle, nodes: 8}")
    told = refused(ring, "--backend", "FakeManilaV2")
    assert told.startswith("backend: got 'aer-manila with 5 qubits', expected at least 8 qubits.")
