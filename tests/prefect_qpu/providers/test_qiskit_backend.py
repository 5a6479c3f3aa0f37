"""Any Qiskit backend as a provider: simulators that run here, and a vendor whose service keeps the jobs."""

import traceback
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, transpile
from qiskit.circuit import Clbit, Parameter
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.providers import JobStatus

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import (
    BackendError,
    CircuitError,
    InvalidResultError,
    JobCancelledError,
    JobFailedError,
    JobLostError,
    JobRefusedError,
    ProviderError,
    ProviderUnavailableError,
)
from prefect_qpu.providers import JobRequest, JobState, Provider, qiskit_backend
from prefect_qpu.providers.qiskit_backend import QiskitBackendProvider
from prefect_qpu.providers.qiskit_batches import MOST_REPEATS, batches_by_shots, counts_of, one_batch
from prefect_qpu.providers.qiskit_spec import QiskitBackendSpec
from prefect_qpu.records import RecordStore
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import mitigate, poll, submit
from tests.experiments import ghz
from tests.prefect_qpu.emulator.emulators import eventually
from tests.prefect_qpu.providers.lab import KEPT, LabDevice, LabError, LabJob, LabProvider, LabResult, QuietJob

HERE = {
    "aer": QiskitBackendSpec(source="qiskit_aer:AerSimulator"),
    "fake": QiskitBackendSpec(source="qiskit_ibm_runtime.fake_provider:FakeManilaV2"),
    "basic": QiskitBackendSpec(source="qiskit.providers.basic_provider:BasicSimulator"),
    "generic": QiskitBackendSpec(
        source="qiskit.providers.fake_provider:GenericBackendV2", arguments={"num_qubits": 5, "seed": 3}
    ),
}
LAB = {
    "source": "tests.prefect_qpu.providers.lab:LabProvider",
    "arguments": {"url": "lab.example"},
    "backend": "lab-7",
    "simulator": False,
}
TAGGED = {"tagging": {"job_tags": ["{tag}"]}, "search": {"method": "jobs", "arguments": {"job_tags": ["{tag}"]}}}


def lab(**settings: Any) -> QiskitBackendProvider:
    from prefect_qpu.providers.qiskit_spec import JobSearch

    if isinstance(settings.get("search"), dict):
        settings["search"] = JobSearch(**settings["search"])
    provider = QiskitBackendProvider(QiskitBackendSpec(**{**LAB, **settings}), {"token": SecretStr("sesame")})
    assert provider.name == "lab-7"
    return provider


@pytest.fixture(params=HERE)
def local(request: pytest.FixtureRequest) -> QiskitBackendProvider:
    return QiskitBackendProvider(HERE[request.param])


@pytest.fixture
def tag(request: pytest.FixtureRequest) -> str:
    return request.node.name


def flips(provider: QiskitBackendProvider) -> QuantumCircuit:
    """Bit 0 by a parameter, bit 2 always; in two registers whose names are not in order."""
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "z"), ClassicalRegister(2, "a"))
    circuit.rx(Parameter("angle"), 0)
    circuit.x(2)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return transpile(circuit, target=provider.target(), seed_transpiler=1)


def swept(provider: QiskitBackendProvider, shots: Sequence[int] = (100, 300)) -> tuple[SamplerPub, ...]:
    circuit = flips(provider)
    first = SamplerPub.coerce((circuit, [[0.0], [np.pi], [0.0]], shots[0]))
    return (first, *(SamplerPub.coerce((circuit, [[[0.0], [np.pi]]], number)) for number in shots[1:]))


def done(provider: QiskitBackendProvider, job_id: str) -> None:
    eventually(lambda: provider.status([job_id])[0].state is JobState.DONE)


def likely(bits: Any) -> str:
    counts = bits.get_counts()
    return str(max(counts, key=counts.get))


def test_parameters_shots_and_registers_come_back_as_they_were_sent(local: QiskitBackendProvider, tag: str) -> None:
    pubs = swept(local)
    job_id = local.submit(JobRequest(pubs, tag, seed=5))
    done(local, job_id)
    first, second = local.result(job_id).counts
    assert [(bits.shape, bits.num_shots, bits.num_bits) for bits in (first, second)] == [
        ((3,), 100, 3),
        ((1, 2), 300, 3),
    ]
    assert [likely(first[index]) for index in range(3)] == ["100", "101", "100"]
    assert [likely(second[0, index]) for index in range(2)] == ["100", "101"]


def test_the_seed_decides_the_counts_and_is_recorded(tag: str) -> None:
    provider = QiskitBackendProvider(HERE["fake"])
    results = []
    for seed in (5, 5, 6):
        job_id = provider.submit(JobRequest(swept(provider), tag, seed=seed))
        done(provider, job_id)
        results.append(provider.result(job_id))
    assert [result.metadata["seed"] for result in results] == [5, 5, 6]
    arrays = [np.concatenate([bits.array.ravel() for bits in result.counts]) for result in results]
    assert (arrays[0] == arrays[1]).all()
    assert (arrays[0] != arrays[2]).any()


