"""Sweeps from plan to estimates, on real simulations."""

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from prefect_qpu.errors import InputError, JobFailedError, ProviderUnavailableError
from prefect_qpu.jobs import Action
from prefect_qpu.latency import utc_now
from prefect_qpu.providers import JobRequest, JobState, JobStatus
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps import Sweep
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.running import Execution, Providers, complete, fail, resume, step
from prefect_qpu.sweeps.sharing import dependencies, look_again
from prefect_qpu.sweeps.starting import start
from prefect_qpu.sweeps.state import progress
from tests.prefect_qpu.sweeps.documents import T, U, sweep
from tests.prefect_qpu.sweeps.executing import executed, limited, planned, providers

SPAN = {"start": 0.0, "stop": 3.0, "count": 7}


def jobs(store: RecordStore, run_id: str) -> list[Any]:
    return list(store.submissions.for_run(run_id).values())


def test_a_sweep_measures_every_point(store: RecordStore) -> None:
    execution = executed(store, sweep({T: SPAN, "replicate": [0, 1]}))
    table = frame(store, execution.row)
    assert len(table) == 7 * 2 * 2
    assert set(table["state"]) == {"measured"}
    z = table[table["observable"] == "zz"]
    assert np.allclose(z["exact [1]"], math.cos(0.2))
    x = table[(table["observable"] == "xi") & (table["replicate [1]"] == 1)]
    assert x["alpha [rad]"].tolist() == np.linspace(0, 3, 7).tolist()
    assert np.abs(table["deviations [standard errors]"]).max() < 5
    assert [len(row.pubs) for row in jobs(store, "run-one")] == [2]


def test_the_jobs_are_those_that_the_plan_has_foretold(store: RecordStore) -> None:
    kind = limited(max_pubs=3, max_executions=1000)
    execution = executed(store, sweep({T: SPAN, "shots": [50, 100]}), kind=kind)
    for planned_job, row in zip(execution.plan.jobs, jobs(store, "run-one"), strict=True):
        sizes = [store.submissions.parameters(pub["parameters"]) for pub in row.pubs]
        shots = sum(pub["shots"] * len(next(iter(size.values()))) for pub, size in zip(row.pubs, sizes, strict=True))
        assert (planned_job.pubs, planned_job.executions) == (len(row.pubs), shots)
        assert planned_job.payload_bytes == row.payload_bytes
        assert planned_job.seed == row.seed
        assert len(row.pubs) <= 3
        assert shots <= 1000
    assert len(frame(store, execution.row)) == 28


def test_a_point_with_more_shots_than_a_circuit_may_have_is_split_and_merged(store: RecordStore) -> None:
    execution = executed(store, sweep({T: [0.0, 1.0]}, experiment_shots=250), kind=limited(max_shots=100))
    table = frame(store, execution.row)
    assert set(table["shots used [1]"]) == {250}
    assert [pub["shots"] for row in jobs(store, "run-one") for pub in row.pubs] == [84, 83, 83] * 2
    assert np.abs(table["deviations [standard errors]"]).max() < 5


def test_a_point_that_is_larger_than_a_job_is_split_over_jobs_and_merged(store: RecordStore) -> None:
    execution = executed(store, sweep({T: [0.0, 1.0, 2.0]}, experiment_shots=250), kind=limited(max_executions=400))
    table = frame(store, execution.row)
    assert len(execution.plan.jobs) == 4
    assert (len(table), set(table["shots used [1]"]), set(table["state"])) == (6, {250}, {"measured"})
    assert np.abs(table["deviations [standard errors]"]).max() < 5


def test_a_circuit_without_parameters_is_a_pub_for_each_replicate(store: RecordStore) -> None:
    bell = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'
    workload = {"kind": "circuit", "qasm": bell, "observables": {"zz": "ZZ", "xx": "XX"}}
    execution = executed(
        store, sweep({"replicate": list(range(5))}, experiment_workload=workload), kind=limited(max_pubs=4)
    )
    assert [len(row.pubs) for row in jobs(store, "run-one")] == [4, 4, 2]
    table = frame(store, execution.row)
    assert (table["value [1]"].tolist(), table["exact [1]"].round(9).tolist()) == ([1.0] * 10, [1.0] * 10)


