"""What becomes of a submission: who sends it, which job serves it, and what the provider says of that job."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from prefect_qpu.errors import StoreError
from prefect_qpu.providers.types import JobState, JobStatus
from prefect_qpu.records import schema
from prefect_qpu.records.database import insert_missing
from prefect_qpu.records.results import Results, locked
from prefect_qpu.records.rows import EventRow, SubmissionRow
from prefect_qpu.records.states import FINAL, moved, told_state


class Statuses(Results):
    """Claims, jobs and states of submissions; a state moves only forward."""

    def claim(self, submission_id: int, owner: str, now: datetime, until: datetime) -> bool:
        """Whether the caller may send the request now, and nobody else until then.

        One process at a time sends a request. A claim outlives the process that made it, because a job of that sending
        may still appear at the provider; not even its owner can claim again before it ends or is released. A submission
        that has a job or has ended cannot be claimed.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            taken = record.claimed_until is not None and record.claimed_until > now
            if taken or record.job_id is not None or record.state in FINAL:
                return False
            record.claimed_by, record.claimed_until = owner, until
            return True

    def sending(self, submission_id: int, owner: str, now: datetime, until: datetime) -> bool | None:
        """Whether this is the first sending of the request; none if the claim is no longer the owner's.

        Called directly before the request is sent: the claim counts from here, and the row remembers that a job may
        exist, whatever becomes of the claim.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if record.claimed_by != owner or record.job_id is not None or record.state in FINAL:
                return None
            first = record.sent_at is None
            record.claimed_until, record.sent_at = until, record.sent_at or now
            return first

    def release(self, submission_id: int, owner: str, *, unsent: bool = False) -> None:
        """End the claim of ``owner``, who knows that its sending has made no job.

        Args:
            submission_id: The submission.
            owner: Who claimed it.
            unsent: Whether no sending before this one can have made a job either.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if record.claimed_by == owner:
                record.claimed_by = record.claimed_until = None
                record.sent_at = None if unsent else record.sent_at

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

    def record_status(self, submission_id: int, status: JobStatus, now: datetime, *, certain: bool = True) -> bool:
        """Keep what the provider said and move the submission forward; whether it was new.

        A word of ``done`` leaves the submission open: `store_results` ends it.

        Args:
            submission_id: The submission.
            status: What the provider said.
            now: The time.
            certain: Whether the word can end the submission; otherwise it is only kept.

        Raises:
            RecordNotFoundError: there is no such submission.
            StoreError: another job serves it.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if status.job_id:
                _serve(record, status.job_id, now)
            new = insert_missing(session, schema.StatusEvent, _event(submission_id, status, now))
            _hear(record, status, now, certain=certain)
            return new

    def record_statuses(self, told: Mapping[int, JobStatus], now: datetime) -> None:
        """Keep what the provider said of many jobs, in one transaction; a word that would end a job is only kept.

        Args:
            told: The word on each submission's job, by the submission's id.
            now: The time.
        """
        if not told:
            return
        table = schema.Submission
        query = select(table).where(table.id.in_(told)).order_by(table.id).with_for_update()
        with self._database.writing() as session:
            # Rows are locked before events are written, as everywhere: two orders would lock each other out.
            records = list(session.scalars(query))
            insert_missing(session, schema.StatusEvent, [_event(item.id, told[item.id], now) for item in records])
            for record in records:
                _hear(record, told[record.id], now, certain=False)

    def events(self, submission_id: int) -> list[EventRow]:
        """What the provider said of the job, in the order in which it was recorded."""
        query = select(schema.StatusEvent).where(schema.StatusEvent.submission_id == submission_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.StatusEvent.id))
            return [EventRow.of(record, provider_timestamp=_known(record.provider_timestamp)) for record in records]


def _event(submission_id: int, status: JobStatus, now: datetime) -> dict[str, Any]:
    return {
        "submission_id": submission_id,
        "status": str(status.state),
        "provider_timestamp": status.at or schema.UNKNOWN_TIME,
        "message": status.message,
        "recorded_at": now,
    }


def _hear(record: schema.Submission, status: JobStatus, now: datetime, *, certain: bool) -> None:
    record.lost_since = (record.lost_since or now) if status.state is JobState.LOST else None
    if certain or told_state(status.state) not in FINAL:
        _move(record, status, now)


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
