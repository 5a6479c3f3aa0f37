"""The provider for IBM Quantum, with IBM's own client, against an emulator in a process of its own."""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit import Clbit
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub

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
from prefect_qpu.hashing import derive_seed
from prefect_qpu.jobs import Action, advance, complete
from prefect_qpu.latency import PRIMARY, utc_now
from prefect_qpu.providers import JobRequest, JobState, Provider, ibm_jobs
from prefect_qpu.providers.ibm import CALIBRATION_LIFE, IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_answers import RETRYABLE, job_status, moment
from prefect_qpu.providers.ibm_jobs import FEW, TAG
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import mitigate, submit
from tests.experiments import ghz
from tests.prefect_qpu.emulator.emulators import Emulator
from tests.prefect_qpu.providers.ibm_service import KEY, bought, faults, finished, isa, job_faults, request_of

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

QUEUED, RUNNING, DONE, CANCELLED = "Queued", "Running", "Completed", "Cancelled"


@pytest.fixture
def run(store: RecordStore, provider: IBMQuantumProvider, tag: str) -> Run:
    # A seed of its own: under the same request, a new store would adopt the job of another test.
    settings = {"backend": {"block": "ibm-quantum-backend/manila"}, "shots": 500, "seed": derive_seed(0, tag)}
    return open_run(store, ghz(**settings), provider)


def patiently(run: Run) -> None:
    for _ in range(50):
        try:
            complete(run, PRIMARY)
        except ProviderUnavailableError:
            continue
        return
    raise AssertionError("no end")


def test_a_run_goes_through_the_stages_and_buys_one_job(run: Run, server: Emulator) -> None:
    submit(run)
    patiently(run)
    parity = mitigate(run)["estimates"]["raw"]["parity"]
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert 0.5 < parity["value"] <= 1
    assert [job["id"] for job in bought(server, row.request_hash)] == [row.job_id]
    assert row.qpu_seconds == bought(server, row.request_hash)[0]["charged"] > 0
    stages = {span.stage: span for span in run.store.runs.spans(run.id) if span.source == "provider"}
    assert stages["queue"].ended_at == stages["execution"].started_at
    assert stages["execution"].seconds > 0


def test_an_answer_that_is_lost_after_acceptance_buys_no_second_job(run: Run, server: Emulator) -> None:
    faults(server, "POST", "/jobs", drop="answer")
    with pytest.raises(ProviderUnavailableError, match="submitting"):
        submit(run)
    assert advance(run, PRIMARY) is Action.ADOPT
    patiently(run)
    assert len(bought(server, request_of(run))) == 1


def test_poll_errors_buy_no_second_job(run: Run, server: Emulator) -> None:
    submit(run)
    faults(server, "GET", "/jobs/*", status=429, times=2)
    for _ in range(2):
        with pytest.raises(ProviderUnavailableError, match="429"):
            advance(run, PRIMARY)
    patiently(run)
    assert len(bought(server, request_of(run))) == 1


@pytest.mark.parametrize("path", ["/jobs/*", "/jobs/*/results"])
def test_a_job_that_is_unknown_for_a_moment_is_not_lost(run: Run, server: Emulator, path: str) -> None:
    submit(run)
    faults(server, "GET", path, status=404)
    patiently(run)
    assert len(bought(server, request_of(run))) == 1


def test_a_cancelled_job_is_not_bought_again(run: Run, provider: IBMQuantumProvider, server: Emulator) -> None:
    job_faults(server, stuck=QUEUED)
    job_id = submit(run).job_id
    assert job_id is not None
    provider.cancel(job_id)
    with pytest.raises(JobCancelledError):
        complete(run, PRIMARY)
    assert [job["state"] for job in bought(server, request_of(run))] == [CANCELLED]


def test_a_job_that_failed_by_its_own_fault_is_not_bought_again(run: Run, server: Emulator) -> None:
    job_faults(server, fail={"message": "The circuit is bad.", "code": 1002})
    submit(run)
    with pytest.raises(JobFailedError, match=r"code 1002: The circuit is bad\."):
        complete(run, PRIMARY)
    assert len(bought(server, request_of(run))) == 1


