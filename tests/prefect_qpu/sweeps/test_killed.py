"""Sweeps at the emulator: killed at every boundary, and with its limits on jobs."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.plan import Plan
from prefect_qpu.sweeps.running import complete
from prefect_qpu.sweeps.starting import start
from tests.prefect_qpu.emulator.emulators import Emulator, emulator
from tests.prefect_qpu.sweeps.dying import BOUNDARIES, key_of, narrow, the_sweep

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator"), "--device", "manila") as running:
        yield running


def sweep_process(service: Emulator, url: str, boundary: str) -> int:
    """The exit code of a process that carries out the sweep until it is killed after the boundary."""
    command = [sys.executable, "-W", "ignore", "-m", "tests.prefect_qpu.sweeps.dying", url, boundary]
    root = str(Path(__file__).parents[3])
    environment = {**os.environ, **service.environment, "PYTHONPATH": root}
    return subprocess.run(command, env=environment, cwd=root, check=False).returncode


def test_every_point_is_bought_once_wherever_the_process_is_killed(service: Emulator, store_url: str) -> None:
    codes = [sweep_process(service, store_url, boundary) for boundary in BOUNDARIES]
    assert codes == [-signal.SIGKILL] * (len(BOUNDARIES) - 1) + [0]
    with RecordStore.open(store_url) as store:
        row = store.sweeps.get("run-one")
        plan = Plan.from_document(store.sweeps.plan(row))
        submissions = store.submissions.for_run("run-one")
        assert list(submissions) == [job.role for job in plan.jobs] == ["job-0001", "job-0002", "job-0003"]
        sent = [item for item in service.ask("GET", "/jobs")["jobs"] if "prefect-qpu" in item["tags"]]
        assert sorted(item["id"] for item in sent) == sorted(str(item.job_id) for item in submissions.values())
        table = frame(store, row)
        assert (len(table), set(table["state"])) == (60, {"measured"})
        assert table[["point [1]", "observable"]].drop_duplicates().shape[0] == 60


def test_the_emulator_gets_the_fewest_jobs_and_a_refused_one_waits(
    service: Emulator, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in service.environment.items():
        monkeypatch.setenv(name, value)
    service.ask("PUT", "/faults", [{"method": "POST", "path": "/jobs", "status": 429, "retry_after": 1, "times": 2}])
    graph = {"generator": "random_regular", "degree": 3, "nodes": 4, "seed": 1}
    swept = the_sweep(
        axes={"workload.parameters.gamma[0]": [0.1, 0.2], "replicate": list(range(3)), "shots": [20, 30, 40]},
        experiment_workload={"kind": "maxcut", "graph": graph},
        packing={},
        experiment_shots=20,
    )
    before = service.ask("GET", "/jobs")["count"]
    with RecordStore.open(store_url) as store:
        execution = start(store, swept, {key_of(swept.experiment): narrow(2)}, run_id="run-one")
        assert (len(execution.plan.jobs), execution.plan.backends[0].least_jobs) == (2, 2)
        for job in range(2):
            assert complete(execution, job, lambda seconds: time.sleep(min(seconds, 1.0)))
        analyse_ready(execution)
        assert service.ask("GET", "/jobs")["count"] == before + 2
        rows = store.submissions.for_run("run-one").values()
        assert [(len(row.pubs), row.payload_bytes) for row in rows] == [
            (job.pubs, job.payload_bytes) for job in execution.plan.jobs
        ]
        assert set(frame(store, execution.row)["state"]) == {"measured"}
