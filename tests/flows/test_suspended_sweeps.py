"""Suspended sweeps: when the reconciler resumes them, and who carries them out afterwards."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from prefect_qpu.errors import JobOverdueError, ProviderUnavailableError
from prefect_qpu.experiment import SubmissionPolicy
from prefect_qpu.flows.suspension import SUSPENDED
from prefect_qpu.flows.sweep_suspension import OUT, sweep_has_news, waited_for
from prefect_qpu.providers import JobRequest, JobState, JobStatus
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore, WaitingSweep
from prefect_qpu.records.waiting import SERVER
from prefect_qpu.run import Run
from prefect_qpu.sweeps.running import Execution, complete, fail, step
from tests.prefect_qpu.sweeps.documents import T, sweep
from tests.prefect_qpu.sweeps.executing import planned

PATIENT = SubmissionPolicy()


class Queue(AerProvider):
    """A durable service that keeps its jobs queued, or cannot be reached."""

    durable = True
    reachable, queued = True, True

    def submit(self, request: JobRequest) -> str:
        if not self.reachable:
            raise ProviderUnavailableError("no route to host", sent=False)
        return super().submit(request)

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        told = super().status(job_ids)
        return [replace(item, state=JobState.QUEUED) for item in told] if self.queued else told


@pytest.fixture
def execution(store: RecordStore) -> Execution:
    return planned(store, sweep({T: [0.0, 1.0]}), kind=Queue)


def suspended(run: Run) -> WaitingSweep:
    """The sweep as the reconciler sees it, suspended with the jobs that are out now."""
    roles = [role for role, state in run.store.submissions.states(run.id).items() if state != "done"]
    run.store.runs.complete_stage(run.id, f"{SUSPENDED}0001", {OUT: {run.id: roles}}, run.clock())
    return WaitingSweep(run.id, None, "an experiment", "waiting", run.provider.name)


def test_a_job_that_is_still_queued_is_no_news(execution: Execution) -> None:
    step(execution, 0)
    assert not sweep_has_news(execution.store, suspended(execution.run), PATIENT, set())


def test_a_job_that_ended_or_is_broken_is_news(execution: Execution) -> None:
    step(execution, 0)
    (row,) = execution.store.submissions.for_run(execution.run.id).values()
    waiting = suspended(execution.run)
    assert sweep_has_news(execution.store, waiting, PATIENT, {row.id})
    Queue.queued = False
    try:
        complete(execution, 0, lambda _: None)
    finally:
        Queue.queued = True
    assert sweep_has_news(execution.store, waiting, PATIENT, set())


def test_a_request_that_is_still_to_be_sent_is_news(execution: Execution, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Queue, "reachable", False)
    with pytest.raises(ProviderUnavailableError):
        step(execution, 0)
    assert sweep_has_news(execution.store, suspended(execution.run), PATIENT, set())


def test_a_sweep_without_a_job_out_goes_on(execution: Execution) -> None:
    assert sweep_has_news(execution.store, suspended(execution.run), PATIENT, set())


def test_a_job_past_its_deadline_is_news_until_it_was_given_up(execution: Execution) -> None:
    store, hasty = execution.store, SubmissionPolicy(deadline=1e-6)
    step(execution, 0)
    assert sweep_has_news(store, suspended(execution.run), hasty, set())
    fail(execution, 0, JobOverdueError("too late"))
    assert waited_for(store, execution.run.id) == []


def test_a_sweep_that_another_flow_run_continues_is_no_longer_that_of_the_first(execution: Execution) -> None:
    store, run = execution.store, execution.run
    store.runs.hand_over(run.id, "first")
    store.runs.complete_stage(run.id, SERVER, {"server": "there"}, run.clock())
    store.runs.hand_over(run.id, "second")
    assert store.runs.of_flow_run("first") == []
    assert [row.id for row in store.runs.of_flow_run("second")] == [run.id]
    assert store.runs.stage(run.id, SERVER) is None
