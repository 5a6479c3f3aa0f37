"""How long the states of many open jobs take to read, in how many requests, and how much memory they need.

    python -m benchmarks.open_jobs 10000

The emulator runs in a process of its own and holds as many queued jobs; the genuine client asks. The requests are
compared with asking job by job, of which 200 are timed.
"""

import os
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import generate_preset_pass_manager

from prefect_qpu.providers import JobRequest, JobState
from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_jobs import FEW
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from tests.prefect_qpu.emulator.emulators import Emulator, emulator

ALONE = 200
ENDED = 100
PAGE = 500


def main(number: int) -> None:
    with tempfile.TemporaryDirectory() as folder, emulator(Path(folder), "--device", "manila") as server:
        os.environ.update(server.environment)
        provider = provider_at(server)
        job_ids = fill(server, provider, number)
        report(server, provider, job_ids, "all wait")
        for job_id in job_ids[:: max(1, number // ENDED)]:
            provider.cancel(job_id)
        report(server, provider, job_ids, f"{ENDED} have ended")
        alone(provider, job_ids[:ALONE], number)


def provider_at(server: Emulator) -> IBMQuantumProvider:
    told = server.environment
    account = IBMAccount(SecretStr("benchmark"), told["QISKIT_IBM_INSTANCE"], url=told["QISKIT_IBM_URL"])
    return IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), account)


def fill(server: Emulator, provider: IBMQuantumProvider, number: int) -> list[str]:
    """Jobs that wait; the emulator carries each request out many times."""
    circuit = QuantumCircuit(1)
    circuit.measure_all()
    isa = generate_preset_pass_manager(1, target=provider.target()).run(circuit)
    server.set(queue_s=1_000_000)
    started = time.perf_counter()
    server.ask("PUT", "/faults", [{"method": "POST", "path": "/jobs", "duplicates": number - 1}])
    careless(provider).submit(JobRequest((SamplerPub.coerce((isa, None, 1)),), "many"))
    pages = (server.ask("GET", f"/jobs?limit={PAGE}&offset={start}")["jobs"] for start in range(0, number, PAGE))
    job_ids = [job["id"] for page in pages for job in page]
    print(f"{len(job_ids)} jobs accepted in {time.perf_counter() - started:.0f} s")
    return job_ids


def careless(provider: IBMQuantumProvider) -> IBMQuantumProvider:
    class Careless(IBMQuantumProvider):
        def _without_twins(self, job_id: str, tag: str) -> str:  # noqa: ARG002
            return job_id

    return Careless(provider._spec, provider._account)  # noqa: SLF001


def report(server: Emulator, provider: IBMQuantumProvider, job_ids: Sequence[str], title: str) -> None:
    seconds, requests, grown, states = timed(server, provider, job_ids)
    told = {state: sum(item.state is state for item in states) for state in JobState}
    shown = ", ".join(f"{count} {state}" for state, count in told.items() if count)
    print(f"{title}: {seconds:.2f} s, {requests} requests, {grown:.1f} MB more at the peak ({shown})")


def timed(server: Emulator, provider: IBMQuantumProvider, job_ids: Sequence[str]) -> tuple[float, int, float, Any]:
    server.ask("DELETE", "/requests")
    before, started = peak(), time.perf_counter()
    states = provider.status(job_ids)
    seconds = time.perf_counter() - started
    return seconds, len(server.ask("GET", "/requests")), peak() - before, states


def alone(provider: IBMQuantumProvider, job_ids: Sequence[str], number: int) -> None:
    started = time.perf_counter()
    for start in range(0, len(job_ids), FEW):
        provider.status(job_ids[start : start + FEW])
    seconds = (time.perf_counter() - started) / len(job_ids) * number
    print(f"job by job: {seconds:.0f} s, {number} requests (from {len(job_ids)} of them)")


def peak() -> float:
    """Megabytes that this process held at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
