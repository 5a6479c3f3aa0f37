"""What tests ask of an emulated service, and of a provider at it."""

from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import generate_preset_pass_manager

from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers import JobState
from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.run import Run
from tests.prefect_qpu.emulator.emulators import Emulator, eventually

KEY = "hunter2-is-no-key"


def isa(provider: IBMQuantumProvider, circuit: QuantumCircuit, shots: int) -> SamplerPub:
    compiled = generate_preset_pass_manager(1, target=provider.target(), seed_transpiler=7).run(circuit)
    return SamplerPub.coerce((compiled, None, shots))


def bought(server: Emulator, tag: str) -> list[dict[str, Any]]:
    """The jobs of a tag that the emulator really has, also those that nobody was told of."""
    return [job for job in server.ask("GET", "/jobs?limit=1000")["jobs"] if tag in job["tags"]]


def request_of(run: Run) -> str:
    return run.store.submissions.for_run(run.id)[PRIMARY].request_hash


def faults(server: Emulator, method: str, path: str, **fault: Any) -> None:
    server.ask("PUT", "/faults", [{"method": method, "path": path, **fault}])


def job_faults(server: Emulator, **fault: Any) -> None:
    server.ask("PUT", "/job-faults", [fault])


def finished(provider: IBMQuantumProvider, job_id: str) -> JobState:
    return eventually(lambda: (state := provider.status([job_id])[0].state).final and state)
