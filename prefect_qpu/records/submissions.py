"""The ledger of submissions: the intent is stored before anything is sent, and each request has one row."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.hashing import content_hash as hash_of
from prefect_qpu.providers.types import JobStatus
from prefect_qpu.records import schema
from prefect_qpu.records.analysis import require_run
from prefect_qpu.records.database import insert_missing
from prefect_qpu.records.results import Results, locked
from prefect_qpu.records.rows import EventRow, SubmissionRow
from prefect_qpu.records.states import FINAL, OPEN, REPEATABLE, moved, told_state

_RACES = 100
"""Races that one call may lose; each one lost means that another process has stored a submission."""


class Submissions(Results):
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

    def claim(self, submission_id: int, owner: str, now: datetime, until: datetime) -> bool:
        """Whether ``owner`` alone may send the request until then; true again for the same owner.

        Of several processes that share a submission, one sends it; the others wait for the job, or for the end of the
        claim if that process died. A submission that has a job or has ended cannot be claimed.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            taken = record.claimed_until is not None and record.claimed_until > now and record.claimed_by != owner
            if taken or record.job_id is not None or record.state in FINAL:
                return False
            record.claimed_by, record.claimed_until = owner, until
            return True

    def accepted(self, submission_id: int, job_id: str, now: datetime) -> SubmissionRow:
        """The submission, with the job that serves it.

        Raises:
            RecordNotFoundError: there is no such submission.
            StoreError: another job serves it already.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            _serve(record, job_id, now)
            return SubmissionRow.of(record)

    def record_status(self, submission_id: int, status: JobStatus, now: datetime) -> bool:
        """Keep what the provider said and move the submission forward; whether it was new.

        A word of ``done`` leaves the submission open: `store_results` ends it.

        Raises:
            RecordNotFoundError: there is no such submission.
            StoreError: another job serves it.
        """
        event = {
            "submission_id": submission_id,
            "status": str(status.state),
            "provider_timestamp": status.at or schema.UNKNOWN_TIME,
            "message": status.message,
            "recorded_at": now,
        }
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if status.job_id:
                _serve(record, status.job_id, now)
            new = insert_missing(session, schema.StatusEvent, event)
            if new:
                _move(record, status, now)
            return new

    def get(self, submission_id: int) -> SubmissionRow:
        """The submission with this id.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            record = session.get(schema.Submission, submission_id)
            if record is None:
                raise RecordNotFoundError("submission", str(submission_id))
            return SubmissionRow.of(record)

    def by_request_hash(self, request_hash: str) -> SubmissionRow | None:
        """The submission whose job carries this tag, or none."""
        query = select(schema.Submission).where(schema.Submission.request_hash == request_hash)
        with self._database.reading() as session:
            record = session.scalar(query)
            return SubmissionRow.of(record) if record else None

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

    def runs_of(self, submission_id: int) -> list[str]:
        """The ids of all runs that a submission serves."""
        link = schema.RunSubmission
        query = select(link.run_id).where(link.submission_id == submission_id).distinct().order_by(link.run_id)
        with self._database.reading() as session:
            return list(session.scalars(query))

    def events(self, submission_id: int) -> list[EventRow]:
        """What the provider said of the job, in the order in which it was recorded."""
        query = select(schema.StatusEvent).where(schema.StatusEvent.submission_id == submission_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.StatusEvent.id))
            return [EventRow.of(record, provider_timestamp=_known(record.provider_timestamp)) for record in records]

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
        shared = same.where(table.state.in_(OPEN)).order_by(table.id.desc())
        highest = select(func.max(table.replicate)).where(table.content_hash == wanted["content_hash"])
        number = (session.scalar(highest) or 0) + 1
    else:
        shared, number = same.where(table.replicate == replicate).order_by(table.attempt.desc()), replicate
    return session.scalar(shared.limit(1)) or _insert_first(session, wanted, number)


def _insert_first(session: Session, wanted: dict[str, Any], replicate: int) -> schema.Submission | None:
    row = _row(wanted, replicate, 1)
    return _by_number(session, row) if insert_missing(session, schema.Submission, row) else None


def _insert(session: Session, wanted: dict[str, Any], replicate: int, attempt: int) -> schema.Submission:
    row = _row(wanted, replicate, attempt)
    insert_missing(session, schema.Submission, row)
    return _by_number(session, row)


def _row(wanted: dict[str, Any], replicate: int, attempt: int) -> dict[str, Any]:
    request_hash = hash_of([wanted["content_hash"], replicate, attempt])
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


def _serve(record: schema.Submission, job_id: str, now: datetime) -> None:
    if record.job_id not in {None, job_id}:
        raise StoreError(
            f"submission {record.id} is served by job {record.job_id!r}, but was told of job {job_id!r}. "
            "One request has one job: cancel the other."
        )
    if record.job_id is None:
        record.job_id, record.submitted_at = job_id, now
        record.state = moved(record.state, "submitted")


def _move(record: schema.Submission, status: JobStatus, now: datetime) -> None:
    state = moved(record.state, told_state(status.state))
    if state in FINAL and state != record.state:
        record.ended_at, record.error = now, status.message or None
    record.state = state


def _known(moment: datetime) -> datetime | None:
    return None if moment == schema.UNKNOWN_TIME else moment
