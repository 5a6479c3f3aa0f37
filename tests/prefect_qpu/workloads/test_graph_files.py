from pathlib import Path

import networkx as nx
import pytest

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.graph_files import parse_edges, read_graph
from prefect_qpu.workloads.graph_formats import parse_counted

TRIANGLE = Graph(3, ((0, 1, 1.0), (0, 2, 0.5), (1, 2, 1.0)))


@pytest.mark.parametrize(
    "text",
    [
        "0 1\n1 2\n0 2 0.5\n",
        "# a triangle\n\n0,1,1\n1,2 # no weight\n  0 , 2 , 5e-1",
        "2\t0\t.5\r\n1\t0\r\n2\t1\r\n",
        "3 3\n1 2 1\n2 3 1\n1 3 0.5\n",
    ],
    ids=["spaces", "commas and comments", "tabs", "header that counts"],
)
def test_an_edge_list_is_read(text: str) -> None:
    assert parse_edges(text) == TRIANGLE


def test_a_first_edge_is_no_header() -> None:
    assert parse_edges("5 2\n1 2 1\n2 3 1\n3 4 1\n") == Graph(5, ((0, 1, 1.0), (1, 2, 1.0), (1, 4, 1.0), (2, 3, 1.0)))
    assert parse_edges("0 2\n1 2\n2 3\n").nodes == 4


def test_counts_may_stand_before_edges_without_weights() -> None:
    square = "4 5\n1 2\n2 3\n3 4\n4 1\n1 3\n"
    assert parse_edges(square) == parse_counted(square)


def test_a_graph_with_more_edges_than_nodes_may_have_a_node_without_any() -> None:
    text = "5 6\n1 2 1\n1 3 1\n1 4 1\n2 3 1\n2 4 1\n3 4 1\n"
    assert parse_edges(text) == parse_counted(text)
    assert parse_edges(text).nodes == 5


@pytest.mark.parametrize("text", ["4 3\n1 2\n2 3\n1 4\n", "5 3\n1 2 1\n2 3 1\n3 4 1\n"])
def test_a_first_line_that_may_be_an_edge_or_the_counts_is_refused(text: str) -> None:
    with pytest.raises(WorkloadError, match=r"If it counts, end the name of the text in \.mc"):
        parse_edges(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("0 1\n\n1 1\n", "graph: got [1, 1], expected two different nodes (a loop is never cut). Line 3 of edges.txt."),
        ("0 1\n1 0\n", "Line 2 of edges.txt. The same as: Line 1 of edges.txt."),
        ("source,target\n0,1\n", "got ['source', 'target'], expected nodes that are integers from 0. Line 1"),
        ("0 1 nan\n", "expected a weight that is a finite number. Line 1"),
        ("# nothing\n", "got 'no edge in edges.txt'"),
        ("", "got 'no edge in edges.txt'"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "edges.txt").write_text(text)
    with pytest.raises(WorkloadError) as caught:
        read_graph(tmp_path / "edges.txt")
    assert told in str(caught.value)


def test_graphml_is_read_in_the_natural_order_of_its_names(tmp_path: Path) -> None:
    graph = nx.Graph()
    graph.add_weighted_edges_from([("n10", "n2", 1.0), ("n2", "n1", 1.0)])
    graph.add_edge("n1", "n10", weight=0.5)
    nx.write_graphml(graph, tmp_path / "triangle.graphml")
    assert read_graph(tmp_path / "triangle.graphml") == TRIANGLE


def test_graphml_without_weights_has_weights_of_one(tmp_path: Path) -> None:
    nx.write_graphml(nx.path_graph(3), tmp_path / "path.graphml")
    assert read_graph(tmp_path / "path.graphml") == Graph(3, ((0, 1, 1.0), (1, 2, 1.0)))


def test_graphml_with_two_edges_between_nodes_is_refused(tmp_path: Path) -> None:
    nx.write_graphml(nx.DiGraph([(0, 1), (1, 0)]), tmp_path / "two.graphml")
    with pytest.raises(WorkloadError, match="expected each pair of nodes once") as caught:
        read_graph(tmp_path / "two.graphml")
    assert "The edge from" in str(caught.value)


def test_a_graphml_node_without_an_edge_is_refused(tmp_path: Path) -> None:
    graph = nx.path_graph(3)
    graph.add_node(7)
    nx.write_graphml(graph, tmp_path / "lonely.graphml")
    with pytest.raises(WorkloadError, match="without an edge"):
        read_graph(tmp_path / "lonely.graphml")


@pytest.mark.parametrize("raw", [b"", b"0 1\n", b"<graphml>", b"<graphml/>", b"<a/>", b"\xff\xfe\x00"])
def test_what_is_no_graphml_is_refused(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "broken.graphml").write_bytes(raw)
    with pytest.raises(WorkloadError, match=r"^graph: got"):
        read_graph(tmp_path / "broken.graphml")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "image.txt").write_bytes(b"\xff\xd8\xff")
    for path in (tmp_path / "nowhere.txt", tmp_path, tmp_path / "image.txt"):
        with pytest.raises(WorkloadError, match="expected a readable graph file"):
            read_graph(path)
