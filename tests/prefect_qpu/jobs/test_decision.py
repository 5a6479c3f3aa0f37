"""What to do next with a submission: the whole table, row by row."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.jobs import Action, Known, decide
from prefect_qpu.providers import JobState, JobStatus


def job(state: JobState, *, retryable: bool = False) -> JobStatus:
    return JobStatus("job-1", state, retryable=retryable)


SENT = Known(job_id="job-1")
LAST = replace(SENT, attempt=3, attempts=3)
SIMULATED = replace(SENT, durable=False)


@pytest.mark.parametrize(
    ("known", "told", "action"),
    [
        (replace(SENT, stored=True), [], Action.FINISHED),
        (replace(SENT, stored=True), [job(JobState.FAILED)], Action.FINISHED),
        (Known(stored=True), [], Action.FINISHED),
        (Known(), [], Action.SUBMIT),
        (Known(attempt=3), [], Action.SUBMIT),
        (Known(sending=True), [], Action.WAIT),
        (Known(sending=True, unsearchable=True), [], Action.WAIT),
        (Known(unsearchable=True), [], Action.GIVE_UP),
        (Known(), [job(JobState.QUEUED)], Action.ADOPT),
        (Known(sending=True), [job(JobState.QUEUED)], Action.ADOPT),
        (Known(unsearchable=True), [job(JobState.QUEUED)], Action.ADOPT),
        (Known(), [job(JobState.DONE)], Action.ADOPT),
        (Known(), [job(JobState.FAILED)], Action.ADOPT),
        (SENT, [job(JobState.QUEUED)], Action.WAIT),
        (SENT, [job(JobState.RUNNING)], Action.WAIT),
        (SENT, [job(JobState.DONE)], Action.FETCH),
        (SENT, [job(JobState.FAILED)], Action.GIVE_UP),
        (SENT, [job(JobState.FAILED, retryable=True)], Action.RESUBMIT),
        (LAST, [job(JobState.FAILED, retryable=True)], Action.GIVE_UP),
        (SENT, [job(JobState.CANCELLED)], Action.GIVE_UP),
        (SENT, [job(JobState.CANCELLED, retryable=True)], Action.GIVE_UP),
        (SENT, [job(JobState.LOST)], Action.WAIT),
        (SENT, [], Action.WAIT),
        (replace(SENT, long_lost=True), [job(JobState.LOST)], Action.GIVE_UP),
        (replace(SENT, long_lost=True), [], Action.GIVE_UP),
        (SIMULATED, [job(JobState.LOST)], Action.RESUBMIT),
        (SIMULATED, [], Action.RESUBMIT),
        (replace(SIMULATED, attempt=3), [job(JobState.LOST)], Action.GIVE_UP),
    ],
)
def test_the_decision(known: Known, told: list[JobStatus], action: Action) -> None:
    assert decide(known, told) is action


knowledge = st.builds(
    Known,
    job_id=st.sampled_from([None, "job-1"]),
    stored=st.booleans(),
    sending=st.booleans(),
    unsearchable=st.booleans(),
    long_lost=st.booleans(),
    attempt=st.integers(1, 4),
    attempts=st.integers(1, 4),
)
words = st.lists(st.builds(job, st.sampled_from(list(JobState)), retryable=st.booleans()), max_size=3)


@given(knowledge, words)
def test_a_request_is_sent_only_where_no_job_of_it_can_be(known: Known, told: list[JobStatus]) -> None:
    if decide(known, told) is Action.SUBMIT:
        assert not any([told, known.job_id, known.sending, known.unsearchable, known.stored])


@given(knowledge, words)
def test_a_paid_job_is_bought_again_only_after_a_failure_that_the_provider_owns(
    known: Known, told: list[JobStatus]
) -> None:
    if decide(known, told) is Action.RESUBMIT:
        assert known.job_id
        assert known.attempt < known.attempts
        assert (told[0].state, told[0].retryable) == (JobState.FAILED, True)
