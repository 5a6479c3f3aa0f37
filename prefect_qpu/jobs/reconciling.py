"""Reconciliation: what has become of all open submissions at one provider, asked for once and stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from prefect_qpu.errors import InvalidResultError, ProviderUnavailableError, QpuError
from prefect_qpu.jobs.steps import Dealings, adopt, fetch, long_lost
from prefect_qpu.providers import JobState, JobStatus
from prefect_qpu.records import SubmissionRow

SEARCHED_FOR = timedelta(days=1)
"""How long the job of a sending without an answer is looked for when no run waits for it."""
BROKEN_FOR = timedelta(hours=1)
"""How long a result that cannot be read is fetched again when no run waits for it."""


@dataclass(frozen=True)
class Reconciled:
    """What one pass over open submissions did."""

    looked_at: int = 0
    adopted: int = 0
    """Jobs found by the tag of a sending whose answer was lost."""
    stored: int = 0
    """Results that were stored."""
    ended: int = 0
    """Jobs that ended without a result."""
    cancelled: int = 0
    """Cancellations that were asked for."""
    problems: Mapping[int, str] = field(default_factory=dict)
    """Why a submission could not be dealt with, by its id; it stays open."""

    def __add__(self, other: "Reconciled") -> "Reconciled":
        sums = {
            name: getattr(self, name) + getattr(other, name)
            for name in ("looked_at", "adopted", "stored", "ended", "cancelled")
        }
        return Reconciled(**sums, problems={**self.problems, **other.problems})


def reconcile(
    dealings: Dealings, rows: Sequence[SubmissionRow], told: Mapping[str, JobStatus] | None = None
) -> Reconciled:
    """Store what has become of open submissions at one provider.

    Nothing is bought here, and a repeated pass changes nothing: what has to be sent is left to the runs.

    Args:
        dealings: Where and how.
        rows: Open submissions at this provider.
        told: What the provider says of their jobs, by job id; none asks it now. A caller with many rows asks once for
            all of them, and hands in page by page.

    Raises:
        ProviderUnavailableError: the provider cannot be reached; call again later.
    """
    done = Reconciled(looked_at=len(rows))
    for row in rows:
        if row.job_id is None and row.sent_at is not None:
            done += _attempt(row, partial(_look_for, dealings, row))
    out = {row.job_id: row for row in rows if row.job_id is not None}
    if told is None:
        told = {status.job_id: status for status in dealings.provider.status(list(out))} if out else {}
    known = {job_id: row for job_id, row in out.items() if job_id in told}
    news = {
        row.id: told[job_id]
        for job_id, row in known.items()
        if told[job_id].state != row.state or row.lost_since is not None
    }
    dealings.store.submissions.record_statuses(news, dealings.now())
    for job_id, row in known.items():
        done += _attempt(row, partial(_deal, dealings, row, told[job_id]))
    return done


def _attempt(row: SubmissionRow, work: Callable[[], Reconciled]) -> Reconciled:
    """What ``work`` did; one submission that cannot be dealt with does not keep the others waiting."""
    try:
        return work()
    except ProviderUnavailableError:
        raise
    except QpuError as error:
        return Reconciled(problems={row.id: f"{type(error).__name__}: {error}"})


def _look_for(dealings: Dealings, row: SubmissionRow) -> Reconciled:
    if _given_up(dealings, row, row.sent_at, SEARCHED_FOR):
        return Reconciled()
    told = dealings.provider.find(row.request_hash)
    if not told:
        return Reconciled()
    adopt(dealings, row, told)
    return Reconciled(adopted=1)


def _deal(dealings: Dealings, row: SubmissionRow, told: JobStatus) -> Reconciled:
    if not told.state.final:
        return _cancel_unwanted(dealings, row)
    if told.state is JobState.DONE:
        return _fetch(dealings, row, told)
    if told.state is JobState.LOST and not long_lost(dealings, row):
        return Reconciled()
    dealings.store.submissions.record_status(row.id, told, dealings.now())
    return Reconciled(ended=1)


def _fetch(dealings: Dealings, row: SubmissionRow, told: JobStatus) -> Reconciled:
    """Store the counts; a result that stays broken while no run wants it ends the submission."""
    try:
        fetch(dealings, row)
    except InvalidResultError as error:
        if not _given_up(dealings, row, told.at, BROKEN_FOR):
            raise
        broken = JobStatus(told.job_id, JobState.FAILED, told.at, message=str(error))
        dealings.store.submissions.record_status(row.id, broken, dealings.now())
        return Reconciled(ended=1)
    return Reconciled(stored=1)


def _given_up(dealings: Dealings, row: SubmissionRow, since: datetime | None, patience: timedelta) -> bool:
    """Whether nobody waits for a submission, and enough was tried since then; a run that wants it tries itself."""
    return since is not None and dealings.now() - since > patience and not dealings.store.waiting.wanted(row.id)


def _cancel_unwanted(dealings: Dealings, row: SubmissionRow) -> Reconciled:
    if row.cancel_requested_at is None or row.job_id is None or dealings.store.waiting.wanted(row.id):
        return Reconciled()
    dealings.provider.cancel(row.job_id)
    return Reconciled(cancelled=1)
