"""What a kill -9 leaves behind."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit

from tests.prefect_qpu.emulator.emulators import client, emulator, eventually, point

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore")]


def run(service: Any, shots: int, tag: str) -> Any:
    from qiskit_ibm_runtime import SamplerV2

    circuit = QuantumCircuit(1)
    circuit.x(0)
    circuit.measure_all()
    sampler = SamplerV2(mode=service.backend("ibm_manila"))
    sampler.options.environment.job_tags = [tag]
    return sampler.run([circuit], shots=shots)


def test_no_job_is_lost_when_the_emulator_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with emulator(tmp_path, "--device", "manila") as first:
        point(monkeypatch, first.environment)
        service = client(first, "key")
        done = run(service, 11, "done")
        result = done.result(poll_interval=0.1)[0].data.meas
        first.set(run_s=600)
        running = run(service, 12, "running")
        eventually(lambda: running.status() == "RUNNING")
        began = running.metrics()["timestamps"]["running"]
        queued = [run(service, shots, "queued") for shots in (13, 14)]
        cancelled = run(service, 15, "cancelled")
        cancelled.cancel()
        first.kill()
    with emulator(tmp_path, "--device", "manila", "--set", "run_s=0") as second:
        point(monkeypatch, second.environment)
        service = client(second, "key")
        again = {job.job_id(): job for job in service.jobs(limit=20)}
        assert again.keys() == {job.job_id() for job in (done, running, *queued, cancelled)}
        assert service.job(done.job_id()).result(poll_interval=0.1)[0].data.meas == result
        assert again[cancelled.job_id()].status() == "CANCELLED"
        unfinished = [again[job.job_id()] for job in (running, *queued)]
        assert [job.result(poll_interval=0.1)[0].data.meas.num_shots for job in unfinished] == [12, 13, 14]
        assert unfinished[0].metrics()["timestamps"]["running"] == began
        assert len(service.jobs(job_tags=["queued"])) == 2


def test_workers_end_with_a_killed_emulator(tmp_path: Path) -> None:
    with emulator(tmp_path, "--device", "manila") as running:
        workers = eventually(lambda: children(running.process.pid))
        running.kill()
        eventually(lambda: not any(Path(f"/proc/{pid}/cmdline").exists() for pid in workers))


def test_a_job_is_run_again_when_its_worker_dies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from qiskit_ibm_runtime import SamplerV2

    with emulator(tmp_path, "--device", "manila") as running:
        point(monkeypatch, running.environment)
        backend = client(running, "key").backend("ibm_manila")
        circuit = QuantumCircuit(5)
        for _ in range(60):
            circuit.sx(range(5))
            circuit.cx(0, 1)
        circuit.measure_all()
        job = SamplerV2(mode=backend).run([circuit] * 5, shots=30_000)
        eventually(lambda: job.status() == "RUNNING")
        eventually(lambda: len(children(running.process.pid)) == 2)
        for pid in children(running.process.pid):
            os.kill(pid, signal.SIGKILL)
        assert job.result(timeout=60, poll_interval=0.1)[4].data.meas.num_shots == 30_000


def children(pid: int) -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit() and parent(entry) == pid]


def parent(process: Path) -> int | None:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None
