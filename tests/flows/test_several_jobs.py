"""Runs with several jobs out at once, of which one fails."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary
from tests.experiments import ghz_document
from tests.flows.conftest import save_backend
from tests.prefect_qpu.emulator.emulators import Emulator, emulator

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]
FAILED: dict[str, Any] = {"fail": {"message": "the control electronics are down", "code": 1517}}


@pytest.fixture
async def service(flow_store: RecordStore, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Emulator]:
    with emulator(tmp_path / "emulator", "--device", "manila") as started:
        await save_backend("several", started, monkeypatch, backend="ibm_manila")
        yield started


async def executed(store: RecordStore, replicate: int) -> RunSummary:
    experiment = ghz_document(
        backend={"block": "ibm-quantum-backend/several"},
        mitigation=["raw", "ibm_dd"],
        submission={"attempts": 1},
        shots=400,
        replicate=replicate,
        fallback=["classical"],
    )
    state = await hybrid_run(experiment=experiment, return_state=True)
    return summarise(store, str(state.state_details.flow_run_id))


def states(service: Emulator, summary: RunSummary) -> dict[str, str]:
    """The state of each job of a run at the service, by its role."""
    roles = {item.request_hash: item.role for item in summary.submissions}
    jobs = service.ask("GET", "/jobs?limit=1000")["jobs"]
    return {roles[tag].partition("-")[0]: job["state"] for job in jobs for tag in job["tags"] if tag in roles}


async def test_a_job_of_options_that_fails_refuses_its_methods_only(flow_store: RecordStore, service: Emulator) -> None:
    service.ask("PUT", "/job-faults", [{"result": None, "times": 1}, {**FAILED, "times": 1}])
    summary = await executed(flow_store, 1)
    assert states(service, summary) == {"primary": "Completed", "options": "Failed"}
    assert (summary.outcome, summary.source) == ("promoted", "quantum")
    assert {item.method for item in summary.estimates if item.source == "quantum"} == {"raw"}
    assert "the control electronics are down" in str(summary.refused)


async def test_a_run_that_falls_back_leaves_no_job_in_the_queue(flow_store: RecordStore, service: Emulator) -> None:
    service.ask("PUT", "/job-faults", [{**FAILED, "times": 1}, {"stuck": "Queued", "times": 1}])
    summary = await executed(flow_store, 2)
    assert states(service, summary) == {"primary": "Failed", "options": "Cancelled"}
    assert (summary.outcome, summary.source) == ("fallback", "classical")
