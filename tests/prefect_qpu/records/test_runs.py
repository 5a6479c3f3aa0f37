from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import event

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.latency import Span
from prefect_qpu.records import EstimateRow, RecordStore

from .conftest import NOW, bell

LATER = NOW + timedelta(hours=1)


def end(store: RecordStore, run: str, source: str | None = "quantum", now=LATER) -> None:
    store.runs.finish(run, state="ended", outcome="promoted", source=source, now=now)


def test_a_run_starts_once(store: RecordStore, started: Callable[..., str]) -> None:
    started("run-one")
    key = store.experiments.add(bell(name="other"))
    row = store.runs.start("run-one", key, backend={}, seeds={"execute": 99}, versions={}, now=LATER)
    assert (row.name, row.seeds, row.started_at, row.state) == ("bell", {"execute": 7}, NOW, "running")


def test_a_run_of_an_unknown_experiment_is_refused(store: RecordStore) -> None:
    with pytest.raises(RecordNotFoundError, match="no experiment 'abc'"):
        store.runs.start("run-one", "abc", backend={}, seeds={}, versions={}, now=NOW)


def test_a_run_is_found_by_the_start_of_its_id(store: RecordStore, started: Callable[..., str]) -> None:
    started("abcdef-1")
    started("abcdeg-2")
    started("ABCDEF-3")
    assert store.runs.get("abcdef").id == "abcdef-1"
    assert store.runs.resolve("abcdeg-") == "abcdeg-2"


def test_an_id_may_be_the_start_of_another(store: RecordStore, started: Callable[..., str]) -> None:
    started("abcdef")
    started("abcdef-1")
    assert store.runs.get("abcdef").id == "abcdef"


@pytest.mark.parametrize(
    ("prefix", "message"), [("abc", "at least 6 characters"), ("abcdex", "no run"), ("abc%ef", "no run"), ("", "6")]
)
def test_a_prefix_of_no_run_is_refused(
    store: RecordStore, started: Callable[..., str], prefix: str, message: str
) -> None:
    started("abcdef-1")
    with pytest.raises(RecordNotFoundError, match=message):
        store.runs.get(prefix)


def test_an_ambiguous_prefix_is_refused(store: RecordStore, started: Callable[..., str]) -> None:
    started("abcdef-1")
    started("abcdef-2")
    with pytest.raises(StoreError, match="ambiguous: abcdef-1, abcdef-2"):
        store.runs.resolve("abcdef")


def test_the_newest_runs_are_listed_first(store: RecordStore, started: Callable[..., str]) -> None:
    for minute, name in enumerate(["bell", "other", "bell"]):
        started(f"run-{minute}", bell(name=name), NOW + timedelta(minutes=minute))
    end(store, "run-0")
    assert [row.id for row in store.runs.list()] == ["run-2", "run-1", "run-0"]
    assert [row.id for row in store.runs.list(2)] == ["run-2", "run-1"]
    assert [row.id for row in store.runs.list(name="bell")] == ["run-2", "run-0"]
    assert [row.id for row in store.runs.list(state="ended")] == ["run-0"]


def test_a_list_takes_one_query(store: RecordStore, started: Callable[..., str]) -> None:
    for index in range(20):
        started(f"run-{index}")
    queries: list[str] = []
    event.listen(store._database.engine, "before_cursor_execute", lambda *call: queries.append(call[2]))
    assert len(store.runs.list()) == 20
    assert len([query for query in queries if query.startswith("SELECT")]) == 1


