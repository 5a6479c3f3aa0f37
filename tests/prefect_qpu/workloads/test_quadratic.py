import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import Statevector

from prefect_qpu.baselines import exact_values
from prefect_qpu.errors import InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads.quadratic import IsingWorkload, QuadraticWorkload, QuboWorkload
from prefect_qpu.workloads.quadratic_form import QuadraticForm
from prefect_qpu.workloads.single_layer import best_angles

FIELDS = [0.5, 0.0, -1.25, 0.0, 2.0]
COUPLINGS = [[0, 1, 1.0], [1, 2, -0.5], [2, 0, 2.0], [1, 4, 0.75]]
MATRIX = [[-1.0, 2.0, 0.5], [0.0, 3.0, -4.0], [1.5, 0.0, -2.0]]

numbers = st.floats(-4, 4).map(lambda value: round(value, 3))


def parse(base: Path | None = None, **workload: Any) -> QuadraticWorkload:
    parsed = Experiment.parse({"name": "test", "workload": workload}, base=base).workload
    assert isinstance(parsed, QuadraticWorkload)
    return parsed


def texts(variables: int) -> list[str]:
    return ["".join(bits) for bits in itertools.product("01", repeat=variables)]


@given(st.lists(st.lists(numbers, min_size=4, max_size=4), min_size=4, max_size=4).filter(np.any))
@settings(max_examples=25, deadline=None)
def test_the_form_of_a_matrix_has_its_values(rows: list[list[float]]) -> None:
    assume(np.any(np.array(rows) + np.array(rows).T))
    workload = QuboWorkload(matrix=rows, constant=0.5)
    for text in texts(4):
        x = np.array([int(bit) for bit in text])
        assert workload.value(text) == pytest.approx(0.5 + x @ np.array(rows) @ x)
        assert workload.form.value(text) == pytest.approx(workload.value(text), abs=1e-9)


def test_the_observable_has_the_value_of_a_basis_state() -> None:
    for workload in (
        IsingWorkload(fields=FIELDS, couplings=COUPLINGS, constant=0.25),
        QuboWorkload(matrix=MATRIX, constant=-1.0),
    ):
        operator = workload.encode().observables[workload.observable]
        rows = np.array([[int(bit) for bit in text] for text in texts(workload.form.spins)], dtype=np.uint8)
        for text, value in zip(texts(workload.form.spins), workload.form.values(rows), strict=True):
            found = Statevector.from_label(text[::-1]).expectation_value(operator).real
            assert found == pytest.approx(workload.value(text)) == pytest.approx(value)


@given(st.lists(numbers, min_size=5, max_size=5), st.lists(numbers, min_size=6, max_size=6), st.integers(0, 1))
@settings(max_examples=25, deadline=None)
def test_the_largest_cut_is_the_smallest_value(fields: list[float], weights: list[float], skipped: int) -> None:
    pairs = [(0, 1), (1, 2), (2, 3), (0, 3), (1, 3), (0, 2)]
    fields[0] = fields[0] * skipped
    couplings = tuple((u, v, weight) for (u, v), weight in zip(sorted(pairs), weights, strict=True) if weight)
    form = QuadraticForm(tuple(fields), couplings, 1.5)
    if not couplings and not any(fields):
        return
    problem = form.cut_problem
    for text in texts(problem.graph.nodes):
        assignment = problem.assignment(text)
        assert form.value(assignment) == pytest.approx(problem.value(problem.graph.cut(text)), abs=1e-9)