def test_mitigation_runs_over_the_arrays(store: RecordStore) -> None:
    device = {"kind": "aer", "device": "FakeManilaV2"}
    methods = ["raw", "readout", {"method": "zne", "options": {"readout": "factorised"}}]
    swept = sweep({T: [0.1, 0.6, 2.0]}, experiment_backend=device, experiment_mitigation=methods, experiment_shots=2000)
    table = frame(store, executed(store, swept).row)
    mean = table[table["observable"] == "zz"].groupby("method")["error [1]"].apply(lambda error: error.abs().mean())
    assert mean["readout"] < mean["raw"]
    assert len(table) == 3 * 3 * 2
    assert set(table["state"]) == {"measured"}


def test_an_extended_sweep_buys_the_new_points_only(store: RecordStore) -> None:
    executed(store, sweep({T: SPAN}))
    longer = executed(
        store,
        sweep({T: [*np.linspace(0, 3, 7).tolist(), 5.0]}),
        "run-two",
    )
    assert (longer.plan.reused, longer.plan.bought, longer.plan.total("executions")) == (7, 1, 400)
    table = frame(store, longer.row)
    assert (len(table), set(table["state"])) == (16, {"measured"})
    assert table["alpha [rad]"].unique().tolist() == [*np.linspace(0, 3, 7).tolist(), 5.0]


def test_an_unchanged_sweep_buys_nothing(store: RecordStore) -> None:
    first = frame(store, executed(store, sweep({T: SPAN})).row)
    again = executed(store, sweep({T: SPAN}, packing={"points_per_job": 2}), "run-two")
    assert (again.plan.bought, again.plan.jobs, jobs(store, "run-two")) == (0, (), [])
    assert frame(store, again.row).equals(first)


def test_two_sweeps_that_share_points_buy_them_once(store: RecordStore) -> None:
    executed(store, sweep({T: [0.0, 1.0], U: [0.3]}))
    other = executed(store, sweep({U: [0.3, 0.4], T: [1.0]}), "run-two")
    assert other.plan.bought == 1
    assert frame(store, other.row)["omega [rad]"].unique().tolist() == [0.3, 0.4]


def test_another_occasion_measures_anew_with_another_seed(store: RecordStore) -> None:
    executed(store, sweep({T: SPAN}))
    executed(store, sweep({T: SPAN}, occasion="tonight"), "run-two")
    (first,), (second,) = jobs(store, "run-one"), jobs(store, "run-two")
    assert first.seed != second.seed


def test_a_sweep_gives_the_same_counts_in_another_store(store: RecordStore) -> None:
    here = frame(store, executed(store, sweep({T: SPAN})).row)
    with RecordStore.open("sqlite://") as other:
        assert frame(other, executed(other, sweep({T: SPAN})).row)["value [1]"].equals(here["value [1]"])


class Broken(AerProvider):
    """A simulator that fails jobs of more than three points."""

    def submit(self, request: JobRequest) -> str:
        if request.pubs[0].parameter_values.size > 3:
            raise JobFailedError("too hot")
        return super().submit(request)


def test_a_failed_job_fails_its_points_only_and_they_may_be_bought_again(store: RecordStore) -> None:
    swept = sweep({T: [0.0, 1.0, 2.0], "shots": [50]}, packing={"points_per_job": 3})
    larger = sweep({T: np.linspace(0, 3, 7).tolist()}, packing={"points_per_job": 4})
    executed(store, swept, "run-one", Broken)
    execution = executed(store, larger, "run-two", Broken)
    table = frame(store, execution.row)
    assert table.groupby("state")["point [1]"].nunique().to_dict() == {"failed": 4, "measured": 3}
    assert set(table[table["state"] == "failed"]["reason"]) == {"too hot"}
    again = planned(store, larger, "run-three")
    assert (again.plan.reused, again.plan.bought) == (3, 4)


def test_progress_counts_points_by_state(store: RecordStore) -> None:
    execution = planned(store, sweep({T: SPAN}, packing={"points_per_job": 3}))
    assert progress(execution).points == {"planned": 7}
    complete(execution, 0, lambda _: None)
    assert progress(execution).points == {"planned": 4, "done": 3}
    analyse_ready(execution, 0)
    fail(execution, 1, JobFailedError("cold"))
    analyse_ready(execution, 1)
    found = progress(execution)
    assert found.points == {"measured": 3, "failed": 3, "planned": 1}
    assert found.jobs == {"done": 1, "failed": 1, "planned": 1}
    assert found.seconds_left is not None
    assert finish(execution) == 3


def test_a_stored_execution_goes_on(store: RecordStore) -> None:
    swept = sweep({T: SPAN})
    row = planned(store, swept).row
    execution = resume(store, row, providers(swept))
    assert complete(execution, 0, lambda _: None)
    assert analyse_ready(execution) == ["points-00000"]
    assert analyse_ready(execution) == []
    assert store.sweeps.unfinished(swept.hash) == row
    finish(execution)
    assert store.sweeps.unfinished(swept.hash) is None