def test_a_job_that_failed_by_the_fault_of_the_service_is_attempted_again(run: Run, server: Emulator) -> None:
    job_faults(server, fail={"message": "Internal error.", "code": 9999})
    submit(run)
    first = request_of(run)
    patiently(run)
    assert run.store.submissions.for_run(run.id)[PRIMARY].attempt == 2
    assert [len(bought(server, hash_)) for hash_ in (first, request_of(run))] == [1, 1]


@pytest.mark.parametrize("kind", ["truncated", "garbled", "empty", "foreign"])
def test_an_answer_that_is_no_result_is_refused_and_the_job_kept(run: Run, server: Emulator, kind: str) -> None:
    job_faults(server, result=kind)
    submit(run)
    with pytest.raises(InvalidResultError, match="expected a PrimitiveResult"):
        complete(run, PRIMARY)
    assert len(bought(server, request_of(run))) == 1
    assert run.store.submissions.for_run(run.id)[PRIMARY].state != "done"


def test_an_answer_that_cannot_be_decoded_is_refused(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str
) -> None:
    job_id = provider.submit(JobRequest((bell,), tag))
    finished(provider, job_id)
    faults(server, "GET", "/jobs/*/results", body='{"__type__": "ndarray", "__value__": "AAAA"}')
    with pytest.raises(InvalidResultError, match="cannot be decoded"):
        provider.result(job_id)


@pytest.mark.parametrize(
    ("registers", "pubs", "message"),
    [
        ({"c": 2}, 1, r"registers \['c'\]"),
        ({"meas": 1}, 1, r"registers \['meas'\]"),
        ({"meas": 2, "more": 1}, 1, r"registers \['meas', 'more'\]"),
        ({"meas": 2}, 2, "2 results for 1 PUBs"),
    ],
)
def test_a_result_of_another_request_is_refused(
    provider: IBMQuantumProvider,
    bell: SamplerPub,
    server: Emulator,
    tag: str,
    registers: Mapping[str, int],
    pubs: int,
    message: str,
) -> None:
    from qiskit_ibm_runtime import RuntimeEncoder

    job_id = provider.submit(JobRequest((bell,), tag))
    finished(provider, job_id)
    data = DataBin(**{name: BitArray.from_counts({"0": 100}, width) for name, width in registers.items()})
    wrong = PrimitiveResult([SamplerPubResult(data)] * pubs)
    faults(server, "GET", "/jobs/*/results", body=json.dumps(wrong, cls=RuntimeEncoder))
    with pytest.raises(InvalidResultError, match=message):
        provider.result(job_id)


def test_jobs_that_the_client_multiplied_are_reduced_to_one(
    provider: IBMQuantumProvider, run: Run, server: Emulator
) -> None:
    server.set(run_s=600)
    faults(server, "POST", "/jobs", status=504, accept=True, times=2)
    job_id = submit(run).job_id
    jobs = {job["id"]: job["state"] for job in bought(server, request_of(run))}
    assert len(jobs) == 3
    assert jobs.pop(job_id) in {QUEUED, RUNNING}
    assert set(jobs.values()) == {CANCELLED}
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert run.store.waiting.surplus(row.id) == dict.fromkeys(jobs, "cancelled")
    provider.cancel(job_id)


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    [
        ({"status": 429, "retry_after": 7}, ProviderUnavailableError, 7),
        ({"drop": "request"}, ProviderUnavailableError, None),
        ({"drop": "middle"}, ProviderUnavailableError, None),
        ({"body": "{}"}, ProviderUnavailableError, None),
        ({"body": "no json"}, ProviderUnavailableError, None),
        ({"status": 400}, JobRefusedError, None),
        ({"status": 404}, JobRefusedError, None),
        ({"status": 409}, JobRefusedError, None),
    ],
)
def test_a_submission_that_fails_tells_whether_there_may_be_a_job(
    provider: IBMQuantumProvider,
    bell: SamplerPub,
    server: Emulator,
    tag: str,
    fault: dict[str, Any],
    error: type[ProviderError],
    retry_after: float | None,
) -> None:
    faults(server, "POST", "/jobs", **fault)
    with pytest.raises(ProviderError) as refused:
        provider.submit(JobRequest((bell,), tag))
    assert type(refused.value) is error
    assert getattr(refused.value, "retry_after", None) == retry_after
    assert [status.job_id for status in provider.find(tag)] == [job["id"] for job in bought(server, tag)]


