import pytest

from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from tests.experiments import ghz
from tests.prefect_qpu.jobs.unreliable import UnreliableProvider


@pytest.fixture
def provider() -> UnreliableProvider:
    return UnreliableProvider()


@pytest.fixture
def run(store: RecordStore, provider: UnreliableProvider) -> Run:
    return open_run(store, ghz(), provider)
