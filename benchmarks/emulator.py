"""The emulator by the genuine client: `python -m benchmarks.emulator` writes the table of docs/emulator.md.

Measured are a job that need not wait, states while a simulation keeps the processor busy, many clients at once, and a
service that is killed with jobs in its queue.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from statistics import median, quantiles
from typing import Any

from qiskit import QuantumCircuit
from qiskit_ibm_runtime import QiskitRuntimeService, SamplerV2

from benchmarks.reliability import Service, write_table

DOCUMENT = Path(__file__).parents[1] / "docs" / "emulator.md"
MARK = "<!-- table of benchmarks/emulator.py -->"
DEVICE, WIDE = "ibm_manila", "ibm_guadalupe"
INTERVAL = 0.1
"""Seconds between two looks of the client at its job."""
CLIENTS, EACH = 16, 5
JOBS, QUEUE = 20, 1.0


@contextmanager
def emulator(folder: str, port: int) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "prefect_qpu.emulator", "--port", str(port), "--folder", folder]
    command += ["--device", "manila", "--device", "guadalupe"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told: set[str] = set()
        while "QISKIT_IBM_INSTANCE" not in told:
            name, _, value = process.stdout.readline().strip().removeprefix("export ").partition("=")
            os.environ[name] = value
            told.add(name)
        try:
            yield process
        finally:
            process.kill()


def free_port() -> int:
    with socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def trivial() -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.measure_all()
    return circuit


def heavy() -> QuantumCircuit:
    """Fourteen qubits with noise: every shot is a state of its own."""
    circuit = QuantumCircuit(16)
    for _ in range(20):
        for qubit in range(14):
            circuit.sx(qubit)
        for first, second in ((0, 1), (1, 2), (2, 3), (3, 5), (5, 8), (8, 11), (11, 14), (1, 4), (4, 7), (7, 10)):
            circuit.cx(first, second)
    circuit.measure_all()
    return circuit


def submitted_to_decoded(backend: Any, times: int) -> list[float]:
    """Seconds from the submission to the counts, less what the client slept between its looks."""
    slept, sleep = 0.0, time.sleep

    def noted(seconds: float) -> None:
        nonlocal slept
        slept += seconds
        sleep(seconds)

    seconds = []
    time.sleep = noted
    try:
        for _ in range(times):
            slept, began = 0.0, time.perf_counter()
            counts = SamplerV2(mode=backend).run([trivial()], shots=100).result(poll_interval=INTERVAL)[0].data.meas
            assert counts.num_shots == 100
            seconds.append(time.perf_counter() - began - slept)
    finally:
        time.sleep = sleep
    return seconds


def status_while_busy(service: Any, times: int) -> list[float]:
    busy = SamplerV2(mode=service.backend(WIDE)).run([heavy()], shots=4000)
    while busy.status() == "QUEUED":
        time.sleep(0.05)
    seconds = []
    for _ in range(times):
        began = time.perf_counter()
        assert busy.status() == "RUNNING", "the simulation must still be busy"
        seconds.append(time.perf_counter() - began)
        time.sleep(0.02)
    busy.cancel()
    return seconds


def one_client(service: Any) -> int:
    """How many of its jobs a client gets counts of."""
    backend = service.backend(DEVICE)
    jobs = [SamplerV2(mode=backend).run([trivial()], shots=50) for _ in range(EACH)]
    return sum(job.result(poll_interval=0.1)[0].data.meas.num_shots == 50 for job in jobs)


def many_clients() -> int:
    services = [QiskitRuntimeService() for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as threads:
        return sum(threads.map(one_client, services))


def after_a_kill(folder: str, port: int, jobs: Sequence[Any]) -> int:
    """How many of the jobs that a killed service had give counts once it is started again."""
    with emulator(folder, port):
        service = QiskitRuntimeService()
        again = [service.job(job.job_id()) for job in jobs]
        return sum(job.result(poll_interval=0.1)[0].data.meas.num_shots == 100 for job in again)


def main() -> None:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        with emulator(folder, port) as process:
            service = QiskitRuntimeService()
            backend = service.backend(DEVICE)
            submitted_to_decoded(backend, 3)
            # IBM's client reads its callers at each request, which takes long below the frames of ``python -m``.
            with ThreadPoolExecutor(1) as apart:
                quick = apart.submit(submitted_to_decoded, backend, 50).result()
            states = status_while_busy(service, 100)
            counted = many_clients()
            Service(os.environ["IAM_URL"]).ask("PATCH", "/settings", {"queue_s": QUEUE})
            jobs = [SamplerV2(mode=backend).run([trivial()], shots=100) for _ in range(JOBS)]
            process.kill()
            process.wait()
        kept = after_a_kill(folder, port, jobs)
    made = as_table(
        {
            "trivial job, from submission to counts, beside the client's pauses, median": milliseconds(median(quick)),
            "the same, 95th percentile": milliseconds(percentile(quick)),
            "state of a job while a simulation runs, 95th percentile": milliseconds(percentile(states)),
            f"counts for {CLIENTS} clients at once": f"{counted} of {CLIENTS * EACH} jobs",
            "counts after `kill -9` with jobs in the queue, and a new start": f"{kept} of {JOBS} jobs",
        }
    )
    print(made)
    write_table(DOCUMENT, MARK, made)


def as_table(figures: Mapping[str, str]) -> str:
    return "\n".join(
        ["| by the genuine client | |", "|---|---|", *(f"| {what} | {it} |" for what, it in figures.items())]
    )


def milliseconds(seconds: float) -> str:
    return f"{1e3 * seconds:.0f} ms"


def percentile(seconds: list[float]) -> float:
    return quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    main()
