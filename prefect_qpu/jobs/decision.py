"""What to do next with a submission: one pure function of what our row knows and what the provider says."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from prefect_qpu.providers import JobState, JobStatus


class Action(StrEnum):
    """What to do next with a submission."""

    SUBMIT = "submit"
    """The provider has no job of this request, and none can still appear: send it."""
    ADOPT = "adopt"
    """The provider has a job that we do not know: it is ours."""
    WAIT = "wait"
    FETCH = "fetch"
    """The job is done and its result is not stored."""
    RESUBMIT = "resubmit"
    """The provider is to blame for the end of the job: a new attempt."""
    GIVE_UP = "give up"
    FINISHED = "finished"
    """The result is stored."""


@dataclass(frozen=True)
class Known:
    """What our side knows of a submission."""

    job_id: str | None = None
    """The provider's job."""
    stored: bool = False
    """Whether the results are stored."""
    sending: bool = False
    """Whether a job may still appear of a sending, another process's or one whose answer was lost."""
    unsearchable: bool = False
    """Whether the request was sent once, nobody knows with what effect, to a provider that cannot be searched."""
    durable: bool = True
    """Whether the provider's jobs outlive the process that made them."""
    long_lost: bool = False
    """Whether the provider has not known the job for so long that it will not come back."""
    attempt: int = 1
    attempts: int = 3
    """How many attempts may be made."""


def decide(known: Known, told: Sequence[JobStatus]) -> Action:
    """What to do next with a submission; a pure function.

    A second job is bought in two cases only: the provider says that the job failed by its own fault, or the job died
    with the process that simulated it.

    Args:
        known: What our side knows.
        told: What the provider says: of the job if its id is known, of all jobs with the tag otherwise.

    Example:
        >>> queued = JobStatus("j1", JobState.QUEUED)
        >>> decide(Known(), []), decide(Known(), [queued]), decide(Known(sending=True), [])
        (<Action.SUBMIT: 'submit'>, <Action.ADOPT: 'adopt'>, <Action.WAIT: 'wait'>)
    """
    if known.stored:
        return Action.FINISHED
    if known.job_id is None:
        return _without_job(known, told)
    state = told[0].state if told else JobState.LOST
    if not state.final:
        return Action.WAIT
    if state is JobState.DONE:
        return Action.FETCH
    if state is JobState.LOST and known.durable and not known.long_lost:
        return Action.WAIT
    again = (state is JobState.FAILED and told[0].retryable) or (state is JobState.LOST and not known.durable)
    return Action.RESUBMIT if again and known.attempt < known.attempts else Action.GIVE_UP


def _without_job(known: Known, told: Sequence[JobStatus]) -> Action:
    if told:
        return Action.ADOPT
    if known.sending:
        return Action.WAIT
    return Action.GIVE_UP if known.unsearchable else Action.SUBMIT
