"""The submissions of a run: one step at a time, or all of them at once for short jobs."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import JobCancelledError, JobOverdueError, ProviderUnavailableError
from prefect_qpu.jobs.abandoning import abandon, overdue
from prefect_qpu.jobs.decision import Action
from prefect_qpu.jobs.steps import Dealings, take_step
from prefect_qpu.latency import Span, provider_spans
from prefect_qpu.providers import Provider
from prefect_qpu.records import SubmissionRow
from prefect_qpu.run import Run

FIRST_INTERVAL, LONGEST_INTERVAL, GROWTH = 0.01, 5.0, 1.4
LONGEST_HERE = 0.25
"""Longest pause between two looks at a job in this process, which costs nobody anything."""


def dealings(run: Run, provider: Provider | None = None, attempts: int | None = None) -> Dealings:
    """What the steps of a run's submissions need; with so many attempts, if another number than the policy's counts."""
    policy = run.experiment.submission
    if attempts is not None:
        policy = policy.model_copy(update={"attempts": attempts})
    return Dealings(run.store, provider or run.provider, policy, run.clock, run.process)


def advance(run: Run, role: str, provider: Provider | None = None, *, attempts: int | None = None) -> Action:
    """Take the one next step for the submission of a role, and say which it was.

    Args:
        run: The run.
        role: What the submission is for.
        provider: Who executes it; none means the run's provider.
        attempts: How many attempts may be made; none means as many as the experiment says.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
        JobLostError: the provider does not know the job any more.
        JobInDoubtError: the request was sent with unknown effect to a provider that cannot be searched.
        ProviderUnavailableError: nothing is known; call again later.
    """
    row = _serving(run, role)
    action = take_step(dealings(run, provider, attempts), row.id)
    if action in {Action.FETCH, Action.FINISHED}:
        _keep_spans(run, role, run.store.submissions.get(row.id), durable=(provider or run.provider).durable)
    return action


def advance_in_time(run: Run, role: str, *, attempts: int | None = None) -> Action:
    """Take the next step as `advance` does, until the experiment's deadline is over.

    Raises:
        JobOverdueError: the job is past its deadline, and was cancelled or left to the reconciler.
        ProviderError: as `advance`.
    """
    try:
        action = advance(run, role, attempts=attempts)
    except ProviderUnavailableError:
        _check_deadline(run, role)
        raise
    return _check_deadline(run, role) if action is Action.WAIT else action


def _check_deadline(run: Run, role: str) -> Action:
    row, policy = _serving(run, role), run.experiment.submission
    if not overdue(row, policy, run.clock()):
        return Action.WAIT
    if policy.past_deadline == "cancel":
        abandon(dealings(run), [row], run_id=run.id)
        # The job may have ended before its cancellation arrived.
        with suppress(JobCancelledError, ProviderUnavailableError):
            if (action := advance(run, role)) in {Action.FETCH, Action.FINISHED}:
                return action
    kept = "was asked to be cancelled" if policy.past_deadline == "cancel" else "is kept"
    raise JobOverdueError(
        f"job {row.job_id or '(not known yet)'} did not end within {policy.deadline:g} s of its submission, and {kept}"
    )


def complete(
    run: Run, role: str, provider: Provider | None = None, *, sleep: Callable[[float], None] = time.sleep
) -> list[BitArray]:
    """The counts of a role's submission, waiting here until they are stored; for short jobs."""
    pause = FIRST_INTERVAL
    while (action := advance(run, role, provider)) is not Action.FINISHED:
        if action is Action.WAIT:
            sleep(pause)
            pause = min(pause * GROWTH, longest_interval(provider or run.provider))
    return counts(run, role)


def longest_interval(provider: Provider) -> float:
    """Seconds after which a job is looked at again at the latest."""
    return LONGEST_INTERVAL if provider.durable else LONGEST_HERE


def counts(run: Run, role: str) -> list[BitArray]:
    """The stored counts of a role's submission, one bit array for each PUB."""
    return run.store.submissions.results(_serving(run, role).id)


def _serving(run: Run, role: str) -> SubmissionRow:
    row = run.store.submissions.serving(run.id, role)
    if row is None:
        raise KeyError(role)
    return row


def _keep_spans(run: Run, role: str, row: SubmissionRow, *, durable: bool) -> None:
    """Store when the job waited and ran, and how long its result lay there; also where runs share the submission."""
    for span in provider_spans(row.job_created_at, row.job_started_at, row.job_finished_at, role):
        run.keep(span)
    if durable and row.job_finished_at and row.ended_at:
        run.keep(_reconciliation(role, row.job_finished_at, row.ended_at))


def _reconciliation(role: str, finished: datetime, stored: datetime) -> Span:
    """From the end of the job to the stored result; of no length where the provider's clock is ahead of ours."""
    return Span("reconciliation", min(finished, stored), stored, details={"role": role})
