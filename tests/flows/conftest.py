from collections.abc import Iterator
from typing import Any

import pytest

from prefect_qpu.records import RecordStore
from tests.prefect_qpu.emulator.emulators import Emulator, point, refuse_other_hosts


@pytest.fixture
def flow_store(store_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Iterator[RecordStore]:
    """The store that flow runs of this test write to."""
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)
    with RecordStore.open(store_url) as store:
        yield store


async def save_backend(name: str, service: Emulator, monkeypatch: pytest.MonkeyPatch, **settings: Any) -> None:
    """Save a block of an emulator's backend, and let this process reach nothing but this machine."""
    from prefect_qpu.blocks import IBMQuantumBackend, IBMQuantumCredentials

    refuse_other_hosts(monkeypatch)
    point(monkeypatch, service.environment)
    told = service.environment
    credentials = IBMQuantumCredentials(api_key="key", instance=told["QISKIT_IBM_INSTANCE"], url=told["QISKIT_IBM_URL"])
    await IBMQuantumBackend(credentials=credentials, **settings).asave(name, overwrite=True)
