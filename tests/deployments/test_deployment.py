"""The deployments of ``prefect.yaml`` under a real worker."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from tests.deployments.conftest import ROOT, Site, alive
from tests.experiments import ghz_document

pytestmark = [pytest.mark.server, pytest.mark.slow]


def run(site: Site, *arguments: str) -> tuple[str, dict[str, Any]]:
    """What a run of the deployment prints, and the flow run."""
    printed = site.prefect("deployment", "run", "hybrid-run/simulator", *arguments)
    found = re.search(r"UUID: (\S+)", printed)
    assert found, printed
    return printed, site.ask(f"flow_runs/{found[1]}")


def test_every_deployment_is_made_and_needs_no_files_of_the_project(site: Site) -> None:
    deployments = {item["name"]: item for item in site.ask("deployments/filter", {})}
    assert set(deployments) == {"simulator", "maxcut", "ibm", "reconcile", "sweep", "alert", "mitigation-benchmark"}
    for name, item in deployments.items():
        own = {"reconcile", "sweep", "alert", "mitigation-benchmark"}
        flow = name.replace("-", "_") if name in own else "hybrid_run"
        module = f"{flow}.{flow}"
        assert item["entrypoint"] == f"prefect_qpu.flows.{module}"
        assert item["pull_steps"] == []
        assert item["work_pool_name"] == "qpu"
        assert item["global_concurrency_limit"]["limit"] >= 1
    assert deployments["reconcile"]["schedules"][0]["schedule"]["interval"] == 60


def test_the_server_knows_the_blocks_without_being_told(site: Site) -> None:
    slugs = {item["slug"] for item in site.ask("block_types/filter", {})}
    assert {"aer-backend", "ibm-quantum-backend", "promotion-policy", "qpu-record-store", "stage-latency"} <= slugs


def test_a_run_ends_promoted_and_carries_the_name_and_tags_of_its_experiment(site: Site) -> None:
    printed, flow_run = run(site, "--watch")
    assert "Promoted" in printed
    assert flow_run["name"].startswith("ghz-check-")
    assert {"qpu", "simulator", "backend:aer-manila", "workload:circuit"} <= set(flow_run["tags"])
    with RecordStore.open(site.store_url) as store:
        assert summarise(store, flow_run["id"]).source == "quantum"


def test_an_experiment_file_is_read_on_the_worker(site: Site, tmp_path: Path) -> None:
    folder = tmp_path / "my experiments"
    shutil.copytree(ROOT / "examples", folder)
    printed, flow_run = run(site, "--param", f"experiment={folder / 'maxcut.yaml'}", "--watch")
    assert "Promoted" in printed
    assert flow_run["name"].startswith("maxcut-8-")


def test_a_held_run_gives_its_process_back_and_goes_on_where_it_was_once_a_person_approves(site: Site) -> None:
    experiment = json.dumps(ghz_document(promotion={"approval": "always"}))
    _, flow_run = run(site, "--param", f"experiment={experiment}")

    def reached(*names: str) -> bool:
        flow_run.update(site.ask(f"flow_runs/{flow_run['id']}"))
        assert flow_run["state_name"] not in {"Failed", "Crashed"}, flow_run["state"]["message"]
        return flow_run["state_name"] in names

    site.wait("the suspended run", lambda: reached("Suspended"))
    site.wait("the end of its process", lambda: not alive(flow_run))
    with RecordStore.open(site.store_url) as store:
        held = summarise(store, flow_run["id"])
        assert held.state == "waiting"
        assert "primary" not in {item.role for item in held.submissions}
        answer = {"approved": True, "by": "Ada", "reason": "the numbers are right"}
        site.ask(f"flow_runs/{flow_run['id']}/resume", {"run_input": answer})
        site.wait("the promoted run", lambda: reached("Promoted"))
        ended = summarise(store, flow_run["id"])
    assert ended.decision is not None
    assert (ended.decision.outcome, ended.decision.by) == ("promoted", "Ada")
    assert all(span in ended.spans for span in held.spans)
    stages = [span.stage for span in ended.spans if span.source == "workflow"]
    assert len(stages) == len(set(stages))
    assert all(item in ended.submissions for item in held.submissions)
    assert [item.role for item in ended.submissions if item not in held.submissions] == ["primary"]
