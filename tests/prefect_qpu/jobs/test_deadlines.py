"""Deadlines: what becomes of a job that takes too long."""

from datetime import timedelta

import pytest

from prefect_qpu.errors import JobOverdueError, ProviderUnavailableError
from prefect_qpu.jobs import Action
from prefect_qpu.latency import PRIMARY, utc_now
from prefect_qpu.providers import JobState, JobStatus
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import poll, submit
from tests.experiments import ghz
from tests.prefect_qpu.jobs.unreliable import UnreliableProvider

LATE = timedelta(seconds=61)


def overdue_run(store: RecordStore, provider: UnreliableProvider, past_deadline: str, state: JobState) -> Run:
    """A run whose job is past its deadline, and in a state."""
    experiment = ghz(submission={"deadline": 60, "past_deadline": past_deadline})
    run = open_run(store, experiment, provider)
    submit(run)
    for job_id in provider.bought:
        provider.states[job_id] = JobStatus(job_id, state)
    return open_run(store, experiment, provider, run_id=run.id, clock=lambda: utc_now() + LATE)


def test_before_the_deadline_a_run_waits(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "cancel", JobState.QUEUED)
    assert poll(open_run(store, run.experiment, provider, run_id=run.id)) is Action.WAIT


def test_past_it_the_job_is_cancelled_and_the_run_told(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "cancel", JobState.QUEUED)
    with pytest.raises(
        JobOverdueError, match="did not end within 60 s of its submission, and was asked to be cancelled"
    ):
        poll(run)
    assert provider.cancelled == provider.bought


def test_a_kept_job_stays_open_for_the_reconciler(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "keep", JobState.RUNNING)
    with pytest.raises(JobOverdueError, match="is kept"):
        poll(run)
    assert provider.cancelled == []
    assert [row.job_id for row in store.submissions.open()] == provider.bought


def test_a_job_that_ended_in_time_to_be_fetched_is_fetched(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "cancel", JobState.QUEUED)
    provider.let_all_end()
    provider.states.clear()
    assert poll(run) is Action.FETCH


def test_an_unreachable_provider_does_not_stop_the_clock(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "cancel", JobState.QUEUED)
    provider.fail_polls = 10
    with pytest.raises(JobOverdueError):
        poll(run)
    early = open_run(store, run.experiment, provider, run_id=run.id)
    with pytest.raises(ProviderUnavailableError):
        poll(early)


def test_a_job_that_another_run_waits_for_is_not_cancelled(store: RecordStore, provider: UnreliableProvider) -> None:
    run = overdue_run(store, provider, "cancel", JobState.QUEUED)
    other = open_run(store, ghz(), provider)
    submit(other)
    assert store.submissions.for_run(other.id)[PRIMARY].job_id == provider.bought[0]
    with pytest.raises(JobOverdueError):
        poll(run)
    assert provider.cancelled == []
