"""The deployed sweep: by its schedules' parameters, one at a time, and the alert that an automation starts."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from prefect_qpu.flows.suspension import SUSPENDED
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.frame import frame
from tests.deployments.conftest import Site

QASM = 'OPENQASM 3.0; include "stdgates.inc"; input float alpha; qubit[1] q; ry(alpha) q[0];'
pytestmark = [pytest.mark.server, pytest.mark.slow]


def runs_of(site: Site, deployment: str) -> list[dict[str, Any]]:
    given: list[dict[str, Any]] = site.ask("flow_runs/filter", {"deployments": {"name": {"any_": [deployment]}}})
    return given


def ended(site: Site, number: int, deployment: str) -> list[dict[str, Any]]:
    done = [item for item in runs_of(site, deployment) if item["state_type"] in {"COMPLETED", "FAILED", "CRASHED"}]
    return done if len(done) >= number else []


def test_the_scheduled_sweep_measures_anew_twice_in_a_row_and_alerts(site: Site) -> None:
    deployment = site.ask("deployments/name/sweep/sweep")
    assert {item["slug"]: item["parameters"] for item in deployment["schedules"]}["weekly"]["settings"][0] == (
        "title=landscape-weekly"
    )
    assert deployment["concurrency_options"] == {"collision_strategy": "ENQUEUE", "grace_period_seconds": None}
    surprise = [
        'experiment.hypothesis={"statement": "the cut is tiny", "observable": "cut", "range": [0.0, 1.0]}',
        'axes={"workload.parameters.gamma[0]": [0.0, 0.5]}',
    ]
    soon = datetime.now(UTC) + timedelta(seconds=30)
    twice = f"DTSTART:{soon:%Y%m%dT%H%M%S}Z\nRRULE:FREQ=SECONDLY;INTERVAL=5;COUNT=2"
    schedule = {"active": True, "schedule": {"rrule": twice}, "parameters": {"settings": surprise}}
    site.ask(f"deployments/{deployment['id']}/schedules", [schedule])
    site.ask(f"deployments/{deployment['id']}/resume_deployment", {})
    done = site.wait("two sweeps", lambda: ended(site, 2, "sweep"))
    site.ask(f"deployments/{deployment['id']}/pause_deployment", {})
    assert all(item["auto_scheduled"] for item in done)
    first, second = sorted(done, key=lambda item: item["start_time"])[:2]
    assert [item["state_name"] for item in (first, second)] == ["Measured", "Measured"]
    assert first["end_time"] <= second["start_time"]
    with RecordStore.open(site.store_url) as store:
        rows = [store.sweeps.get(item["id"]) for item in (first, second)]
        assert [len(frame(store, row)) for row in rows] == [2, 2]
        assert len({row.hash for row in rows}) == 2
    (told, *_) = site.wait("an alert", lambda: ended(site, 1, "alert"))
    assert told["parameters"]["title"] == "a sweep lies outside of its hypothesis"
    assert "2 points outside, 0 inside" in told["parameters"]["message"]


def started(site: Site, parameters: str) -> str:
    """The id of a flow run of the deployment that was started, and is not waited for."""
    printed = site.prefect("deployment", "run", "sweep/sweep", "--params", parameters)
    found = re.search(r"UUID: (\S+)", printed)
    assert found, printed
    return found[1]


def state(site: Site, flow_run_id: str) -> str:
    return str(site.ask(f"flow_runs/{flow_run_id}")["state_name"])


def test_a_sweep_is_suspended_while_its_jobs_are_queued_also_by_a_flow_run_that_continues_it(site: Site) -> None:
    site.emulator.reset()
    site.emulator.set(queue_s=8)
    definition = {
        "axes": {"workload.parameters.alpha": [0.0, 1.0]},
        "packing": {"points_per_job": 1, "in_flight": 1},
        "experiment": {
            "name": "queued",
            "workload": {"kind": "circuit", "observables": {"z": "Z"}, "qasm": QASM},
            "backend": {"block": "ibm-quantum-backend/default"},
            "shots": 50,
            "seed": 7,
            "submission": {"inline": 1},
        },
    }
    parameters = json.dumps({"definition": definition, "fresh": False})
    first = started(site, parameters)
    site.wait("the first flow run to be suspended", lambda: state(site, first) == "Suspended")
    second = started(site, parameters)
    states: list[str] = []

    def looked() -> bool:
        states.append(state(site, second))
        if states[-1] == "Suspended":
            site.prefect("deployment", "run", "reconcile/reconcile", "--watch")
        return states[-1] in {"Measured", "Partial", "Failed", "Crashed"}

    site.wait("the end of the sweep", looked)
    assert (states[-1], "Suspended" in states) == ("Measured", True)
    with RecordStore.open(site.store_url) as store:
        row = store.sweeps.get(first)
        assert [run.id for run in store.runs.of_flow_run(second)] == [first]
        assert set(frame(store, row)["state"]) == {"measured"}
        assert len(store.runs.marks(row.run_id, SUSPENDED)) >= 2, "each job takes longer than the run waits for it"
        tags = {item.request_hash for item in store.submissions.for_run(row.run_id).values()}
    listed = site.emulator.ask("GET", "/jobs?limit=1000")["jobs"]
    assert sum(bool(tags & set(job["tags"])) for job in listed) == len(tags) == 2
