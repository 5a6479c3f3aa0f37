"""The store of jobs: every change of state is one guarded transaction, so that races end in one state."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, func, select, update
from sqlalchemy.orm import Session

from prefect_qpu.emulator.auth import Owner
from prefect_qpu.emulator.payloads import Submission
from prefect_qpu.emulator.schema import VERSION, Base, Job, JobTag, Meta, Payload, Result
from prefect_qpu.errors import StoreSchemaError
from prefect_qpu.records.database import Database
from prefect_qpu.records.urls import sqlite_url

QUEUED, RUNNING, COMPLETED, FAILED, CANCELLED = "Queued", "Running", "Completed", "Failed", "Cancelled"
PENDING = (QUEUED, RUNNING)

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"
_LIMIT = 200


@dataclass(frozen=True)
class Ending:
    """How a job ends."""

    state: str
    reason: str | None = None
    code: int | None = None
    body: bytes | None = None
    log: str = ""
    executions: int | None = None
    charged: float = 0.0


@dataclass(frozen=True)
class Search:
    """What jobs to list."""

    backend: str | None = None
    program: str | None = None
    session_id: str | None = None
    tags: Sequence[str] = ()
    """All of them."""
    pending: bool | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    oldest_first: bool = False
    limit: int | None = None
    offset: int = 0


class SerialDatabase(Database):
    """A database whose writers wait in turn: SQLite would make the threads of one process sleep between attempts."""

    def __init__(self, given: str) -> None:
        self._turn = Lock()
        super().__init__(given)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session in one transaction that is committed at the end, or rolled back on an error."""
        with self._turn, super().writing() as session:
            yield session


