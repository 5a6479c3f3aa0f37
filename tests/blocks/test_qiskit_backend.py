"""The block of a vendor's Qiskit backend: it imports nothing, and tells no secret."""

from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.blocks import QiskitBackend
from prefect_qpu.errors import BackendError
from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.flows.prepare import resolve_blocks
from prefect_qpu.providers.qiskit_backend import QiskitBackendProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from tests.experiments import ghz, ghz_document

SECRET = "hunter2-is-no-token"
FAKE = "qiskit_ibm_runtime.fake_provider:FakeManilaV2"


def block(**settings: Any) -> QiskitBackend:
    return QiskitBackend(**{"source": "no.such.package:Provider", "secrets": {"token": SECRET}, **settings})


def test_the_provider_has_the_settings_of_the_block() -> None:
    settings: dict[str, Any] = {
        "arguments": {"url": "https://lab"},
        "backend": "qpu",
        "options": {"memory": True},
        "tagging": {"job_tags": ["{tag}"]},
        "search": {"method": "jobs", "arguments": {"job_tags": ["{tag}"]}},
        "simulator": False,
    }
    specification = block(**settings).specification()
    assert specification.model_dump(include=set(settings)) == settings
    assert specification.source == "no.such.package:Provider"


def test_no_secret_is_told_and_nothing_is_imported_before_a_run_needs_it() -> None:
    made = block()
    provider = made.provider()
    told = [repr(made), made.model_dump_json(), repr(provider), repr(vars(provider))]
    with pytest.raises(BackendError, match=r"no\.such\.package") as refused:
        provider.target()
    assert SECRET not in "".join([*told, str(refused.value)])


@pytest.mark.parametrize(
    "settings",
    [
        {"source": "no colon"},
        {"arguments": {"token": SECRET}},
        {"search": {"method": "jobs"}},
        {"search": {"method": "jobs", "arguments": {}}},
    ],
    ids=["source", "secret", "search", "tagging"],
)
def test_malformed_settings_are_refused_when_they_are_used(settings: dict[str, Any]) -> None:
    with pytest.raises(BackendError) as refused:
        block(**settings).provider()
    assert SECRET not in str(refused.value)


@pytest.mark.server
async def test_a_flow_run_goes_through_the_block(
    prefect_server: None, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)
    source = "tests.blocks.labelled:labelled"
    await block(source=source, arguments={"source": FAKE}).save("manila", overwrite=True)
    named = ghz(backend={"block": "qiskit-backend/manila"})
    experiment, provider = await resolve_blocks(named)
    assert experiment == named
    assert isinstance(provider, QiskitBackendProvider)
    with RecordStore.open(store_url) as store:
        document = ghz_document(backend={"block": "qiskit-backend/manila"}, shots=1000)
        state = await hybrid_run(experiment=document, return_state=True)
        summary = summarise(store, await state.aresult())
    assert (state.name, summary.backend.name, summary.backend.simulator) == ("Promoted", "fake_manila", True)
    database = Path(store_url.removeprefix("sqlite:///"))
    files = list(database.parent.glob(f"{database.name}*"))
    assert files
    assert not any(SECRET.encode() in path.read_bytes() for path in files)