@given(st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_the_closed_form_of_one_layer_is_the_expectation_value(seed: int) -> None:
    from prefect_qpu.workloads.single_layer import _Layer

    random = np.random.default_rng(seed)
    couplings = [[u, v, float(random.normal())] for v in range(5) for u in range(v) if random.random() < 0.7]
    fields = [float(field) for field in random.normal(size=5) * random.integers(0, 2, 5)]
    gamma, beta = float(random.uniform(-2, 2)), float(random.uniform(-2, 2))
    settings_ = {"fields": fields, "couplings": [*couplings, [0, 1, 0.3]], "constant": 0.7}
    workload = IsingWorkload(**settings_, sense="maximize", angles={"gamma": [gamma], "beta": [beta]})
    values = exact_values(workload.encode())
    assert values is not None
    assert _Layer(workload.form).values(gamma, np.array([beta]))[0] == pytest.approx(values["energy"])


def test_no_angles_of_one_layer_are_better_than_the_chosen_ones() -> None:
    workload = IsingWorkload(fields=FIELDS, couplings=COUPLINGS)
    values = exact_values(workload.encode())
    assert values is not None
    random = np.random.default_rng(3)
    others = [
        IsingWorkload(fields=FIELDS, couplings=COUPLINGS, angles={"gamma": [float(g)], "beta": [float(b)]})
        for g, b in zip(random.uniform(0, 1.2, 60), random.uniform(-1.6, 1.6, 60), strict=True)
    ]
    found = [exact_values(other.encode()) for other in others]
    assert values["energy"] < min(item["energy"] for item in found if item)


def test_one_edge_has_the_angles_of_the_largest_cut() -> None:
    angles = best_angles(QuadraticForm((0.0, 0.0), ((0, 1, -0.5),)))
    assert (angles.gamma[0], angles.beta[0]) == pytest.approx((np.pi / 2, np.pi / 8), abs=1e-4)


@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_more_layers_of_the_ramp_come_nearer_to_the_optimum(sense: str) -> None:
    found = []
    for layers in (2, 4, 8):
        workload = QuboWorkload(matrix=MATRIX, layers=layers, sense=sense)
        values = exact_values(workload.encode())
        assert values is not None
        found.append(values["value"])
    assert sorted(found, reverse=sense == "minimize") == found
    optimum = (min if sense == "minimize" else max)(workload.value(text) for text in texts(3))
    assert abs(found[-1] - optimum) < 0.25 * abs(found[0] - optimum) + 0.3


def test_every_way_to_give_a_matrix_gives_the_same_document(tmp_path: Path) -> None:
    (tmp_path / "q.txt").write_text("-1 2\n2 0.5\n")
    (tmp_path / "q.json").write_text(
        json.dumps({"variables": 2, "entries": [[1, 0, 2], [0, 0, -1], [0, 1, 2], [1, 1, 0.5]]})
    )
    (tmp_path / "q.bq").write_text("# two\n2 3\n1 1 -1\n1 2 2\n2 2 0.5\n")
    (tmp_path / "q.sparse").write_text((tmp_path / "q.bq").read_text())
    (tmp_path / "bqp2-1").write_text((tmp_path / "q.bq").read_text())
    (tmp_path / "q.qubo").write_text("c two\np qubo 0 2 2 1\n0 0 -1\n1 1 0.5\n0 1 4\n")
    given_ = ["q.txt", "q.json", "q.bq", "q.sparse", "bqp2-1", [[-1, 2], [2, 0.5]]]
    assert len({json.dumps(parse(tmp_path, kind="qubo", matrix=one).document()) for one in given_}) == 1
    same = [parse(tmp_path, kind="qubo", matrix=one) for one in ("q.bq", "q.qubo")]
    values = {tuple(workload.form.value(bits) for bits in ("00", "01", "10", "11")) for workload in same}
    assert values == {(0.0, 0.5, -1.0, 3.5)}


def test_spins_can_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "model.json").write_text(json.dumps({"fields": FIELDS, "couplings": COUPLINGS}))
    read = parse(tmp_path, kind="ising", file="model.json")
    assert read == IsingWorkload(fields=FIELDS, couplings=COUPLINGS)


@pytest.mark.parametrize(
    "workload",
    [
        {"kind": "ising", "fields": 0.5, "couplings": COUPLINGS, "sense": "maximize"},
        {"kind": "ising", "fields": [1.0, 0.0, 0.0]},
        {"kind": "qubo", "matrix": MATRIX, "layers": 3, "improve": True},
        {"kind": "qubo", "matrix": {"variables": 4, "entries": [[3, 0, 1.0]]}, "constant": 2.5},
    ],
)
def test_a_document_rebuilds_the_experiment_without_files(workload: dict[str, Any]) -> None:
    first = Experiment.parse({"name": "test", "workload": workload})
    second = Experiment.parse(json.loads(json.dumps(first.document())))
    assert second.workload == first.workload
    assert second.hash == first.hash


def test_decoding_gives_the_best_sample() -> None:
    workload = QuboWorkload(matrix=MATRIX)
    answer = workload.decode(BitArray.from_samples(["110", "001", "011"], 3))
    assert answer is not None
    assert (answer.solution, answer.value) == ("011", -3.0)
    assert answer.sampled is None


