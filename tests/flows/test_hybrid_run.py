"""The flow on a real Prefect server: its final states, and what it shows."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterFlowRunId, FlowRunFilter, TaskRunFilter
from prefect.client.schemas.objects import FlowRun
from prefect.client.schemas.sorting import ArtifactSort
from prefect.states import State

from prefect_qpu.errors import CircuitError
from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary
from tests.experiments import ghz_document

pytestmark = pytest.mark.server


async def run(store: RecordStore, **changes: object) -> tuple[State[Any], RunSummary]:
    state = await hybrid_run(experiment=ghz_document(**changes), return_state=True)
    return state, summarise(store, str(state.state_details.flow_run_id))


async def artifacts(summary: RunSummary) -> dict[str, Any]:
    async with get_client() as client:
        found = await client.read_artifacts(
            artifact_filter=ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[summary.flow_run_id])),
            flow_run_filter=FlowRunFilter(),
            task_run_filter=TaskRunFilter(),
            limit=50,
            sort=ArtifactSort.KEY_ASC,
        )
    return {str(artifact.key): artifact.data for artifact in found}


async def test_a_promoted_run_answers_on_the_quantum_path_and_shows_it(flow_store: RecordStore) -> None:
    state, summary = await run(flow_store)
    assert (state.name, summary.outcome, summary.source) == ("Promoted", "promoted", "quantum")
    assert await state.aresult() == summary.run_id
    shown = await artifacts(summary)
    assert set(shown) == {
        "ghz-check-decision",
        "ghz-check-calibration",
        "ghz-check-comparison",
        "ghz-check-latency",
        "ghz-check-report",
    }
    assert "noise_distinguishable" in shown["ghz-check-decision"]
    assert "fake_manila" in shown["ghz-check-calibration"]
    assert all(len(str(data)) < 200_000 for data in shown.values())
    async with get_client() as client:
        flow_run: FlowRun = await client.read_flow_run(state.state_details.flow_run_id)  # type: ignore[arg-type]
    assert flow_run.name.startswith("ghz-check-")
    assert {"backend:aer-manila", "workload:circuit"} <= set(flow_run.tags)
    page = flow_store.folder / "reports" / f"{summary.run_id}.html"
    assert "ghz-check" in page.read_text()


async def test_the_baseline_runs_while_the_job_is_out(flow_store: RecordStore) -> None:
    _, summary = await run(flow_store)
    spans = {span.stage: span for span in summary.spans}
    assert spans["baseline"].start < spans["poll"].end
    assert spans["poll"].start < spans["baseline"].end


async def test_a_policy_that_cannot_hold_rejects_and_falls_back_labelled(flow_store: RecordStore) -> None:
    state, summary = await run(flow_store, promotion={"tolerance": 1e-9})
    assert (state.name, summary.outcome, summary.source) == ("Fallback", "fallback", "simulator")
    assert {item.source for item in summary.estimates} == {"simulator"}
    assert summary.comparison is not None
    assert summary.comparison["verdict"] == "not comparable"
    assert "primary" not in {item.role for item in summary.submissions}


async def test_the_second_fallback_is_the_cached_answer(flow_store: RecordStore) -> None:
    _, earlier = await run(flow_store)
    state, summary = await run(flow_store, promotion={"tolerance": 1e-9})
    assert (state.name, summary.source) == ("Fallback", "cached")
    assert {item.details["run_id"] for item in summary.estimates} == {earlier.run_id}


async def test_a_rejected_run_without_fallback_has_no_answer(flow_store: RecordStore) -> None:
    state, summary = await run(flow_store, promotion={"tolerance": 1e-9}, fallback=[])
    assert (state.name, state.is_failed(), summary.source) == ("Rejected", True, None)
    assert summary.estimates == []


async def test_a_circuit_that_is_too_wide_fails_before_anything_is_stored(flow_store: RecordStore) -> None:
    state = await hybrid_run(
        experiment=ghz_document(backend={"kind": "aer", "device": "FakeArmonkV2"}), return_state=True
    )
    assert isinstance(await state.aresult(raise_on_failure=False), CircuitError)
    assert flow_store.runs.list() == []


async def test_a_failed_job_falls_back(flow_store: RecordStore) -> None:
    workload = {
        "kind": "circuit",
        "qasm": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; rx(0.3) q[0];',
        "observables": {"z": "Z"},
    }
    state, summary = await run(
        flow_store,
        workload=workload,
        hypothesis=None,
        backend={"kind": "aer", "method": "stabilizer"},
        fallback=["simulator", "classical"],
    )
    assert (state.name, summary.source) == ("Fallback", "simulator")
    assert summary.fallback is not None
    assert summary.fallback["reason"].startswith("failed: ")


async def test_a_broken_baseline_does_not_cost_the_quantum_answer(
    flow_store: RecordStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect_qpu.stages import baseline

    def broken(*_: object) -> None:
        raise RuntimeError("solver crashed")

    monkeypatch.setattr(baseline, "solve_baseline", broken)
    state, summary = await run(flow_store)
    assert (state.name, summary.source) == ("Promoted", "quantum")
    assert summary.comparison is not None
    assert (summary.comparison["verdict"], summary.comparison["reason"]) == ("not comparable", "the baseline failed")


async def test_a_report_that_cannot_be_written_does_not_cost_the_answer(
    flow_store: RecordStore, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    state = await hybrid_run(experiment=ghz_document(), report_folder=str(tmp_path / "taken"), return_state=True)
    assert state.name == "Promoted"


@pytest.mark.parametrize(("approved", "name"), [(True, "Promoted"), (False, "Fallback")])
async def test_a_held_run_waits_and_goes_on_as_a_person_decides(
    flow_store: RecordStore, *, approved: bool, name: str
) -> None:
    waiting = asyncio.create_task(run(flow_store, promotion={"approval": "always"}))
    async with asyncio.timeout(60), get_client() as client:
        while not (held := [row for row in flow_store.runs.list() if flow_store.runs.decisions(row.id)]):
            await asyncio.sleep(0.1)
        flow_run_id = UUID(held[0].flow_run_id)
        while not (await client.read_flow_run(flow_run_id)).state.is_paused():  # type: ignore[union-attr]
            await asyncio.sleep(0.1)
        assert "primary" not in flow_store.submissions.for_run(held[0].id)
        answer = {"approved": approved, "by": "Ada", "reason": "seen"}
        await client.resume_flow_run(flow_run_id, run_input=answer)
    state, summary = await waiting
    assert state.name == name
    assert summary.decision is not None
    assert (summary.decision.by, summary.decision.held_by) == ("Ada", "the policy asks for a person's approval")
    assert "approval" in summary.seconds_by_stage


async def test_an_experiment_is_found_by_its_hash(flow_store: RecordStore) -> None:
    from tests.experiments import ghz

    key = flow_store.experiments.add(ghz(shots=500))
    state = await hybrid_run(experiment=key, return_state=True)
    assert summarise(flow_store, await state.aresult()).experiment.hash == key


async def test_blocks_hold_policy_backend_store_and_latency(flow_store: RecordStore, tmp_path: Path) -> None:
    from prefect_qpu.blocks import AerBackend, PromotionPolicy, StageLatency
    from prefect_qpu.blocks import RecordStore as RecordStoreBlock

    await AerBackend(device="FakeLimaV2").save("lima", overwrite=True)
    await PromotionPolicy(tolerance=0.08).save("lenient", overwrite=True)
    await StageLatency(stages=["poll"], targets={"poll": 1e-6}).save("strict", overwrite=True)
    url = f"sqlite:///{tmp_path}/elsewhere.db"
    await RecordStoreBlock(url=url).save("elsewhere", overwrite=True)  # type: ignore[arg-type]
    state = await hybrid_run(
        experiment=ghz_document(backend={"block": "aer-backend/lima"}, promotion={"block": "promotion-policy/lenient"}),
        record_store="elsewhere",
        latency="strict",
        return_state=True,
    )
    with RecordStore.open(url) as elsewhere:
        summary = summarise(elsewhere, await state.aresult())
    assert summary.backend.name == "aer-lima"
    assert summary.experiment.definition["promotion"]["tolerance"] == 0.08
    latency = (await artifacts(summary))["ghz-check-latency"]
    assert "missed" in str(latency)
    assert flow_store.runs.list() == []


async def test_a_block_that_does_not_exist_is_named(flow_store: RecordStore) -> None:
    state = await hybrid_run(experiment=ghz_document(backend={"block": "aer-backend/nowhere"}), return_state=True)
    assert "aer-backend/nowhere" in str(state.message)
