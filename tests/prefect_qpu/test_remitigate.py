from collections.abc import Callable

import pytest

from prefect_qpu.errors import ExperimentError, ReplayError
from prefect_qpu.experiment import AerBackendSpec, Experiment, MethodSpec
from prefect_qpu.jobs import complete
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.remitigate import remitigate
from prefect_qpu.replay import replay
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import mitigate, submit
from tests.experiments import ghz

LINEAR = {"method": "zne", "name": "zne linear", "options": {"fit": "linear"}}
ALL = ["raw", "readout", "zne", LINEAR, {"method": "twirling", "options": {"twirl": 4}}]


@pytest.fixture
def executed(store: RecordStore) -> Callable[..., Run]:
    """A run of the GHZ experiment with some methods, through the job and the estimates."""

    def execute(mitigation: list[object], **changes: object) -> Run:
        experiment: Experiment = ghz(mitigation=mitigation, **changes)
        assert isinstance(experiment.backend, AerBackendSpec)
        run = open_run(store, experiment, AerProvider(experiment.backend))
        submit(run)
        complete(run, PRIMARY)
        mitigate(run)
        return run

    return execute


def test_all_methods_are_one_job_and_its_analysis_repeats_to_the_last_bit(executed: Callable[..., Run]) -> None:
    run = executed(ALL)
    assert list(run.store.submissions.for_run(run.id)) == [PRIMARY]
    found = replay(run.store, run.id)
    assert found["identical"]
    assert {row["method"] for row in found["estimates"]} == {"raw", "readout", "zne", "zne linear", "twirling(twirl=4)"}


def test_a_method_gives_the_numbers_that_it_would_have_given_from_the_start(executed: Callable[..., Run]) -> None:
    first, later = executed(["zne", LINEAR, "readout"]), executed(["zne"])
    wanted = {row for row in _numbers(first) if row[0] in {"zne linear", "readout"}}
    found = remitigate(later.store, later.id, [MethodSpec.model_validate(LINEAR), MethodSpec(method="readout")])
    assert found["refused"] == {}
    assert {row for row in _numbers(later) if row[0] != "raw" and row[0] != "zne"} == wanted
    assert set(found["estimates"]["readout"]) == {"parity", "energy"}


def test_a_method_that_needs_other_circuits_says_which(executed: Callable[..., Run]) -> None:
    run = executed(["readout"])
    found = remitigate(run.store, run.id, [MethodSpec(method="zne")])
    assert found["estimates"] == {}
    assert found["refused"]["zne"].startswith("it needs 4 of 8 circuits that the run did not execute")
    assert "fold 3" in found["refused"]["zne"]


def test_it_works_on_the_prefix_of_a_run_and_twice(executed: Callable[..., Run]) -> None:
    run = executed(["readout"], backend={"kind": "aer"})
    method = [MethodSpec(method="readout", name="again")]
    first, second = (remitigate(run.store, run.id[:8], method) for _ in range(2))
    assert first == second
    assert [row.method for row in run.store.runs.estimates(run.id)].count("again") == 2


def test_an_unknown_method_is_refused(executed: Callable[..., Run]) -> None:
    run = executed(["raw"])
    with pytest.raises(ExperimentError, match="expected one of"):
        remitigate(run.store, run.id, [MethodSpec(method="magic")])


def test_a_run_without_counts_is_refused(store: RecordStore) -> None:
    run = open_run(store, ghz(), AerProvider(AerBackendSpec(device="FakeManilaV2")))
    with pytest.raises(ReplayError, match="stored no counts of a quantum job"):
        remitigate(store, run.id, [MethodSpec(method="readout")])


def _numbers(run: Run) -> list[tuple[object, ...]]:
    rows = run.store.runs.estimates(run.id)
    return [(row.method, row.observable, row.value, row.stderr, row.systematic, row.shots) for row in rows]
