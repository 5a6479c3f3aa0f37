"""Which backend of IBM Quantum is used, with what calibration, in what session, and when a job is refused."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError
from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.choosing import choose, settled
from prefect_qpu.errors import BackendError, JobRefusedError, ProviderUnavailableError
from prefect_qpu.hashing import canonical_json
from prefect_qpu.latency import utc_now
from prefect_qpu.providers import JobRequest, JobState
from prefect_qpu.providers.ibm import CALIBRATION_LIFE, IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from tests.experiments import ghz
from tests.prefect_qpu.emulator.emulators import Emulator, emulator
from tests.prefect_qpu.providers.ibm_service import KEY, bought, faults, finished

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore::DeprecationWarning")]

DEVICES = ("manila", "lima", "guadalupe", "armonk")
NAMES = ("ibm_armonk", "ibm_guadalupe", "ibm_lima", "ibm_manila")


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    options = [option for device in DEVICES for option in ("--device", device)]
    with emulator(tmp_path_factory.mktemp("emulator"), *options) as running:
        yield running


def at(account: IBMAccount, **settings: Any) -> IBMQuantumProvider:
    return IBMQuantumProvider(IBMBackendSpec(**settings), account)


def set_backend(server: Emulator, name: str, *, operational: bool, message: str = "active") -> None:
    server.ask("PUT", f"/backends/{name}", {"operational": operational, "message": message})


@pytest.fixture
def queue(server: Emulator, account: IBMAccount, bell: SamplerPub) -> Iterator[list[tuple[IBMQuantumProvider, str]]]:
    """Jobs that wait; they are cancelled afterwards."""
    server.set(queue_s=600)
    waiting: list[tuple[IBMQuantumProvider, str]] = []
    yield waiting
    for provider, job_id in waiting:
        provider.cancel(job_id)


def test_the_best_backend_is_chosen_by_queue_and_predicted_success(account: IBMAccount, server: Emulator) -> None:
    provider = at(account, rule="best", min_qubits=4)
    chosen, selection = choose(provider, ghz())
    assert chosen.name == selection.chosen
    assert sorted(item.name for item in selection.candidates) == ["ibm_guadalupe", "ibm_lima", "ibm_manila"]
    scores = {item.name: item.score for item in selection.candidates}
    assert scores[selection.chosen] == max(scores.values())  # type: ignore[type-var]
    assert all(item.queue == 0 and item.calibration_hash and 0.3 < item.success < 1 for item in selection.candidates)  # type: ignore[operator]
    assert json.loads(canonical_json(selection.document()))["chosen"] == chosen.name
    assert chosen.describe()["name"] == chosen.name


def test_a_queue_and_a_pause_move_the_choice(
    account: IBMAccount, server: Emulator, queue: list[tuple[IBMQuantumProvider, str]], bell: SamplerPub, tag: str
) -> None:
    provider = at(account, rule="best", candidates=("ibm_manila", "ibm_lima", "ibm_guadalupe"))
    first, _ = choose(provider, ghz())
    pub = isa_bell(first)
    queue += [(first, first.submit(JobRequest((pub,), f"{tag}-{number}"))) for number in range(9)]  # type: ignore[attr-defined]
    second, selection = choose(provider, ghz())
    assert second.name != first.name
    assert {item.name: item.queue for item in selection.candidates}[first.name] == 9
    set_backend(server, second.name, operational=False, message="maintenance")
    third, selection = choose(provider, ghz())
    set_backend(server, second.name, operational=True)
    assert third.name != second.name
    assert next(item for item in selection.candidates if item.name == second.name).excluded.endswith("(maintenance)")


def isa_bell(provider: Any) -> SamplerPub:
    from tests.prefect_qpu.providers.ibm_service import isa

    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return isa(provider, circuit, 10)


def test_a_resumed_run_stays_at_the_backend_of_its_record(account: IBMAccount, server: Emulator) -> None:
    provider = at(account, rule="best", min_qubits=4)
    first, selection = settled(provider, ghz(), None)
    assert selection is not None
    other = next(item.name for item in selection.candidates if item.name != first.name)
    resumed, again = settled(at(account, rule="best"), ghz(), first.describe() | {"name": other})
    assert (resumed.name, again) == (other, None)
    least, none = settled(at(account, candidates=("ibm_lima",)), ghz(), None)
    assert (least.name, none) == ("ibm_lima", None)


def test_a_rule_that_needs_the_circuit_is_not_replaced_by_another_one(account: IBMAccount) -> None:
    provider = at(account, rule="best")
    assert provider.chooses
    with pytest.raises(BackendError, match="pinned to the chosen backend"):
        provider.target()
    with pytest.raises(ValidationError, match="either a backend or candidates"):
        IBMBackendSpec(backend="ibm_lima", candidates=("ibm_manila",))


def test_backends_that_cannot_run_the_circuit_are_named_with_the_reason(account: IBMAccount, server: Emulator) -> None:
    with pytest.raises(BackendError, match="ibm_armonk"):
        choose(at(account, rule="best", candidates=("ibm_armonk",)), ghz())
    _, selection = choose(at(account, rule="best"), ghz())
    assert tuple(sorted(item.name for item in selection.candidates)) == NAMES
    assert next(item for item in selection.candidates if item.name == "ibm_armonk").excluded


def test_the_calibration_of_a_job_is_the_one_it_ran_with(account: IBMAccount, server: Emulator, tag: str) -> None:
    passed = timedelta(0)
    spec = IBMBackendSpec(backend="ibm_manila")
    provider = IBMQuantumProvider(spec, account, clock=lambda: utc_now() + passed)
    before = provider.calibration()
    job_id = provider.submit(JobRequest((isa_bell(provider),), tag))
    finished(provider, job_id)
    server.ask("POST", "/backends/ibm_manila/calibrate")
    passed = CALIBRATION_LIFE * 2
    assert provider.calibration().hash != before.hash
    assert provider.calibration_of(job_id) == before
    assert at(account, backend="ibm_lima").calibration_of(job_id) == before
    assert provider.calibration_of("unknown") is None


def test_the_calibration_of_a_job_is_found_by_its_time_where_its_id_is_not_told(
    account: IBMAccount, server: Emulator, tag: str
) -> None:
    provider = at(account, backend="ibm_lima")
    before = provider.calibration()
    job_id = provider.submit(JobRequest((isa_bell(provider),), tag))
    finished(provider, job_id)
    times = provider._ask_client("test", lambda client: client.job_metadata(job_id))["timestamps"]
    server.ask("POST", "/backends/ibm_lima/calibrate")
    faults(server, "GET", "/jobs/*/metrics", body=json.dumps({"timestamps": times}))
    assert provider.calibration_of(job_id) == before
    faults(server, "GET", "/jobs/*/metrics", body=json.dumps({"timestamps": {"running": None}}))
    assert provider.calibration_of(job_id) is None


def test_a_job_that_would_only_wait_is_refused(account: IBMAccount, server: Emulator, tag: str) -> None:
    provider = at(account, backend="ibm_lima")
    pub = isa_bell(provider)
    set_backend(server, "ibm_lima", operational=False, message="maintenance")
    try:
        with pytest.raises(JobRefusedError, match=r"runs no jobs now \(maintenance\)"):
            provider.submit(JobRequest((pub,), tag))
        assert bought(server, tag) == []
        patient = at(account, backend="ibm_lima", accept_paused=True)
        patient.cancel(patient.submit(JobRequest((pub,), tag)))
    finally:
        set_backend(server, "ibm_lima", operational=True)
    server.set(usage_limit_s=0)
    with pytest.raises(JobRefusedError, match="used up its QPU time"):
        provider.submit(JobRequest((pub,), f"{tag}-again"))


@pytest.mark.parametrize("gate", ["h", "cx"])
def test_what_the_client_refuses_is_a_refusal(account: IBMAccount, tag: str, gate: str, server: Emulator) -> None:
    provider = at(account, backend="ibm_lima")
    circuit = QuantumCircuit(5, 1)
    circuit.h(0) if gate == "h" else circuit.cx(0, 4)
    circuit.measure(0, 0)
    with pytest.raises(JobRefusedError):
        provider.submit(JobRequest((SamplerPub.coerce((circuit, None, 10)),), tag))
    with pytest.raises(JobRefusedError, match="nothing_like_it"):
        provider.submit(JobRequest((isa_bell(provider),), tag, options={"nothing_like_it": 1}))
    assert bought(server, tag) == []


def test_a_refusal_after_a_first_try_that_was_accepted_is_no_refusal(
    account: IBMAccount, server: Emulator, tag: str
) -> None:
    provider = at(account, backend="ibm_lima")
    pub = isa_bell(provider)
    rules = [{"status": 504, "accept": True}, {"status": 400}]
    server.ask("PUT", "/faults", [{"method": "POST", "path": "/jobs", **rule} for rule in rules])
    assert provider.submit(JobRequest((pub,), tag)) == bought(server, tag)[0]["id"]


def test_a_charge_can_be_read_when_it_is_final(account: IBMAccount, server: Emulator, tag: str) -> None:
    server.set(usage_pending_s=600)
    provider = at(account, backend="ibm_lima")
    job_id = provider.submit(JobRequest((isa_bell(provider),), tag))
    finished(provider, job_id)
    assert (provider.usage(job_id).seconds, provider.usage(job_id).final) == (None, False)
    server.set(usage_pending_s=0)
    usage = provider.usage(job_id)
    assert (usage.final, usage.seconds) == (True, bought(server, tag)[0]["charged"])
    assert not provider.usage("unknown").final


@pytest.mark.parametrize(("mode", "kind"), [("batch", "batch"), ("session", "dedicated")])
def test_a_job_in_a_session_ends_and_leaves_no_session_open(
    account: IBMAccount, server: Emulator, tag: str, mode: str, kind: str
) -> None:
    provider = at(account, backend="ibm_lima", mode=mode, max_time=300)
    pub = isa_bell(provider)
    job_id = provider.submit(JobRequest((pub,), tag))
    assert finished(provider, job_id) is JobState.DONE
    details = sessions(account, [job_id])
    assert [(item["mode"], item["accepting_jobs"], item["max_ttl"]) for item in details.values()] == [
        (kind, False, 300)
    ]
    with provider.together():
        together = [provider.submit(JobRequest((pub,), f"{tag}-{number}")) for number in range(2)]
    assert len(sessions(account, together)) == 1
    assert all(not item["accepting_jobs"] for item in sessions(account, together).values())
    assert all(finished(provider, job_id) is JobState.DONE for job_id in together)
    assert provider.describe()["mode"] == mode


def sessions(account: IBMAccount, job_ids: list[str]) -> dict[str, dict[str, Any]]:
    service = account.connect()
    client = service._active_api_client
    ids = {client.job_get(job_id)["session_id"] for job_id in job_ids}
    return {session_id: client.session_details(session_id) for session_id in ids}


def test_a_session_that_cannot_be_closed_does_not_lose_the_job(account: IBMAccount, server: Emulator, tag: str) -> None:
    provider = at(account, backend="ibm_lima", mode="batch")
    pub = isa_bell(provider)
    faults(server, "PATCH", "/sessions/*", status=400)
    assert provider.submit(JobRequest((pub,), tag)) == bought(server, tag)[0]["id"]


def test_an_emulator_never_passes_for_hardware(account: IBMAccount, monkeypatch: pytest.MonkeyPatch) -> None:
    provider = at(account, backend="ibm_lima")
    told = provider.describe()
    assert (told["service"], told["simulator"], provider.simulator) == ("emulator", True, True)
    monkeypatch.setattr(IBMAccount, "at_loopback", False)
    assert at(account, backend="ibm_lima").describe()["service"] == "emulator"


@pytest.mark.parametrize(
    ("url", "service"),
    [
        (None, "ibm"),
        ("https://quantum.cloud.ibm.com", "ibm"),
        ("https://eu-de.quantum.cloud.ibm.com/api/v1", "ibm"),
        ("http://localhost:8765", "emulator"),
        ("http://[::1]:8765", "emulator"),
    ],
)
def test_the_service_is_told_by_its_host(url: str | None, service: str) -> None:
    provider = IBMQuantumProvider(IBMBackendSpec(backend="ibm_x"), IBMAccount(SecretStr(KEY), "crn:v1:x", url=url))
    assert (provider.service, provider.simulator) == (service, service == "emulator")


def test_another_host_is_neither_taken_for_ibm_nor_for_an_emulator() -> None:
    account = IBMAccount(SecretStr(KEY), "crn:v1:x", url="https://cloud.ibm.com.example/api")
    assert not account.at_ibm
    assert not account.at_loopback


def test_a_double_for_dry_runs_is_never_a_candidate(account: IBMAccount, server: Emulator) -> None:
    listed = {"name": "mock_lima", "class": "mock", "status": {"name": "online"}, "qubits": 5, "queue_length": 0}
    paused = {"name": "ibm_fez", "status": {"name": "paused"}, "qubits": 5}
    online = {"name": "ibm_lima", "status": {"name": "online"}, "qubits": 5}
    provider = at(account, rule="best")
    provider.candidates()
    faults(server, "GET", "/backends", body=json.dumps({"devices": [listed, paused, online]}))
    assert provider.candidates() == ("ibm_lima",)


def test_a_list_that_cannot_be_read_leaves_no_choice(account: IBMAccount, server: Emulator) -> None:
    faults(server, "GET", "/backends", status=429, times=None)
    with pytest.raises(ProviderUnavailableError):
        choose(at(account, rule="best"), ghz())
