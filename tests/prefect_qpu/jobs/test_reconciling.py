"""One pass over open submissions: what it stores, what it leaves alone, and what it never buys."""

from dataclasses import replace
from datetime import timedelta

import pytest

from prefect_qpu.errors import ProviderUnavailableError
from prefect_qpu.jobs import Dealings, Reconciled, advance, complete, counts, reconcile
from prefect_qpu.jobs.reconciling import BROKEN_FOR, SEARCHED_FOR
from prefect_qpu.jobs.steps import LOST_AFTER
from prefect_qpu.latency import PRIMARY, utc_now
from prefect_qpu.providers import JobState, JobStatus
from prefect_qpu.records import RecordStore, SubmissionRow
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import submit
from tests.experiments import ghz
from tests.prefect_qpu.jobs.unreliable import UnreliableProvider


def one_pass(store: RecordStore, provider: UnreliableProvider, later: timedelta = timedelta()) -> Reconciled:
    return reconcile(Dealings(store, provider, clock=lambda: utc_now() + later), store.submissions.open())


def row(run: Run) -> SubmissionRow:
    return run.store.submissions.for_run(run.id)[PRIMARY]


def told(provider: UnreliableProvider, state: JobState, *, retryable: bool = False) -> None:
    for job_id in provider.bought:
        provider.states[job_id] = JobStatus(job_id, state, message="told by the test", retryable=retryable)


def test_the_results_of_all_jobs_that_are_done_are_stored_in_one_pass(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    runs = [open_run(store, ghz(replicate=number), provider) for number in range(3)]
    for run in runs:
        submit(run)
    provider.let_all_end()
    done = one_pass(store, provider)
    assert (done.looked_at, done.stored, done.problems) == (3, 3, {})
    assert [len(counts(run, PRIMARY)) for run in runs] == [2, 2, 2]
    assert one_pass(store, provider) == Reconciled()
    assert len(provider.bought) == 3


def test_a_job_that_waits_moves_forward_and_stays_open(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    told(provider, JobState.RUNNING)
    assert one_pass(run.store, provider) == Reconciled(looked_at=1)
    assert row(run).state == "running"
    told(provider, JobState.QUEUED)
    one_pass(run.store, provider)
    assert row(run).state == "running"


@pytest.mark.parametrize("retryable", [True, False])
def test_a_failed_job_ends_and_is_left_to_its_run(run: Run, provider: UnreliableProvider, *, retryable: bool) -> None:
    submit(run)
    told(provider, JobState.FAILED, retryable=retryable)
    assert one_pass(run.store, provider).ended == 1
    assert row(run).state == "failed"
    assert len(provider.bought) == 1


def test_a_job_whose_answer_was_lost_is_adopted(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    assert one_pass(run.store, provider).adopted == 1
    assert row(run).job_id == provider.bought[0]


def test_an_intent_that_was_never_sent_is_not_sent_here(run: Run, provider: UnreliableProvider) -> None:
    provider.drop_requests = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    assert one_pass(run.store, provider, timedelta(days=1)) == Reconciled(looked_at=1)
    assert (row(run).job_id, provider.bought) == (None, [])


def test_a_job_that_is_denied_ends_only_after_long(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    told(provider, JobState.LOST)
    assert one_pass(run.store, provider) == Reconciled(looked_at=1)
    assert row(run).state == "submitted"
    assert one_pass(run.store, provider, 2 * LOST_AFTER).ended == 1
    assert row(run).state == "lost"


def test_one_broken_result_keeps_no_other_one_waiting(store: RecordStore, provider: UnreliableProvider) -> None:
    first, second = (open_run(store, ghz(replicate=number), provider) for number in range(2))
    submit(first)
    submit(second)
    provider.let_all_end()
    whole = provider.result

    def result(job_id: str, pubs: object) -> object:
        if job_id == provider.bought[0]:
            return whole(provider.bought[1]).__class__(())
        return whole(job_id)

    provider.result = result  # type: ignore[method-assign, assignment]
    done = one_pass(store, provider)
    assert done.stored == 1
    assert "returned 0 results for 2 PUBs" in done.problems[row(first).id]
    assert row(first).job_id in {submission.job_id for submission in store.submissions.open()}


def test_an_unreachable_provider_changes_nothing(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    before = row(run)
    provider.fail_polls = 1
    with pytest.raises(ProviderUnavailableError):
        one_pass(run.store, provider)
    assert row(run) == before


def test_a_job_that_no_run_wants_any_more_is_cancelled(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    told(provider, JobState.QUEUED)
    assert not run.store.waiting.request_cancel(row(run).id, utc_now()), "a run waits for it"
    assert run.store.waiting.request_cancel(row(run).id, utc_now(), besides=run.id)
    assert one_pass(run.store, provider).cancelled == 0, "a run waits for it"
    run.finish("failed")
    assert one_pass(run.store, provider).cancelled == 1
    assert provider.cancelled == provider.bought


def test_a_run_goes_on_with_what_a_pass_has_stored(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    provider.let_all_end()
    one_pass(run.store, provider)
    provider.fail_polls = 1_000
    advance(run, PRIMARY)
    assert len(counts(run, PRIMARY)) == 2


def test_a_result_that_stays_broken_ends_once_no_run_wants_it(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    provider.let_all_end()
    provider.damage = lambda result: replace(result, counts=())
    assert one_pass(run.store, provider, 2 * BROKEN_FOR).problems, "a run waits for it"
    run.finish("failed")
    assert one_pass(run.store, provider).problems, "it may be readable soon"
    assert one_pass(run.store, provider, 2 * BROKEN_FOR) == Reconciled(looked_at=1, ended=1)
    assert "returned 0 results for 2 PUBs" in str(row(run).error)
    assert one_pass(run.store, provider) == Reconciled()


def test_a_result_that_ended_as_broken_is_read_by_the_next_run_that_wants_it(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    first = open_run(store, ghz(replicate=0), provider)
    submit(first)
    provider.let_all_end()
    provider.damage = lambda result: replace(result, counts=())
    first.finish("failed")
    one_pass(store, provider, 2 * BROKEN_FOR)
    provider.damage = lambda result: result
    second = open_run(store, ghz(replicate=0), provider)
    submit(second)
    assert len(complete(second, PRIMARY)) == 2
    assert len(provider.bought) == 1


def test_a_job_that_nobody_wants_is_not_looked_for_forever(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    provider.hidden = set(provider.bought)
    run.finish("failed")
    provider.fail_finds = 1
    with pytest.raises(ProviderUnavailableError):
        one_pass(run.store, provider)
    provider.fail_finds = 1
    assert one_pass(run.store, provider, 2 * SEARCHED_FOR) == Reconciled(looked_at=1)
