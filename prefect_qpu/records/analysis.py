"""What was learned in a run: spans, estimates, decisions and baselines."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError
from prefect_qpu.latency import Source, Span
from prefect_qpu.records import schema
from prefect_qpu.records.database import Database, insert_missing
from prefect_qpu.records.rows import BaselineRow, DecisionRow, EstimateRow

_BASELINE_COLUMNS = ("method", "observable", "value", "exact", "seconds")


class Analysis:
    """Rows that belong to one run. The first row of a key is kept, a repeated one changes nothing.

    All verbs that write raise `RecordNotFoundError` if there is no such run.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def add_span(self, run_id: str, span: Span) -> None:
        """Store a span."""
        row = asdict(span) | {"details": dict(span.details)}
        self._add(run_id, schema.Span, [row])

    def spans(self, run_id: str) -> list[Span]:
        """The spans of a run by their start."""
        query = select(schema.Span).where(schema.Span.run_id == run_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.Span.started_at, schema.Span.ended_at, schema.Span.stage))
            return [
                Span(item.stage, item.started_at, item.ended_at, cast("Source", item.source), item.details)
                for item in records
            ]

    def add_estimates(self, run_id: str, rows: Iterable[EstimateRow | Mapping[str, Any]]) -> None:
        """Store estimates; mappings have the fields of an `EstimateRow`."""
        estimates = [row if isinstance(row, EstimateRow) else EstimateRow(**row) for row in rows]
        self._add(run_id, schema.Estimate, [asdict(row) | {"details": dict(row.details)} for row in estimates])

    def estimates(self, run_id: str) -> list[EstimateRow]:
        """The estimates of a run by source, method, observable and point."""
        table = schema.Estimate
        query = select(table).where(table.run_id == run_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(table.source, table.method, table.observable, table.point))
            return [EstimateRow.of(record) for record in records]

    def add_decision(
        self, run_id: str, decided_by: str, outcome: str, document: Mapping[str, Any], now: datetime
    ) -> None:
        """Store the decision of the ``policy`` or of a ``person``."""
        row = {"decided_by": decided_by, "outcome": outcome, "document": dict(document), "decided_at": now}
        self._add(run_id, schema.Decision, [row])

    def decisions(self, run_id: str) -> list[DecisionRow]:
        """The decisions on a run by their time."""
        query = select(schema.Decision).where(schema.Decision.run_id == run_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.Decision.decided_at, schema.Decision.decided_by.desc()))
            return [DecisionRow.of(record) for record in records]

    def add_baseline(self, run_id: str, baseline: Mapping[str, Any]) -> None:
        """Store the answer of a classical opponent.

        Args:
            run_id: The run.
            baseline: ``method``, ``observable``, ``value``, ``exact``, ``seconds``; ``bound`` and ``certificate`` if
                there are any. All of it, with whatever else it holds, is kept as the row's document.
        """
        row = {name: baseline[name] for name in _BASELINE_COLUMNS} | {
            "bound": baseline.get("bound"),
            "certificate": dict(baseline.get("certificate") or {}),
            "document": dict(baseline),
        }
        self._add(run_id, schema.Baseline, [row])

    def baselines(self, run_id: str) -> list[BaselineRow]:
        """The opponents' answers in a run by method and observable."""
        query = select(schema.Baseline).where(schema.Baseline.run_id == run_id)
        with self._database.reading() as session:
            records = session.scalars(query.order_by(schema.Baseline.method, schema.Baseline.observable))
            return [BaselineRow.of(record) for record in records]

    def _add(self, run_id: str, model: type[schema.Base], rows: list[dict[str, Any]]) -> None:
        with self._database.writing() as session:
            require_run(session, run_id)
            if rows:
                insert_missing(session, model, [{"run_id": run_id} | row for row in rows])


def require_run(session: Session, run_id: str) -> None:
    """Make sure that a run exists.

    Raises:
        RecordNotFoundError: it does not.
    """
    if session.scalar(select(schema.Run.id).where(schema.Run.id == run_id)) is None:
        raise RecordNotFoundError("run", run_id)
