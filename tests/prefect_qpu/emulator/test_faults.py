"""What the genuine client does when the service fails it."""

from collections.abc import Callable
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import SamplerV2
from qiskit_ibm_runtime.api.exceptions import RequestsApiError
from qiskit_ibm_runtime.exceptions import (
    IBMNotAuthorizedError,
    IBMRuntimeError,
    RuntimeInvalidStateError,
    RuntimeJobFailureError,
    RuntimeJobTimeoutError,
)

from tests.prefect_qpu.emulator.emulators import Emulator, client, eventually

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore")]

Submit = Callable[..., Any]


@pytest.fixture
def submit(backend: Any, bell: QuantumCircuit, request: pytest.FixtureRequest) -> Submit:
    """Submits a job that carries the name of the test as its tag."""

    def submit() -> Any:
        sampler = SamplerV2(mode=backend)
        sampler.options.environment.job_tags = [request.node.name]
        return sampler.run([bell], shots=10)

    return submit


@pytest.fixture
def tagged(service: Any, request: pytest.FixtureRequest) -> Callable[[], list[Any]]:
    return lambda: service.jobs(job_tags=[request.node.name])


def faults(server: Emulator, *requests: dict[str, Any]) -> None:
    server.ask("PUT", "/faults", list(requests))


def job_faults(server: Emulator, **fault: Any) -> None:
    server.ask("PUT", "/job-faults", [fault])


def test_a_server_error_is_retried_and_no_second_job_exists(server: Emulator, submit: Submit, tagged: Any) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "status": 503})
    job = submit()
    assert job.result(poll_interval=0.1) is not None
    assert [found.job_id() for found in tagged()] == [job.job_id()]


def test_a_timeout_after_acceptance_leaves_two_jobs(server: Emulator, submit: Submit, tagged: Any) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "status": 504, "accept": True})
    job = submit()
    ids = {found.job_id() for found in tagged()}
    assert len(ids) == 2
    assert job.job_id() in ids


def test_a_connection_cut_before_acceptance_leaves_no_job(server: Emulator, submit: Submit, tagged: Any) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "drop": "request"})
    with pytest.raises(IBMRuntimeError, match="Connection aborted"):
        submit()
    assert tagged() == []


@pytest.mark.parametrize("drop", ["answer", "middle"])
def test_a_connection_cut_after_acceptance_leaves_an_orphan(
    server: Emulator, submit: Submit, tagged: Any, drop: str
) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "drop": drop})
    with pytest.raises(Exception, match=r"Connection|IncompleteRead"):
        submit()
    assert len(tagged()) == 1


def test_an_acceptance_can_be_duplicated(server: Emulator, submit: Submit, tagged: Any) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "duplicates": 1})
    job = submit()
    assert len(tagged()) == 2
    assert job.job_id() in {found.job_id() for found in tagged()}


def test_a_refusal_reaches_the_caller(server: Emulator, submit: Submit, tagged: Any) -> None:
    faults(server, {"method": "POST", "path": "/jobs", "status": 429, "retry_after": 1})
    with pytest.raises(IBMRuntimeError, match="429"):
        submit()
    assert tagged() == []


def test_a_fault_passes_requests_over_and_strikes_so_often_as_it_says(server: Emulator, submit: Submit) -> None:
    job = submit()
    faults(server, {"method": "GET", "path": "/jobs/*", "status": 404, "skip": 1, "times": 2})
    outcomes = []
    for _ in range(4):
        try:
            outcomes.append(job._api_client.job_get(job.job_id())["id"] == job.job_id())
        except RequestsApiError as error:
            outcomes.append(error.status_code)
    assert outcomes == [True, 404, 404, True]


def test_a_slow_answer_comes_late(server: Emulator, service: Any) -> None:
    faults(server, {"path": "/instances/usage", "delay_s": 0.3})
    service.usage()
    assert server.ask("GET", "")["faults"]["requests"] == []


def test_expired_tokens_are_refused(server: Emulator, service: Any, connected: dict[str, Any]) -> None:
    service.usage()
    connected.clear()
    server.ask("POST", "/tokens/expire")
    with pytest.raises(IBMNotAuthorizedError):
        service.usage()
    assert client(server, "emulator").usage() is not None


def test_a_failed_job_tells_its_reason(server: Emulator, submit: Submit) -> None:
    job_faults(server, fail={"message": "The fridge is warm.", "code": 8000})
    job = submit()
    with pytest.raises(RuntimeJobFailureError, match=r"Error code 8000; The fridge is warm\."):
        job.result(poll_interval=0.1)
    assert submit().result(poll_interval=0.1) is not None


