"""`RecordStore`: the system of record, opened by URL."""

from pathlib import Path
from types import TracebackType
from typing import Self

from prefect_qpu.latency import Clock
from prefect_qpu.records import migrate
from prefect_qpu.records.circuits import Circuits
from prefect_qpu.records.database import Database
from prefect_qpu.records.definitions import Calibrations, Experiments
from prefect_qpu.records.runs import Runs
from prefect_qpu.records.schema import Identity
from prefect_qpu.records.submissions import Submissions
from prefect_qpu.records.sweeps import Sweeps
from prefect_qpu.records.urls import default_folder, default_url, masked
from prefect_qpu.records.waiting import Waiting


class RecordStore:
    """All records of one database; safe to share between threads.

    Every write is one transaction, and a repeated or late write changes nothing.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> with RecordStore.open("sqlite://") as store:
        ...     key = store.circuits.add(QuantumCircuit(2))
        ...     store.circuits.get(key).num_qubits
        2
    """

    def __init__(self, database: Database, *, clock: Clock | None = None) -> None:
        self._database = database
        clock = clock or database.now
        self.clock = clock
        self.circuits = Circuits(database, clock)
        self.experiments = Experiments(database, clock, self.circuits)
        self.calibrations = Calibrations(database, clock)
        self.runs = Runs(database)
        self.submissions = Submissions(database)
        self.waiting = Waiting(database)
        self.sweeps = Sweeps(database)

    @classmethod
    def open(cls, url: str | None = None, *, create: bool = True, clock: Clock | None = None) -> Self:
        """The store at a URL, its schema brought up to date.

        Args:
            url: ``sqlite:///<path>``, ``postgresql+psycopg://...`` or ``postgresql://...``; none means `default_url`.
                ``sqlite://`` is a store in memory.
            create: Whether an empty database, a missing file and its folder become a store.
            clock: Source of the times that are stored and compared; none is the database server's, so that hosts whose
                own clocks differ agree on who may send a request.

        Raises:
            StoreUrlError: the URL is malformed, or nothing that can be written is there.
            StoreSchemaError: the database is of a newer version of the package.
        """
        database = Database(url or default_url(), create=create)
        try:
            migrate.prepare(database, create=create)
        except BaseException:
            database.close()
            raise
        return cls(database, clock=clock)

    @property
    def identity(self) -> str:
        """A UUID that no other store has; it goes into the tag of every job."""
        with self._database.reading() as session:
            return session.get_one(Identity, 1).uuid

    @property
    def url_masked(self) -> str:
        """The URL without its password."""
        return masked(self._database.url)

    @property
    def url(self) -> str:
        """The URL with its password, to open the same store again; never for a log or a message."""
        return self._database.url.render_as_string(hide_password=False)

    @property
    def folder(self) -> Path:
        """Where files that belong to the store are kept: beside a SQLite file, else in the home folder."""
        file = self._database.url.database if self._database.url.drivername == "sqlite" else None
        return Path(file).parent if file else default_folder()

    def close(self) -> None:
        """Close all connections; the store cannot be used afterwards."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"RecordStore({self.url_masked!r})"
