"""Runs: from start to end, and the stages in between that make them resumable."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

from sqlalchemy import Select, delete, func, select, update
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.records import schema
from prefect_qpu.records.analysis import Analysis, require_run
from prefect_qpu.records.database import insert_missing, required
from prefect_qpu.records.rows import RunRow
from prefect_qpu.records.waiting import SERVER

SHORTEST_PREFIX = 6
MOST_ANSWERS = 100
"""Earlier runs of an execution that are looked at together."""
_SHOWN = 3

RunState = Literal["running", "waiting", "ended", "failed"]
_STILL_OPEN = ("running", "waiting")


class Runs(Analysis):
    """Runs by their id, with all that was learned in them."""

    def start(
        self,
        run_id: str,
        experiment_hash: str,
        *,
        backend: Mapping[str, Any],
        seeds: Mapping[str, int],
        versions: Mapping[str, str],
        flow_run_id: str | None = None,
        calibration_hash: str | None = None,
        now: datetime,
    ) -> RunRow:
        """The run with this id: new, or as it was started before.

        Raises:
            RecordNotFoundError: the experiment is not stored.
        """
        row = {
            "id": run_id,
            "experiment_hash": experiment_hash,
            "flow_run_id": flow_run_id,
            "state": "running",
            "calibration_hash": calibration_hash,
            "backend": dict(backend),
            "seeds": dict(seeds),
            "versions": dict(versions),
            "started_at": now,
        }
        with self._database.writing() as session:
            required(session, schema.Experiment, experiment_hash, "experiment")
            insert_missing(session, schema.Run, row)
            return _row(session, run_id)

    def get(self, run_id: str) -> RunRow:
        """The run with this id, or whose id begins so.

        Raises:
            RecordNotFoundError: there is none.
            StoreError: several ids begin so.
        """
        with self._database.reading() as session:
            return _row(session, _resolved(session, run_id))

    def find(self, run_id: str) -> RunRow | None:
        """The run with exactly this id, or none."""
        with self._database.reading() as session:
            return _row(session, run_id) if session.get(schema.Run, run_id) else None

    def of_flow_run(self, flow_run_id: str) -> "list[RunRow]":
        """The runs that a flow run carries out: one, or one for each backend of a sweep."""
        query = _query().where(schema.Run.flow_run_id == flow_run_id).order_by(schema.Run.id)
        with self._database.reading() as session:
            return [_as_row(found) for found in session.execute(query)]

    def hand_over(self, run_id: str, flow_run_id: str) -> None:
        """Let another flow run carry out a run; on which server it lives is noted anew by the caller.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        with self._database.writing() as session:
            require_run(session, run_id)
            session.execute(update(schema.Run).where(schema.Run.id == run_id).values(flow_run_id=flow_run_id))
            mark = schema.Stage
            session.execute(delete(mark).where(mark.run_id == run_id, mark.stage == SERVER))

    def resolve(self, prefix: str) -> str:
        """The whole id of the run whose id begins so.

        Raises:
            RecordNotFoundError: there is none, or the prefix has less than six characters.
            StoreError: several ids begin so.
        """
        with self._database.reading() as session:
            return _resolved(session, prefix)

    def list(self, limit: int = 50, name: str | None = None, state: RunState | None = None) -> list[RunRow]:
        """The newest runs, the newest first; of the experiments with a name, or in a state.

        Runs that started at the same moment come by descending id.
        """
        query = _query().order_by(schema.Run.started_at.desc(), schema.Run.id.desc()).limit(limit)
        if name is not None:
            query = query.where(schema.Experiment.name == name)
        if state is not None:
            query = query.where(schema.Run.state == state)
        with self._database.reading() as session:
            return [_as_row(found) for found in session.execute(query)]

    def move(self, run_id: str, state: Literal["running", "waiting"]) -> RunRow:
        """The run, marked as waiting for its job or as running again; a run that ended is left as it is.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        with self._database.writing() as session:
            require_run(session, run_id)
            ended = schema.Run.state == "ended"
            session.execute(update(schema.Run).where(schema.Run.id == run_id, ~ended).values(state=state))
            return _row(session, run_id)

    def finish(
        self,
        run_id: str,
        *,
        state: Literal["ended", "failed"],
        outcome: str | None,
        source: str | None,
        error: str | None = None,
        now: datetime,
    ) -> RunRow:
        """The run with its end, of which the first is kept; only a failed run may be resumed and end after all.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        replaced = (*_STILL_OPEN, "failed") if state == "ended" else _STILL_OPEN
        end = {"state": state, "outcome": outcome, "source": source, "error": error, "ended_at": now}
        with self._database.writing() as session:
            require_run(session, run_id)
            session.execute(
                update(schema.Run).where(schema.Run.id == run_id, schema.Run.state.in_(replaced)).values(end)
            )
            return _row(session, run_id)

    def stage(self, run_id: str, stage: str) -> dict[str, Any] | None:
        """The output of a stage, or none if it has not ended."""
        with self._database.reading() as session:
            record = session.get(schema.Stage, (run_id, stage))
            return record.document if record else None

    def complete_stage(self, run_id: str, stage: str, document: Mapping[str, Any], now: datetime) -> dict[str, Any]:
        """The output that is stored for a stage: this one, or an earlier one.

        Raises:
            RecordNotFoundError: there is no such run.
        """
        row = {"run_id": run_id, "stage": stage, "document": dict(document), "completed_at": now}
        with self._database.writing() as session:
            require_run(session, run_id)
            insert_missing(session, schema.Stage, row)
            return session.get_one(schema.Stage, (run_id, stage)).document

    def stages(self, run_id: str) -> dict[str, dict[str, Any]]:
        """The output of each finished stage, in the order in which they ended."""
        query = select(schema.Stage).where(schema.Stage.run_id == run_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.Stage.completed_at, schema.Stage.stage))
            return {record.stage: record.document for record in records}

    def stage_names(self, run_id: str) -> tuple[str, ...]:
        """The names of the finished stages."""
        query = select(schema.Stage.stage).where(schema.Stage.run_id == run_id).order_by(schema.Stage.stage)
        with self._database.reading() as session:
            return tuple(session.scalars(query))

    def marks(self, run_id: str, prefix: str) -> tuple[datetime, ...]:
        """When the marks of a kind were made: stages without output whose names begin so, in order of time."""
        table = schema.Stage
        of_kind = table.stage.startswith(prefix, autoescape=True)
        query = select(table.completed_at).where(table.run_id == run_id, of_kind).order_by(table.completed_at)
        with self._database.reading() as session:
            return tuple(session.scalars(query))

    def latest_answer(
        self,
        execution_hash: str,
        *,
        before: datetime | None = None,
        excluding: str | None = None,
        simulator: bool | None = None,
    ) -> RunRow | None:
        """The newest ended run whose numbers were measured on the quantum path of the same execution, or none.

        Args:
            execution_hash: What decides the measured numbers.
            before: Only runs that ended before this moment.
            excluding: Id of a run to leave out.
            simulator: Only runs whose backend simulates, or only those whose backend does not; none for all.
        """
        query = _answers(execution_hash, before)
        if excluding is not None:
            query = query.where(schema.Run.id != excluding)
        if simulator is not None:
            query = query.where(schema.Run.backend["simulator"].as_boolean().is_(simulator))
        newest = query.order_by(schema.Run.ended_at.desc(), schema.Run.id.desc()).limit(1)
        with self._database.reading() as session:
            found = session.execute(newest).first()
            return _as_row(found) if found else None

    def answers(self, execution_hash: str, *, backend: str, before: datetime) -> tuple[RunRow, ...]:
        """Ended runs of the same execution on a backend that the quantum path answered, the newest first.

        Args:
            execution_hash: What decides the measured numbers.
            backend: Name of the backend.
            before: Only runs that ended before this moment.
        """
        query = _answers(execution_hash, before).where(schema.Run.backend["name"].as_string() == backend)
        ordered = query.order_by(schema.Run.ended_at.desc(), schema.Run.id.desc()).limit(MOST_ANSWERS)
        with self._database.reading() as session:
            return tuple(_as_row(found) for found in session.execute(ordered))


