"""Points, their addresses, and the groups that share a circuit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.experiment import Experiment
from prefect_qpu.sweeps.points import expand
from tests.prefect_qpu.sweeps.documents import T, U, sweep

angles = st.lists(st.floats(-10, 10), min_size=1, max_size=8, unique_by=lambda value: value + 0.0)


@settings(max_examples=25, deadline=None)
@given(angles, angles)
def test_an_address_depends_on_the_point_and_not_on_the_sweep_it_is_in(first: list[float], second: list[float]) -> None:
    keys = {
        (t, u): key
        for (t, u), key in zip(
            ((t, u) for t in first for u in second), expand(sweep({T: first, U: second})).keys.tolist(), strict=True
        )
    }
    turned = expand(sweep({"kind": "zip", "axes": {U: [u for _, u in keys], T: [t for t, _ in keys]}}))
    assert turned.keys.tolist() == list(keys.values())
    assert len(set(keys.values())) == len(keys)


def test_points_that_differ_in_parameters_and_replicates_only_are_one_group(monkeypatch: pytest.MonkeyPatch) -> None:
    swept = sweep({T: {"start": 0, "stop": 3, "count": 100}, "replicate": list(range(100))})
    parsed = []
    monkeypatch.setattr(Experiment, "parse", lambda *_, **__: parsed.append(1))
    (group,) = expand(swept).groups
    assert (len(group), parsed) == (10_000, [])
    assert group.parameters["omega"].tolist() == [0.2] * 10_000
    assert np.array_equal(group.replicates, np.tile(np.arange(100), 100))


def test_settings_make_groups_with_experiments_of_their_own() -> None:
    points = expand(sweep({"shots": [100, 200], "transpile.optimization_level": [0, 3], T: [0.1, 0.2, 0.3]}))
    assert [(item.experiment.shots, item.experiment.transpile.optimization_level) for item in points.groups] == [
        (100, 0),
        (100, 3),
        (200, 0),
        (200, 3),
    ]
    assert [item.indices.tolist() for item in points.groups][1] == [3, 4, 5]


def test_mitigation_and_backend_are_axes_too() -> None:
    points = expand(sweep({"mitigation": ["raw", ["raw", "readout"]], "backend": ["aer", "FakeManilaV2"]}))
    assert [[spec.method for spec in item.experiment.mitigation] for item in points.groups] == [
        ["raw"],
        ["raw"],
        ["raw", "readout"],
        ["raw", "readout"],
    ]
    assert [item.experiment.backend.device for item in points.groups[:2]] == [None, "FakeManilaV2"]  # type: ignore[union-attr]


def test_a_workload_can_be_varied_in_its_own_settings_and_angles() -> None:
    graph = {"generator": "random_regular", "degree": 3, "nodes": 4, "seed": 1}
    points = expand(
        sweep(
            {"workload.layers": [1, 2], "workload.parameters.gamma[0]": [0.1, 0.2]},
            experiment_workload={"kind": "maxcut", "graph": graph},
        )
    )
    assert [sorted(item.parameters) for item in points.groups] == [
        ["beta[0]", "gamma[0]"],
        ["beta[0]", "beta[1]", "gamma[0]", "gamma[1]"],
    ]
    assert [item.parameters["gamma[0]"].tolist() for item in points.groups] == [[0.1, 0.2]] * 2


def test_a_list_fills_a_vector_of_parameters_and_a_box_has_a_side_for_each_element() -> None:
    graph = {"generator": "random_regular", "degree": 3, "nodes": 4, "seed": 1}
    workload = {"kind": "maxcut", "graph": graph, "layers": 2}
    (listed,) = expand(sweep({"workload.parameters.gamma": [[0.1, 0.2]]}, experiment_workload=workload)).groups
    assert (listed.parameters["gamma[0]"].tolist(), listed.parameters["gamma[1]"].tolist()) == ([0.1], [0.2])
    box = {"kind": "sobol", "points": 5, "axes": {"workload.parameters.beta": {"start": 0, "stop": 1}}}
    (drawn,) = expand(sweep(box, experiment_workload=workload)).groups
    assert not np.allclose(drawn.parameters["beta[0]"], drawn.parameters["beta[1]"])


@pytest.mark.parametrize("kind", ["random", "sobol"])
def test_a_longer_design_begins_with_the_points_of_a_shorter_one(kind: str) -> None:
    axes = {T: {"start": 0, "stop": 1}, U: {"start": 1, "stop": 100, "scale": "log"}}
    short, long = (
        expand(sweep({"kind": kind, "seed": 3, "points": points, "axes": axes})).keys.tolist() for points in (10, 30)
    )
    assert long[:10] == short


def test_a_latin_hypercube_has_one_point_in_each_layer() -> None:
    points = expand(sweep({"kind": "latin_hypercube", "points": 10, "axes": {T: {"start": 0, "stop": 10}}}))
    assert sorted(np.floor(points.columns[T].numbers()).tolist()) == list(range(10))


def test_another_occasion_has_other_addresses() -> None:
    assert expand(sweep({T: [1.0]})).keys.tolist() != expand(sweep({T: [1.0]}, occasion="tonight")).keys.tolist()
