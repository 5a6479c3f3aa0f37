"""Sessions and batches: who may submit into them, and what the client is told of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import select, update

from prefect_qpu.emulator.answers import RefusedError, timestamp
from prefect_qpu.emulator.auth import Owner
from prefect_qpu.emulator.jobs import PENDING
from prefect_qpu.emulator.schema import Job, SessionRow
from prefect_qpu.records.database import Database

DEDICATED, BATCH = "dedicated", "batch"
_LONGEST = 8 * 3600.0


@dataclass
class Sessions:
    """The sessions in the emulator's database."""

    database: Database

    def open(self, request: Mapping[str, Any], owner: Owner, interactive_s: float, now: datetime) -> SessionRow:
        """A new session.

        Raises:
            RefusedError: the request names no known mode.
        """
        mode = request.get("mode") or DEDICATED
        if mode not in {DEDICATED, BATCH}:
            raise RefusedError(400, 1002, f"mode: got {mode!r}, expected {DEDICATED} or {BATCH}.")
        row = SessionRow(
            id=str(uuid4()),
            user=owner.user,
            instance=owner.instance,
            backend=request["backend"],
            mode=mode,
            accepting=True,
            max_ttl=float(request.get("max_ttl") or _LONGEST),
            interactive_ttl=interactive_s,
            created=now,
        )
        with self.database.writing() as session:
            session.add(row)
        return row

    def get(self, session_id: str, owner: Owner) -> SessionRow:
        """A session of the owner.

        Raises:
            RefusedError: there is none.
        """
        with self.database.reading() as session:
            row = session.get(SessionRow, session_id)
        if row is None or (row.user, row.instance) != (owner.user, owner.instance):
            raise RefusedError(404, 1230, f"Session {session_id!r} not found.")
        return row

    def accepting(self, session_id: str, owner: Owner) -> SessionRow:
        """A session that takes jobs.

        Raises:
            RefusedError: there is none, or it is closed.
        """
        row = self.get(session_id, owner)
        if not row.accepting or row.closed is not None:
            raise RefusedError(400, 1217, "Session has been closed.", solution="Open a new session.")
        return row

    def used(self, session_id: str, now: datetime) -> SessionRow | None:
        """The session, once it is noted that a job of it started or ended; the first one starts the session."""
        with self.database.writing() as session:
            row = session.get(SessionRow, session_id)
            if row is not None:
                row.started = row.started or now
                row.last_used = now
            return row

    def stop_accepting(self, session_id: str) -> None:
        """Take no more jobs; those that wait are still run."""
        self._change(session_id, accepting=False)

    def close(self, session_id: str, now: datetime) -> None:
        """Close for good."""
        self._change(session_id, accepting=False, closed=now)

    def to_close(self, now: datetime) -> list[tuple[SessionRow, bool]]:
        """Open sessions that should be closed now, and whether their time is over (else they are done)."""
        with self.database.reading() as session:
            rows = list(session.scalars(select(SessionRow).where(SessionRow.closed.is_(None))))
            busy = set(session.scalars(select(Job.session_id).where(Job.state.in_(PENDING)).distinct()))
        return [(row, _over(row, now)) for row in rows if _over(row, now) or not (row.accepting or row.id in busy)]

    def pending(self, session_id: str) -> list[Job]:
        """The jobs of a session that have not ended."""
        query = select(Job).where(Job.session_id == session_id, Job.state.in_(PENDING))
        with self.database.reading() as session:
            return list(session.scalars(query))

    def _change(self, session_id: str, **values: Any) -> None:
        change = update(SessionRow).where(SessionRow.id == session_id, SessionRow.closed.is_(None))
        with self.database.writing() as session:
            session.execute(change.values(values))


def session_document(row: SessionRow, *, busy: bool, now: datetime) -> dict[str, Any]:
    """A session as the service describes it.

    Args:
        row: The session.
        busy: Whether jobs of it wait or run.
        now: The moment.
    """
    return {
        "id": row.id,
        "backend_name": row.backend,
        "mode": row.mode,
        "state": _state(row, busy=busy, now=now),
        "accepting_jobs": row.accepting and row.closed is None,
        "max_ttl": row.max_ttl,
        "interactive_ttl": row.interactive_ttl,
        "active_ttl": row.max_ttl,
        "elapsed_time": 0.0 if row.started is None else ((row.closed or now) - row.started).total_seconds(),
        "created_at": timestamp(row.created),
        "started_at": timestamp(row.started),
        "activated_at": timestamp(row.started),
        "closed_at": timestamp(row.closed),
        "last_job_completed": timestamp(row.last_used),
        "timestamps": [],
    }


def _state(row: SessionRow, *, busy: bool, now: datetime) -> str:
    if row.closed is not None:
        return "closed"
    if row.started is None:
        return "open"
    last = row.last_used or row.started
    return "active" if busy or now < last + timedelta(seconds=row.interactive_ttl) else "inactive"


def _over(row: SessionRow, now: datetime) -> bool:
    return row.started is not None and now >= row.started + timedelta(seconds=row.max_ttl)