class Jobs:
    """Jobs in a SQLite file.

    Args:
        database: Where they are kept; its tables are made if it is new.

    Raises:
        StoreSchemaError: the file was made by another version.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        Base.metadata.create_all(database.engine)
        found = self.kept("schema", {"version": VERSION})["version"]
        if found != VERSION:
            raise StoreSchemaError(
                f"the emulator's database has version {found}, expected {VERSION}. Use a new folder."
            )

    @classmethod
    def open(cls, folder: Path) -> "Jobs":
        """The jobs in a folder, which is made if it does not exist."""
        return cls(SerialDatabase(sqlite_url(folder / "emulator.db")))

    def kept(self, key: str, default: dict[str, Any]) -> dict[str, Any]:
        """A value that outlives the process; the default, from now on, if there is none yet."""
        with self.database.writing() as session:
            row = session.get(Meta, key)
            if row is None:
                session.add(row := Meta(key=key, value=default))
            return row.value

    def keep(self, key: str, value: dict[str, Any]) -> None:
        """Replace a value that outlives the process."""
        with self.database.writing() as session:
            session.merge(Meta(key=key, value=value))

    def add(
        self, submission: Submission, owner: Owner, now: datetime, ready: datetime, fault: dict[str, Any] | None
    ) -> Job:
        """Accept a job."""
        job = Job(
            id="d" + "".join(secrets.choice(_ALPHABET) for _ in range(19)),
            user=owner.user,
            instance=owner.instance,
            backend=submission.backend,
            program=submission.program,
            state=QUEUED,
            session_id=submission.session_id,
            tags=list(submission.tags),
            private=submission.private,
            image=submission.image,
            max_seconds=submission.max_seconds,
            wanted_calibration=submission.calibration,
            executions=submission.executions,
            fault=fault,
            created=now,
            ready=ready,
        )
        with self.database.writing() as session:
            session.add(job)
            session.flush()
            session.add(Payload(job=job.number, params=submission.params))
            session.add_all(JobTag(job=job.number, tag=tag) for tag in submission.tags)
        return job

    def get(self, job_id: str, owner: Owner | None = None) -> Job | None:
        """A job; only if it is the owner's, where one is given."""
        with self.database.reading() as session:
            found: Job | None = session.scalar(_owned(select(Job).where(Job.id == job_id), owner))
            return found

    def search(self, owner: Owner | None, search: Search) -> tuple[list[Job], int]:
        """The jobs that match, and how many match in all, without limit and offset."""
        query = _owned(_matching(search), owner)
        order = Job.number.asc() if search.oldest_first else Job.number.desc()
        with self.database.reading() as session:
            count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
            page = query.order_by(order).limit(search.limit or _LIMIT).offset(search.offset)
            return list(session.scalars(page)), count

    def params(self, number: int) -> bytes:
        """The parameters of a job as JSON text."""
        with self.database.reading() as session:
            return session.scalar(select(Payload.params).where(Payload.job == number)) or b"{}"

    def result(self, number: int) -> tuple[bytes, str] | None:
        """The result of a job, and its log."""
        with self.database.reading() as session:
            row = session.execute(select(Result.body, Result.log).where(Result.job == number)).first()
            return None if row is None else (row.body, row.log)

    def start(self, number: int, now: datetime, calibration: str) -> bool:
        """Let a job leave the queue; whether it was still there. One that was running keeps its start."""
        change = update(Job).where(Job.number == number, Job.state.in_(PENDING))
        values = {"state": RUNNING, "started": func.coalesce(Job.started, now), "calibration": calibration}
        with self.database.writing() as session:
            return _changed(session, change.values(values))

    def finish(self, number: int, now: datetime, ending: Ending, *, only: Sequence[str] = (RUNNING,)) -> bool:
        """End a job with its result; whether it had not ended before."""
        values: dict[str, Any] = {"state": ending.state, "reason": ending.reason, "reason_code": ending.code}
        values |= {"finished": now, "charged": ending.charged}
        if ending.executions is not None:
            values["executions"] = ending.executions
        with self.database.writing() as session:
            if not _changed(session, update(Job).where(Job.number == number, Job.state.in_(only)).values(values)):
                return False
            if ending.body is not None or ending.log:
                session.merge(Result(job=number, body=ending.body or b"", log=ending.log))
            return True

    def cancel(self, job: Job, now: datetime) -> bool:
        """Cancel a job; whether it had not ended before. A running one is charged for its time so far."""
        charged = 0.0 if job.started is None else (now - job.started).total_seconds()
        return self.finish(job.number, now, Ending(CANCELLED, charged=charged), only=PENDING)

    def set_tags(self, job: Job, tags: Sequence[str]) -> None:
        """Replace the tags of a job."""
        with self.database.writing() as session:
            session.execute(update(Job).where(Job.number == job.number).values(tags=list(tags)))
            session.execute(delete(JobTag).where(JobTag.job == job.number))
            session.add_all(JobTag(job=job.number, tag=tag) for tag in tags)

    def set_fault(self, number: int, fault: dict[str, Any] | None) -> None:
        """Replace the fault of a job."""
        with self.database.writing() as session:
            session.execute(update(Job).where(Job.number == number).values(fault=fault))

    def delete(self, job: Job) -> None:
        """Delete a job with all that belongs to it."""
        with self.database.writing() as session:
            session.execute(delete(Job).where(Job.number == job.number))

    def pending(self) -> list[Job]:
        """All jobs that have not ended, in the order of acceptance."""
        with self.database.reading() as session:
            return list(session.scalars(select(Job).where(Job.state.in_(PENDING)).order_by(Job.number)))

    def charged(self, instance: str) -> float:
        """QPU seconds that an instance has used."""
        with self.database.reading() as session:
            return float(session.scalar(select(func.sum(Job.charged)).where(Job.instance == instance)) or 0)


def _owned(query: Select[Any], owner: Owner | None) -> Select[Any]:
    return query if owner is None else query.where(Job.instance == owner.instance, Job.user == owner.user)


def _matching(search: Search) -> Select[Any]:
    query = select(Job)
    equal = {"backend": search.backend, "program": search.program, "session_id": search.session_id}
    query = query.filter_by(**{name: value for name, value in equal.items() if value is not None})
    for tag in search.tags:
        query = query.where(Job.number.in_(select(JobTag.job).where(JobTag.tag == tag)))
    if search.pending is not None:
        query = query.where(Job.state.in_(PENDING) if search.pending else Job.state.not_in(PENDING))
    if search.created_after is not None:
        query = query.where(Job.created >= search.created_after)
    if search.created_before is not None:
        query = query.where(Job.created <= search.created_before)
    return query


def _changed(session: Session, change: Any) -> bool:
    return cast("CursorResult[Any]", session.execute(change)).rowcount > 0