def test_the_first_end_of_a_run_is_kept(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    end(store, "run-one")
    row = store.runs.finish("run-one", state="failed", outcome="failed", source=None, error="late", now=LATER)
    assert (row.state, row.outcome, row.source, row.error, row.ended_at) == (
        "ended",
        "promoted",
        "quantum",
        None,
        LATER,
    )
    assert store.runs.move("run-one", "waiting").state == "ended"


def test_a_failed_run_may_be_resumed_and_end(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    store.runs.finish("run-one", state="failed", outcome="failed", source=None, error="power cut", now=NOW)
    end(store, "run-one")
    row = store.runs.get("run-one")
    assert (row.state, row.error, row.ended_at) == ("ended", None, LATER)


def test_a_run_waits_and_runs_again(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    assert store.runs.move("run-one", "waiting").state == "waiting"
    assert store.runs.move("run-one", "running").state == "running"


def test_the_first_output_of_a_stage_is_kept(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    assert store.runs.stage("run-one", "encode") is None
    assert store.runs.complete_stage("run-one", "encode", {"value": 1}, NOW) == {"value": 1}
    assert store.runs.complete_stage("run-one", "encode", {"value": 2}, NOW) == {"value": 1}
    store.runs.complete_stage("run-one", "compile", {}, LATER)
    assert list(store.runs.stages("run-one")) == ["encode", "compile"]


def test_writing_to_an_unknown_run_is_refused(store: RecordStore) -> None:
    writes = [
        lambda: store.runs.complete_stage("nobody", "encode", {}, NOW),
        lambda: end(store, "nobody"),
        lambda: store.runs.move("nobody", "waiting"),
        lambda: store.runs.add_span("nobody", Span("encode", NOW, LATER)),
        lambda: store.runs.add_estimates("nobody", [EstimateRow("quantum", "raw", "zz", 1.0, 0.1, 10)]),
        lambda: store.runs.add_decision("nobody", "policy", "held", {}, NOW),
    ]
    for write in writes:
        with pytest.raises(RecordNotFoundError, match="no run 'nobody'"):
            write()


def test_spans_are_stored_once_and_sorted_by_time(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    late, early = Span("poll", LATER, LATER), Span("queue", NOW, LATER, "provider", {"position": 3})
    for span in (late, early, late):
        store.runs.add_span("run-one", span)
    assert store.runs.spans("run-one") == [early, late]


def test_the_first_estimate_of_a_key_is_kept(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    first = EstimateRow("quantum", "raw", "zz", 0.9, 0.01, 1000, exact=1.0, details={"basis": "ZZ"})
    store.runs.add_estimates("run-one", [first])
    other = {"source": "quantum", "method": "zne", "observable": "zz", "value": 0.98, "stderr": 0.02, "shots": 3000}
    store.runs.add_estimates("run-one", [EstimateRow("quantum", "raw", "zz", 0.1, 0.1, 1), other])
    assert store.runs.estimates("run-one") == [first, EstimateRow(**other)]


def test_no_estimates_are_no_error(store: RecordStore, started: Callable[..., str]) -> None:
    store.runs.add_estimates(started(), [])
    assert store.runs.estimates("run-one") == []


def test_policy_and_person_decide_once_each(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    store.runs.add_decision("run-one", "policy", "held", {"reason": "doubt"}, NOW)
    store.runs.add_decision("run-one", "person", "promoted", {"by": "Ada"}, LATER)
    store.runs.add_decision("run-one", "person", "rejected", {"by": "Bob"}, LATER)
    assert [(row.decided_by, row.outcome) for row in store.runs.decisions("run-one")] == [
        ("policy", "held"),
        ("person", "promoted"),
    ]


def test_a_baseline_keeps_its_whole_answer(store: RecordStore, started: Callable[..., str]) -> None:
    started()
    answer = {
        "method": "milp",
        "observable": "cut",
        "value": 27.0,
        "bound": 27.0,
        "exact": True,
        "seconds": 0.1,
        "certificate": {"gap": 0.0},
        "iterations": 12,
    }
    store.runs.add_baseline("run-one", answer)
    store.runs.add_baseline("run-one", answer | {"value": 1.0})
    (row,) = store.runs.baselines("run-one")
    assert (row.value, row.bound, row.exact, row.certificate, row.document) == (27.0, 27.0, True, {"gap": 0.0}, answer)


def test_the_latest_answer_is_the_newest_ended_quantum_run(store: RecordStore, started: Callable[..., str]) -> None:
    key = bell().execution_hash
    assert store.runs.latest_answer(key) is None
    for hour, (name, source) in enumerate([("a", "quantum"), ("b", "quantum"), ("c", "classical")]):
        started(f"run-{name}", bell(name=name))
        end(store, f"run-{name}", source, NOW + timedelta(hours=hour))
    started("run-other", bell(shots=2))
    end(store, "run-other", now=NOW + timedelta(days=1))
    started("run-open")
    newest = store.runs.latest_answer(key)
    assert newest is not None
    assert newest.id == "run-b"
    assert store.runs.latest_answer(key, excluding="run-b").id == "run-a"
    assert store.runs.latest_answer(key, before=NOW + timedelta(minutes=1)).id == "run-a"
    assert store.runs.latest_answer(key, before=NOW) is None


@pytest.mark.parametrize("simulator", [True, False])
def test_the_latest_answer_of_a_device_is_not_that_of_a_simulator(store: RecordStore, *, simulator: bool) -> None:
    key = bell().execution_hash
    where = {"kind": "ibm", "simulator": simulator}
    store.runs.start("run-a", store.experiments.add(bell()), backend=where, seeds={}, versions={}, now=NOW)
    end(store, "run-a")
    assert store.runs.latest_answer(key, simulator=simulator).id == "run-a"
    assert store.runs.latest_answer(key, simulator=not simulator) is None