def test_several_backends_are_measured_under_one_sweep(store: RecordStore) -> None:
    execution = executed(store, sweep({"backend": ["aer", "FakeManilaV2"], T: [0.0, 1.0]}))
    table = frame(store, execution.row)
    assert table.groupby("measured at")["point [1]"].nunique().to_dict() == {"aer-ideal": 2, "aer-manila": 2}
    assert len({run.id for run in execution.runs}) == 2
    assert sorted(table["backend"].unique()) == ["FakeManilaV2", "aer"]


@pytest.mark.parametrize("columns", [["point [1]", "key", "alpha [rad]", "state", "method", "observable"]])
def test_the_columns_have_units(store: RecordStore, columns: list[str]) -> None:
    table = frame(store, executed(store, sweep({T: [0.0]}, units={"alpha": "turn"})).row)
    assert list(table.columns)[:6] == [item.replace("rad", "turn") for item in columns]


def test_a_sweep_is_no_cached_answer_of_its_experiment(store: RecordStore) -> None:
    execution = executed(store, sweep({T: [0.0]}))
    row = store.runs.get("run-one")
    assert (row.state, row.outcome, row.source) == ("ended", None, None)
    assert store.runs.latest_answer(execution.run.experiment.execution_hash) is None


def test_a_plan_that_cannot_be_made_leaves_no_run_behind_that_seems_to_go_on(store: RecordStore) -> None:
    swept = sweep({T: [0.0]}, experiment_backend={"kind": "aer", "device": "FakeArmonkV2"})
    with pytest.raises(InputError, match="2 qubits"):
        planned(store, swept)
    assert [row.state for row in store.runs.list()] == ["failed"]
    assert store.sweeps.list() == []


def test_points_of_an_execution_that_died_without_a_job_may_be_bought_by_others(store: RecordStore) -> None:
    execution = planned(store, sweep({T: [0.0, 1.0]}))
    assert planned(store, sweep({T: [1.0, 2.0]}), "run-two").plan.bought == 1
    store.runs.finish("run-one", state="failed", outcome="failed", source=None, now=execution.run.clock())
    assert planned(store, sweep({T: [0.0, 1.0, 3.0]}), "run-three").plan.bought == 3


def test_a_sweep_carries_on_with_the_jobs_that_another_one_has_planned_for_its_points(store: RecordStore) -> None:
    planned(store, sweep({T: [0.0, 1.0]}))
    second = planned(store, sweep({T: [1.0, 2.0]}), "run-two")
    ((first, jobs),) = dependencies(second)
    for execution, numbers in ((first, jobs), (second, [0])):
        for job in numbers:
            complete(execution, job, lambda _: None)
            analyse_ready(execution, job)
    assert dependencies(second) == []
    assert set(frame(store, second.row)["state"]) == {"measured"}


def test_a_plan_that_waits_for_a_person_is_bought_by_nobody_else(store: RecordStore) -> None:
    held = planned(store, sweep({T: [0.0, 1.0]})).run
    store.runs.move(held.id, "waiting")
    second = planned(store, sweep({T: [1.0, 2.0]}), "run-two")
    assert dependencies(second) == []
    store.runs.move(held.id, "running")
    assert len(dependencies(second)) == 1


class Queueing(AerProvider):
    """A simulator whose jobs outlive their process, as those of a QPU do, and stay in the queue for as long as told."""

    durable = True
    searchable = True
    queue = True
    lost_answers = 0

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        told = super().status(job_ids)
        return [replace(item, state=JobState.QUEUED) for item in told] if self.queue else told

    def submit(self, request: JobRequest) -> str:
        job = super().submit(request)
        if self.lost_answers:
            self.lost_answers -= 1
            raise ProviderUnavailableError("the answer was lost", sent=True)
        return job

    def find(self, tag: str) -> list[JobStatus]:
        return super().find(tag) if self.searchable else []


def queued(store: RecordStore, swept: Sweep, run_id: str, at: Providers) -> Execution:
    """An execution whose first job is in the queue."""
    execution = start(store, swept, at, run_id=run_id)
    while step(execution, 0) is not Action.WAIT:
        pass
    return execution


