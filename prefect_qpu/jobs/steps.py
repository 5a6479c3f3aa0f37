"""The steps that a decision leads to, each safe to be cut off at any moment and taken again."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from prefect_qpu.errors import (
    JobCancelledError,
    JobFailedError,
    JobInDoubtError,
    JobLostError,
    ProviderError,
    ProviderUnavailableError,
    QpuError,
    StoreError,
)
from prefect_qpu.experiment import SubmissionPolicy
from prefect_qpu.jobs.decision import Action, Known, decide
from prefect_qpu.jobs.intent import check_result, stored_pubs
from prefect_qpu.latency import Clock
from prefect_qpu.providers import JobRequest, JobState, JobStatus, Provider
from prefect_qpu.records import RecordStore, SubmissionRow
from prefect_qpu.records.states import FINAL

LOST_AFTER = timedelta(hours=1)
"""How long a provider has to deny a job before it counts as lost."""
_PREFERENCE = (
    JobState.DONE,
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.LOST,
)


@dataclass(frozen=True)
class Dealings:
    """All that the steps of a submission need: where it is recorded, who executes it, and under which policy."""

    store: RecordStore
    provider: Provider
    policy: SubmissionPolicy = field(default_factory=SubmissionPolicy)
    clock: Clock | None = None
    """Source of the time; none takes the store's, which all hosts share."""
    sender: str = field(default_factory=lambda: uuid4().hex)
    """Name of this process in claims."""

    def now(self) -> datetime:
        """The time by which claims, deadlines and denials are judged."""
        return (self.clock or self.store.clock)()


def take_step(dealings: Dealings, submission_id: int) -> Action:
    """Take the one next step for a submission, and say which it was.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
        JobLostError: the provider does not know the job any more.
        JobInDoubtError: the request was sent with unknown effect to a provider that cannot be searched.
        InvalidResultError: the result is not that of the request.
        ProviderUnavailableError: nothing is known; call again later.
    """
    row = dealings.store.submissions.get(submission_id)
    known, told = _ask(dealings, row)
    action = decide(known, told)
    for status in told if row.job_id else ():
        certain = status.state is not JobState.LOST or action is not Action.WAIT
        dealings.store.submissions.record_status(row.id, status, dealings.now(), certain=certain)
    _STEPS.get(action, _nothing)(dealings, row, told)
    return action


def keep_surplus(dealings: Dealings, row: SubmissionRow, jobs: Sequence[JobStatus]) -> None:
    """Record jobs beside the one that serves the submission, and cancel those that have not ended."""
    if not jobs:
        return
    dealings.store.waiting.add_surplus(row.id, jobs, dealings.now())
    for job in jobs:
        if not job.state.final:
            dealings.provider.cancel(job.job_id)
            cancelled = JobStatus(job.job_id, JobState.CANCELLED)
            dealings.store.waiting.add_surplus(row.id, [cancelled], dealings.now())


def fetch(dealings: Dealings, row: SubmissionRow) -> None:
    """Store the counts of a job that is done, and the calibration that was valid when it ran.

    Raises:
        InvalidResultError: the result is not that of the request; nothing is stored.
    """
    assert row.job_id is not None
    provider, store = dealings.provider, dealings.store
    pubs = stored_pubs(store, row)
    result = provider.result(row.job_id, pubs)
    check_result(row.job_id, pubs, result)
    store.submissions.store_results(row.id, result, dealings.now())
    _sweep(dealings, row.id, row.request_hash)
    # Counts are not held up by a calibration that cannot be read now.
    with suppress(ProviderUnavailableError):
        calibration = provider.calibration_of(row.job_id)
        if calibration is not None:
            store.waiting.add_calibration(row.id, store.calibrations.add(calibration))


def _ask(dealings: Dealings, row: SubmissionRow) -> tuple[Known, Sequence[JobStatus]]:
    """What both sides know; a request that may be sent is claimed by this."""
    known = Known(
        job_id=row.job_id,
        stored=row.state == JobState.DONE or _ended_with_counts(dealings, row),
        durable=dealings.provider.durable,
        attempt=row.attempt,
        attempts=dealings.policy.attempts,
    )
    if known.stored:
        return known, []
    if row.job_id is None:
        return _ask_for_tag(dealings, row, known)
    told = dealings.provider.status([row.job_id])
    lost = not told or told[0].state is JobState.LOST
    return (known if not lost else replace(known, long_lost=long_lost(dealings, row))), told


def _ended_with_counts(dealings: Dealings, row: SubmissionRow) -> bool:
    """Whether a row that ended otherwise has counts; an open row has none, and is not asked for them at every poll."""
    return row.state in FINAL and dealings.store.submissions.has_results(row.id)


