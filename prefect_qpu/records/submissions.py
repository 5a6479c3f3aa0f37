"""The ledger of submissions: the intent is stored before anything is sent, and each request has one row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from prefect_qpu.errors import StoreError
from prefect_qpu.hashing import content_hash as hash_of
from prefect_qpu.records import schema
from prefect_qpu.records.analysis import require_run
from prefect_qpu.records.database import insert_missing, required
from prefect_qpu.records.results import locked
from prefect_qpu.records.rows import SubmissionRow
from prefect_qpu.records.states import OPEN, REPEATABLE
from prefect_qpu.records.statuses import Statuses

_RACES = 100
"""Races that one call may lose; each one lost means that another process has stored a submission."""


class Submissions(Statuses):
    """Submissions by id: intent, job, states and results."""

    def intend(
        self,
        run_id: str,
        role: str,
        *,
        content_hash: str,
        replicate: int | None,
        provider: str,
        backend: str,
        pubs: Sequence[Mapping[str, Any]],
        options: Mapping[str, Any],
        seed: int | None,
        payload_bytes: int,
        calibration_hash: str | None,
        limits: Mapping[str, Any] | None = None,
        now: datetime,
    ) -> SubmissionRow:
        """The submission that serves a role of a run: the one linked already, one that can be shared, or a new one.

        With a replicate it is the latest attempt of that replicate; without one, an open submission of the same content
        is joined, and where there is none the next replicate is opened.

        Args:
            run_id: The run.
            role: What the submission is for, unique in the run.
            content_hash: Hash of all that decides the counts.
            replicate: Number of the repetition, or none.
            provider: Kind of the provider.
            backend: Name of the backend.
            pubs: ``circuit``, ``shots`` and ``parameters`` of each PUB, by hashes.
            options: Options of the provider.
            seed: Seed of the sampling.
            payload_bytes: Bytes that are sent.
            calibration_hash: The calibration that is valid now.
            limits: What the provider allowed in one job.
            now: The time.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        wanted = {
            "content_hash": content_hash,
            "provider": provider,
            "backend": backend,
            "pubs": [dict(pub) for pub in pubs],
            "options": dict(options),
            "seed": seed,
            "payload_bytes": payload_bytes,
            "calibration_hash": calibration_hash,
            "limits": None if limits is None else dict(limits),
            "created_at": now,
        }
        for _ in range(_RACES):
            with self._database.writing() as session:
                require_run(session, run_id)
                row = _served(session, run_id, role) or _link(session, run_id, role, _take(session, wanted, replicate))
                if row is not None:
                    return row
                # Another process was first: drop what this transaction wrote, and read what the other has stored.
                session.rollback()
        raise StoreError(f"the role {role!r} of run {run_id!r} could not be stored beside so many other writers.")

    def new_attempt(self, submission_id: int, now: datetime) -> SubmissionRow:
        """The next attempt at a submission that failed, was cancelled or got lost; it serves all runs of the old one.

        Raises:
            RecordNotFoundError: there is no such submission.
            StoreError: the submission is open or done, so that another attempt could be a second paid job.
        """
        with self._database.writing() as session:
            old = locked(session, submission_id)
            if old.state not in REPEATABLE:
                raise StoreError(
                    f"submission {submission_id} is {old.state}, expected one that failed, was cancelled or got lost. "
                    "Record the end of its job first."
                )
            new = _insert(session, _content(old) | {"created_at": now}, old.replicate, old.attempt + 1)
            link = schema.RunSubmission
            session.execute(update(link).where(link.submission_id == submission_id).values(submission_id=new.id))
            return SubmissionRow.of(new)

    def get(self, submission_id: int) -> SubmissionRow:
        """The submission with this id.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return SubmissionRow.of(required(session, schema.Submission, submission_id, "submission"))

    def for_run(self, run_id: str) -> dict[str, SubmissionRow]:
        """The submission of each role of a run, in the order in which they were made."""
        query = (
            select(schema.RunSubmission.role, schema.Submission)
            .join(schema.Submission, schema.RunSubmission.submission_id == schema.Submission.id)
            .where(schema.RunSubmission.run_id == run_id)
            .order_by(schema.Submission.id, schema.RunSubmission.role)
        )
        with self._database.reading() as session:
            return {role: SubmissionRow.of(record) for role, record in session.execute(query)}

    def serving(self, run_id: str, role: str) -> SubmissionRow | None:
        """The submission of one role of a run, or none; a run may have thousands."""
        with self._database.reading() as session:
            return _served(session, run_id, role)

    def states(self, run_id: str) -> dict[str, str]:
        """The state of the submission of each role of a run."""
        link, row = schema.RunSubmission, schema.Submission
        query = select(link.role, row.state).join(row, row.id == link.submission_id).where(link.run_id == run_id)
        with self._database.reading() as session:
            return dict(session.execute(query).tuples().all())

    def open(self, *, limit: int = 1000, after: int = 0, provider: str | None = None) -> list[SubmissionRow]:
        """Submissions that have not ended, by ascending id.

        Args:
            limit: How many at most.
            after: Only ids above this one: the last id of the page before.
            provider: Only those of one kind of provider.
        """
        query = select(schema.Submission).where(schema.Submission.state.in_(OPEN), schema.Submission.id > after)
        if provider is not None:
            query = query.where(schema.Submission.provider == provider)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.Submission.id).limit(limit))
            return [SubmissionRow.of(record) for record in records]


def _served(session: Session, run_id: str, role: str) -> SubmissionRow | None:
    link = session.get(schema.RunSubmission, (run_id, role))
    return SubmissionRow.of(session.get_one(schema.Submission, link.submission_id)) if link else None


def _link(session: Session, run_id: str, role: str, record: schema.Submission | None) -> SubmissionRow | None:
    """The row, linked to the role of the run; none if another process was first."""
    if record is None:
        return None
    link = {"run_id": run_id, "role": role, "submission_id": record.id}
    return SubmissionRow.of(record) if insert_missing(session, schema.RunSubmission, link) else None


def _take(session: Session, wanted: dict[str, Any], replicate: int | None) -> schema.Submission | None:
    """The submission to share or a new one; none if another process was first."""
    table = schema.Submission
    same = select(table).where(table.content_hash == wanted["content_hash"])
    if replicate is None:
        wanted_still = table.state.in_(OPEN), table.cancel_requested_at.is_(None)
        shared = same.where(*wanted_still).order_by(table.id.desc())
        highest = select(func.max(table.replicate)).where(table.content_hash == wanted["content_hash"])
        number = (session.scalar(highest) or 0) + 1
    else:
        shared, number = same.where(table.replicate == replicate).order_by(table.attempt.desc()), replicate
    return session.scalar(shared.limit(1)) or _insert_first(session, wanted, number)


def _insert_first(session: Session, wanted: dict[str, Any], replicate: int) -> schema.Submission | None:
    row = _row(session, wanted, replicate, 1)
    return _by_number(session, row) if insert_missing(session, schema.Submission, row) else None


def _insert(session: Session, wanted: dict[str, Any], replicate: int, attempt: int) -> schema.Submission:
    row = _row(session, wanted, replicate, attempt)
    insert_missing(session, schema.Submission, row)
    return _by_number(session, row)


def _row(session: Session, wanted: dict[str, Any], replicate: int, attempt: int) -> dict[str, Any]:
    """The columns of a new submission; its hash names the store, so that no other store takes the job for its own."""
    store = session.get_one(schema.Identity, 1).uuid
    request_hash = hash_of([store, wanted["content_hash"], replicate, attempt])
    numbers = {"replicate": replicate, "attempt": attempt, "request_hash": request_hash}
    return wanted | numbers | {"state": "intended"}


def _by_number(session: Session, row: dict[str, Any]) -> schema.Submission:
    query = select(schema.Submission).where(schema.Submission.request_hash == row["request_hash"])
    return session.scalars(query).one()


def _content(record: schema.Submission) -> dict[str, Any]:
    """What attempts at the same request have in common."""
    names = (
        "content_hash",
        "provider",
        "backend",
        "pubs",
        "options",
        "seed",
        "payload_bytes",
        "calibration_hash",
        "limits",
    )
    return {name: getattr(record, name) for name in names}
