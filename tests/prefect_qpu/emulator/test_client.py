"""The genuine client, unpatched, against the emulator."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit_ibm_runtime import Batch, SamplerV2, Session
from qiskit_ibm_runtime.exceptions import (
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobMaxTimeoutError,
    RuntimeJobNotFound,
)

from tests.prefect_qpu.emulator.emulators import Emulator, client, eventually, run_user_code

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

Isa = Callable[[QuantumCircuit], QuantumCircuit]


def seeded(mode: Any, seed: int = 7) -> SamplerV2:
    sampler = SamplerV2(mode=mode)
    sampler.options.simulator.seed_simulator = seed
    return sampler


def test_the_devices_are_listed(service: Any) -> None:
    assert [backend.name for backend in service.backends()] == ["ibm_manila", "ibm_torino"]
    assert service.least_busy(min_num_qubits=100).name == "ibm_torino"


def test_a_device_tells_its_target_properties_and_status(service: Any) -> None:
    backend = service.backend("ibm_torino")
    assert backend.target.num_qubits == 133
    assert backend.target["cz"][(0, 1)].error > 0
    assert 1e-6 < backend.properties().t1(0) < 1e-2
    assert backend.status().operational
    assert backend.configuration().max_shots == 100_000


def test_the_calibration_is_dated_in_utc(backend: Any) -> None:
    last = backend.properties().last_update_date
    age = datetime.now(UTC) - last
    assert timedelta(0) <= age < timedelta(hours=1, minutes=1)


def test_a_sampler_job_runs_with_the_noise_of_the_device(backend: Any, bell: QuantumCircuit) -> None:
    job = SamplerV2(mode=backend).run([bell], shots=4000)
    counts = job.result(poll_interval=0.1)[0].data.meas.get_counts()
    assert sum(counts.values()) == 4000
    assert 0 < counts.get("01", 0) + counts.get("10", 0) < 800
    assert abs(counts["00"] - counts["11"]) < 600


def test_parameter_sets_keep_their_shape_and_registers_their_names(backend: Any, isa: Isa) -> None:
    from qiskit import ClassicalRegister, QuantumRegister

    angle = Parameter("angle")
    qubits, first, second = QuantumRegister(2), ClassicalRegister(1, "first"), ClassicalRegister(1, "second")
    circuit = QuantumCircuit(qubits, first, second)
    circuit.rx(angle, 0)
    circuit.x(1)
    circuit.measure(0, first[0])
    circuit.measure(1, second[0])
    data = (
        seeded(backend)
        .run([(isa(circuit), np.array([[0.0, np.pi], [np.pi, 0.0]]), 500)])
        .result(poll_interval=0.1)[0]
        .data
    )
    assert data.first.shape == data.second.shape == (2, 2)
    ones = data.first.to_bool_array().mean(axis=(-2, -1))
    assert np.all((ones > 0.5) == [[False, True], [True, False]])
    assert data.second.to_bool_array().mean() > 0.9


def test_shots_come_in_random_order(backend: Any, bell: QuantumCircuit) -> None:
    bits = seeded(backend).run([bell], shots=2000).result(poll_interval=0.1)[0].data.meas.to_bool_array()[:, 0]
    assert abs(bits[:1000].mean() - bits[1000:].mean()) < 0.15


def test_a_seed_gives_the_same_outcomes_again(backend: Any, bell: QuantumCircuit) -> None:
    jobs = [seeded(backend, seed).run([bell], shots=300) for seed in (1, 1, 2)]
    first, again, other = (job.result(poll_interval=0.1)[0].data.meas for job in jobs)
    assert first == again
    assert first != other


def test_execution_spans_tell_when_the_job_ran(backend: Any, bell: QuantumCircuit) -> None:
    spans = SamplerV2(mode=backend).run([bell, bell]).result(poll_interval=0.1).metadata["execution"]["execution_spans"]
    assert spans.pub_idxs == [0, 1]
    assert spans.duration >= 0


def test_inputs_come_back(backend: Any, bell: QuantumCircuit) -> None:
    inputs = SamplerV2(mode=backend).run([bell], shots=17).inputs
    assert inputs["pubs"][0][2] == 17
    assert inputs["pubs"][0][0] == bell


def test_jobs_are_found_by_all_their_tags(service: Any, backend: Any, bell: QuantumCircuit) -> None:
    sampler = SamplerV2(mode=backend)
    sampler.options.environment.job_tags = ["tag-one", "tag-two"]
    job = sampler.run([bell])
    sampler.options.environment.job_tags = ["tag-one"]
    sampler.run([bell])
    assert [found.job_id() for found in service.jobs(job_tags=["tag-one", "tag-two"])] == [job.job_id()]
    assert len(service.jobs(job_tags=["tag-one"])) == 2
    assert service.jobs(job_tags=["tag-three"]) == []


def test_tags_can_be_replaced(service: Any, backend: Any, bell: QuantumCircuit) -> None:
    job = SamplerV2(mode=backend).run([bell])
    job.update_tags(["renamed"])
    assert service.job(job.job_id()).tags == ["renamed"]
    assert [found.job_id() for found in service.jobs(job_tags=["renamed"])] == [job.job_id()]


def test_jobs_are_searched_by_state_time_and_page(service: Any, backend: Any, bell: QuantumCircuit) -> None:
    before = datetime.now(UTC)
    sampler = SamplerV2(mode=backend)
    jobs = [sampler.run([bell]) for _ in range(3)]
    for job in jobs:
        job.result(poll_interval=0.1)
    found = service.jobs(created_after=before, pending=False, descending=False)
    assert [item.job_id() for item in found] == [job.job_id() for job in jobs]
    assert service.jobs(created_after=before, pending=True) == []
    assert [item.job_id() for item in service.jobs(limit=1, skip=1)] == [jobs[1].job_id()]


def test_metrics_tell_when_a_job_ran_and_what_it_cost(service: Any, backend: Any, bell: QuantumCircuit) -> None:
    used = service.usage()["usage_consumed_seconds"]
    job = SamplerV2(mode=backend).run([bell], shots=1000)
    job.result(poll_interval=0.1)
    stamps = [datetime.fromisoformat(job.metrics()["timestamps"][key]) for key in ("created", "running", "finished")]
    assert stamps == sorted(stamps)
    assert job.usage() == job.usage_estimation["quantum_seconds"] == 2.35
    assert service.usage()["usage_consumed_seconds"] == pytest.approx(used + 2.35)


def test_the_calibration_of_a_job_is_remembered(service: Any, server: Emulator, bell: QuantumCircuit) -> None:
    backend = service.backend("ibm_manila")
    job = SamplerV2(mode=backend).run([bell])
    job.result(poll_interval=0.1)
    then = backend.properties().t1(0)
    server.ask("POST", "/backends/ibm_manila/calibrate")
    assert backend.properties(refresh=True).t1(0) != then
    assert job.properties(refresh=True).t1(0) == then


def test_a_queued_job_can_be_cancelled(server: Emulator, backend: Any, bell: QuantumCircuit) -> None:
    server.set(queue_s=600)
    job = SamplerV2(mode=backend).run([bell])
    assert job.status() == "QUEUED"
    job.cancel()
    assert job.status() == "CANCELLED"
    with pytest.raises(RuntimeInvalidStateError):
        job.result(poll_interval=0.1)


def test_a_running_job_can_be_cancelled_and_the_next_one_runs(
    server: Emulator, backend: Any, bell: QuantumCircuit
) -> None:
    server.set(run_s=600)
    job = SamplerV2(mode=backend).run([bell])
    eventually(lambda: job.status() == "RUNNING")
    job.cancel()
    server.set(run_s=0)
    assert (
        SamplerV2(mode=backend).run([bell], shots=10).result(timeout=30, poll_interval=0.1)[0].data.meas.num_shots == 10
    )


def test_a_simulation_that_is_cancelled_ends(service: Any, isa: Isa) -> None:
    backend = service.backend("ibm_manila")
    circuit = QuantumCircuit(5)
    for _ in range(150):
        circuit.sx(range(5))
        circuit.cx(0, 1)
    circuit.measure_all()
    long = SamplerV2(mode=backend).run([isa(circuit)] * 20, shots=100_000)
    eventually(lambda: long.status() == "RUNNING")
    long.cancel()
    short = QuantumCircuit(1)
    short.measure_all()
    assert SamplerV2(mode=backend).run([isa(short)], shots=1).result(timeout=15, poll_interval=0.1) is not None


def test_an_ended_job_cannot_be_cancelled(backend: Any, bell: QuantumCircuit) -> None:
    job = SamplerV2(mode=backend).run([bell])
    job.result(poll_interval=0.1)
    with pytest.raises(RuntimeInvalidStateError):
        job.cancel()


def test_a_job_that_takes_longer_than_allowed_is_ended(backend: Any, bell: QuantumCircuit) -> None:
    sampler = SamplerV2(mode=backend)
    sampler.options.max_execution_time = 3
    job = sampler.run([bell], shots=10_000)
    with pytest.raises(RuntimeJobMaxTimeoutError):
        job.result(poll_interval=0.1)


def test_a_deleted_job_is_gone(service: Any, backend: Any, bell: QuantumCircuit) -> None:
    job = SamplerV2(mode=backend).run([bell])
    job.result(poll_interval=0.1)
    service.delete_job(job.job_id())
    with pytest.raises(RuntimeJobNotFound):
        service.job(job.job_id())


def test_users_do_not_see_each_others_jobs(server: Emulator, backend: Any, bell: QuantumCircuit) -> None:
    job = SamplerV2(mode=backend).run([bell])
    other = client(server, "another key")
    assert other.jobs() == []
    with pytest.raises(RuntimeJobNotFound):
        other.job(job.job_id())


def test_a_circuit_that_the_device_cannot_run_fails_with_the_reason(backend: Any) -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.measure([0, 1], [0, 1])
    job = backend.service._run(
        program_id="sampler",
        inputs={"pubs": [(circuit, None, 100)], "options": {}, "version": 2},
        options={"backend": backend},
    )
    eventually(lambda: job.status() == "ERROR")
    assert "h on qubits [0]" in job.error_message()


def test_a_dry_run_answers_with_random_bits_and_costs_nothing(service: Any, isa: Isa, backend: Any) -> None:
    used = service.usage()["usage_consumed_seconds"]
    circuit = QuantumCircuit(2)
    circuit.measure_all()
    bits = SamplerV2(mode=backend).run([isa(circuit)], shots=1000, dry_run=True).result(poll_interval=0.1)[0].data.meas
    assert 0.4 < bits.to_bool_array().mean() < 0.6
    assert service.usage()["usage_consumed_seconds"] == used


@pytest.mark.parametrize("kind", [Session, Batch])
def test_a_session_runs_jobs_until_it_is_closed(kind: Any, backend: Any, bell: QuantumCircuit) -> None:
    with kind(backend=backend) as session:
        jobs = [SamplerV2(mode=session).run([bell], shots=10) for _ in range(2)]
        assert all(job.result(poll_interval=0.1)[0].data.meas.num_shots == 10 for job in jobs)
        assert {job.session_id for job in jobs} == {session.session_id}
        assert session.details()["state"] == "active"
    eventually(lambda: session.status() == "Closed")
    assert session.usage() > 0


def test_a_closed_session_takes_no_more_jobs(backend: Any, bell: QuantumCircuit) -> None:
    session = Session(backend=backend)
    job_of = SamplerV2(mode=session)
    session.close()
    assert session.details()["state"] == "closed"
    session._active = True
    with pytest.raises(IBMRuntimeError, match="Session has been closed"):
        job_of.run([bell])


def test_a_session_has_the_device_to_itself(backend: Any, bell: QuantumCircuit) -> None:
    session = Session(backend=backend)
    SamplerV2(mode=session).run([bell], shots=1).result(poll_interval=0.1)
    outside = SamplerV2(mode=backend).run([bell], shots=1)
    SamplerV2(mode=session).run([bell], shots=1).result(poll_interval=0.1)
    assert outside.status() == "QUEUED"
    session.close()
    assert outside.result(timeout=10, poll_interval=0.1) is not None


def test_jobs_that_still_wait_when_a_session_is_over_fail(server: Emulator, backend: Any, bell: QuantumCircuit) -> None:
    session = Session(backend=backend, max_time=1)
    SamplerV2(mode=session).run([bell], shots=1).result(poll_interval=0.1)
    server.set(queue_s=600)
    late = SamplerV2(mode=session).run([bell], shots=1)
    eventually(lambda: late.status() == "ERROR")
    assert "Session has been closed" in late.error_message()


def test_the_inputs_of_a_private_job_are_not_shown(backend: Any, bell: QuantumCircuit) -> None:
    sampler = SamplerV2(mode=backend)
    sampler.options.environment.private = True
    job = sampler.run([bell], shots=5)
    assert job.result(poll_interval=0.1)[0].data.meas.num_shots == 5
    assert job.inputs == {}


def test_a_job_may_ask_for_an_earlier_calibration(server: Emulator, service: Any, bell: QuantumCircuit) -> None:
    now = service.backend("ibm_manila").properties().t1(0)
    server.ask("POST", "/backends/ibm_manila/calibrate")
    first = service.backend("ibm_manila", calibration_id="ibm_manila-000000")
    assert first.properties().t1(0) != service.backend("ibm_manila").properties().t1(0) != now
    job = SamplerV2(mode=first).run([bell])
    job.result(poll_interval=0.1)
    assert job.metrics()["calibration_id"] == "ibm_manila-000000"


def test_sixteen_clients_at_once_lose_nothing(server: Emulator, bell: QuantumCircuit) -> None:
    def work(number: int) -> list[tuple[str, int]]:
        own = client(server, f"client {number}").backend("ibm_manila")
        jobs = [(SamplerV2(mode=own).run([bell], shots=100 * number + turn), turn) for turn in range(1, 4)]
        return [
            (job.job_id(), job.result(poll_interval=0.1)[0].data.meas.num_shots - 100 * number - turn)
            for job, turn in jobs
        ]

    with ThreadPoolExecutor(16) as pool:
        answers = [answer for answers in pool.map(work, range(16)) for answer in answers]
    assert len({job_id for job_id, _ in answers}) == 48
    assert {difference for _, difference in answers} == {0}


USER_CODE = """
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import generate_preset_pass_manager
from qiskit_ibm_runtime import QiskitRuntimeService, SamplerV2 as Sampler

service = QiskitRuntimeService()
backend = service.least_busy(simulator=False, operational=True, min_num_qubits=127)
circuit = QuantumCircuit(3)
circuit.h(0)
circuit.cx(0, 1)
circuit.cx(1, 2)
circuit.measure_all()
pm = generate_preset_pass_manager(backend=backend, optimization_level=1)
job = Sampler(mode=backend).run([pm.run(circuit)], shots=2048)
print(backend.name, job.status() in ("QUEUED", "RUNNING", "DONE"))
print(sum(job.result()[0].data.meas.get_counts().values()), service.job(job.job_id()).status())
"""


def test_ordinary_user_code_runs_with_only_the_environment_changed(server: Emulator, tmp_path: Path) -> None:
    script = tmp_path / "user_code.py"
    script.write_text(USER_CODE)
    done = run_user_code(script, server.environment)
    assert done.stdout.split() == ["ibm_torino", "True", "2048", "DONE"], done.stderr