def test_improvement_climbs_from_the_samples_and_tells_what_was_sampled() -> None:
    workload = IsingWorkload(couplings=[[spin, spin + 1, -1.0] for spin in range(9)], fields=0.1, improve=True)
    answer = workload.decode(BitArray.from_samples(["1000000000"], 10))
    assert answer is not None
    assert (answer.sampled, answer.value, answer.solution) == (pytest.approx(-6.2), pytest.approx(-10), "1" * 10)
    assert answer.control is not None
    assert answer.seconds > 0


def test_improvement_never_makes_it_worse_and_ends_where_no_flip_gains() -> None:
    random = np.random.default_rng(5)
    matrix = random.integers(-5, 6, (12, 12)).astype(float).tolist()
    workload = QuboWorkload(matrix=matrix, sense="maximize", improve=True)
    answer = workload.decode(BitArray.from_bool_array(random.random((20, 12)) < 0.5))
    assert answer is not None
    assert answer.sampled is not None
    assert answer.value >= answer.sampled
    for place in range(12):
        flipped = answer.solution[:place] + str(1 - int(answer.solution[place])) + answer.solution[place + 1 :]
        assert workload.value(flipped) <= answer.value


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({"kind": "ising"}, "workload.couplings: got '0 spins'"),
        ({"kind": "ising", "couplings": [[0, 0, 1.0]]}, "two different spins"),
        ({"kind": "ising", "couplings": [[0, 1]]}, "got [0, 1], expected [variable, variable, number]"),
        ({"kind": "ising", "couplings": [[0, 1, "x"]]}, "a finite number at the end"),
        ({"kind": "ising", "couplings": [[0, 5, 1.0]], "spins": 3}, "expected variables from 0 to 2"),
        ({"kind": "ising", "couplings": [[0, 1, 0.0]]}, "an objective that is constant"),
        ({"kind": "ising", "couplings": [[0, 1, 1.0]], "fields": [1.0]}, "variables from 0 to 0"),
        ({"kind": "ising", "fields": [1.0], "spins": 2}, "workload.fields: got '1 values', expected one number, or 2"),
        ({"kind": "ising", "file": "none.json"}, "workload.file: got '/nowhere/none.json', expected a readable file"),
        ({"kind": "ising", "file": "x.json", "fields": 1.0}, "expected either file or fields"),
        ({"kind": "qubo", "matrix": 3}, "expected a path, a list of rows"),
        ({"kind": "qubo", "matrix": [[1, 2]]}, "a square matrix"),
        ({"kind": "qubo", "matrix": {"variables": 2, "entries": [[0, 2, 1.0]]}}, "rows and columns from 0 to 1"),
        ({"kind": "qubo", "matrix": {"variables": 2, "entries": [[0, 1, 1.0]] * 2}}, "each row and column once"),
        ({"kind": "qubo", "matrix": {"variables": 0, "entries": []}}, "from 1 to 999 variables"),
        ({"kind": "qubo", "matrix": [[0.0]]}, "an objective that is constant"),
        ({"kind": "qubo", "matrix": MATRIX, "angles": {"gamma": [1.0], "beta": []}}, "workload.angles.beta"),
        ({"kind": "qubo", "matrix": MATRIX, "sense": "up"}, "workload.sense: got 'up'"),
        ({"kind": "qubo", "matrix": [[float("inf")]]}, "a finite number"),
    ],
)  # fmt: skip
def test_a_malformed_objective_is_refused_by_name(workload: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(Path("/nowhere"), **workload)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("q.bq", "2 1\n1 3 1\n"),
        ("q.bq", "2 2\n1 1 1\n"),
        ("q.txt", "1 2\n3\n"),
        ("q.json", "{"),
        ("q.qubo", "0 0 1\n"),
        ("q.qubo", "p qubo 0 2 1 1\n0 0 1\n"),
        ("q.qubo", "p qubo 0 2 1 1\n0 0 1\n0 2 1\n"),
        ("q.sparse", "2 1\n1 3 1\n"),
        ("q.txt", "2 1\n1 3 1\n"),
        ("q.txt", "1 a\n2 3\n"),
    ],
)
def test_a_malformed_file_is_refused(tmp_path: Path, name: str, text: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=r"workload\.matrix"):
        parse(tmp_path, kind="qubo", matrix=name)