def test_points_whose_job_is_out_keep_their_buyer_when_the_process_is_interrupted(store: RecordStore) -> None:
    swept, longer = sweep({T: [0.0, 1.0]}), sweep({T: [0.0, 1.0, 2.0]})
    at = providers(swept, Queueing)
    finish(queued(store, swept, "run-one", at), error="the flow run was cancelled")
    assert start(store, longer, at, run_id="run-two").plan.bought == 1
    assert store.sweeps.unfinished(swept.hash) == store.sweeps.get("run-one")


def test_counts_that_came_after_the_end_are_analysed_and_not_bought_again(store: RecordStore) -> None:
    swept, longer = sweep({T: [0.0, 1.0]}), sweep({T: [0.0, 1.0, 2.0]})
    at = providers(swept, Queueing)
    execution = queued(store, swept, "run-one", at)
    finish(execution, error="the flow run failed")
    (provider,) = at.values()
    assert isinstance(provider, Queueing)
    provider.queue = False
    while step(execution, 0) is not Action.FINISHED:
        pass
    second = start(store, longer, at, run_id="run-two")
    assert second.plan.bought == 1
    assert frame(store, second.row).groupby("state")["point [1]"].nunique().to_dict() == {"measured": 2, "planned": 1}


def overdue(store: RecordStore, swept: Sweep, at: Providers) -> Execution:
    """An execution whose job was given up: it is in the queue for longer than the deadline."""
    execution = queued(store, swept, "run-one", at)
    later = resume(store, execution.row, at, clock=lambda: utc_now() + timedelta(minutes=2))
    assert not complete(later, 0, lambda _: None)
    analyse_ready(later)
    finish(later)
    return later


@pytest.mark.parametrize(("past_deadline", "bought"), [("cancel", 2), ("keep", 0)])
def test_points_of_a_job_past_its_deadline_fail(store: RecordStore, past_deadline: str, bought: int) -> None:
    policy = {"deadline": 60, "past_deadline": past_deadline}
    swept = sweep({T: [0.0, 1.0]}, experiment_submission=policy)
    at = providers(swept, Queueing)
    execution = overdue(store, swept, at)
    table = frame(store, execution.row)
    assert set(table["state"]) == {"failed"}
    assert all("did not end within 60 s of its submission" in reason for reason in table["reason"])
    assert [row.cancel_requested_at is not None for row in jobs(store, "run-one")] == [past_deadline == "cancel"]
    assert start(store, swept, at, run_id="run-two").plan.bought == bought


def test_a_kept_job_is_not_waited_for_again_and_its_counts_are_taken_when_they_are_there(store: RecordStore) -> None:
    swept = sweep({T: [0.0, 1.0]}, experiment_submission={"deadline": 60, "past_deadline": "keep"})
    at = providers(swept, Queueing)
    overdue(store, swept, at)
    (provider,) = at.values()
    assert isinstance(provider, Queueing)
    for queue, states in ((True, {"failed"}), (False, {"measured"})):
        provider.queue = queue
        again = start(store, swept, at, run_id=f"again-{queue}")
        assert again.plan.bought == 0
        look_again(again)
        assert dependencies(again) == []
        assert set(frame(store, again.row)["state"]) == states


def test_points_of_a_job_in_doubt_are_not_bought_again(store: RecordStore) -> None:
    swept, longer = sweep({T: [0.0, 1.0]}), sweep({T: [0.0, 1.0, 2.0]})
    at = providers(swept, Queueing)
    (provider,) = at.values()
    assert isinstance(provider, Queueing)
    provider.searchable, provider.lost_answers = False, 1
    execution = start(store, swept, at, run_id="run-one")
    with pytest.raises(ProviderUnavailableError):
        step(execution, 0)
    later = resume(store, execution.row, at, clock=lambda: utc_now() + timedelta(hours=1))
    assert not complete(later, 0, lambda _: None)
    assert analyse_ready(later) == []
    finish(later)
    assert store.sweeps.unfinished(swept.hash) is None
    second = start(store, longer, at, run_id="run-two")
    assert second.plan.bought == 1
    table = frame(store, second.row)
    assert table.groupby("state")["point [1]"].nunique().to_dict() == {"failed": 2, "planned": 1}
    assert all("without an answer" in reason for reason in table[table["state"] == "failed"]["reason"])


def test_claims_of_a_sweep_are_timed_by_the_clock_that_all_hosts_share(store_url: str) -> None:
    moment = utc_now() + timedelta(days=1)
    with RecordStore.open(store_url, clock=lambda: moment) as store:
        execution = planned(store, sweep({T: [0.0]}))
        assert execution.run.clock() == moment
        assert resume(store, execution.row, providers(sweep({T: [0.0]}))).run.clock() == moment
