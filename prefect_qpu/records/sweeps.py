"""Sweeps: their plans, and the points that each of them buys; no point has two buyers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from json import loads
from typing import Any

from sqlalchemy import Select, delete, func, literal, select
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.hashing import canonical_json
from prefect_qpu.records import blobs, schema
from prefect_qpu.records.analysis import require_run
from prefect_qpu.records.database import Database, insert_missing, required
from prefect_qpu.records.rows import SweepRow
from prefect_qpu.records.states import OPEN

FAILED = "failed-"
"""First part of the stages that hold why a job gave no counts."""
_TOGETHER = 500
_STILL_OPEN = ("running", "waiting")
_SHORTEST_PREFIX = 6

Owner = tuple[int, int]
"""Id of the execution that buys a point, and the point's place among those that it buys."""


class Sweeps:
    """Executions of sweeps by the id of their run."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def owners(self, keys: Sequence[bytes]) -> dict[bytes, Owner]:
        """Who buys, or has bought, those of the points that anybody does."""
        table = schema.Point
        found: dict[bytes, Owner] = {}
        with self._database.reading() as session:
            for start in range(0, len(keys), _TOGETHER):
                query = select(table.key, table.sweep_id, table.place)
                rows = session.execute(query.where(table.key.in_(keys[start : start + _TOGETHER])))
                found.update((bytes(key), (sweep, place)) for key, sweep, place in rows)
        return found

    def start(
        self,
        run_id: str,
        *,
        sweep_hash: str,
        name: str,
        document: Mapping[str, Any],
        plan: Mapping[str, Any],
        arrays_hash: str,
        buys: Sequence[bytes],
        now: datetime,
    ) -> SweepRow | None:
        """The execution with its plan, and all points that it buys, in one transaction; the stored one if there is.

        None if one of the points has found another buyer meanwhile: then nothing is stored, and the plan is to be made
        again.

        Args:
            run_id: The run.
            sweep_hash: Hash of the sweep.
            name: Name of the sweep.
            document: The definition.
            plan: What is to be bought, as JSON data.
            arrays_hash: Arrays of the plan, as `prefect_qpu.records.results.Results.add_parameters` stored them.
            buys: The addresses of the points, by their places.
            now: The time.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        blob = blobs.packed(canonical_json(plan).encode())
        row = {
            "run_id": run_id,
            "hash": sweep_hash,
            "name": name,
            "document": dict(document),
            "plan_hash": blob["hash"],
            "arrays_hash": arrays_hash,
            "created_at": now,
        }
        with self._database.writing() as session:
            require_run(session, run_id)
            blobs.put(session, [blob])
            if not insert_missing(session, schema.Sweep, row):
                return _of_run(session, run_id)
            stored = _of_run(session, run_id)
            if _claimed(session, stored.id, buys):
                return stored
            session.rollback()
            return None

    def get(self, run_id: str) -> SweepRow:
        """The execution of a run.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return _of_run(session, run_id)

    def find(self, run_id: str) -> SweepRow | None:
        """The execution of a run, or none."""
        with self._database.reading() as session:
            record = session.scalar(select(schema.Sweep).where(schema.Sweep.run_id == run_id))
            return SweepRow.of(record) if record else None

    def by_id(self, sweep_id: int) -> SweepRow:
        """The execution with this number.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return SweepRow.of(required(session, schema.Sweep, sweep_id, "sweep"))

    def unfinished(self, sweep_hash: str) -> SweepRow | None:
        """The newest execution of a sweep that has not ended, or none; it is to be continued, not repeated.

        One that has failed counts too, as long as one of its jobs is out.
        """
        return next((row for row in self.of(sweep_hash) if self.alive(self.run_ids(row))), None)

    def of(self, sweep_hash: str) -> "list[SweepRow]":
        """All executions of a sweep, the newest first."""
        table = schema.Sweep
        query = select(table).where(table.hash == sweep_hash).order_by(table.id.desc())
        with self._database.reading() as session:
            return [SweepRow.of(record) for record in session.scalars(query)]

    def run_ids(self, row: SweepRow) -> list[str]:
        """The runs of an execution, one for each backend; the first one is that of the whole sweep."""
        return [str(backend["run_id"]) for backend in self.plan(row).get("backends", ())] or [row.run_id]

    def alive(self, run_ids: Sequence[str]) -> bool:
        """Whether one of the runs of an execution goes on, or has a job out that it has not given up."""
        run = schema.Run
        going = select(run.id).where(run.id.in_(run_ids), run.state.in_(_STILL_OPEN)).limit(1)
        with self._database.reading() as session:
            if session.scalar(going) is not None:
                return True
        return any(not given_up for given_up in self.out(run_ids).values())

    def out(self, run_ids: Sequence[str]) -> dict[tuple[str, str], bool]:
        """The jobs, by run and role, that may still give counts, also where nobody knows whether the request arrived.

        The value tells whether the execution has given the job up; its points are not bought again nevertheless. A job
        that is to be cancelled is not out.
        """
        link, row, stage = schema.RunSubmission, schema.Submission, schema.Stage
        failed = (stage.run_id == link.run_id) & (stage.stage == literal(FAILED) + link.role)
        query = (
            select(link.run_id, link.role, stage.stage.is_not(None))
            .join(row, row.id == link.submission_id)
            .outerjoin(stage, failed)
            .where(link.run_id.in_(run_ids), row.state.in_(OPEN), row.cancel_requested_at.is_(None))
            .where(row.job_id.is_not(None) | row.sent_at.is_not(None))
        )
        with self._database.reading() as session:
            return {(run_id, role): bool(given_up) for run_id, role, given_up in session.execute(query)}

    def resolve(self, given: str) -> SweepRow:
        """The newest execution of the sweep of this name, or of the sweep or the run whose hash or id begins so.

        Raises:
            RecordNotFoundError: there is none.
            StoreError: several sweeps begin so.
        """
        with self._database.reading() as session:
            exact = (schema.Sweep.name == given) | (schema.Sweep.run_id == given)
            named = _newest(session, select(schema.Sweep).where(exact))
            if named is not None:
                return named
            if len(given) >= _SHORTEST_PREFIX:
                for column in (schema.Sweep.run_id, schema.Sweep.hash):
                    begins = func.substr(column, 1, len(given)) == given
                    different = session.scalars(select(column).where(begins).distinct().limit(2)).all()
                    if len(different) > 1:
                        raise StoreError(f"the sweep {given!r} is ambiguous. Give more characters.")
                    found = _newest(session, select(schema.Sweep).where(begins))
                    if found is not None:
                        return found
        raise RecordNotFoundError("sweep", given, "Give its name, or at least six characters of its hash or its run.")

    def list(self, limit: int = 50) -> list[SweepRow]:
        """The newest executions, the newest first."""
        with self._database.reading() as session:
            records = session.scalars(select(schema.Sweep).order_by(schema.Sweep.id.desc()).limit(limit))
            return [SweepRow.of(record) for record in records]

    def plan(self, row: SweepRow) -> dict[str, Any]:
        """What an execution has planned, as JSON data."""
        with self._database.reading() as session:
            found = loads(blobs.contents(session, [row.plan_hash])[row.plan_hash])
        return dict(found)

    def release(self, sweep_id: int, keys: Sequence[bytes]) -> None:
        """Let others buy points that this execution could not measure."""
        table = schema.Point
        with self._database.writing() as session:
            for start in range(0, len(keys), _TOGETHER):
                some = keys[start : start + _TOGETHER]
                session.execute(delete(table).where(table.sweep_id == sweep_id, table.key.in_(some)))


def _claimed(session: Session, sweep_id: int, keys: Sequence[bytes]) -> bool:
    """Whether all the points have this buyer now."""
    rows = [{"key": key, "sweep_id": sweep_id, "place": place} for place, key in enumerate(keys)]
    if rows:
        # In the order of the keys, so that two sweeps never wait for each other's rows.
        insert_missing(session, schema.Point, sorted(rows, key=lambda row: row["key"]))
    owned = select(func.count()).select_from(schema.Point).where(schema.Point.sweep_id == sweep_id)
    return session.scalar(owned) == len(keys)


def _of_run(session: Session, run_id: str) -> SweepRow:
    record = session.scalar(select(schema.Sweep).where(schema.Sweep.run_id == run_id))
    if record is None:
        raise RecordNotFoundError("sweep", run_id)
    return SweepRow.of(record)


def _newest(session: Session, query: Select[Any]) -> SweepRow | None:
    record = session.scalar(query.order_by(schema.Sweep.id.desc()).limit(1))
    return SweepRow.of(record) if record else None
