import itertools
from collections.abc import Callable
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.hashing import content_hash
from prefect_qpu.providers.types import JobResult, JobState, JobStatus
from prefect_qpu.records import RecordStore, SubmissionRow

from .conftest import NOW, submission

Intend = Callable[..., SubmissionRow]
LATER = NOW + timedelta(hours=1)
FINAL = ("done", "failed", "cancelled", "lost")

_content = itertools.count()


def lose(store: RecordStore, row: SubmissionRow) -> None:
    store.submissions.record_status(row.id, JobStatus("", JobState.LOST), NOW)


def test_an_intent_keeps_all_that_the_provider_will_get(store: RecordStore, intended: Intend) -> None:
    row = intended()
    wanted = submission()
    assert store.submissions.get(row.id) == row
    assert {name: getattr(row, name) for name in wanted.keys() - {"now", "replicate"}} == {
        name: value for name, value in wanted.items() if name not in {"now", "replicate"}
    }
    assert (row.state, row.replicate, row.attempt, row.job_id) == ("intended", 1, 1, None)
    assert row.request_hash == content_hash([store.identity, "content", 1, 1])


def test_a_role_keeps_its_submission_whatever_is_intended_later(intended: Intend) -> None:
    assert intended(content="other", replicate=5).id == intended(content="content").id


def test_runs_share_an_open_submission_of_the_same_content(store: RecordStore, intended: Intend) -> None:
    first, second = intended("run-one"), intended("run-two")
    assert first.id == second.id
    served = [row for run in ("run-one", "run-two") for row in store.submissions.for_run(run).values()]
    assert [row.id for row in served] == [first.id, first.id]


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED, JobState.LOST])
def test_an_ended_submission_is_not_shared(store: RecordStore, intended: Intend, state: JobState) -> None:
    first = intended("run-one")
    store.submissions.record_status(first.id, JobStatus("job", state), NOW)
    assert intended("run-two").replicate == 2


def test_a_done_submission_is_not_shared_without_a_replicate(store: RecordStore, intended: Intend) -> None:
    store.submissions.store_results(intended("run-one").id, JobResult(()), NOW)
    assert intended("run-two").replicate == 2


def test_the_same_replicate_is_never_bought_twice(store: RecordStore, intended: Intend) -> None:
    first = intended("run-one", replicate=3)
    store.submissions.store_results(first.id, JobResult(()), NOW)
    assert intended("run-two", replicate=3).id == first.id
    assert intended("run-three", replicate=4).id != first.id


def test_a_replicate_means_its_latest_attempt(store: RecordStore, intended: Intend) -> None:
    first = intended("run-one", replicate=0)
    lose(store, first)
    second = store.submissions.new_attempt(first.id, NOW)
    assert (intended("run-two", replicate=0).id, second.replicate, second.attempt) == (second.id, 0, 2)


def test_an_unknown_run_cannot_intend(store: RecordStore) -> None:
    with pytest.raises(RecordNotFoundError, match="no run 'nobody'"):
        store.submissions.intend("nobody", "primary", **submission())
    assert store.submissions.open() == []


def test_a_new_attempt_serves_all_runs_of_the_old_one(store: RecordStore, intended: Intend) -> None:
    first = intended("run-one")
    intended("run-two", "fallback")
    lose(store, first)
    second = store.submissions.new_attempt(first.id, LATER)
    assert store.submissions.new_attempt(first.id, LATER).id == second.id
    assert store.submissions.for_run("run-one")["primary"].id == second.id
    assert store.submissions.for_run("run-two")["fallback"].id == second.id
    assert (second.state, second.job_id, second.pubs, second.created_at) == ("intended", None, first.pubs, LATER)
    assert second.request_hash == content_hash([store.identity, "content", 1, 2])


def test_an_open_or_done_submission_has_no_new_attempt(store: RecordStore, intended: Intend) -> None:
    row = intended()
    with pytest.raises(StoreError, match="is intended, expected one that failed"):
        store.submissions.new_attempt(row.id, NOW)
    store.submissions.store_results(row.id, JobResult(()), NOW)
    with pytest.raises(StoreError, match="is done, expected one that failed"):
        store.submissions.new_attempt(row.id, NOW)


