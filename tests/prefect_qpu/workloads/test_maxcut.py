import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import Operator, SparsePauliOp, Statevector

from prefect_qpu.errors import ExperimentError, InputError, WorkloadError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads import Objective
from prefect_qpu.workloads.graph import weighted_graph
from prefect_qpu.workloads.maxcut import MaxCutWorkload, cut_operator, qaoa_circuit

LADDER = {"generator": "grid", "rows": 2, "columns": 4}
HOUSE = [[0, 1, 1.0], [1, 2, -0.5], [2, 3, 2.0], [3, 0, 1.0], [0, 2, 0.25], [2, 4, 1.5]]


def parse(base: Path | None = None, **workload: Any) -> MaxCutWorkload:
    parsed = Experiment.parse({"name": "test", "workload": {"kind": "maxcut", **workload}}, base=base).workload
    assert isinstance(parsed, MaxCutWorkload)
    return parsed


def test_every_way_to_give_a_graph_gives_the_same_document(tmp_path: Path) -> None:
    (tmp_path / "path.edges").write_text("0 1\n1 2 0.5\n")
    graphs = [
        "path.edges",
        [[2, 1, 0.5], [0, 1]],
        {"edges": [[0, 1], [1, 2, 0.5]]},
        {"edges": [(0, 1, 1), (1, 2, 0.5)], "nodes": 3},
    ]
    assert len({json.dumps(parse(tmp_path, graph=graph).document()) for graph in graphs}) == 1


@pytest.mark.parametrize(
    "workload",
    [
        {"graph": HOUSE},
        {"graph": LADDER},
        {"graph": {"generator": "random_regular", "degree": 3, "nodes": 10, "seed": 4}, "layers": 3},
        {"graph": HOUSE, "layers": 2, "angles": {"gamma": [0.1, 2], "beta": [0.3, 0]}},
    ],
)
def test_a_document_rebuilds_the_experiment_without_files(workload: dict[str, Any]) -> None:
    first = Experiment.parse({"name": "test", "workload": {"kind": "maxcut", **workload}})
    second = Experiment.parse(json.loads(json.dumps(first.document())))
    assert second.workload == first.workload
    assert (second.hash, second.execution_hash) == (first.hash, first.execution_hash)


def test_the_document_holds_the_angles_that_are_run() -> None:
    document = parse(graph=[[0, 1], [1, 2], [2, 3], [3, 0]]).document()
    assert document["angles"] == {"gamma": [pytest.approx(np.pi / 4)], "beta": [pytest.approx(np.pi / 8)]}


@given(st.integers(0, 31))
def test_the_observable_is_the_cut_of_a_basis_state(code: int) -> None:
    graph = weighted_graph(HOUSE)
    label = format(code, "05b")
    value = Statevector.from_label(label).expectation_value(cut_operator(graph)).real
    assert value == pytest.approx(graph.cut(label[::-1]))


@settings(max_examples=10, deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=4, max_size=4))
def test_the_circuit_is_the_qaoa_of_the_cut(angles: list[float]) -> None:
    graph = weighted_graph(HOUSE)
    cost = np.diag(Operator(cut_operator(graph)).data)
    mixer = SparsePauliOp.from_sparse_list([("X", [node], 1.0) for node in range(5)], 5).to_matrix()
    levels, basis = np.linalg.eigh(mixer)
    state = np.full(32, 32**-0.5, dtype=complex)
    for gamma, beta in (angles[:2], angles[2:]):
        state = np.exp(-1j * gamma * cost) * state
        state = basis @ (np.exp(-1j * beta * levels) * (basis.conj().T @ state))
    names = ("gamma[0]", "beta[0]", "gamma[1]", "beta[1]")
    circuit = qaoa_circuit(graph, 2).assign_parameters(dict(zip(names, angles, strict=True)))
    assert abs(np.vdot(state, Statevector(circuit).data)) == pytest.approx(1)


def test_edges_without_a_common_node_run_together() -> None:
    graph = weighted_graph([[u, v] for v in range(8) for u in range(v)])
    assert qaoa_circuit(graph, 1).depth() < 2 + 2 * 7