def test_an_access_token_that_is_refused_is_renewed(provider: IBMQuantumProvider, server: Emulator) -> None:
    provider.target()
    server.ask("POST", "/tokens/expire")
    assert provider.find("nothing") == []


def test_access_that_stays_refused_is_told_without_the_key(provider: IBMQuantumProvider, server: Emulator) -> None:
    told = f"Unknown key {KEY}; header: Authorization: Bearer abc.def.ghi, apikey {KEY}"
    faults(server, "GET", "/jobs", times=None, status=401, body=told)
    with pytest.raises(ProviderError, match="401") as refused:
        provider.find("nothing")
    assert not refused.value.retryable
    assert (refused.value.__cause__, refused.value.__context__) == (None, None)
    shown = "".join(traceback.format_exception(refused.value))
    assert "abc.def" not in shown
    assert KEY not in shown + repr(provider) + repr(vars(provider)) + str(provider.describe())


def test_a_key_that_cannot_be_exchanged_now_may_be_later(provider: IBMQuantumProvider, server: Emulator) -> None:
    faults(server, "POST", "/identity/token", status=503)
    with pytest.raises(ProviderUnavailableError, match="connecting"):
        provider.target()
    assert provider.target().num_qubits == 5


def test_an_instance_that_is_not_ones_own_is_refused(account: IBMAccount) -> None:
    other = replace(account, instance="crn:v1:bluemix:public:quantum-computing:us-east:a/x:0-e::")
    with pytest.raises(ProviderError, match="does not have access"):
        IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), other).target()


def test_an_unknown_backend_is_refused_with_the_names_of_the_others(account: IBMAccount) -> None:
    with pytest.raises(BackendError, match=r"ibm_nowhere.*ibm_manila"):
        IBMQuantumProvider(IBMBackendSpec(backend="ibm_nowhere"), account).target()


def test_a_list_of_backends_that_cannot_be_read_is_not_taken_for_an_empty_one(
    provider: IBMQuantumProvider, server: Emulator
) -> None:
    faults(server, "GET", "/backends", status=429, times=None)
    with pytest.raises(ProviderUnavailableError, match="429"):
        provider.target()


def test_unknown_options_are_refused_before_anything_is_sent(account: IBMAccount) -> None:
    with pytest.raises(BackendError, match="twirlling"):
        IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila", options={"twirlling": {}}), account).target()


def test_the_least_busy_backend_is_chosen_once(account: IBMAccount, server: Emulator) -> None:
    provider = IBMQuantumProvider(IBMBackendSpec(min_qubits=5), account)
    assert provider.name == "ibm_manila"
    sent = len(server.ask("GET", "/requests"))
    assert provider.describe()["name"] == "ibm_manila"
    assert len(server.ask("GET", "/requests")) == sent
    with pytest.raises(BackendError, match="6 qubits or more"):
        IBMQuantumProvider(IBMBackendSpec(min_qubits=6), account).target()


def test_options_of_backend_and_request_reach_the_service(account: IBMAccount, bell: SamplerPub, tag: str) -> None:
    options = {"dynamical_decoupling": {"enable": True, "sequence_type": "XY4"}, "environment": {"job_tags": ["mine"]}}
    provider = IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila", options=options), account)
    more = {"twirling": {"enable_gates": True}, "dynamical_decoupling": {"sequence_type": "XX"}}
    other = SamplerPub(bell.circuit, shots=50)
    job = account.connect().job(provider.submit(JobRequest((bell, other), tag, options=more)))
    assert job.tags == [tag, TAG, "mine"]
    assert [pub[2] for pub in job.inputs["pubs"]] == [100, 50]
    assert job.inputs["options"]["dynamical_decoupling"] == {"enable": True, "sequence_type": "XX"}
    assert job.inputs["options"]["twirling"] == {"enable_gates": True}
    assert provider.describe()["options"] == options


