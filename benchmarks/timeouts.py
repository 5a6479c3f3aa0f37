"""Two time-outs while a job is queued: a task that submits, waits and fetches in one, beside this package."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.killing import BACKEND, experiment
from benchmarks.reliability import Service, service, write_table
from benchmarks.server import prefect_server

MARK = "<!-- table of benchmarks/timeouts.py -->"
QUEUE, PATIENCE = 3.0, 1.0


async def naive() -> None:
    """What many integrations do: one task with retries, and a time-out of the wait."""
    from prefect import flow, task
    from qiskit import QuantumCircuit
    from qiskit_ibm_runtime import QiskitRuntimeService, SamplerV2

    @task(retries=2, retry_delay_seconds=0)
    def sample() -> Any:
        circuit = QuantumCircuit(1)
        circuit.x(0)
        circuit.measure_all()
        backend = QiskitRuntimeService().backend(BACKEND)
        return SamplerV2(mode=backend).run([circuit], shots=100).result(timeout=PATIENCE)

    @flow
    async def sampled() -> None:
        sample()

    await sampled(return_state=True)


def ours(store_url: str) -> None:
    """Submit, then wait in three polls, of which the first two end with a time-out."""
    import time

    from benchmarks.killing import provider
    from prefect_qpu.jobs import Action
    from prefect_qpu.records import RecordStore
    from prefect_qpu.run import open_run
    from prefect_qpu.stages.execute import mitigate, poll, submit

    with RecordStore.open(store_url) as store:
        run = open_run(store, experiment(1), provider())
        submit(run)
        for _ in range(int(QUEUE / PATIENCE) + 2):
            give_up = time.monotonic() + PATIENCE
            while (action := poll(run)) is not Action.FINISHED and time.monotonic() < give_up:
                time.sleep(0.05)
            if action is Action.FINISHED:
                break
        mitigate(run)


def bought(running: Service) -> int:
    return len(running.jobs())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, service(f"{folder}/emulator") as running:
        running.ask("PATCH", "/settings", {"queue_s": QUEUE})
        with prefect_server() as environment:
            os.environ.update(environment)
            asyncio.run(naive())
        others = bought(running)
        ours(f"sqlite:///{folder}/records.db")
        mine = bought(running) - others
    made = (
        "| one experiment, job queued for 3 s, patience 1 s | jobs bought |\n|---|---|\n"
        f"| a task that submits, waits and fetches, with two retries | {others} |\n| prefect-qpu | {mine} |"
    )
    print(made)
    write_table(Path(__file__).parents[1] / "docs" / "reliability.md", MARK, made)


if __name__ == "__main__":
    sys.exit(main())
