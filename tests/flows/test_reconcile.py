"""Runs that wait for nobody, as the reconciler ends them."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from prefect import flow
from prefect.client.orchestration import get_client
from prefect.states import Cancelled, Failed, State, Suspended

from prefect_qpu.flows import held_runs
from prefect_qpu.flows.reconcile import reconcile
from prefect_qpu.flows.servers import note_server
from prefect_qpu.flows.sweep_approval import STAGE, asked, note_question
from prefect_qpu.latency import utc_now
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.records.waiting import SERVER
from prefect_qpu.run import Run, open_run
from prefect_qpu.sweeps.starting import start
from tests.experiments import ghz
from tests.prefect_qpu.sweeps.documents import T, sweep
from tests.prefect_qpu.sweeps.executing import planned, providers


@flow
def nothing() -> None:
    """A flow whose runs are made by tests."""


async def run_in(store: RecordStore, state: object) -> Run:
    """A run without a job whose flow run is in a state that the record store was not told of."""
    async with get_client() as client:
        made = await client.create_flow_run(nothing, state=state)  # type: ignore[arg-type]
    run = opened(store, str(made.id))
    note_server(run)
    return run


def opened(store: RecordStore, flow_run_id: str) -> Run:
    experiment = ghz()
    return open_run(store, experiment, AerProvider(experiment.backend), flow_run_id=flow_run_id)  # type: ignore[arg-type]


def told(run: Run) -> tuple[str, str | None]:
    row = run.store.runs.get(run.id)
    return row.state, row.error


async def test_a_run_that_was_cancelled_before_it_had_a_job_ends(flow_store: RecordStore) -> None:
    run = await run_in(flow_store, Cancelled())
    await reconcile()
    assert told(run) == ("failed", "the flow run was cancelled")


async def test_a_run_that_failed_before_it_had_a_job_ends(flow_store: RecordStore) -> None:
    run = await run_in(flow_store, Failed())
    await reconcile()
    assert told(run) == ("failed", "the flow run failed; look at its log")


async def test_a_run_whose_flow_run_was_deleted_ends(flow_store: RecordStore) -> None:
    run = opened(flow_store, str(uuid4()))
    note_server(run)
    await reconcile()
    assert told(run) == ("failed", "the flow run was cancelled")


@pytest.mark.parametrize("server", ["another server", None])
async def test_a_run_that_lives_on_another_server_is_left_alone(flow_store: RecordStore, server: str | None) -> None:
    run = opened(flow_store, str(uuid4()))
    if server is not None:
        run.store.runs.complete_stage(run.id, SERVER, {"server": server}, utc_now())
    await reconcile()
    assert told(run) == ("running", None)


async def test_a_run_that_nobody_approved_for_a_week_ends_as_held(
    flow_store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = await run_in(flow_store, Suspended())
    run.store.runs.move(run.id, "waiting")
    run.store.runs.add_decision(run.id, "policy", "held", {"outcome": "held", "reason": "in doubt"}, run.clock())
    await reconcile()
    assert told(run) == ("waiting", None)
    monkeypatch.setattr(held_runs, "A_WEEK", timedelta().total_seconds())
    await reconcile()
    ended = run.store.runs.get(run.id)
    assert (ended.state, ended.outcome) == ("ended", "held")
    async with get_client() as client:
        state = (await client.read_flow_run(ended.flow_run_id)).state  # type: ignore[arg-type]
    assert state is not None
    assert (state.name, state.message) == ("Held", "in doubt; nobody decided within a week")


@pytest.mark.parametrize("state", [Suspended(), Failed(message="The flow was paused and never resumed.")])
async def test_a_sweep_that_nobody_approved_for_a_week_ends_as_held_at_all_of_its_backends(
    flow_store: RecordStore, monkeypatch: pytest.MonkeyPatch, state: State[Any]
) -> None:
    async with get_client() as client:
        made = await client.create_flow_run(nothing, state=Suspended())
    own, swept = str(made.id), sweep({"backend": ["aer", "FakeManilaV2"], T: [0.0, 1.0]})
    execution = start(flow_store, swept, providers(swept), run_id=own, flow_run_id=own)
    for run in execution.runs:
        note_server(run)
    note_question(execution, own, "2 jobs are more than 1")
    await reconcile()
    assert [told(run) for run in execution.runs] == [("waiting", None)] * 2
    monkeypatch.setattr(held_runs, "A_WEEK", timedelta().total_seconds())
    async with get_client() as client:
        await client.set_flow_run_state(made.id, state, force=True)
        await reconcile()
        ended = (await client.read_flow_run(made.id)).state
    assert {told(run) for run in execution.runs} == {("ended", "2 jobs are more than 1; nobody decided within a week")}
    assert {flow_store.runs.get(run.id).outcome for run in execution.runs} == {"held"}
    assert ended is not None
    assert ended.name == ("Held" if state.is_paused() else "Failed")
    assert start(flow_store, swept, providers(swept), run_id="another").plan.bought == 4


async def test_a_sweep_that_was_answered_is_no_longer_held(flow_store: RecordStore) -> None:
    execution = planned(flow_store, sweep({T: [0.0, 1.0]}))
    note_question(execution, "a flow run", "2 jobs are more than 1")
    assert asked(flow_store, "run-one", "a flow run") is not None
    flow_store.runs.complete_stage("run-one", STAGE, {"approved": True}, utc_now())
    assert asked(flow_store, "run-one", "a flow run") is None