def _ask_for_tag(dealings: Dealings, row: SubmissionRow, known: Known) -> tuple[Known, Sequence[JobStatus]]:
    """Whether the request may be sent: claimed first and asked for then, so that no sending lies between the two."""
    now = dealings.now()
    claimed = dealings.store.submissions.claim(row.id, dealings.sender, now, now + _settling(dealings))
    try:
        told = dealings.provider.find(row.request_hash)
    except BaseException:
        if claimed:
            dealings.store.submissions.release(row.id, dealings.sender)
        raise
    unsearchable = row.sent_at is not None and not dealings.provider.searchable
    return replace(known, sending=not claimed, unsearchable=unsearchable), told


def _settling(dealings: Dealings) -> timedelta:
    """How long a job of a sending may still appear; none dies later than the process that simulates it."""
    if not dealings.provider.durable:
        return timedelta()
    return timedelta(seconds=dealings.policy.settle)


def long_lost(dealings: Dealings, row: SubmissionRow) -> bool:
    """Whether the provider has not known the job for so long that it counts as lost."""
    return row.lost_since is not None and dealings.now() - row.lost_since > LOST_AFTER


def _nothing(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:
    """Take no step."""


def _submit(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    request = JobRequest(tuple(stored_pubs(dealings.store, row)), row.request_hash, row.seed, row.options)
    now, submissions = dealings.now(), dealings.store.submissions
    first = submissions.sending(row.id, dealings.sender, now, now + _settling(dealings))
    if first is None:
        return
    try:
        job_id = dealings.provider.submit(request)
    except ProviderUnavailableError as error:
        if not error.sent:
            submissions.release(row.id, dealings.sender, unsent=first)
        raise
    except QpuError:
        submissions.release(row.id, dealings.sender, unsent=first)
        raise
    _serve(dealings, row, JobStatus(job_id, JobState.QUEUED))
    _sweep(dealings, row.id, row.request_hash)


def _sweep(dealings: Dealings, submission_id: int, tag: str) -> None:
    """Cancel other jobs with the tag; a client that repeats a request by itself can have made them.

    The job that serves is known and paid for: twins that cannot be looked for, or not be cancelled, do not hold it up.
    """
    if dealings.provider.durable:
        with suppress(ProviderError):
            _keep_others(dealings, submission_id, dealings.provider.find(tag))


def _keep_others(dealings: Dealings, submission_id: int, found: Sequence[JobStatus]) -> None:
    """Record and cancel all jobs but the one that serves now, whichever process made it serve."""
    row = dealings.store.submissions.get(submission_id)
    keep_surplus(dealings, row, [job for job in found if job.job_id != row.job_id])


def _serve(dealings: Dealings, row: SubmissionRow, job: JobStatus) -> None:
    """Let the job serve the submission, unless another process was first with another job."""
    try:
        dealings.store.submissions.accepted(row.id, job.job_id, dealings.now())
    except StoreError:
        if dealings.store.submissions.get(row.id).job_id is None:
            raise


def adopt(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:
    """Keep the most advanced job of the tag, or the one that serves already, and cancel the others."""
    _serve(dealings, row, min(told, key=lambda status: _PREFERENCE.index(status.state)))
    with suppress(ProviderError):
        _keep_others(dealings, row.id, told)


def _fetch(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    fetch(dealings, row)


def _resubmit(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    dealings.store.submissions.new_attempt(row.id, dealings.now())


def _give_up(dealings: Dealings, row: SubmissionRow, told: Sequence[JobStatus]) -> None:
    if row.job_id is None:
        raise JobInDoubtError(_doubt(row))
    message = told[0].message if told else ""
    state = told[0].state if told else JobState.LOST
    if state is JobState.CANCELLED:
        hint = "The same replicate is not bought again: set another `replicate`, or none."
        raise JobCancelledError(f"job {row.job_id} was cancelled. {message} {hint}".replace("  ", " "))
    if state is JobState.LOST and dealings.provider.durable:
        raise JobLostError(
            f"{row.backend} has not known job {row.job_id} for {LOST_AFTER.total_seconds() / 60:.0f} minutes. "
            "It is not bought again, for it may only be hidden: look whether account and instance are the right ones, "
            "and set another `replicate` to buy a new one."
        )
    raise JobFailedError(f"job {row.job_id} {state} after {row.attempt} attempts. {message}".strip(), job_id=row.job_id)


def _doubt(row: SubmissionRow) -> str:
    return (
        f"a request was sent to {row.backend} at {row.sent_at:%Y-%m-%d %H:%M:%S} UTC without an answer, and its jobs "
        "cannot be searched: look there whether it has the job, and set another `replicate` to buy a new one."
    )


_STEPS: Mapping[Action, Callable[[Dealings, SubmissionRow, Sequence[JobStatus]], None]] = {
    Action.SUBMIT: _submit,
    Action.ADOPT: adopt,
    Action.FETCH: _fetch,
    Action.RESUBMIT: _resubmit,
    Action.GIVE_UP: _give_up,
}
