"""The flow `sweep` on a real Prefect server: what it buys, how many tasks it takes, and what it shows."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    FlowRunFilter,
    FlowRunFilterId,
)
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import State
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import InvalidResultError
from prefect_qpu.flows.sweep import sweep
from prefect_qpu.providers import JobResult
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.frame import frame
from tests.prefect_qpu.sweeps.documents import T, U, document
from tests.prefect_qpu.sweeps.documents import sweep as swept
from tests.prefect_qpu.sweeps.executing import executed

pytestmark = pytest.mark.server
GRID = {T: {"start": 0, "stop": 3, "count": 6}, U: {"start": 0, "stop": 3, "count": 5}}


async def run(axes: Any, *, fresh: bool = False, **changes: Any) -> State[Any]:
    state: State[Any] = await sweep(definition=document(axes, **changes), fresh=fresh, return_state=True)
    return state


async def task_runs(state: State[Any]) -> list[str]:
    flow_run = FlowRunFilter(id=FlowRunFilterId(any_=[state.state_details.flow_run_id]))  # type: ignore[list-item]
    async with get_client() as client:
        return [item.name for item in await client.read_task_runs(flow_run_filter=flow_run)]


async def artifacts(state: State[Any]) -> dict[str, Any]:
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(
                flow_run_id=ArtifactFilterFlowRunId(any_=[state.state_details.flow_run_id])  # type: ignore[list-item]
            ),
            limit=50,
            sort=ArtifactSort.KEY_ASC,
        )
    return {str(artifact.key): artifact.data for artifact in found}


async def test_a_sweep_is_measured_and_shown(flow_store: RecordStore) -> None:
    state = await run(GRID, packing={"points_per_job": 20})
    assert (state.name, state.message) == ("Measured", "30 points bought, 0 reused")
    run_id = await state.aresult()
    table = frame(flow_store, run_id)
    assert (len(table), set(table["state"])) == (60, {"measured"})
    assert sorted(await task_runs(state)) == ["job-0001", "job-0002", "plan", "report"]
    shown = await artifacts(state)
    assert set(shown) == {"scan-plan", "scan-points", "scan-progress", "scan-result"}
    assert "| jobs | 2 |" in shown["scan-plan"]
    assert shown["scan-progress"] == 100
    assert "data:image/svg+xml" in shown["scan-result"]
    assert all(len(str(data)) < 200_000 for data in shown.values())
    page = (flow_store.folder / "reports" / f"{run_id}.html").read_text()
    assert "heat map" in page
    assert flow_store.runs.get(run_id).state == "ended"


async def test_a_repeated_sweep_buys_nothing_and_a_fresh_one_all(flow_store: RecordStore) -> None:
    await run(GRID)
    again = await run(GRID)
    assert (again.message, sorted(await task_runs(again))) == ("0 points bought, 30 reused", ["plan", "report"])
    fresh = await run(GRID, fresh=True)
    assert fresh.message == "30 points bought, 0 reused"


async def test_points_outside_of_the_hypothesis_are_told(flow_store: RecordStore) -> None:
    hypothesis = {"statement": "the parity is high", "observable": "zz", "range": [0.5, 1.2]}
    state = await run({U: [0.0, 0.3, 3.0]}, experiment_hypothesis=hypothesis)
    assert "2 points inside, 1 outside" in (await artifacts(state))["scan-result"]


async def test_a_bad_sweep_fails_before_anything_is_stored(flow_store: RecordStore) -> None:
    state = await run({T: {"start": 0, "stop": 1, "count": 10**9}})
    assert state.is_failed()
    assert "1,000,000,000 points" in str(state.message)
    assert flow_store.runs.list() == []


@pytest.mark.parametrize(("approved", "name"), [(True, "Measured"), (False, "Held")])
async def test_a_plan_above_the_limits_waits_for_a_person(
    flow_store: RecordStore, monkeypatch: pytest.MonkeyPatch, *, approved: bool, name: str
) -> None:
    from prefect_qpu.providers.aer import AerProvider

    monkeypatch.setattr(AerProvider, "durable", True)
    waiting = asyncio.create_task(run({T: [0.0, 1.0]}, approval={"max_jobs": 1}, packing={"points_per_job": 1}))
    async with asyncio.timeout(60), get_client() as client:
        while not (held := flow_store.runs.list(state="waiting")):
            await asyncio.sleep(0.1)
        flow_run_id = UUID(held[0].flow_run_id)
        while not (await client.read_flow_run(flow_run_id)).state.is_paused():  # type: ignore[union-attr]
            await asyncio.sleep(0.1)
        assert flow_store.submissions.for_run(held[0].id) == {}
        await client.resume_flow_run(flow_run_id, run_input={"approved": approved, "by": "Ada", "reason": "seen"})
    state = await waiting
    assert state.name == name
    if not approved:
        assert "2 jobs are more than 1" in str(state.message)
        assert flow_store.runs.get(held[0].id).outcome == "held"
        assert flow_store.sweeps.owners(_keys(flow_store)) == {}


def _keys(store: RecordStore) -> list[bytes]:
    arrays = store.submissions.parameters(store.sweeps.list()[0].arrays_hash)
    return [row.tobytes() for row in arrays["key"]]


async def test_a_broken_job_on_a_task_runner_fails_its_points_only(
    flow_store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect_qpu.providers.aer import AerProvider

    real, asked = AerProvider.result, defaultdict[float, int](int)

    def result(provider: AerProvider, job_id: str, pubs: Sequence[SamplerPub]) -> JobResult:
        angle = float(pubs[0].parameter_values.as_array().flat[0])
        asked[angle] += 1
        if angle == 0.0:
            raise OSError("the disk is full")
        if angle == 1.0 and asked[angle] < 3:
            raise InvalidResultError("half a result")
        return real(provider, job_id, pubs)

    monkeypatch.setattr(AerProvider, "result", result)
    described = document({T: [0.0, 1.0, 2.0]}, packing={"points_per_job": 1, "in_flight": 2})
    state: State[Any] = await sweep(definition=described, runner="threads", return_state=True)
    assert (state.name, state.message) == ("Partial", "1 of 3 points have no value")
    table = frame(flow_store, await state.aresult()).drop_duplicates("point [1]")
    assert table["state"].tolist() == ["failed", "measured", "measured"]
    assert "the task of the job failed" in table["reason"][0]
    assert "the disk is full" in table["reason"][0]
    assert asked[1.0] == 3


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("runner", ["processes", "dask"])
async def test_jobs_run_on_task_runners_and_give_the_same_counts(flow_store: RecordStore, runner: str) -> None:
    axes, packing = {T: [0.0, 1.0, 2.0, 3.0]}, {"points_per_job": 2, "in_flight": 2}
    state: State[Any] = await sweep(definition=document(axes, packing=packing), runner=runner, return_state=True)
    assert (state.name, state.message) == ("Measured", "4 points bought, 0 reused")
    there = frame(flow_store, await state.aresult())
    with RecordStore.open("sqlite://") as other:
        here = frame(other, executed(other, swept(axes, packing=packing)).row)
    assert there["value [1]"].equals(here["value [1]"])