def _answers(execution_hash: str, before: datetime | None) -> Select[Any]:
    """Ended runs of an execution that the quantum path answered."""
    query = _query().where(
        schema.Experiment.execution_hash == execution_hash,
        schema.Run.state == "ended",
        schema.Run.source == "quantum",
    )
    return query if before is None else query.where(schema.Run.ended_at < before)


def _query() -> Select[Any]:
    joined = schema.Run.experiment_hash == schema.Experiment.hash
    # SQLAlchemy 2.0 and 2.1 spell the type of a query for two tables differently.
    return cast("Select[Any]", select(schema.Run, schema.Experiment).join(schema.Experiment, joined))


def _row(session: Session, run_id: str) -> RunRow:
    return _as_row(session.execute(_query().where(schema.Run.id == run_id)).one())


def _as_row(found: Sequence[Any]) -> RunRow:
    run, experiment = found
    return RunRow.of(run, name=experiment.name, execution_hash=experiment.execution_hash)


def _resolved(session: Session, given: str) -> str:
    if session.scalar(select(schema.Run.id).where(schema.Run.id == given)) is not None:
        return given
    if len(given) < SHORTEST_PREFIX:
        raise RecordNotFoundError("run", given, f"Give at least {SHORTEST_PREFIX} characters of its id.")
    begins = func.substr(schema.Run.id, 1, len(given)) == given
    found = session.scalars(select(schema.Run.id).where(begins).order_by(schema.Run.id).limit(_SHOWN)).all()
    if not found:
        raise RecordNotFoundError("run", given)
    if len(found) > 1:
        raise StoreError(f"the run {given!r} is ambiguous: {', '.join(found)}. Give more characters of its id.")
    return found[0]
