"""Fixtures for all tests: a Prefect server for the session, and a store and experiments for each test."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")

from prefect.testing.utilities import prefect_test_harness

from prefect_qpu.records import RecordStore

# On a busy machine an example may take long to draw; that is no fault of the code.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Where tests run side by side, let those that share a server, or what a file prepares, run in one process."""
    for item in items:
        shared = item.path.parent if item.path.parent.name == "deployments" else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared.relative_to(item.config.rootpath))))


@pytest.fixture(scope="session")
def prefect_server() -> Iterator[None]:
    """A real Prefect server with a database of its own."""
    with prefect_test_harness(server_startup_timeout=180):
        yield


@pytest.fixture
def store_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/records.db"


@pytest.fixture
def store(store_url: str) -> Iterator[RecordStore]:
    with RecordStore.open(store_url) as opened:
        yield opened
