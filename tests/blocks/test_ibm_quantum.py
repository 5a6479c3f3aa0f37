"""The blocks of IBM Quantum: they load without a network, and tell no secret."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from prefect_qpu.blocks import IBMQuantumBackend, IBMQuantumCredentials
from prefect_qpu.errors import BackendError
from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.flows.prepare import resolve_blocks
from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from tests.experiments import ghz, ghz_document
from tests.prefect_qpu.emulator.emulators import emulator

KEY = "hunter2-is-no-key"


def credentials(**changes: Any) -> IBMQuantumCredentials:
    return IBMQuantumCredentials(**{"api_key": SecretStr(KEY), "instance": "crn:v1:a:b:c:d:e", **changes})


def test_the_provider_has_the_settings_of_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> Any:
        raise AssertionError("a block asked the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    options = {"twirling": {"enable_gates": True}}
    block = IBMQuantumBackend(
        credentials=credentials(url="https://eu-de.quantum.cloud.ibm.com"), backend="ibm_torino", options=options
    )
    assert block.specification() == IBMBackendSpec(backend="ibm_torino", options=options)
    told = block.provider().describe()
    assert (told["name"], told["url"], told["options"]) == (
        "ibm_torino",
        "https://eu-de.quantum.cloud.ibm.com",
        options,
    )


def test_no_secret_is_told() -> None:
    proxies = {"urls": {"https": "http://me:sesame@proxy:1"}, "username_ntlm": "me", "password_ntlm": "swordfish"}
    owner = credentials(proxies=proxies)
    block = IBMQuantumBackend(credentials=owner, backend="ibm_torino")
    account = owner.account()
    told = [repr(block), block.model_dump_json(), repr(account), str(block.provider().describe())]
    assert KEY not in "".join(told)
    assert account.redacted(f"{KEY} sesame swordfish Bearer xyz") == "*** *** *** Bearer ***"


def test_malformed_settings_are_refused_when_they_are_used() -> None:
    block = IBMQuantumBackend(credentials=credentials(), min_qubits=0)
    with pytest.raises(BackendError, match="min_qubits: got 0"):
        block.provider()
    with pytest.raises(ValidationError, match="channel"):
        credentials(channel="elsewhere")


def test_the_blocks_do_not_load_the_client() -> None:
    code = "import sys, prefect_qpu.blocks; print('qiskit_ibm_runtime' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.server
async def test_an_experiment_names_a_saved_block(prefect_server: None) -> None:
    await credentials().save("lab", overwrite=True)
    lab = await IBMQuantumCredentials.aload("lab")
    await IBMQuantumBackend(credentials=lab, backend="ibm_torino").save("torino", overwrite=True)
    named = ghz(backend={"block": "ibm-quantum-backend/torino"})
    experiment, provider = await resolve_blocks(named)
    assert experiment == named
    assert isinstance(provider, IBMQuantumProvider)
    assert provider.name == "ibm_torino"
    assert provider._account.token.get_secret_value() == KEY


@pytest.mark.server
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_a_flow_run_buys_one_job_through_the_block(
    prefect_server: None, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)
    with emulator(tmp_path / "emulator", "--device", "manila") as server, RecordStore.open(store_url) as store:
        for name in ("IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL", "NO_PROXY"):
            monkeypatch.setenv(name, server.environment[name])
        owner = credentials(
            instance=server.environment["QISKIT_IBM_INSTANCE"], url=server.environment["QISKIT_IBM_URL"]
        )
        await owner.save("emulated", overwrite=True)
        block = IBMQuantumBackend(credentials=owner, backend="ibm_manila")
        await block.save("emulated", overwrite=True)
        document = ghz_document(backend={"block": "ibm-quantum-backend/emulated"}, shots=1000)
        state = await hybrid_run(experiment=document, return_state=True)
        summary = summarise(store, await state.aresult())
        jobs = server.ask("GET", "/jobs")["jobs"]
    assert (state.name, summary.backend.name, summary.backend.simulator) == ("Promoted", "ibm_manila", True)
    assert len(jobs) == 1
    assert not stored(store_url, KEY)


def stored(url: str, text: str) -> bool:
    database = Path(url.removeprefix("sqlite:///"))
    return any(text.encode() in path.read_bytes() for path in database.parent.glob(f"{database.name}*"))
