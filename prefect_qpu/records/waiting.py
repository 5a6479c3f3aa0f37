"""What waits: runs for their jobs, jobs that no run wants, and jobs that came to be twice."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from prefect_qpu.latency import OPTIONS, PILOT, PRIMARY
from prefect_qpu.providers.types import JobStatus
from prefect_qpu.records import schema
from prefect_qpu.records.database import Database, insert_missing
from prefect_qpu.records.results import locked
from prefect_qpu.records.rows import SubmissionRow
from prefect_qpu.records.states import OPEN

_UNENDED = ("running", "waiting")
_ROLE = schema.RunSubmission.role
_BOUGHT = or_(_ROLE.in_((PRIMARY, PILOT)), _ROLE.startswith(OPTIONS, autoescape=True))
SERVER = "server"
"""Stage that tells which server a run's flow run lives on."""


@dataclass(frozen=True)
class WaitingRun:
    """A run that has not ended, and the submission that it waits for, if any: the first open one, else the last."""

    id: str
    flow_run_id: str | None
    experiment_hash: str
    state: str
    server: str | None
    """Mark of the server that its flow run lives on, or none if it is not known."""
    submission: SubmissionRow | None


@dataclass(frozen=True)
class WaitingSweep:
    """A run of a sweep that has not ended."""

    id: str
    flow_run_id: str | None
    experiment_hash: str
    state: str
    backend: str


@dataclass(frozen=True, slots=True)
class OpenSubmission:
    """A submission that has not ended, and an experiment that it serves."""

    id: int
    job_id: str | None
    backend: str
    experiment_hash: str


class Waiting:
    """The store as the reconciler sees it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def runs(self, *, after: str = "", limit: int = 500) -> list[WaitingRun]:
        """Runs that have not ended, by ascending id.

        Args:
            after: Only ids above this one: the last id of the page before.
            limit: How many at most.
        """
        link, run, mark = schema.RunSubmission, schema.Run, schema.Stage
        page = select(run.id).where(run.state.in_(_UNENDED), run.id > after).order_by(run.id).limit(limit)
        query = (
            select(run.id, run.flow_run_id, run.experiment_hash, run.state, mark.document, schema.Submission)
            .outerjoin(mark, and_(mark.run_id == run.id, mark.stage == SERVER))
            .outerjoin(link, and_(link.run_id == run.id, _BOUGHT))
            .outerjoin(schema.Submission, schema.Submission.id == link.submission_id)
            .where(run.id.in_(page.subquery().select()))
            .order_by(run.id, schema.Submission.id)
        )
        found: dict[str, WaitingRun] = {}
        with self._database.reading() as session:
            for item in session.execute(query):
                known = found.get(item.id)
                if known is None or known.submission is None or known.submission.state not in OPEN:
                    found[item.id] = _waiting(*item)
        return list(found.values())

    def sweeps(self) -> list[WaitingSweep]:
        """Runs of sweeps that have not ended but have a submission, by ascending id."""
        link, run, row = schema.RunSubmission, schema.Run, schema.Submission
        query = (
            select(run.id, run.flow_run_id, run.experiment_hash, run.state, func.min(row.backend))
            .join(link, link.run_id == run.id)
            .join(row, row.id == link.submission_id)
            .where(run.state.in_(_UNENDED), link.role.like("job-%"))
            .group_by(run.id, run.flow_run_id, run.experiment_hash, run.state)
            .order_by(run.id)
        )
        with self._database.reading() as session:
            return [WaitingSweep(*found) for found in session.execute(query)]

    def open_submissions(self) -> list[OpenSubmission]:
        """What is open, by ascending id, without what it holds: small enough to keep tens of thousands in memory."""
        link, run, row = schema.RunSubmission, schema.Run, schema.Submission
        query = (
            select(row.id, row.job_id, row.backend, func.min(run.experiment_hash).label("experiment_hash"))
            .join(link, link.submission_id == row.id)
            .join(run, run.id == link.run_id)
            .where(row.state.in_(OPEN))
            .group_by(row.id, row.job_id, row.backend)
            .order_by(row.id)
        )
        with self._database.reading() as session:
            return [OpenSubmission(*found) for found in session.execute(query)]

    def submissions(self, ids: Sequence[int]) -> list[SubmissionRow]:
        """The submissions with these ids, by ascending id."""
        query = select(schema.Submission).where(schema.Submission.id.in_(ids)).order_by(schema.Submission.id)
        with self._database.reading() as session:
            return [SubmissionRow.of(record) for record in session.scalars(query)]

    def wanted(self, submission_id: int, *, besides: str | None = None) -> bool:
        """Whether a run that has not ended, other than ``besides``, waits for the submission."""
        with self._database.reading() as session:
            return _wanted(session, submission_id, besides)

    def request_cancel(self, submission_id: int, now: datetime, *, besides: str | None = None) -> bool:
        """Remember that the job of an open submission is to be cancelled, also if it is not known yet; whether it is.

        It is not, if a run that has not ended, other than ``besides``, waits for it. No later run joins it.
        """
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if record.state not in OPEN or _wanted(session, submission_id, besides):
                return False
            record.cancel_requested_at = record.cancel_requested_at or now
            return True

    def add_surplus(self, submission_id: int, jobs: Iterable[JobStatus], now: datetime) -> None:
        """Keep jobs that carry the tag of a submission which another job serves; a known one gets its new state.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        table = schema.SurplusJob
        with self._database.writing() as session:
            locked(session, submission_id)
            for job in jobs:
                row = {"submission_id": submission_id, "job_id": job.job_id, "state": str(job.state), "found_at": now}
                if not insert_missing(session, table, row):
                    known = update(table).where(table.submission_id == submission_id, table.job_id == job.job_id)
                    session.execute(known.values(state=str(job.state)))

    def surplus(self, submission_id: int) -> dict[str, str]:
        """The last known state of each job beside the one that serves the submission, by job id."""
        query = select(schema.SurplusJob).where(schema.SurplusJob.submission_id == submission_id)
        with self._database.reading() as session:
            return {record.job_id: record.state for record in session.scalars(query.order_by(schema.SurplusJob.job_id))}

    def add_calibration(self, submission_id: int, calibration_hash: str) -> None:
        """Keep the calibration that was valid when the job ran; the first one is kept."""
        row = {"submission_id": submission_id, "calibration_hash": calibration_hash}
        with self._database.writing() as session:
            insert_missing(session, schema.JobCalibration, row)

    def calibration(self, submission_id: int) -> str | None:
        """Hash of the calibration that was valid when the job ran, or none if it is not known."""
        with self._database.reading() as session:
            record = session.get(schema.JobCalibration, submission_id)
            return record.calibration_hash if record else None


def _waiting(
    run_id: str,
    flow_run_id: str | None,
    experiment_hash: str,
    state: str,
    mark: dict[str, Any] | None,
    record: schema.Submission | None,
) -> WaitingRun:
    server = mark["server"] if mark else None
    return WaitingRun(run_id, flow_run_id, experiment_hash, state, server, SubmissionRow.of(record) if record else None)


def _wanted(session: Session, submission_id: int, besides: str | None) -> bool:
    link, run = schema.RunSubmission, schema.Run
    query = (
        select(run.id)
        .join(link, link.run_id == run.id)
        .where(link.submission_id == submission_id, run.state.in_(_UNENDED), run.id != (besides or ""))
        .limit(1)
    )
    return session.scalar(query) is not None
