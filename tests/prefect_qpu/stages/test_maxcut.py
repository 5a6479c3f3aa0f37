"""An optimisation workload through all stages: its best solution, its optimum, and the verdict."""

from collections.abc import Callable

import pytest

from prefect_qpu.run import Run
from prefect_qpu.summarise import summarise
from tests.experiments import ghz

WORKLOAD = {"kind": "maxcut", "graph": {"generator": "random_regular", "degree": 3, "nodes": 6, "seed": 1}}


@pytest.fixture
def run(executed: Callable[..., Run]) -> Run:
    hypothesis = {"statement": "better than a random cut", "observable": "cut", "range": [4.5, 9.0]}
    return executed(ghz(workload=WORKLOAD, hypothesis=hypothesis, backend={"kind": "aer", "device": "FakeGuadalupeV2"}))


def test_the_best_measured_solution_is_recounted_and_compared_with_the_optimum(run: Run) -> None:
    summary = summarise(run.store, run.id)
    assert summary.answer is not None
    assert summary.baseline is not None
    graph = run.experiment.workload.document()["graph"]
    side = summary.answer["solution"]
    cut = sum(edge[2] for edge in graph["edges"] if side[edge[0]] != side[edge[1]])
    assert summary.answer["value"] == cut <= summary.baseline.value == summary.baseline.bound
    assert summary.comparison is not None
    assert summary.comparison["verdict"] in {"classical better", "quantum better"}
    assert summary.comparison["hypothesis"]["verdict"] == "supported"


def test_the_expected_cut_is_between_a_random_one_and_the_optimum(run: Run) -> None:
    summary = summarise(run.store, run.id)
    (item,) = summary.estimates
    assert summary.baseline is not None
    assert item.exact is not None
    assert 4.5 < item.value < item.exact < summary.baseline.value


@pytest.mark.parametrize(("layers", "published"), [(1, 0.6924), (2, 0.7559)])
def test_sampled_fixed_angles_reach_the_published_cut_fraction(
    executed: Callable[..., Run], layers: int, published: float
) -> None:
    heawood = [[node, (node + 1) % 14] for node in range(14)] + [[node, (node + 5) % 14] for node in range(0, 14, 2)]
    workload = {"kind": "maxcut", "graph": heawood, "layers": layers}
    run = executed(ghz(workload=workload, hypothesis=None, backend={"kind": "aer"}, shots=4000))
    (item,) = summarise(run.store, run.id).estimates
    assert abs(item.value / 21 - published) < 4 * item.stderr / 21
    assert item.stderr / 21 < 0.003
