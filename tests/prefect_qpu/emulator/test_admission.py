"""Who may do what: tokens, keys, limits, and what is refused of a submission."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit_ibm_runtime import RuntimeEncoder

from prefect_qpu.emulator.answers import RefusedError
from prefect_qpu.emulator.auth import Gatekeeper, Instance, read_keys
from prefect_qpu.emulator.limits import SubmissionLimit
from prefect_qpu.emulator.payloads import read_submission
from prefect_qpu.emulator.serve import serve
from prefect_qpu.errors import InputError
from tests.prefect_qpu.emulator.emulators import Emulator

NOW = datetime(2026, 1, 1, tzinfo=UTC)
INSTANCE = Instance("lab")


@pytest.fixture
def gate() -> Gatekeeper:
    return Gatekeeper(b"secret", (INSTANCE,))


def bearer(gate: Gatekeeper, key: str = "key") -> str:
    return f"Bearer {gate.issue(key, NOW, 60)['access_token']}"


def test_a_key_is_always_the_same_user_and_is_not_shown(gate: Gatekeeper) -> None:
    owner = gate.owner(bearer(gate), INSTANCE.crn, NOW)
    assert owner == gate.owner(bearer(gate), INSTANCE.crn, NOW)
    assert owner.user != gate.owner(bearer(gate, "other"), INSTANCE.crn, NOW).user
    assert "key" not in owner.user


def test_a_token_expires(gate: Gatekeeper) -> None:
    token = bearer(gate)
    with pytest.raises(RefusedError) as refused:
        gate.owner(token, INSTANCE.crn, NOW + timedelta(seconds=61))
    assert refused.value.status == 401


@pytest.mark.parametrize("change", [lambda token: token[:-4] + "AAAA", lambda _: "", lambda _: "Bearer a.b.é"])
def test_a_token_that_the_emulator_did_not_sign_is_refused(gate: Gatekeeper, change: object) -> None:
    with pytest.raises(RefusedError) as refused:
        gate.owner(change(bearer(gate)), INSTANCE.crn, NOW)  # type: ignore[operator]
    assert refused.value.status == 401


def test_an_unknown_instance_is_refused(gate: Gatekeeper) -> None:
    with pytest.raises(RefusedError) as refused:
        gate.owner(bearer(gate), "crn:of:another", NOW)
    assert refused.value.status == 403


def test_listed_keys_let_only_their_users_in(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("# the team\nada: first\nada: second\nbob: third\n")
    gate = Gatekeeper(b"secret", (INSTANCE,), read_keys(path))
    assert [gate.user_of(key) for key in ("first", "second", "third")] == ["ada", "ada", "bob"]
    with pytest.raises(RefusedError) as refused:
        gate.user_of("fourth")
    assert refused.value.status == 400


def test_a_malformed_key_file_is_refused_without_showing_a_key(tmp_path: Path) -> None:
    path = tmp_path / "keys"
    path.write_text("confidential\n")
    with pytest.raises(InputError, match="line 1") as refused:
        read_keys(path)
    assert "confidential" not in str(refused.value)


def test_an_emulator_that_others_reach_needs_keys_and_an_admin_token(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"host: got '0\.0\.0\.0'"):
        serve("0.0.0.0", 0, tmp_path)


def test_the_limit_counts_a_sliding_minute_for_each_user() -> None:
    limit = SubmissionLimit()
    for second in (0, 20):
        limit.admit("a", 2, second)
    with pytest.raises(RefusedError) as refused:
        limit.admit("a", 2, 50)
    assert (refused.value.status, refused.value.retry_after) == (429, 10)
    limit.admit("b", 2, 50)
    limit.admit("a", 2, 60)


def submission(**changes: object) -> bytes:
    circuit = QuantumCircuit(1, 1)
    params = {"pubs": [[circuit, np.zeros((3, 5, 2)), 100]], "options": {}, "version": 2}
    document = {"program_id": "sampler", "params": params, "backend": "ibm_manila", **changes}
    return json.dumps(document, cls=RuntimeEncoder).encode()


def test_executions_are_counted_without_decoding_circuits() -> None:
    assert read_submission(submission()).executions == 1500


def test_tags_are_kept_once_and_in_order() -> None:
    assert read_submission(submission(tags=["b", "a", "b"])).tags == ("b", "a")


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"program_id": "circuit-runner"}, 404),
        ({"params": {"pubs": []}}, 400),
        ({"params": {"pubs": 3}}, 400),
        ({"params": []}, 400),
        ({"backend": None}, 400),
        ({"tags": "text"}, 400),
        ({"tags": [str(number) for number in range(51)]}, 400),
        ({"params": {"pubs": [["circuit", None, 20_000_000]]}}, 400),
        ({"params": {"pubs": [["circuit", {"__type__": "ndarray", "__value__": "!!!"}, 1]]}}, 400),
    ],
)
def test_a_malformed_submission_is_refused(changes: dict[str, object], status: int) -> None:
    with pytest.raises(RefusedError) as refused:
        read_submission(submission(**changes))
    assert refused.value.status == status


@pytest.mark.parametrize("raw", [b"", b"[]", b"{}", b"\xff", b"null"])
def test_a_body_that_is_no_job_is_refused(raw: bytes) -> None:
    with pytest.raises(RefusedError):
        read_submission(raw)


def test_a_doubled_slash_in_a_path_is_taken_as_one(server: Emulator) -> None:
    form = b"grant_type=urn:ibm:params:oauth:grant-type:apikey&apikey=key"
    with urlopen(Request(f"{server.url}//identity/token", data=form)) as answer:
        assert json.load(answer)["access_token"]
