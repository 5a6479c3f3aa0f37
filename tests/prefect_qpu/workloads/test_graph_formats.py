import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.baselines.brute_force import best_cut
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.graph_files import read_graph
from prefect_qpu.workloads.graph_formats import parse_counted, parse_dimacs, parse_quadratic

PATH = Graph(3, ((0, 1, 1.0), (1, 2, 1.0)))
DIMACS = "c a path\nc of three nodes\np edge 3 2\ne 1 2\ne 2 3\n"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("path.dimacs", DIMACS),
        ("path.col", "p col 3 4\ne 2 1\ne 1 2\ne 2 3\ne 3 2\n"),
        ("path.txt", DIMACS),
        ("path.mc", "# a path\n3 2\n1 2 1\n2 3 1\n"),
        ("path.rud", "3 2\n1 2\n2 3\n"),
        ("path.GSET", "3 2\r\n1 2 1\r\n2 3 1.0\r\n"),
        ("path", "3 2\n1 2 1\n2 3 1\n"),
        ("path.0", "3 2 \n1 2 1 \n2 3 1 \n"),
        ("path.bom.mc", "\ufeff3 2\n1 2 1\n2 3 1\n"),
    ],
)
def test_the_end_of_the_name_tells_the_format(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_bytes(text.encode())
    assert read_graph(tmp_path / name) == PATH


@pytest.mark.parametrize("text", ["p edge 5 2\ne 2 3\ne 3 5\n", "5 2\n2 3 1\n3 5 1\n"])
def test_nodes_without_an_edge_keep_their_numbers(text: str) -> None:
    graph = (parse_dimacs if "p" in text else parse_counted)(text)
    assert graph.nodes == 5
    assert [edge for edge in graph.edges if edge[2]] == [(1, 2, 1.0), (2, 4, 1.0)]
    assert {node for edge in graph.edges for node in edge[:2]} == set(range(5))
    assert best_cut(graph)[0] == 2


@st.composite
def programs(draw: st.DrawFn) -> np.ndarray:
    """Symmetric matrices with something in each row."""
    size = draw(st.integers(1, 6))
    values = st.integers(-5, 5) | st.floats(-5, 5).map(lambda value: round(value, 3))
    upper = np.triu(np.array([[draw(values) for _ in range(size)] for _ in range(size)], dtype=float))
    upper += np.diag([draw(st.sampled_from([7.0, -7.5, 8.0])) for _ in range(size)])
    return upper + np.triu(upper, 1).T


@settings(max_examples=60, deadline=None)
@given(matrix=programs())
def test_the_largest_cut_of_a_quadratic_program_is_less_its_smallest_value(matrix: np.ndarray) -> None:
    size = len(matrix)
    entries = [(i, j) for i in range(size) for j in range(i, size) if matrix[i, j]]
    text = "\n".join([f"{size} {len(entries)}", *(f"{i + 1} {j + 1} {matrix[i, j]:.17g}" for i, j in entries)])
    graph = parse_quadratic(text)
    value, assignment = best_cut(graph)
    smallest = min(np.array(bits) @ matrix @ bits for bits in itertools.product((0, 1), repeat=size))
    solution = np.array([int(part) for part in assignment[1:]])
    assert graph.nodes == size + 1
    assert value == pytest.approx(-smallest, abs=1e-9)
    assert solution @ matrix @ solution == pytest.approx(smallest, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a line 'p edge nodes edges' first"),
        ("e 1 2\n", "a line 'p edge nodes edges' first"),
        ("p edge 3\ne 1 2\n", "a line 'p edge nodes edges' first"),
        ("p edge 3 1\nn 1 2\n", "e node node, or e node node weight. Line 2"),
        ("p edge 3 2\ne 1 2\ne 3 4\n", "expected nodes from 1 to 3. Line 3"),
        ("p edge 3 2\ne 0 1\ne 2 3\n", "expected nodes from 1 to 3. Line 2"),
        ("p edge 2 2\ne 1 2 1\ne 2 1 2\n", "each pair of nodes once"),
        ("p edge 2 1\ne a b\n", "nodes that are integers"),
        ("p edge 99999 1\ne 1 2\n", "a number of nodes from 1 to 1000"),
    ],
)
def test_a_malformed_dimacs_text_is_refused(text: str, told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_dimacs(text)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the two counts first"),
        ("1 2 1\n2 3 1\n", "the two counts first"),
        ("3 3\n1 2 1\n2 3 1\n", "got '2 lines', expected 3 lines"),
        ("3 1\n1 2 1\n2 3 1\n", "got '2 lines', expected 1 lines"),
        ("2 1\n1 3 1\n", "nodes from 1 to 2. Line 2"),
        ("x 1\n1 2 1\n", "a number of nodes"),
    ],
)
def test_a_text_whose_counts_are_wrong_is_refused(text: str, told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        parse_counted(text)
    assert told in str(caught.value)


def test_an_entry_outside_the_matrix_is_refused() -> None:
    with pytest.raises(WorkloadError, match=r"a row and a column from 1 to 2. Line 3"):
        parse_quadratic("2 2\n1 1 1\n1 3 1\n")
