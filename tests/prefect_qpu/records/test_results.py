from collections.abc import Callable
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.providers.types import JobResult, JobState, JobStatus
from prefect_qpu.records import RecordStore, SubmissionRow, canonical_counts, schema

from .conftest import NOW

Intend = Callable[..., SubmissionRow]


def counts(seed: int = 1) -> tuple[BitArray, ...]:
    values = np.random.default_rng(seed)
    return (
        BitArray(values.integers(0, 4, (3, 50, 1), np.uint8), 2),
        BitArray(values.integers(0, 256, (20, 9), np.uint8), 72),
    )


def test_a_result_comes_back_but_for_the_order_of_its_shots(store: RecordStore, intended: Intend) -> None:
    row = intended()
    times = [NOW + timedelta(seconds=second) for second in range(3)]
    result = JobResult(counts(), *times, qpu_seconds=1.25, metadata={"executed": [{"seed": 7}]})
    assert store.submissions.store_results(row.id, result, NOW)
    stored = store.submissions.result(row.id)
    assert list(stored.counts) == [canonical_counts(bits) for bits in result.counts]
    assert (stored.created, stored.started, stored.finished) == tuple(times)
    assert (stored.qpu_seconds, stored.metadata) == (1.25, {"executed": [{"seed": 7}]})
    assert store.submissions.results(row.id) == list(stored.counts)
    assert store.submissions.result_metadata(row.id) == result.metadata
    assert store.submissions.get(row.id).qpu_seconds == 1.25


def test_the_first_result_is_kept(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.store_results(row.id, JobResult(counts(1), qpu_seconds=1.0), NOW)
    done = store.submissions.get(row.id)
    late = NOW + timedelta(days=1)
    assert not store.submissions.store_results(row.id, JobResult(counts(2), qpu_seconds=2.0), late)
    assert store.submissions.get(row.id) == done
    assert store.submissions.results(row.id)[0] == canonical_counts(counts(1)[0])


def test_equal_counts_are_stored_once(store: RecordStore, intended: Intend) -> None:
    bits = counts()[0]
    store.submissions.store_results(intended().id, JobResult((bits, bits)), NOW)
    with store._database.reading() as session:
        assert len({row.blob_hash for row in session.query(schema.Result)}) == 1


def test_a_lost_job_that_comes_back_with_its_counts_is_done(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.record_status(row.id, JobStatus("job", JobState.LOST), NOW)
    assert store.submissions.store_results(row.id, JobResult(counts()), NOW)
    assert not store.submissions.store_results(row.id, JobResult(counts(2)), NOW)
    assert store.submissions.get(row.id).state == "done"


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_counts_of_a_job_that_ended_otherwise_are_kept_and_the_end_stays(
    store: RecordStore, intended: Intend, state: JobState
) -> None:
    row = intended()
    store.submissions.record_status(row.id, JobStatus("job", state), NOW)
    assert store.submissions.store_results(row.id, JobResult(counts()), NOW)
    assert store.submissions.get(row.id).state == str(state)
    assert store.submissions.has_results(row.id)


def test_a_result_that_cannot_be_stored_leaves_nothing_behind(store: RecordStore, intended: Intend) -> None:
    row = intended()
    with pytest.raises(StoreError):
        store.submissions.store_results(row.id, JobResult(counts(), metadata={"value": float("nan")}), NOW)
    assert store.submissions.get(row.id) == row
    with store._database.reading() as session:
        assert session.query(schema.Result).count() == 0
    assert store.submissions.store_results(row.id, JobResult(counts()), NOW)


def test_results_that_are_not_there_are_named(store: RecordStore, intended: Intend) -> None:
    row = intended()
    for ask in (store.submissions.results, store.submissions.result_metadata, store.submissions.result):
        with pytest.raises(RecordNotFoundError, match=f"no result of submission '{row.id}'"):
            ask(row.id)


@pytest.mark.parametrize("change", [{"shots": 49}, {"num_bits": 3}, {"shape": [5]}])
def test_counts_that_contradict_their_row_are_refused(
    store: RecordStore, intended: Intend, change: dict[str, object]
) -> None:
    row = intended()
    store.submissions.store_results(row.id, JobResult(counts()), NOW)
    with store._database.writing() as session:
        session.query(schema.Result).filter_by(pub_index=0).update(change)
    with pytest.raises(StoreError, match=r"result 0 of submission .* is damaged"):
        store.submissions.results(row.id)


def test_damaged_counts_are_refused(store: RecordStore, intended: Intend) -> None:
    row = intended()
    store.submissions.store_results(row.id, JobResult(counts()), NOW)
    with store._database.writing() as session:
        for blob in session.query(schema.Blob):
            blob.payload = blob.payload[:-4] + bytes(4)
    with pytest.raises(StoreError, match="damaged"):
        store.submissions.results(row.id)


numbers = st.sampled_from([np.float64, np.int64, np.complex128, np.bool_, np.dtype(">f8")])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
        numbers.flatmap(lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0, max_side=3))),
        max_size=4,
    )
)
def test_parameters_come_back_by_name_under_one_hash_in_any_order(
    store: RecordStore, values: dict[str, np.ndarray]
) -> None:
    key = store.submissions.add_parameters(values)
    assert store.submissions.add_parameters(dict(reversed(values.items()))) == key
    stored = store.submissions.parameters(key)
    assert stored.keys() == values.keys()
    for name, array in values.items():
        assert stored[name].shape == array.shape
        assert stored[name].astype(array.dtype).tobytes() == array.tobytes()


def test_parameters_that_are_no_numbers_are_refused(store: RecordStore) -> None:
    with pytest.raises(StoreError, match="'angle' holds object values, expected numbers"):
        store.submissions.add_parameters({"angle": np.array([object()])})


def test_a_payload_that_holds_no_parameters_is_refused(store: RecordStore, intended: Intend) -> None:
    store.submissions.store_results(intended().id, JobResult(counts()), NOW)
    with store._database.reading() as session:
        key = session.query(schema.Result).first().blob_hash
    with pytest.raises(StoreError, match="holds no parameter values"):
        store.submissions.parameters(key)
    with pytest.raises(RecordNotFoundError, match="no payload 'abc'"):
        store.submissions.parameters("abc")