@pytest.mark.parametrize("forgotten", [False, True], ids=["same process", "another process"])
def test_registers_are_joined_in_the_order_of_the_classical_bits(
    provider: IBMQuantumProvider, account: IBMAccount, tag: str, *, forgotten: bool
) -> None:
    circuit = QuantumCircuit(QuantumRegister(3), ClassicalRegister(1, "z"), ClassicalRegister(2, "a"))
    circuit.x([0, 2])
    circuit.measure([0, 1, 2], [0, 1, 2])
    job_id = provider.submit(JobRequest((isa(provider, circuit, 400),), tag))
    finished(provider, job_id)
    reader = IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), account) if forgotten else provider
    counts = reader.result(job_id).counts[0].get_counts()
    assert max(counts, key=counts.__getitem__) == "101"
    assert sum(counts.values()) == 400


@pytest.mark.parametrize(
    "circuit", [QuantumCircuit([*QuantumRegister(1)], [Clbit()]), QuantumCircuit(1, 1)], ids=["no register", "two"]
)
def test_classical_bits_that_would_be_lost_are_refused_before_anything_is_bought(
    provider: IBMQuantumProvider, server: Emulator, tag: str, circuit: QuantumCircuit
) -> None:
    if circuit.cregs:
        circuit.add_register(ClassicalRegister(name="again", bits=circuit.clbits))
    circuit.measure(0, 0)
    with pytest.raises(CircuitError, match="each classical bit in one register"):
        provider.submit(JobRequest((SamplerPub.coerce((circuit, None, 10)),), tag))
    assert server.requests("POST", "/jobs") == []


def test_many_jobs_are_asked_for_in_few_requests(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ibm_jobs, "PAGE", 20)
    server.set(execution="null", run_s=600)
    server.ask("PUT", "/faults", [{"method": "POST", "path": "/jobs", "duplicates": 22}])
    keep = provider
    keep.submit(JobRequest((bell,), tag))
    found = provider.find(tag)
    assert len(found) == len({status.job_id for status in found}) == 23
    server.ask("DELETE", "/requests")
    wanted = [status.job_id for status in found] + ["unknown"]
    states = provider.status(wanted)
    assert [status.job_id for status in states] == wanted
    assert states[-1].state is JobState.LOST
    # Two pages of those that have not ended and one of those that have; of the unknown job, two looks and a search.
    assert len(server.ask("GET", "/requests")) <= FEW + 5
    for status in found:
        provider.cancel(status.job_id)


def test_a_tag_that_the_service_ignored_finds_no_job_of_others(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str
) -> None:
    job_id = provider.submit(JobRequest((bell,), tag))
    listed = {"jobs": [{"id": job_id, "tags": ["another"], "state": {"status": "Queued"}}], "count": 1}
    faults(server, "GET", "/jobs", body=json.dumps(listed))
    assert provider.find("mine") == []


def test_a_finished_job_is_left_as_it_is(provider: IBMQuantumProvider, bell: SamplerPub, tag: str) -> None:
    job_id = provider.submit(JobRequest((bell,), tag))
    finished(provider, job_id)
    provider.cancel(job_id)
    assert provider.status([job_id])[0].state is JobState.DONE


def test_a_job_without_a_result_tells_why(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str
) -> None:
    job_faults(server, stuck=RUNNING)
    job_id = provider.submit(JobRequest((bell,), tag))
    with pytest.raises(ProviderUnavailableError):
        provider.result(job_id)
    provider.cancel(job_id)
    with pytest.raises(JobCancelledError):
        provider.result(job_id)
    with pytest.raises(JobLostError):
        provider.result("unknown")


