"""One database: its connections, transactions that read or write, and its errors in the project's words."""

import json
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from sqlalchemy import URL, Connection, CursorResult, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, SQLAlchemyError, StatementError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

from prefect_qpu.errors import QpuError, RecordNotFoundError, StoreError
from prefect_qpu.latency import utc_now
from prefect_qpu.records.schema import Base
from prefect_qpu.records.urls import in_memory, masked, parse_url, refused, without_secrets

LOCK_TIMEOUT = 30.0
"""Seconds to wait for another process that writes to the same SQLite file."""
CONNECT_TIMEOUT = 10
"""Seconds to wait for a PostgreSQL server."""

_WRITES = "prefect_qpu_writes"
Model = TypeVar("Model", bound=Base)


class Database:
    """A database that is known to answer.

    Args:
        given: Its URL.
        create: Whether a SQLite file and its folder are made if they do not exist.

    Raises:
        StoreUrlError: the URL is malformed, or nothing that can be written is there.
    """

    def __init__(self, given: str, *, create: bool = True) -> None:
        self.url = parse_url(given)
        if self.url.drivername == "sqlite" and not in_memory(self.url):
            _prepare_file(self.url, create=create)
        self.engine = _engine(self.url)
        self._writer = self.engine.execution_options(**{_WRITES: True})
        self._check()
        self._ahead = self._server_ahead()

    def __repr__(self) -> str:
        return f"Database({masked(self.url)!r})"

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session in a transaction that is rolled back at the end."""
        with self._translated(), Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one transaction that is committed at the end, or rolled back on an error.

        On SQLite it holds the write lock from its start, so that what it reads cannot change before it writes.
        """
        with self._translated(), Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    def now(self) -> datetime:
        """The time by the clock of the database server, which all its clients share; a file's is this machine's."""
        return utc_now() + self._ahead

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _check(self) -> None:
        try:
            with self._writer.begin() as connection:
                connection.exec_driver_sql("SELECT 1")
        except (SQLAlchemyError, sqlite3.Error) as error:
            self.close()
            reason = without_secrets(getattr(error, "orig", None) or error, self.url)
            # The cause is left out because a driver's message may quote the password.
            raise refused(self.url, "a database that can be opened and written", f"{reason.rstrip('.')}.") from None

    def _server_ahead(self) -> timedelta:
        """How far the server's clock is ahead of this machine's, asked once: a clock drifts by milliseconds an hour."""
        if self.url.drivername == "sqlite":
            return timedelta()
        with self._translated(), self.engine.connect() as connection:
            asked = utc_now()
            told: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
            return told.astimezone(UTC) - asked

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise StoreError(
                f"the record lacks a value, or refers to a missing record: {self._reason(error)}."
            ) from None
        except DBAPIError as error:
            told = StoreError(f"the record store {masked(self.url)} failed: {self._reason(error)}.")
            told.retryable = isinstance(error, OperationalError)
            raise told from None
        except StatementError as error:
            if isinstance(error.orig, QpuError):
                raise error.orig from None
            raise StoreError(f"the record holds a value that cannot be stored: {self._reason(error)}.") from None

    def _reason(self, error: StatementError) -> str:
        return without_secrets(error.orig, self.url).rstrip(".")


def required(session: Session, model: type[Model], key: Any, what: str) -> Model:
    """The record with this key.

    Raises:
        RecordNotFoundError: there is none; the message calls it ``what``.
    """
    record = session.get(model, key)
    if record is None:
        raise RecordNotFoundError(what, str(key))
    return record


def insert_missing(session: Session, model: type[Base], rows: dict[str, Any] | list[dict[str, Any]]) -> bool:
    """Insert rows unless their unique keys are taken; whether a (single) row was new."""
    table = cast("Table", model.__table__)
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    insert = sqlite.insert(table) if on_sqlite else postgresql.insert(table)
    # Without `inline` the driver would be asked for the new id, and then it does not count rows.
    statement = insert.on_conflict_do_nothing().inline().execution_options(preserve_rowcount=True)
    return cast("CursorResult[Any]", session.execute(statement, rows)).rowcount > 0


def _json(document: Any) -> str:
    try:
        return json.dumps(document, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise StoreError(f"the record holds a value that is not JSON data: {error}.") from error


def _engine(url: URL) -> Engine:
    options: dict[str, Any] = {
        "hide_parameters": True,
        "json_serializer": _json,
    }
    if url.drivername == "sqlite":
        return _sqlite_engine(url, options)
    try:
        limit = {} if "connect_timeout" in url.query else {"connect_timeout": CONNECT_TIMEOUT}
        return create_engine(url, pool_pre_ping=True, connect_args=limit, **options)
    except ImportError:
        raise refused(
            url, "an installed PostgreSQL driver", "Install it with: pip install 'prefect-qpu[postgres]'."
        ) from None


def _sqlite_engine(url: URL, options: dict[str, Any]) -> Engine:
    # A database in memory lives in its one connection, for which threads wait in turn.
    one = {"pool_size": 1, "max_overflow": 0} if in_memory(url) else {}
    connect = {"timeout": LOCK_TIMEOUT, "check_same_thread": False}
    engine = create_engine(url, poolclass=QueuePool, connect_args=connect, **one, **options)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _configure(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=NORMAL")
    _use_wal(connection)


def _use_wal(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite does not wait by itself for a process that does the same."""
    give_up = time.monotonic() + LOCK_TIMEOUT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    """Begin ourselves: the driver would begin too late, and only for reading."""
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _prepare_file(url: URL, *, create: bool) -> None:
    path = Path(url.database or "")
    try:
        if path.is_dir():
            raise refused(url, "the path of a file", f"{path} is a folder.")
        if create:
            path.parent.mkdir(parents=True, exist_ok=True)
        elif not path.exists():
            raise refused(url, "an existing record store", "A first run makes one.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise refused(url, "a file in a folder that can be written", f"{path.parent}: {reason}.") from error
