from collections.abc import Iterator

import pytest

from prefect_qpu.records import RecordStore


@pytest.fixture
def flow_store(store_url: str, monkeypatch: pytest.MonkeyPatch, prefect_server: None) -> Iterator[RecordStore]:
    """The store that flow runs of this test write to."""
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)
    with RecordStore.open(store_url) as store:
        yield store