def test_the_calibration_is_read_again_when_it_is_old(account: IBMAccount, server: Emulator) -> None:
    passed = timedelta(0)
    provider = IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), account, clock=lambda: utc_now() + passed)
    first = provider.calibration()
    server.ask("POST", "/backends/ibm_manila/calibrate")
    assert provider.calibration() is first
    passed = CALIBRATION_LIFE * 2
    assert provider.calibration().hash != first.hash
    assert provider.target()["x"][(0,)].error == provider.calibration().target()["x"][(0,)].error


def test_a_charge_that_is_not_final_is_not_told(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str
) -> None:
    server.set(usage_pending_s=600)
    job_id = provider.submit(JobRequest((bell,), tag))
    finished(provider, job_id)
    assert provider.result(job_id).qpu_seconds is None
    server.set(usage_pending_s=0)
    assert provider.result(job_id).qpu_seconds > 0


def test_counts_are_told_also_without_metrics(
    provider: IBMQuantumProvider, bell: SamplerPub, server: Emulator, tag: str
) -> None:
    job_id = provider.submit(JobRequest((bell,), tag))
    finished(provider, job_id)
    faults(server, "GET", "/jobs/*/metrics", status=404)
    result = provider.result(job_id)
    assert result.counts[0].num_shots == 100
    assert (result.started, result.qpu_seconds) == (None, None)


def test_the_device_tells_its_limits_and_the_provider_keeps_the_protocol(provider: IBMQuantumProvider) -> None:
    keeps: Provider = provider
    assert isinstance(keeps, Provider)
    assert (keeps.limits().max_shots, keeps.limits().max_executions) == (100_000, 10_000_000)
    assert (keeps.kind, keeps.durable, keeps.simulator) == ("ibm", True, True)


def described(status: str, **state: Any) -> dict[str, Any]:
    return {"id": "j", "state": {"status": status, **state}, "created": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("status", "state", "expected", "retryable"),
    [
        (QUEUED, {}, JobState.QUEUED, False),
        ("In preparation", {}, JobState.QUEUED, False),
        (RUNNING, {}, JobState.RUNNING, False),
        (DONE, {}, JobState.DONE, False),
        (CANCELLED, {}, JobState.CANCELLED, False),
        (CANCELLED, {"reason_code": 1305}, JobState.FAILED, False),
        ("Cancelled - Ran too long", {}, JobState.FAILED, False),
        ("Failed", {}, JobState.FAILED, False),
        ("Failed", {"reason_code": 8000}, JobState.FAILED, False),
        ("Failed", {"reasonCode": "9999"}, JobState.FAILED, True),
        *[("Failed", {"reason_code": code}, JobState.FAILED, True) for code in sorted(RETRYABLE)],
    ],
)
def test_states_are_told_in_the_words_of_the_protocol(
    status: str, state: dict[str, Any], expected: JobState, *, retryable: bool
) -> None:
    told = job_status(described(status, **state))
    assert (told.state, told.retryable) == (expected, retryable)


@pytest.mark.parametrize("document", [described(CANCELLED, reason_code=1305), described("Cancelled - Ran too long")])
def test_a_job_that_ran_too_long_says_so(document: dict[str, Any]) -> None:
    assert "longer than its maximum execution time" in job_status(document).message


def test_a_job_may_not_run_longer_than_its_maximum_execution_time(
    provider: IBMQuantumProvider, bell: SamplerPub, tag: str
) -> None:
    job_id = provider.submit(JobRequest((bell,), tag, options={"max_execution_time": 1}))
    assert finished(provider, job_id) is JobState.FAILED
    with pytest.raises(JobFailedError, match="code 1305") as failed:
        provider.result(job_id)
    assert not failed.value.retryable


@pytest.mark.parametrize("document", [{}, {"id": "j"}, {"id": "j", "state": "Queued"}, {"id": "j", "state": {}}])
def test_what_is_no_job_says_nothing_about_the_job(document: dict[str, Any]) -> None:
    with pytest.raises(ProviderUnavailableError):
        job_status(document)


def test_times_are_told_in_utc() -> None:
    read: Callable[[object], Any] = moment
    assert read("2026-01-01T12:00:00.5Z") == read("2026-01-01T07:00:00.5-05:00") == read("2026-01-01T12:00:00.5")
    assert read("yesterday") is read(None) is None