@pytest.mark.parametrize("state", ["Queued", "Running"])
def test_a_stuck_job_stays_until_it_is_released(server: Emulator, submit: Submit, state: str) -> None:
    job_faults(server, stuck=state)
    job = submit()
    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=0.3, poll_interval=0.1)
    assert submit().result(poll_interval=0.1) is not None
    assert job.status() == state.upper()
    server.ask("POST", f"/jobs/{job.job_id()}/release")
    assert job.result(timeout=10, poll_interval=0.1)[0].data.meas.num_shots == 10


def test_a_stuck_job_can_be_cancelled(server: Emulator, submit: Submit) -> None:
    job_faults(server, stuck="Running")
    job = submit()
    eventually(lambda: job.status() == "RUNNING")
    job.cancel()
    with pytest.raises(RuntimeInvalidStateError):
        job.result(poll_interval=0.1)


@pytest.mark.parametrize(
    ("kind", "expected"), [("truncated", str), ("garbled", str), ("foreign", dict), ("empty", type(None))]
)
def test_a_damaged_result_is_not_what_was_asked_for(
    server: Emulator, submit: Submit, kind: str, expected: type
) -> None:
    job_faults(server, result=kind)
    assert isinstance(submit().result(poll_interval=0.1), expected)


def test_a_state_may_come_late(server: Emulator, submit: Submit) -> None:
    job_faults(server, late_s=600)
    job = submit()
    eventually(lambda: _real(server, job) == "Completed")
    assert job.status() == "QUEUED"


def test_a_state_may_fall_back(server: Emulator, submit: Submit) -> None:
    job_faults(server, repeat=2, run_s=600)
    job = submit()
    eventually(lambda: _real(server, job) == "Running")
    assert [job.status() for _ in range(6)] == ["RUNNING", "QUEUED", "RUNNING", "QUEUED", "RUNNING", "RUNNING"]
    job.cancel()


def test_a_fault_strikes_only_the_jobs_that_it_is_meant_for(server: Emulator, submit: Submit) -> None:
    job_faults(server, tag="another", fail={})
    assert submit().result(poll_interval=0.1) is not None


def test_a_paused_device_runs_no_job(server: Emulator, service: Any, submit: Submit) -> None:
    server.ask("PUT", "/backends/ibm_manila", {"operational": False, "message": "maintenance"})
    try:
        status = service.backend("ibm_manila").status()
        assert (status.operational, status.status_msg) == (False, "maintenance")
        job = submit()
        with pytest.raises(RuntimeJobTimeoutError):
            job.result(timeout=0.3, poll_interval=0.1)
    finally:
        server.ask("PUT", "/backends/ibm_manila", {"operational": True})
    assert job.result(timeout=10, poll_interval=0.1) is not None


def test_submissions_are_limited_by_the_minute(server: Emulator, backend: Any, bell: QuantumCircuit) -> None:
    server.set(jobs_per_minute=2)
    own = SamplerV2(mode=client(server, "hasty").backend("ibm_manila"))
    for _ in range(2):
        own.run([bell])
    with pytest.raises(IBMRuntimeError, match="the limit is 2 jobs per minute"):
        own.run([bell])


def test_jobs_wait_when_the_usage_is_spent(server: Emulator, submit: Submit) -> None:
    submit().result(poll_interval=0.1)
    server.set(usage_limit_s=1)
    job = submit()
    with pytest.raises(RuntimeJobTimeoutError):
        job.result(timeout=0.3, poll_interval=0.1)
    server.set(usage_limit_s=None)
    assert job.result(timeout=10, poll_interval=0.1) is not None


def test_usage_is_final_some_time_after_the_end(server: Emulator, submit: Submit) -> None:
    server.set(usage_pending_s=600)
    job = submit()
    job.result(poll_interval=0.1)
    assert job.usage() == 0
    server.set(usage_pending_s=0)
    assert job.usage() > 2


@pytest.mark.parametrize(
    ("path", "document", "field"),
    [
        ("/faults", [{"status": 200}], "0.status"),
        ("/job-faults", [{"stuck": "Completed"}], "0.stuck"),
        ("/faults", {}, "body"),
    ],
)
def test_a_malformed_fault_is_refused(server: Emulator, path: str, document: Any, field: str) -> None:
    from urllib.error import HTTPError

    with pytest.raises(HTTPError) as refused:
        server.ask("PUT", path, document)
    with refused.value as answer:
        assert (answer.code, field in answer.read().decode()) == (422, True)


def test_requests_are_written_down_without_their_tokens(server: Emulator, service: Any) -> None:
    server.ask("DELETE", "/requests")
    service.usage()
    assert [item["status"] for item in server.requests("GET", "/instances/usage")] == [200]
    assert "Bearer" not in str(server.ask("GET", "/requests"))


def _real(server: Emulator, job: Any) -> str:
    return next(item["state"] for item in server.ask("GET", "/jobs")["jobs"] if item["id"] == job.job_id())