def test_a_local_simulator_keeps_its_jobs_in_this_process(
    local: QiskitBackendProvider, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeps: Provider = local
    assert isinstance(keeps, Provider)
    assert (local.kind, local.simulator, local.durable, local.searchable) == ("qiskit", True, False, True)
    job_id = local.submit(JobRequest(swept(local), tag))
    assert [status.job_id for status in QiskitBackendProvider(local._spec).find(tag)] == [job_id]
    monkeypatch.setattr(qiskit_backend, "_sent", {})
    assert local.status([job_id])[0].state is JobState.LOST
    with pytest.raises(JobLostError):
        local.result(job_id)


def test_a_device_calibration_is_that_of_its_target_and_an_ideal_backend_has_none() -> None:
    from qiskit_ibm_runtime.fake_provider import FakeManilaV2

    fake = QiskitBackendProvider(HERE["fake"])
    assert fake.calibration() == Calibration.from_backend(FakeManilaV2())
    assert QiskitBackendProvider(HERE["aer"]).calibration() is None
    assert fake.limits().max_shots == 100_000


def test_a_whole_run_goes_through_a_fake_device(store: RecordStore) -> None:
    provider = QiskitBackendProvider(HERE["fake"])
    run = open_run(store, ghz(backend={"block": "qiskit-backend/manila"}, shots=1000), provider)
    submit(run)
    eventually(lambda: poll(run) == "finished")
    assert 0.6 < mitigate(run)["estimates"]["raw"]["parity"]["value"] <= 1


@pytest.fixture
def unlimited(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LabDevice, "most", None)


@pytest.mark.usefixtures("unlimited")
def test_a_job_at_a_device_is_one_and_is_retrieved_by_another_process(
    tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = lab(**TAGGED, options={"seed_simulator": 3})
    pubs = swept(provider, (200, 300))
    job_id = provider.submit(JobRequest(pubs, tag, seed=5))
    assert (provider.durable, provider.searchable, provider.simulator) == (True, True, False)
    assert KEPT[job_id].tags() == [tag]
    assert LabProvider.device.runs == [{"circuits": 3 * 2 + 2 * 3, "shots": 100, "seed_simulator": 5}]
    here = provider.result(job_id)
    monkeypatch.setattr(qiskit_backend, "_sent", {})
    other = lab(**TAGGED)
    assert [(status.job_id, status.state) for status in other.find(tag)] == [(job_id, JobState.DONE)]
    assert [bits.num_shots for bits in here.counts] == [200, 300]
    there = other.result(job_id, pubs)
    assert all((one == two) for one, two in zip(here.counts, there.counts, strict=True))
    with pytest.raises(InvalidResultError, match="needs the PUBs"):
        other.result(job_id)


def test_a_part_of_the_provider_may_give_the_backend() -> None:
    assert lab(method="hall.get_backend").target().num_qubits


def test_more_circuits_than_the_device_takes_are_refused_before_anything_is_sent(tag: str) -> None:
    provider = lab()
    with pytest.raises(JobRefusedError, match="make 12 circuits of 100 shots"):
        provider.submit(JobRequest(swept(provider, (200, 300)), tag))
    assert LabProvider.device.runs == []


def test_a_circuit_whose_bits_would_be_lost_is_refused(tag: str) -> None:
    circuit = QuantumCircuit([*QuantumRegister(1)], [Clbit()])
    circuit.measure(0, 0)
    with pytest.raises(CircuitError, match="each classical bit in one register"):
        lab().submit(JobRequest((SamplerPub.coerce((circuit, None, 10)),), tag))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (ConnectionResetError("cut"), ProviderUnavailableError),
        (LabError("busy", 503), ProviderUnavailableError),
        (LabError("slow down", 429), ProviderUnavailableError),
        (LabError("the gate is not mine", 400), JobRefusedError),
        (ValueError("the gate is not mine"), JobRefusedError),
    ],
)
@pytest.mark.parametrize("lost", [False, True], ids=["before", "after acceptance"])
def test_a_submission_that_fails_tells_whether_there_may_be_a_job(
    tag: str, error: Exception, kind: type[ProviderError], *, lost: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider = lab(**TAGGED)
    monkeypatch.setattr(LabDevice, "error", error)
    monkeypatch.setattr(LabDevice, "lost", lost)
    pub = SamplerPub.coerce((flips(provider).assign_parameters([0.0]), None, 10))
    with pytest.raises(ProviderError) as raised:
        provider.submit(JobRequest((pub,), tag))
    assert type(raised.value) is kind
    monkeypatch.setattr(LabDevice, "error", None)
    assert len(provider.find(tag)) == lost


def test_jobs_without_tags_are_never_taken_for_ours(tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = lab(**TAGGED)
    monkeypatch.setattr(LabDevice, "kept", QuietJob)
    pub = SamplerPub.coerce((flips(provider).assign_parameters([0.0]), None, 10))
    provider.submit(JobRequest((pub,), tag))
    with pytest.raises(ProviderError, match="without their tags"):
        provider.find(tag)


@pytest.mark.parametrize(
    ("told", "state", "error"),
    [
        (JobStatus.ERROR, JobState.FAILED, JobFailedError),
        (JobStatus.CANCELLED, JobState.CANCELLED, JobCancelledError),
        (JobStatus.VALIDATING, JobState.QUEUED, ProviderUnavailableError),
    ],
)
def test_a_job_without_a_result_tells_why(
    tag: str, told: JobStatus, state: JobState, error: type[ProviderError]
) -> None:
    provider = lab()
    pub = SamplerPub.coerce((flips(provider).assign_parameters([0.0]), None, 10))
    job_id = provider.submit(JobRequest((pub,), tag))
    KEPT[job_id].told = told
    assert provider.status([job_id, "unknown"])[0].state is state
    assert provider.status([job_id, "unknown"])[1].state is JobState.LOST
    with pytest.raises(error) as raised:
        provider.result(job_id)
    assert "sesame" not in str(raised.value)


def test_a_waiting_job_is_cancelled_and_a_finished_one_left(tag: str) -> None:
    provider = lab()
    pub = SamplerPub.coerce((flips(provider).assign_parameters([0.0]), None, 10))
    job_id = provider.submit(JobRequest((pub,), tag))
    provider.cancel(job_id)
    assert provider.status([job_id])[0].state is JobState.DONE
    KEPT[job_id].told = JobStatus.QUEUED
    provider.cancel(job_id)
    assert provider.status([job_id])[0].state is JobState.CANCELLED


@pytest.mark.parametrize(
    "counts",
    [
        {"100": 9},
        {"100": 9, "000": 2},
        {"10": 10},
        {"0100": 10},
        {"100": 9.5, "000": 0.5},
        {"x": 10},
        {"0x9": 10},
        [10],
        {},
    ],
    ids=str,
)
def test_counts_of_something_else_are_refused(tag: str, counts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = lab()
    pub = SamplerPub.coerce((flips(provider).assign_parameters([0.0]), None, 10))
    job_id = provider.submit(JobRequest((pub,), tag))
    monkeypatch.setattr(LabJob, "result", lambda self: LabResult([counts]))
    with pytest.raises(InvalidResultError, match=job_id):
        provider.result(job_id)


def test_a_secret_is_told_nowhere() -> None:
    refused = QiskitBackendProvider(QiskitBackendSpec(**LAB), {"token": SecretStr("swordfish")})
    with pytest.raises(ProviderError, match="401") as raised:
        refused.target()
    assert "swordfish" not in "".join(traceback.format_exception(raised.value))
    provider = lab()
    assert "sesame" not in repr(provider) + str(provider.describe()) + repr(provider._spec)


@pytest.mark.parametrize("arguments", [{"access_token": "sesame"}, {"headers": {"Authorization": "sesame"}}], ids=str)
def test_a_secret_among_the_recorded_arguments_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(BackendError, match="belongs into the block's secrets") as refused:
        QiskitBackendSpec(source="a:b", arguments=arguments)
    assert "sesame" not in "".join(traceback.format_exception(refused.value))


@pytest.mark.parametrize(
    "settings",
    [
        {"source": "no.such.package:Thing"},
        {"source": "tests.prefect_qpu.providers.lab:Nothing"},
        {"source": "tests.prefect_qpu.providers.lab:KEPT"},
        {"method": "nothing"},
        {"method": "jobs", "backend": None, "backend_arguments": {"job_tags": []}},
    ],
    ids=str,
)
def test_what_is_no_backend_is_refused(settings: dict[str, Any]) -> None:
    spec = QiskitBackendSpec(**{**LAB, **settings})
    with pytest.raises(BackendError):
        QiskitBackendProvider(spec, {"token": SecretStr("sesame")}).target()


def plain(shots: int, width: int = 1) -> SamplerPub:
    return SamplerPub.coerce((QuantumCircuit(width, width), None, shots))


@given(st.lists(st.integers(1, 40), min_size=1, max_size=5), st.integers(1, 50), st.integers(1, 4))
def test_every_batching_gives_each_circuit_its_shots(shots: list[int], most_shots: int, most_circuits: int) -> None:
    pubs = [plain(number) for number in shots]
    for batches in (one_batch(pubs, most_shots, None), batches_by_shots(pubs, most_circuits)):
        results = [LabResult([{str(pub % 2): batch.shots} for pub, _ in batch.places]) for batch in batches]
        counts = counts_of(pubs, batches, results, "job")
        assert [bits.get_counts() for bits in counts] == [{str(pub % 2): n} for pub, n in enumerate(shots)]
    assert all(len(batch.places) <= most_circuits for batch in batches_by_shots(pubs, most_circuits))
    assert one_batch(pubs, most_shots, None)[0].shots <= most_shots


def test_shots_without_a_common_divisor_are_refused_where_a_job_must_be_one() -> None:
    with pytest.raises(JobRefusedError, match="large common divisor"):
        one_batch([plain(MOST_REPEATS + 1), plain(1)], None, None)
