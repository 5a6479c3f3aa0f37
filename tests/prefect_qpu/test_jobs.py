"""What to do next with a submission: the whole table, row by row."""

import pytest

from prefect_qpu.jobs import MAX_ATTEMPTS, Action, decide
from prefect_qpu.providers import JobState, JobStatus


def job(state: JobState, *, retryable: bool = False) -> JobStatus:
    return JobStatus("job-1", state, retryable=retryable)


@pytest.mark.parametrize(
    ("stored", "job_id", "attempt", "told", "action"),
    [
        (JobState.DONE, "job-1", 1, [], Action.FINISHED),
        (JobState.DONE, None, 1, [], Action.FINISHED),
        (None, None, 1, [], Action.SUBMIT),
        (None, None, MAX_ATTEMPTS, [], Action.SUBMIT),
        (None, None, 1, [job(JobState.QUEUED)], Action.ADOPT),
        (None, None, 1, [job(JobState.DONE)], Action.ADOPT),
        (None, None, 1, [job(JobState.FAILED)], Action.ADOPT),
        (None, "job-1", 1, [job(JobState.QUEUED)], Action.WAIT),
        (None, "job-1", 1, [job(JobState.RUNNING)], Action.WAIT),
        (None, "job-1", 1, [job(JobState.DONE)], Action.FETCH),
        (None, "job-1", 1, [job(JobState.FAILED)], Action.GIVE_UP),
        (None, "job-1", 1, [job(JobState.FAILED, retryable=True)], Action.RESUBMIT),
        (None, "job-1", MAX_ATTEMPTS, [job(JobState.FAILED, retryable=True)], Action.GIVE_UP),
        (None, "job-1", 1, [job(JobState.CANCELLED)], Action.GIVE_UP),
        (None, "job-1", 1, [job(JobState.CANCELLED, retryable=True)], Action.GIVE_UP),
        (None, "job-1", 1, [job(JobState.LOST)], Action.RESUBMIT),
        (None, "job-1", MAX_ATTEMPTS, [job(JobState.LOST)], Action.GIVE_UP),
        (None, "job-1", 1, [], Action.RESUBMIT),
    ],
)
def test_the_decision(
    stored: JobState | None, job_id: str | None, attempt: int, told: list[JobStatus], action: Action
) -> None:
    assert decide(stored, job_id, attempt, told) is action


def test_a_job_that_is_out_is_never_submitted_again() -> None:
    for state in (JobState.QUEUED, JobState.RUNNING, JobState.DONE):
        for attempt in range(1, MAX_ATTEMPTS + 1):
            for retryable in (True, False):
                assert decide(None, "job-1", attempt, [job(state, retryable=retryable)]) not in {
                    Action.SUBMIT,
                    Action.RESUBMIT,
                }
