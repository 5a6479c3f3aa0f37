"""When a run need not wait any more, and its job then: cancelled, or kept until it ends, but never forgotten."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from prefect_qpu.errors import ProviderError
from prefect_qpu.experiment import SubmissionPolicy
from prefect_qpu.jobs.steps import Dealings
from prefect_qpu.records import SubmissionRow
from prefect_qpu.records.states import OPEN


def overdue(row: SubmissionRow, policy: SubmissionPolicy, now: datetime) -> bool:
    """Whether a submission is open past its deadline; the time counts from the submission, else from the intent."""
    if policy.deadline is None or row.state not in OPEN:
        return False
    return now - (row.submitted_at or row.created_at) > timedelta(seconds=policy.deadline)


def has_news(row: SubmissionRow, broken: Collection[int], now: datetime) -> bool:
    """Whether there is something to do for who waits for a submission: its job ended, or is still to be bought.

    Args:
        row: The submission.
        broken: Ids of submissions that could not be dealt with.
        now: The time.
    """
    if row.state not in OPEN or row.id in broken:
        return True
    return row.job_id is None and (row.claimed_until is None or row.claimed_until < now)


def abandon(dealings: Dealings, submissions: Sequence[SubmissionRow], *, run_id: str) -> list[str]:
    """The ids of the jobs whose cancellation was asked for, of the open submissions that no other run waits for.

    The wish is stored first: where the provider cannot be reached, or the job is not known yet, the reconciler asks for
    the cancellation again.

    Args:
        dealings: Where and how.
        submissions: Submissions of the run.
        run_id: The run, which does not wait any more.
    """
    now, waiting = dealings.now(), dealings.store.waiting
    unwanted = [row.job_id for row in submissions if waiting.request_cancel(row.id, now, besides=run_id)]
    return [job_id for job_id in unwanted if job_id is not None and _cancelled(dealings, job_id)]


def _cancelled(dealings: Dealings, job_id: str) -> bool:
    try:
        dealings.provider.cancel(job_id)
    except ProviderError:
        return False
    return True
