"""Submission and polling against a provider that loses answers: what is bought, and what is kept."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import (
    InvalidResultError,
    JobCancelledError,
    JobFailedError,
    JobInDoubtError,
    JobLostError,
    ProviderUnavailableError,
)
from prefect_qpu.jobs import Action, Dealings, advance, complete, counts, reconcile
from prefect_qpu.jobs.steps import LOST_AFTER, adopt
from prefect_qpu.latency import PRIMARY, utc_now
from prefect_qpu.providers import JobRequest, JobResult, JobState, JobStatus
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import submit
from tests.experiments import ghz
from tests.prefect_qpu.jobs.unreliable import UnreliableProvider


def patiently(run: Run, *, tries: int = 200) -> None:
    """Advance until the counts are stored, as a caller does that takes an unreachable provider for no news."""
    for _ in range(tries):
        try:
            complete(run, PRIMARY)
        except ProviderUnavailableError:
            continue
        return
    raise AssertionError("no end")


def test_an_answer_that_is_lost_after_acceptance_buys_no_second_job(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    submit(run)
    patiently(run)
    assert len(provider.bought) == 1
    assert run.store.submissions.for_run(run.id)[PRIMARY].job_id == provider.bought[0]


def test_a_hundred_poll_errors_buy_no_second_job(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    provider.fail_polls = 100
    patiently(run)
    assert len(provider.bought) == 1


def test_two_runs_of_the_same_experiment_at_the_same_moment_buy_one_job(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    first, second = open_run(store, ghz(), provider), open_run(store, ghz(), provider)
    submit(first)
    submit(second)
    complete(first, PRIMARY)
    complete(second, PRIMARY)
    assert len(provider.bought) == 1
    assert counts(first, PRIMARY)[0] == counts(second, PRIMARY)[0]


def test_a_run_waits_while_another_one_is_sending_their_common_request(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    first, second = open_run(store, ghz(), provider), open_run(store, ghz(), provider)
    provider.drop_requests = 1
    with pytest.raises(ProviderUnavailableError):
        submit(first)
    assert submit(second).job_id is None
    assert advance(second, PRIMARY) is Action.WAIT
    assert provider.bought == []


def test_a_run_adopts_the_job_of_another_one_whose_answer_was_lost(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    first, second = open_run(store, ghz(), provider), open_run(store, ghz(), provider)
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(first)
    assert submit(second).job_id == provider.bought[0]
    complete(first, PRIMARY)
    assert len(provider.bought) == 1


def test_a_job_that_appears_late_is_adopted_and_not_bought_again(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    provider.hidden = {*provider.bought}
    resumed = open_run(run.store, ghz(), provider, run_id=run.id)
    for _ in range(5):
        assert submit(resumed).job_id is None
    provider.hidden = set()
    patiently(resumed)
    assert len(provider.bought) == 1


def test_a_request_that_never_arrived_is_sent_again_once_no_job_can_appear_any_more(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    first = open_run(store, ghz(), provider)
    provider.drop_requests = 1
    with pytest.raises(ProviderUnavailableError):
        submit(first)
    assert submit(first).job_id is None
    settled = timedelta(seconds=first.experiment.submission.settle + 1)
    later = open_run(store, ghz(), provider, run_id=first.id, clock=lambda: utc_now() + settled)
    assert submit(later).job_id == provider.bought[0]
    assert len(provider.bought) == 1


def test_a_refused_request_leaves_no_doubt_behind(run: Run, provider: UnreliableProvider) -> None:
    provider.refusal = JobFailedError("1211: the circuit has an instruction that the backend lacks")
    with pytest.raises(JobFailedError, match="1211"):
        submit(run)
    provider.refusal = ProviderUnavailableError("429 Too Many Requests", sent=False)
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    provider.refusal = None
    assert submit(run).job_id == provider.bought[0]


def test_a_doubt_at_a_provider_that_cannot_be_searched_waits_for_a_person(
    store: RecordStore, provider: UnreliableProvider
) -> None:
    provider.searchable = False
    provider.lose_answers = 1
    first = open_run(store, ghz(), provider)
    with pytest.raises(ProviderUnavailableError):
        submit(first)
    assert submit(first).job_id is None
    settled = timedelta(seconds=first.experiment.submission.settle + 1)
    later = open_run(store, ghz(), provider, run_id=first.id, clock=lambda: utc_now() + settled)
    with pytest.raises(JobInDoubtError, match=r"cannot be searched.*set another `replicate`"):
        submit(later)
    assert len(provider.bought) == 1


def test_a_job_that_the_provider_denies_is_not_bought_again(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    (job_id,) = provider.bought
    provider.states[job_id] = JobStatus(job_id, JobState.LOST)
    assert [advance(run, PRIMARY) for _ in range(3)] == [Action.WAIT] * 3
    later = open_run(run.store, ghz(), provider, run_id=run.id, clock=lambda: utc_now() + 2 * LOST_AFTER)
    with pytest.raises(JobLostError, match="not bought again"):
        advance(later, PRIMARY)
    assert provider.bought == [job_id]


def test_a_job_that_is_denied_for_a_moment_is_found_again(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    (job_id,) = provider.bought
    provider.states[job_id] = JobStatus(job_id, JobState.LOST)
    assert advance(run, PRIMARY) is Action.WAIT
    del provider.states[job_id]
    patiently(run)
    assert provider.bought == [job_id]


def test_of_two_processes_of_one_run_the_slower_one_gives_its_job_back(run: Run, provider: UnreliableProvider) -> None:
    zombie = open_run(run.store, ghz(), provider, run_id=run.id)

    def meanwhile() -> None:
        provider.meanwhile = None
        served = run.store.submissions.for_run(run.id)[PRIMARY]
        run.store.submissions.accepted(served.id, AerProvider.submit(provider, JobRequest((), "other")), utc_now())

    provider.meanwhile = meanwhile
    submit(zombie)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert row.job_id not in provider.bought
    assert provider.cancelled[0] == provider.bought[0]
    assert set(run.store.waiting.surplus(row.id)) == set(provider.bought)


def test_replicates_and_later_runs_buy_their_own(store: RecordStore, provider: UnreliableProvider) -> None:
    for experiment in (ghz(replicate=1), ghz(replicate=2), ghz(replicate=2)):
        run = open_run(store, experiment, provider)
        submit(run)
        complete(run, PRIMARY)
    assert len(provider.bought) == 2
    later = open_run(store, ghz(), provider)
    submit(later)
    complete(later, PRIMARY)
    assert len(provider.bought) == 3


def test_several_jobs_under_one_tag_are_reduced_to_one(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    tag = run.store.submissions.for_run(run.id)[PRIMARY].request_hash
    twin = AerProvider.submit(provider, JobRequest((), tag))
    provider.states[twin] = JobStatus(twin, JobState.QUEUED)
    submit(run)
    patiently(run)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert row.job_id == provider.bought[0]
    assert provider.cancelled[0] == twin
    assert set(run.store.waiting.surplus(row.id)) == {twin}


def test_a_failure_of_the_provider_is_attempted_again_up_to_the_limit(run: Run, provider: UnreliableProvider) -> None:
    def advance_while_every_job_fails() -> None:
        for _ in range(20):
            for job_id in provider.bought:
                provider.states[job_id] = JobStatus(job_id, JobState.FAILED, message="9701", retryable=True)
            advance(run, PRIMARY)

    submit(run)
    with pytest.raises(JobFailedError, match="after 3 attempts"):
        advance_while_every_job_fails()
    assert len(provider.bought) == 3


def test_a_failure_of_the_circuit_is_not_attempted_again(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    provider.states[provider.bought[0]] = JobStatus(provider.bought[0], JobState.FAILED, message="bad circuit")
    with pytest.raises(JobFailedError, match="bad circuit"):
        complete(run, PRIMARY)
    assert len(provider.bought) == 1


def test_a_cancelled_job_is_not_bought_again(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    provider.states[provider.bought[0]] = JobStatus(provider.bought[0], JobState.CANCELLED)
    with pytest.raises(JobCancelledError):
        complete(run, PRIMARY)
    assert len(provider.bought) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda result: replace(result, counts=result.counts[:1]),
        lambda result: replace(result, counts=(*result.counts[:1], result.counts[1].slice_shots(range(7)))),
        lambda result: replace(result, counts=(*result.counts[:1], BitArray.from_counts({"0": 2000}, 1))),
    ],
)
def test_counts_that_do_not_fit_the_request_are_refused_and_not_stored(
    run: Run, provider: UnreliableProvider, damage: Callable[[JobResult], JobResult]
) -> None:
    submit(run)
    provider.damage = damage
    with pytest.raises(InvalidResultError):
        complete(run, PRIMARY)
    assert run.store.submissions.for_run(run.id)[PRIMARY].state != "done"
    provider.damage = lambda result: result
    assert advance(run, PRIMARY) is Action.FETCH
    assert len(counts(run, PRIMARY)) == 2


def test_a_job_that_was_adopted_meanwhile_is_not_cancelled_by_the_one_who_sent_its_twin(
    run: Run, provider: UnreliableProvider
) -> None:
    def meanwhile() -> None:
        provider.meanwhile = None
        row = run.store.submissions.for_run(run.id)[PRIMARY]
        first = AerProvider.submit(provider, JobRequest((), row.request_hash))
        provider.states[first] = JobStatus(first, JobState.QUEUED)
        run.store.submissions.accepted(row.id, first, utc_now())

    provider.meanwhile = meanwhile
    submit(run)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert row.job_id not in provider.bought
    assert provider.cancelled == provider.bought


def test_whoever_adopts_late_spares_the_job_that_serves(run: Run, provider: UnreliableProvider) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    serving, running = "serving", "running"
    run.store.submissions.accepted(row.id, serving, utc_now())
    told = [JobStatus(running, JobState.RUNNING), JobStatus(serving, JobState.QUEUED)]
    adopt(Dealings(run.store, provider), row, told)
    assert run.store.submissions.get(row.id).job_id == serving
    assert provider.cancelled == [running]


def test_two_single_denials_hours_apart_do_not_lose_a_job(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    (job_id,) = provider.bought
    hours = iter(range(1, 20))
    later = open_run(run.store, ghz(), provider, run_id=run.id, clock=lambda: utc_now() + next(hours) * 3 * LOST_AFTER)
    for state in (JobState.LOST, JobState.QUEUED, JobState.LOST):
        provider.states[job_id] = JobStatus(job_id, state)
        assert advance(later, PRIMARY) is Action.WAIT


def test_a_job_that_was_given_up_as_lost_and_comes_back_is_fetched_once(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    run.store.submissions.record_status(row.id, JobStatus("", JobState.LOST), utc_now())
    provider.let_all_end()
    assert advance(run, PRIMARY) is Action.FETCH
    assert advance(run, PRIMARY) is Action.FINISHED
    assert run.store.submissions.get(row.id).state == "done"


def test_a_twin_that_cannot_be_cancelled_does_not_hold_the_result_up(run: Run, provider: UnreliableProvider) -> None:
    submit(run)
    twin = AerProvider.submit(provider, JobRequest((), run.store.submissions.for_run(run.id)[PRIMARY].request_hash))
    provider.states[twin] = JobStatus(twin, JobState.RUNNING)
    provider.refuse_cancel = True
    patiently(run)
    assert len(counts(run, PRIMARY)) == 2


def test_a_sender_that_lost_its_claim_sends_nothing(run: Run, provider: UnreliableProvider) -> None:
    stage_submit = run.store.submissions.sending
    run.store.submissions.sending = lambda *_, **__: None  # type: ignore[method-assign]
    assert submit(run).job_id is None
    assert provider.bought == []
    run.store.submissions.sending = stage_submit  # type: ignore[method-assign]


def test_a_request_that_was_sent_is_looked_for_also_after_a_failed_search(
    run: Run, provider: UnreliableProvider
) -> None:
    provider.lose_answers = 1
    with pytest.raises(ProviderUnavailableError):
        submit(run)
    settled = timedelta(seconds=run.experiment.submission.settle + 1)
    later = open_run(run.store, ghz(), provider, run_id=run.id, clock=lambda: utc_now() + settled)
    provider.fail_finds = 1
    with pytest.raises(ProviderUnavailableError):
        advance(later, PRIMARY)
    assert run.store.submissions.for_run(run.id)[PRIMARY].sent_at is not None
    done = reconcile(Dealings(run.store, provider), run.store.submissions.open())
    assert done.adopted == 1
