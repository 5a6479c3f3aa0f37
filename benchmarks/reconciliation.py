"""One pass of the reconciler over many open jobs: `python -m benchmarks.reconciliation [jobs]`.

The jobs of the emulator are copies of one that was really submitted; the pass is the flow as it is deployed, with its
Prefect server, its blocks, IBM's client and SQLite.
"""

import asyncio
import os
import resource
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from benchmarks.killing import BACKEND, experiment, provider
from benchmarks.reliability import Service, service
from benchmarks.server import prefect_server
from prefect_qpu.emulator.auth import Owner
from prefect_qpu.emulator.jobs import Jobs
from prefect_qpu.emulator.payloads import Submission
from prefect_qpu.emulator.schema import Job, Payload
from prefect_qpu.latency import PRIMARY, utc_now
from prefect_qpu.records import RecordStore, SubmissionRow
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import submit

FAR = timedelta(days=1)
SAME = ("content_hash", "provider", "backend", "pubs", "options", "seed", "payload_bytes", "calibration_hash")


def first(url: str) -> SubmissionRow:
    """The submission of one real job."""
    with RecordStore.open(url) as store:
        run = open_run(store, experiment(1), provider(), run_id="run-000001")
        submit(run)
        return store.submissions.for_run(run.id)[PRIMARY]


def copy(url: str, folder: Path, row: SubmissionRow, jobs: int) -> None:
    """Runs like the first one, each with a submission and a queued job of its own."""
    service_jobs = Jobs.open(folder)
    with service_jobs.database.reading() as session:
        job = session.scalars(select(Job).where(Job.id == row.job_id)).one()
        params = session.get_one(Payload, job.number).params
    owner = Owner(job.user, job.instance)
    content = {name: getattr(row, name) for name in SAME}
    with RecordStore.open(url) as store:
        original = store.runs.get("run-000001")
        for number in range(2, jobs + 1):
            now = utc_now()
            run_id = f"run-{number:06d}"
            store.runs.start(run_id, original.experiment_hash, backend=original.backend, seeds={}, versions={}, now=now)
            intended = store.submissions.intend(run_id, PRIMARY, replicate=number, now=now, **content)
            tags = (intended.request_hash, "prefect-qpu")
            copied = Submission(job.program, job.backend, params, job.executions, tags)
            accepted = service_jobs.add(copied, owner, now, now + FAR, None)
            store.submissions.accepted(intended.id, accepted.id, now)
    service_jobs.database.close()


async def one_pass() -> dict[str, Any]:
    from prefect_qpu.flows.reconcile import reconcile

    return await reconcile()


def save_blocks() -> None:
    from prefect_qpu.blocks import IBMQuantumBackend, IBMQuantumCredentials

    credentials = IBMQuantumCredentials(
        api_key=os.environ["QISKIT_IBM_TOKEN"],
        instance=os.environ["QISKIT_IBM_INSTANCE"],
        url=os.environ["QISKIT_IBM_URL"],
    )
    credentials.save("emulator")
    IBMQuantumBackend(credentials=credentials, backend=BACKEND).save("emulator")


def timed(running: Service) -> str:
    running.ask("DELETE", "/requests")
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    done = asyncio.run(one_pass())
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    memory = f"largest memory {before // 1024} MB before, {after // 1024} MB after"
    return f"{done['looked_at']} jobs: {seconds:.1f} s, {memory}"


def main(jobs: int = 10_000) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url, emulated = f"sqlite:///{folder}/records.db", Path(folder) / "emulator"
        os.environ["PREFECT_QPU_STORE"] = url
        with service(str(emulated)) as running:
            running.ask("PATCH", "/settings", {"queue_s": FAR.total_seconds()})
            row = first(url)
        copy(url, emulated, row, jobs)
        for name in ("IAM_URL", "QISKIT_IBM_INSTANCE"):
            del os.environ[name]
        with service(str(emulated)) as running, prefect_server() as environment:
            os.environ.update(environment)
            save_blocks()
            for what in ("first pass", "second pass"):
                print(what, timed(running))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
