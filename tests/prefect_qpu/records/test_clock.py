"""The time by which hosts agree on who may send a request."""

from datetime import UTC, datetime, timedelta

import pytest

from prefect_qpu.latency import utc_now
from prefect_qpu.records import RecordStore, database
from tests.prefect_qpu.records.conftest import PostgresServer


def test_a_host_whose_clock_is_wrong_takes_the_time_of_the_server(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "utc_now", lambda: utc_now() - timedelta(hours=3))
    with RecordStore.open(postgres.fresh()) as store:
        assert abs(store.clock() - utc_now()) < timedelta(minutes=1)


def test_a_file_has_the_time_of_its_machine() -> None:
    with RecordStore.open("sqlite://") as store:
        assert abs(store.clock() - utc_now()) < timedelta(minutes=1)
        assert store.clock().tzinfo is UTC


def test_a_given_clock_is_taken() -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    with RecordStore.open("sqlite://", clock=lambda: moment) as store:
        assert store.clock() == moment
