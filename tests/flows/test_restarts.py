"""Sweeps whose processes die again and again: they end with the reason instead of being started for ever."""

from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.flow_engine import run_flow
from prefect.states import State

from prefect_qpu.errors import RunFailedError
from prefect_qpu.flows.restarts import DEAD_PROCESSES, note_restart
from prefect_qpu.flows.sweep import sweep as sweep_flow
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.running import Execution, complete
from prefect_qpu.sweeps.starting import start
from tests.prefect_qpu.sweeps.documents import T, document, sweep
from tests.prefect_qpu.sweeps.executing import planned, providers

AXES = {"backend": ["aer", "FakeManilaV2"], T: [0.0, 1.0]}


def carried(store: RecordStore, flow_run_id: str) -> Execution:
    """A sweep at two backends whose flow run has just died."""
    return start(store, sweep(AXES), providers(sweep(AXES)), run_id=flow_run_id, flow_run_id=flow_run_id)


def test_a_sweep_that_always_dies_fails_with_the_reason(store: RecordStore) -> None:
    execution = carried(store, "nightly")
    assert [note_restart(store, "nightly", starts + 2) for starts in range(DEAD_PROCESSES)] == [1, 2, 3, 4, 5]
    with pytest.raises(RunFailedError, match="6 processes of flow run nightly have died in a row"):
        note_restart(store, "nightly", 7)
    rows = [store.runs.get(run.id) for run in execution.runs]
    assert [row.state for row in rows] == ["failed"] * 2
    assert all("have died" in str(row.error) for row in rows)
    assert planned(store, sweep(AXES), "another").plan.bought == 4


def test_deaths_are_forgiven_when_a_job_has_ended_meanwhile(store: RecordStore) -> None:
    execution = carried(store, "nightly")
    for _ in range(DEAD_PROCESSES):
        note_restart(store, "nightly", 2)
    assert complete(execution, 0, lambda _: None)
    assert [note_restart(store, "nightly", 2) for _ in range(2)] == [1, 2]


def test_a_start_after_a_suspension_is_no_death(store: RecordStore) -> None:
    for run in carried(store, "nightly").runs:
        store.runs.move(run.id, "waiting")
    assert [note_restart(store, "nightly", starts) for starts in range(2, 20)] == [0] * 18


def test_a_flow_run_that_continues_a_sweep_answers_for_its_own_processes_only(store: RecordStore) -> None:
    execution = carried(store, "nightly")
    for _ in range(DEAD_PROCESSES):
        note_restart(store, "nightly", 2)
    for run in execution.runs:
        store.runs.hand_over(run.id, "by hand")
    assert note_restart(store, "by hand", 2) == 1


def test_a_flow_run_whose_processes_die_before_a_plan_is_stored_fails_too(store: RecordStore) -> None:
    assert note_restart(store, "nightly", DEAD_PROCESSES + 1) == 0
    with pytest.raises(RunFailedError, match="6 processes of flow run nightly have died before its plan was stored"):
        note_restart(store, "nightly", DEAD_PROCESSES + 2)


@pytest.mark.server
async def test_the_flow_run_itself_ends_as_failed(flow_store: RecordStore) -> None:
    async with get_client() as client:
        made = await client.create_flow_run(sweep_flow, parameters={"definition": document(AXES)})
    carried(flow_store, str(made.id))
    for _ in range(DEAD_PROCESSES):
        note_restart(flow_store, str(made.id), 2)
    state: State[Any] = await run_flow(sweep_flow, flow_run=made, parameters=made.parameters, return_type="state")  # type: ignore[misc]
    assert state.is_failed()
    assert "6 processes of flow run" in str(state.message)
    assert {row.state for row in flow_store.runs.of_flow_run(str(made.id))} == {"failed"}
