"""Runs that wait for a queue, under a real worker, with the genuine client and the emulator as the service."""

import json
import os
import re
import signal
from typing import Any

import pytest

from prefect_qpu.latency import utc_now
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary
from tests.deployments.conftest import API_KEY, ROOT, Site, alive, command_lines, process_of

pytestmark = [pytest.mark.server, pytest.mark.slow]

ENDED = ("Promoted", "Fallback", "Held", "Rejected", "Failed", "Crashed", "Cancelled")


@pytest.fixture(autouse=True)
def reset(site: Site) -> None:
    site.emulator.reset()


def start(site: Site, replicate: int, **submission: Any) -> str:
    """The id of a flow run of the deployment that was started, and is not waited for."""
    experiment = experiment_of(site) | {"replicate": replicate, "submission": {"inline": 1, **submission}}
    printed = site.prefect("deployment", "run", "hybrid-run/ibm", "--param", f"experiment={json.dumps(experiment)}")
    found = re.search(r"UUID: (\S+)", printed)
    assert found, printed
    return found[1]


def experiment_of(site: Site) -> dict[str, Any]:
    deployment = site.ask("deployments/name/hybrid-run/ibm")
    return dict(deployment["parameters"]["experiment"])


def state(site: Site, run_id: str) -> str:
    return str(flow_run(site, run_id)["state_name"])


def until(site: Site, run_id: str, *names: str) -> None:
    def reached() -> bool:
        name = state(site, run_id)
        assert name in names or name not in ENDED, f"{name}\n{site.logs()}"
        return name in names

    site.wait(f"{run_id} to be {' or '.join(names)}", reached)


def reconcile(site: Site) -> None:
    """One pass, as the schedule makes it."""
    site.prefect("deployment", "run", "reconcile/reconcile", "--watch")


def summary(site: Site, run_id: str) -> RunSummary:
    with RecordStore.open(site.store_url) as store:
        return summarise(store, run_id)


def jobs(site: Site, run_id: str) -> list[str]:
    """The states of all jobs of a run that the service has, also those that nobody was told of."""
    tag = next(item.request_hash for item in summary(site, run_id).submissions if item.role == "primary")
    listed = site.emulator.ask("GET", "/jobs?limit=1000")["jobs"]
    return [job["state"] for job in listed if tag in job["tags"]]


def flow_run(site: Site, run_id: str) -> dict[str, Any]:
    return dict(site.ask(f"flow_runs/{run_id}"))


def test_a_run_is_suspended_while_its_job_is_queued_and_ends_promoted_after_a_reconciliation(site: Site) -> None:
    site.emulator.set(queue_s=8)
    run_id = start(site, 1)
    until(site, run_id, "Suspended")
    site.wait("the end of its process", lambda: not alive(flow_run(site, run_id)))
    assert summary(site, run_id).state == "waiting"
    site.wait("the end of the job", lambda: jobs(site, run_id) == ["Completed"])
    reconcile(site)
    until(site, run_id, "Promoted")
    ended = summary(site, run_id)
    assert ended.source == "quantum"
    assert {"queue", "execution", "reconciliation", "suspended"} <= {span.stage for span in ended.spans}
    once = [span.stage for span in ended.spans if span.stage in {"transpile", "submit", "baseline", "smoke_test"}]
    assert len(once) == len(set(once)) == 4


def test_a_run_whose_job_takes_too_long_falls_back_and_its_job_is_cancelled(site: Site) -> None:
    site.emulator.set(queue_s=600)
    run_id = start(site, 2, deadline=5)
    until(site, run_id, "Suspended")
    site.wait("the deadline", lambda: _age(site, run_id) > 6)
    reconcile(site)
    until(site, run_id, "Fallback")
    assert jobs(site, run_id) == ["Cancelled"]
    assert "did not end within 5 s" in str(summary(site, run_id).fallback)


def test_a_suspended_run_that_is_cancelled_cancels_its_job(site: Site) -> None:
    site.emulator.set(queue_s=600)
    run_id = start(site, 3)
    until(site, run_id, "Suspended")
    site.prefect("flow-run", "cancel", run_id)
    until(site, run_id, "Cancelled")
    reconcile(site)
    assert jobs(site, run_id) == ["Cancelled"]
    assert summary(site, run_id).error == "the flow run was cancelled"


def test_a_run_whose_worker_and_process_died_goes_on_from_the_store(site: Site) -> None:
    site.emulator.ask("PUT", "/job-faults", [{"stuck": "Queued"}])
    run_id = start(site, 4, inline=600)
    job = site.wait("the job", lambda: job_of(site, run_id))
    pid = process_of(flow_run(site, run_id))
    assert pid is not None
    site.kill_worker()
    os.kill(pid, signal.SIGKILL)
    site.start_worker()
    site.emulator.ask("POST", f"/jobs/{job}/release")
    # What the automations of deployments/automations.yaml do once the heartbeats are missing.
    again = {"state": {"type": "SCHEDULED", "name": "AwaitingRetry"}, "force": True}
    site.ask(f"flow_runs/{run_id}/set_state", again)
    until(site, run_id, "Promoted")
    assert jobs(site, run_id) == ["Completed"]


def test_the_automations_are_made_by_one_command(site: Site) -> None:
    site.prefect("automation", "create", "--from-file", str(ROOT / "deployments" / "automations.yaml"))
    names = {item["name"] for item in site.ask("automations/filter", {})}
    assert {"prefect-qpu-missing-heartbeats", "prefect-qpu-start-again"} <= names


@pytest.mark.parametrize("fault", [{"status": 401}, {"drop": "answer"}], ids=str)
def test_a_run_whose_service_refuses_it_shows_no_key(site: Site, fault: dict[str, Any]) -> None:
    site.emulator.ask("PUT", "/faults", [{"method": "POST", "path": "/jobs", "times": 40, **fault}])
    run_id = start(site, 5 + len(str(fault)), deadline=1, settle=1)
    shown = set()
    while state(site, run_id) not in ENDED:
        shown |= command_lines()
        if state(site, run_id) == "Suspended":
            reconcile(site)
    assert any("prefect" in line for line in shown)
    assert not [line for line in shown if API_KEY in line]
    assert API_KEY not in summary(site, run_id).model_dump_json()


def test_the_api_key_is_nowhere_but_in_its_block(site: Site) -> None:
    """Logs, reports, what the UI shows, and both databases: the block is encrypted in Prefect's."""
    scratch = site.folder.parent
    files = [path for path in scratch.rglob("*") if path.is_file() and "emulator" not in path.parts]
    assert {"prefect.db", "records.db", "worker.log", "server.log"} <= {path.name for path in files}
    assert [path for path in files if path.suffix == ".html"]
    assert [path for path in files if API_KEY.encode() in path.read_bytes()] == []
    shown = [site.ask("logs/filter", {"limit": 200}), site.ask("artifacts/filter", {"limit": 200})]
    assert all(shown)
    assert API_KEY not in json.dumps(shown)


def _age(site: Site, run_id: str) -> float:
    with RecordStore.open(site.store_url) as store:
        submitted = store.submissions.for_run(run_id)["primary"].submitted_at
    return (utc_now() - submitted).total_seconds() if submitted else 0.0


def job_of(site: Site, run_id: str) -> str | None:
    with RecordStore.open(site.store_url) as store:
        primary = store.submissions.for_run(run_id).get("primary")
    return primary.job_id if primary else None
