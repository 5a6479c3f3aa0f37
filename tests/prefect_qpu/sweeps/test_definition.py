"""What a sweep may be, and the one message that a bad one gets before anything is made of it."""

import math
import re
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from prefect_qpu.errors import InputError
from prefect_qpu.sweeps import Sweep, read_sweep
from prefect_qpu.sweeps.points import expand
from tests.prefect_qpu.sweeps.documents import T, U, document, sweep

SPAN = {"start": 0.0, "stop": 1.0, "count": 3}
BILLION = {"start": 0.0, "stop": 1.0, "count": 31_623}


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({T: []}, f"axes.{T}: got [], expected at least one value"),
        ({"workload.parameters.v": [0.1]}, "axes.workload.parameters.v: got 'v', expected"),
        ({T: BILLION, U: BILLION}, "axes: got '1,000,014,129 points', expected at most 1,000,000"),
        ({T: [0.1, math.nan]}, f"axes.{T}.1: got nan, expected a finite number"),
        ({T: ["fast"]}, f"axes.{T}: got 'fast', expected a number"),
        ({"kind": "zip", "axes": {T: [1, 2], U: [1, 2, 3]}}, "expected as many values for each axis of a zip"),
        ({T: [0.1, 0.2, 0.1]}, "axes: got '1 points twice, the first two of them at places 0 and 2'"),
        ({"kind": "sbol", "axes": {T: SPAN}}, "axes.kind: got 'sbol', expected one of grid, zip, random"),
        ({"hypothesis": [None]}, "axes.hypothesis: got 'hypothesis', expected one of shots, seed, replicate"),
        ({"shots": [0]}, "axes.shots: got 0, expected a number from 1"),
        ({"shots": [100.5]}, "axes.shots: got 100.5, expected an integer"),
        ({"transpile.optimisation_level": [1]}, "axes.transpile.optimisation_level: got unknown key"),
        ({"mitigation": ["magic"]}, "mitigation.0: got 'magic', expected one of"),
        ({"replicate": [-1]}, "axes.replicate: got -1, expected an integer from 0"),
        ({"kind": "sobol", "points": 4, "axes": {T: {"start": 0, "stop": 1, "scale": "log"}}}, "two positive ends"),
        ({"kind": "table", "rows": {T: [1.0], "angle": [2.0]}}, "axes.angle: got 'angle', expected one of shots"),
        ({"kind": "table", "rows": {T: []}}, "axes: got 'an empty table', expected at least one row"),
        ({"kind": "table", "file": "missing.csv"}, "axes.file: got 'missing.csv', expected an existing file"),
        ([{T: [0.1]}, {T: [0.2]}], f"axes.{T}: got 'the axis in two designs', expected each axis once"),
        ([], "axes: got [], expected at least one axis"),
        ([1, 2], "axes: got 1, expected a mapping of axes, or a design"),
        ({T: 0.5}, f"axes.{T}: got 0.5, expected a list"),
        ({T: {"start": 0, "stop": 1, "count": -1}}, f"axes.{T}.count: got -1, expected a number from 1"),
        ({T: {"start": "a", "stop": 1, "count": 2}}, f"axes.{T}.start: got 'a', expected a number"),
        ({"kind": "sobol", "axes": {T: {"start": 0, "stop": 1}}}, "axes.points: got nothing, expected a value"),
    ],
)
def test_a_bad_plan_is_refused_at_once_with_its_field(axes: Any, message: str) -> None:
    began = time.perf_counter()
    with pytest.raises(InputError, match=re.escape(message)):
        expand(sweep(axes))
    assert time.perf_counter() - began < 5


def test_an_experiment_that_is_wrong_is_told_by_its_field() -> None:
    with pytest.raises(InputError, match=r"experiment\.shots: got -1"):
        sweep({T: [1.0]}, experiment_shots=-1)
    with pytest.raises(InputError, match="experiment: got nothing, expected an experiment"):
        Sweep.parse({"axes": {T: [1.0]}})
    with pytest.raises(InputError, match="observable: got 'yy', expected one of the observables xi, zz"):
        sweep({T: [1.0]}, observable="yy")


def test_a_csv_file_beside_the_definition_is_a_design(tmp_path: Path) -> None:
    pd.DataFrame({T: [0.1, 0.2], "shots": [100, 200]}).to_csv(tmp_path / "points.csv", index=False)
    (tmp_path / "sweep.yaml").write_text(
        'experiment: {name: s, seed: 1, workload: {kind: circuit, observables: {z: Z}, qasm: "OPENQASM 3.0; '
        'input angle alpha; qubit[1] q; U(alpha, 0, 0) q[0];"}}\naxes: {kind: table, file: points.csv}\n'
    )
    points = expand(read_sweep(tmp_path / "sweep.yaml", ["title=from a file"]))
    assert [(group.experiment.shots, group.parameters["alpha"].tolist()) for group in points.groups] == [
        (100, [0.1]),
        (200, [0.2]),
    ]


def test_the_hash_tells_points_not_packing() -> None:
    first = sweep({T: SPAN})
    assert first.hash == sweep({T: SPAN}, packing={"in_flight": 2}, title="other").hash
    assert first.hash != sweep({T: SPAN}, occasion="tonight").hash
    assert first.hash != sweep({T: {**SPAN, "count": 4}}).hash


def test_a_document_makes_the_same_points_again(tmp_path: Path) -> None:
    points = expand(sweep([{T: SPAN}, {"replicate": [0, 1]}]))
    again = expand(
        Sweep.parse(document([{"kind": "table", "rows": {T: [0.0, 0.0, 0.5, 0.5, 1.0, 1.0], "replicate": [0, 1] * 3}}]))
    )
    assert points.keys.tolist() == again.keys.tolist()