def test_the_encoding_has_one_value_for_each_parameter() -> None:
    encoding = parse(graph=HOUSE, layers=2, angles={"gamma": [0.1, 0.2], "beta": [0.3, 0.4]}).encode()
    assert {parameter.name for parameter in encoding.circuit.parameters} == set(encoding.parameters)
    assert {name: float(value) for name, value in encoding.parameters.items()} == {
        "gamma[0]": 0.1,
        "gamma[1]": 0.2,
        "beta[0]": 0.3,
        "beta[1]": 0.4,
    }
    assert set(encoding.observables) == {"cut"}


def test_the_cut_is_to_be_maximised() -> None:
    assert parse(graph=HOUSE).objective() == Objective("cut", "maximize")


@settings(max_examples=40)
@given(st.lists(st.integers(0, 31), min_size=1, max_size=20))
def test_decoding_gives_the_largest_sampled_cut(codes: list[int]) -> None:
    workload = MaxCutWorkload(graph=HOUSE)
    labels = [format(code, "05b") for code in codes]
    answer = workload.decode(BitArray.from_samples(labels, 5))
    assert answer is not None
    assert answer.value == pytest.approx(max(workload.graph.cut(label[::-1]) for label in labels))
    assert answer.value == workload.graph.cut(answer.solution)
    assert answer.solution[0] == "0"
    complement = answer.solution.translate({48: "1", 49: "0"})
    assert {answer.solution[::-1], complement[::-1]} & set(labels)


def test_decoding_takes_bit_i_as_node_i() -> None:
    workload = MaxCutWorkload(graph=[[node, node + 1] for node in range(9)])
    answer = workload.decode(BitArray.from_samples(["0000000110"], 10))
    assert answer is not None
    assert (answer.solution, answer.value) == ("0110000000", 2.0)


def test_decoding_does_not_depend_on_the_order_of_the_shots() -> None:
    workload = MaxCutWorkload(graph=[[0, 1], [1, 2]])
    labels = ["010", "101", "011"]
    answers = {workload.decode(BitArray.from_samples(order, 3)) for order in (labels, labels[::-1])}
    assert len(answers) == 1


def test_counts_of_another_circuit_are_refused() -> None:
    with pytest.raises(WorkloadError, match="expected 5 bits"):
        MaxCutWorkload(graph=HOUSE).decode(BitArray.from_samples(["01"], 2))


@pytest.mark.parametrize(
    ("workload", "kind", "told"),
    [
        ({}, ExperimentError, "workload.graph: got nothing"),
        ({"graph": 3}, WorkloadError, "workload.graph: got 3, expected a path, a list of edges"),
        ({"graph": {"nodes": 3}}, WorkloadError, "workload.graph: got {'nodes': 3}"),
        ({"graph": {"edges": [[0, 1]], "nodes": "2"}}, WorkloadError, "workload.graph.nodes: got '2'"),
        ({"graph": [[0, 0]]}, WorkloadError, "workload.graph: got [0, 0], expected two different nodes"),
        ({"graph": "nowhere.txt"}, WorkloadError, "workload.graph: got 'nowhere.txt'"),
        ({"graph": HOUSE, "layers": 0}, ExperimentError, "workload.layers: got 0"),
        ({"graph": HOUSE, "layers": 2}, WorkloadError, "workload.angles: got nothing"),
        (
            {"graph": HOUSE, "layers": 2, "angles": {"gamma": [1], "beta": [1, 2]}},
            WorkloadError,
            "workload.angles.gamma: got [1.0], expected one value for each of the 2 layers",
        ),
        ({"graph": HOUSE, "angles": {"gamma": [1]}}, ExperimentError, "workload.angles.beta: got nothing"),
        (
            {"graph": HOUSE, "angles": {"gamma": [float("nan")], "beta": [1]}},
            ExperimentError,
            "angles.gamma.0: got nan",
        ),
        ({"graph": HOUSE, "layer": 2}, ExperimentError, "Did you mean layers?"),
    ],
)
def test_a_malformed_problem_is_refused_by_name(workload: dict[str, Any], kind: type[InputError], told: str) -> None:
    with pytest.raises(kind) as caught:
        parse(**workload)
    assert told in str(caught.value)
