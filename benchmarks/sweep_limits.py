"""A sweep at an emulator that takes 5 submissions a minute, with 100 circuits a job: what was foretold, and what came.

Usage: python -m benchmarks.sweep_limits [POINTS]
"""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.running import Execution, complete
from prefect_qpu.sweeps.starting import start
from tests.prefect_qpu.emulator.emulators import Emulator, emulator
from tests.prefect_qpu.sweeps.dying import key_of, narrow, the_sweep

POINTS = 650
BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'


def main(points: int = POINTS) -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        emulator(Path(scratch) / "emulator", "--device", "manila") as service,
    ):
        os.environ.update(service.environment)
        service.set(jobs_per_minute=5)
        swept = the_sweep(
            axes={"replicate": list(range(points))},
            experiment_workload={"kind": "circuit", "qasm": BELL, "observables": {"zz": "ZZ"}},
            packing={},
        )
        began = time.perf_counter()
        with RecordStore.open(f"sqlite:///{scratch}/records.db") as store:
            execution = start(store, swept, {key_of(swept.experiment): narrow(100)}, run_id="run-one")
            for job in range(len(execution.plan.jobs)):
                complete(execution, job, time.sleep)
                analyse_ready(execution, job)
            finish(execution)
            print(_told(service, store, execution, time.perf_counter() - began))


def _told(service: Emulator, store: RecordStore, execution: Execution, seconds: float) -> dict[str, Any]:
    sent = [item for item in service.ask("GET", "/requests") if (item["method"], item["path"]) == ("POST", "/jobs")]
    rows = store.submissions.for_run("run-one").values()
    foretold = [(job.pubs, job.payload_bytes) for job in execution.plan.jobs]
    return {
        "jobs foretold": len(foretold),
        "fewest jobs that the limits allow": execution.plan.backends[0].least_jobs,
        "jobs bought": service.ask("GET", "/jobs")["count"],
        "PUBs and bytes as foretold": [(len(row.pubs), row.payload_bytes) for row in rows] == foretold,
        "requests to submit": len(sent),
        "points measured": int((frame(store, execution.row)["state"] == "measured").sum()),
        "seconds": round(seconds),
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