def test_a_job_is_accepted_once(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.accepted(row.id, "job", NOW)
    again = store.submissions.accepted(row.id, "job", LATER)
    assert (again.state, again.job_id, again.submitted_at) == ("submitted", "job", NOW)


def test_a_second_job_of_one_request_is_refused(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.accepted(row.id, "first", NOW)
    with pytest.raises(StoreError, match=r"served by job 'first'.*'second'.*cancel the other"):
        store.submissions.accepted(row.id, "second", NOW)
    with pytest.raises(StoreError, match="cancel the other"):
        store.submissions.record_status(row.id, JobStatus("second", JobState.DONE), NOW)
    assert store.submissions.events(row.id) == []


def test_accepting_late_does_not_move_the_state_back(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.record_status(row.id, JobStatus("", JobState.RUNNING), NOW)
    assert store.submissions.accepted(row.id, "job", NOW).state == "running"


def test_a_status_is_kept_once(store: RecordStore, intended: Intend) -> None:
    row = intended()
    for status in (JobStatus("job", JobState.QUEUED, NOW, "5th"), JobStatus("job", JobState.QUEUED, message="?")):
        assert store.submissions.record_status(row.id, status, NOW)
        assert not store.submissions.record_status(row.id, status, LATER)
    events = store.submissions.events(row.id)
    assert [(event.provider_timestamp, event.message) for event in events] == [(NOW, "5th"), (None, "?")]
    assert store.submissions.get(row.id).state == "queued"


def test_a_failure_keeps_its_message(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.record_status(row.id, JobStatus("job", JobState.FAILED, NOW, "no\x00power \udc80"), LATER)
    row = store.submissions.get(row.id)
    assert (row.state, row.error, row.ended_at) == ("failed", "no�power ?", LATER)


def test_a_job_that_is_done_there_stays_open_here_until_its_results_are_stored(
    store: RecordStore, intended: Intend
) -> None:
    row = intended()
    store.submissions.record_status(row.id, JobStatus("job", JobState.DONE), NOW)
    assert [item.id for item in store.submissions.open()] == [row.id]
    store.submissions.store_results(row.id, JobResult(()), LATER)
    assert store.submissions.open() == []
    assert (store.submissions.get(row.id).state, store.submissions.get(row.id).ended_at) == ("done", LATER)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    end=st.sampled_from(list(JobState)),
    steps=st.lists(st.tuples(st.sampled_from(["queued", "running"]), st.integers(0, 2)), max_size=5),
    data=st.data(),
)
def test_events_in_any_order_and_number_lead_to_the_same_state(
    store: RecordStore, intended: Intend, end: JobState, steps: list[tuple[str, int]], data: st.DataObject
) -> None:
    told = [JobStatus("job", JobState(state), NOW + timedelta(seconds=second)) for state, second in steps]
    told.append(JobStatus("job", end))
    shuffled = data.draw(st.permutations(told + data.draw(st.lists(st.sampled_from(told), max_size=4))))
    states = []
    for order in (told, shuffled):
        row = intended(f"run-{next(_content)}", content=f"content-{next(_content)}")
        new = [store.submissions.record_status(row.id, status, NOW) for status in order]
        assert sum(new) == len(store.submissions.events(row.id)) == len(set(told))
        states.append(store.submissions.get(row.id).state)
    assert states[0] == states[1]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(st.sampled_from(list(JobState)), min_size=1, max_size=6))
def test_a_state_never_goes_back_and_an_end_never_changes(
    store: RecordStore, intended: Intend, states: list[JobState]
) -> None:
    order = ["intended", "submitted", "queued", "running"]
    row = intended(f"run-{next(_content)}", content=f"content-{next(_content)}")
    before = row.state
    for state in states:
        store.submissions.record_status(row.id, JobStatus("job", state), NOW)
        after = store.submissions.get(row.id).state
        assert after == before if before in FINAL else after in FINAL or order.index(after) >= order.index(before)
        before = after


def test_open_submissions_come_in_pages(store: RecordStore, intended: Intend) -> None:
    ids = [intended(role=f"primary-{index}", content=f"content-{index}").id for index in range(5)]
    store.submissions.store_results(ids[1], JobResult(()), NOW)
    first = store.submissions.open(limit=2)
    second = store.submissions.open(limit=9, after=first[-1].id)
    assert [row.id for row in first + second] == [ids[0], *ids[2:]]
    assert store.submissions.open(provider="ibm") == []


def test_an_unknown_submission_is_named(store: RecordStore) -> None:
    asks = [
        lambda: store.submissions.get(7),
        lambda: store.submissions.accepted(7, "job", NOW),
        lambda: store.submissions.record_status(7, JobStatus("job", JobState.DONE), NOW),
        lambda: store.submissions.new_attempt(7, NOW),
        lambda: store.submissions.store_results(7, JobResult(()), NOW),
    ]
    for ask in asks:
        with pytest.raises(RecordNotFoundError, match="no submission '7'"):
            ask()
