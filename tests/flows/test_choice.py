"""A backend that a rule chooses: recorded with all candidates, and kept when the run is resumed."""

from typing import Any

import pytest
from prefect.client.orchestration import get_client

from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.flows.prepare import prepare
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from tests.experiments import ghz_document
from tests.flows.conftest import save_backend
from tests.prefect_qpu.emulator.emulators import emulator

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


async def test_the_rule_best_records_its_numbers_and_a_resumed_run_stays_where_it_was(
    flow_store: RecordStore, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with emulator(tmp_path, "--device", "manila", "--device", "guadalupe") as service:
        await save_backend("choice", service, monkeypatch, rule="best")
        experiment = ghz_document(backend={"block": "ibm-quantum-backend/choice"})
        state = await hybrid_run(experiment=experiment, return_state=True)
        summary = summarise(flow_store, str(state.state_details.flow_run_id))
        assert state.name == "Promoted", state.message
        assert summary.selection is not None
        assert {item["name"] for item in summary.selection["candidates"]} == {"ibm_manila", "ibm_guadalupe"}
        assert summary.selection["chosen"] == summary.backend.name
        assert all(0 < item["success"] < 1 for item in summary.selection["candidates"])
        primary = next(item for item in summary.submissions if item.role == "primary")
        assert primary.calibration_hash
        other = ({"ibm_manila", "ibm_guadalupe"} - {summary.backend.name}).pop()
        service.ask("PUT", f"/backends/{summary.backend.name}", {"operational": False, "message": "maintenance"})
        again = await prepare(experiment, None, summary.run_id)
        with again.store:
            assert (again.resumed, again.provider.name) == (True, summary.backend.name)
        fresh = await prepare(experiment, None, "another-run")
        with fresh.store:
            assert fresh.provider.name == other
        async with get_client() as client:
            assert (await client.read_flow_run(state.state_details.flow_run_id)).name.startswith("ghz-check")
