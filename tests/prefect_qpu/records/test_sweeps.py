"""Executions of sweeps: a plan is stored once, and no point has two buyers."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.records import RecordStore, SubmissionRow, SweepRow
from tests.prefect_qpu.records.conftest import NOW

KEYS = [bytes([place]) * 16 for place in range(10)]


def start(store: RecordStore, run_id: str, buys: list[bytes], **changes: Any) -> SweepRow | None:
    arrays = store.submissions.add_parameters({"owner": np.zeros(3)})
    given = {"sweep_hash": "5eed" * 16, "name": "scan", "document": {}, "plan": {"jobs": len(buys)}} | changes
    return store.sweeps.start(run_id, **given, arrays_hash=arrays, buys=buys, now=NOW)


def test_a_plan_is_stored_with_its_points(store: RecordStore, started: Callable[..., str]) -> None:
    run_id = started()
    row = start(store, run_id, KEYS[:3])
    assert row is not None
    assert store.sweeps.get(run_id) == row
    assert store.sweeps.plan(row) == {"jobs": 3}
    assert store.sweeps.owners(KEYS) == {key: (row.id, place) for place, key in enumerate(KEYS[:3])}


def test_a_plan_that_is_there_is_kept(store: RecordStore, started: Callable[..., str]) -> None:
    run_id = started()
    assert start(store, run_id, KEYS[:3]) == start(store, run_id, KEYS[:5])
    assert len(store.sweeps.owners(KEYS)) == 3


def test_a_point_that_has_a_buyer_stops_the_whole_plan(store: RecordStore, started: Callable[..., str]) -> None:
    first, second = started("first"), started("second")
    start(store, first, KEYS[:3])
    assert start(store, second, KEYS[2:6]) is None
    assert store.sweeps.find(second) is None
    assert set(store.sweeps.owners(KEYS)) == set(KEYS[:3])
    assert start(store, second, KEYS[3:6]) is not None


def test_released_points_find_another_buyer(store: RecordStore, started: Callable[..., str]) -> None:
    first, second = started("first"), started("second")
    row = start(store, first, KEYS[:3])
    assert row is not None
    store.sweeps.release(row.id + 1, KEYS[:3])
    assert len(store.sweeps.owners(KEYS)) == 3
    store.sweeps.release(row.id, KEYS[1:])
    assert set(store.sweeps.owners(KEYS)) == set(KEYS[:1])
    assert start(store, second, KEYS[1:3]) is not None


def test_a_sweep_is_found_by_name_hash_and_run(store: RecordStore, started: Callable[..., str]) -> None:
    first, second = started("first"), started("second")
    start(store, first, [])
    newest = start(store, second, [])
    assert newest is not None
    assert store.sweeps.resolve("scan") == newest == store.sweeps.resolve("5eed5eed")
    assert store.sweeps.resolve(first).run_id == first
    assert [row.run_id for row in store.sweeps.list()] == [second, first]
    with pytest.raises(RecordNotFoundError, match="no sweep 'nothing'"):
        store.sweeps.resolve("nothing")
    start(store, started("third"), [], sweep_hash="5eed5eed" + "0" * 56, name="another")
    with pytest.raises(StoreError, match="ambiguous"):
        store.sweeps.resolve("5eed5eed")


def test_only_an_unfinished_sweep_is_to_be_continued(store: RecordStore, started: Callable[..., str]) -> None:
    row = start(store, started(), [])
    assert row is not None
    assert store.sweeps.unfinished(row.hash) == row
    store.runs.finish(row.run_id, state="ended", outcome="promoted", source="quantum", now=NOW)
    assert store.sweeps.unfinished(row.hash) is None


def test_a_sweep_needs_a_run(store: RecordStore) -> None:
    with pytest.raises(RecordNotFoundError, match="no run"):
        start(store, "nobody", [])


def test_a_failed_sweep_is_continued_as_long_as_a_job_is_out(
    store: RecordStore, started: Callable[..., str], intended: Callable[..., SubmissionRow]
) -> None:
    submission = intended(role="job-0001")
    row = start(store, "run-one", [])
    assert row is not None
    store.runs.finish("run-one", state="failed", outcome="failed", source=None, now=NOW)
    assert store.sweeps.unfinished(row.hash) is None
    store.submissions.accepted(submission.id, "j1", NOW)
    assert store.sweeps.unfinished(row.hash) == row
    store.waiting.request_cancel(submission.id, NOW)
    assert store.sweeps.unfinished(row.hash) is None
    assert not store.sweeps.alive(["run-one"])
