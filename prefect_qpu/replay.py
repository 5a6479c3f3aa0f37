"""Replay: the analysis of a stored run again, from the record store alone."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from prefect_qpu.errors import ReplayError
from prefect_qpu.latency import OPTIONS
from prefect_qpu.mitigation import Measurement
from prefect_qpu.observables import Estimate, estimate_from_counts
from prefect_qpu.records import EstimateRow, RecordStore
from prefect_qpu.stages.execute import combine_plan

SOURCES = {"primary": "quantum", "fallback": "simulator"}
SIMULATIONS = {
    "smoke-ideal": "ideal",
    "smoke-ideal-powered": "ideal",
    "smoke-noise": "noisy",
    "smoke-noise-powered": "noisy",
}


def replay(store: RecordStore, run_id: str) -> dict[str, Any]:
    """Every estimate of a run, computed again from its stored counts, beside the stored one; as JSON data.

    ``identical`` is true if all values and standard errors are equal to the last bit. Classical and cached values
    have no counts of their own and are left out.

    Raises:
        RecordNotFoundError: there is no such run.
        ReplayError: the run stored no counts.
    """
    run = store.runs.get(run_id)
    stages = store.runs.stages(run.id)
    rows = [*_estimates(store, run.id, stages), *_simulations(store, run.id, stages)]
    if not rows:
        raise ReplayError(
            f"run {run.id} stored no counts: it ended {run.outcome or run.state} before anything was executed"
        )
    return {
        "run_id": run.id,
        "experiment": run.experiment_hash,
        "identical": all(row["identical"] for row in rows),
        "estimates": rows,
    }


def difference(first: list[EstimateRow], second: list[EstimateRow]) -> list[dict[str, Any]]:
    """The estimates of two runs side by side: values, difference, and its size in combined standard errors."""
    others = {(row.method, row.observable, row.point): row for row in second}
    rows = []
    for row in first:
        other = others.get((row.method, row.observable, row.point))
        if other is None:
            continue
        combined = float(np.hypot(row.stderr, other.stderr))
        rows.append(
            {
                "method": row.method,
                "observable": row.observable,
                "point": row.point,
                "sources": [row.source, other.source],
                "values": [row.value, other.value],
                "difference": other.value - row.value,
                "standard_errors": (other.value - row.value) / combined if combined else 0.0,
                "identical": (row.value, row.stderr) == (other.value, other.stderr),
            }
        )
    return rows


def _estimates(store: RecordStore, run_id: str, stages: Mapping[str, Any]) -> list[dict[str, Any]]:
    stored = {(row.source, row.method, row.observable, row.point): row for row in store.runs.estimates(run_id)}
    rows = []
    for role, submission in store.submissions.for_run(run_id).items():
        source = SOURCES.get(role, "quantum" if role.startswith(OPTIONS) else None)
        if source is None or f"plan-{role}" not in stages or submission.state != "done":
            continue
        combined = combine_plan(store, run_id, role)
        for method, estimates in combined.estimates.items():
            for observable, estimate in estimates.items():
                for point, pair in enumerate(_pairs(estimate)):
                    row = stored.get((source, method, observable, point))
                    before = None if row is None else (row.value, row.stderr)
                    rows.append(_row(source, method, observable, pair, before) | {"point": point})
    return rows


def _simulations(store: RecordStore, run_id: str, stages: Mapping[str, Any]) -> list[dict[str, Any]]:
    smoke = stages.get("smoke_test")
    if smoke is None:
        return []
    measurement = _measurement(stages)
    submissions = {role: row for role, row in store.submissions.for_run(run_id).items() if row.state == "done"}
    rows = []
    for role, kind in SIMULATIONS.items():
        if role not in submissions or f"{role}-powered" in submissions:
            continue
        bits = store.submissions.results(submissions[role].id)
        for name, estimate in estimate_from_counts(measurement.observables, measurement.groups, bits).items():
            item = smoke[kind].get(name)
            before = None if item is None else (item["value"], item["stderr"])
            rows.append(_row(f"smoke test, {kind}", "raw", name, next(iter(_pairs(estimate))), before) | {"point": 0})
    return rows


def _measurement(stages: Mapping[str, Any]) -> Measurement:
    return Measurement.from_document(stages["encode"]["measurement"])


def _pairs(estimate: Estimate) -> list[tuple[float, float]]:
    values, errors = np.ravel(estimate.value), np.ravel(estimate.stderr)
    return [(float(value), float(error)) for value, error in zip(values, errors, strict=True)]


def _row(
    source: str, method: str, observable: str, now: tuple[float, float], before: tuple[float, float] | None
) -> dict[str, Any]:
    return {
        "source": source,
        "method": method,
        "observable": observable,
        "value": now[0],
        "stderr": now[1],
        "stored": None if before is None else {"value": before[0], "stderr": before[1]},
        "identical": now == before,
    }
