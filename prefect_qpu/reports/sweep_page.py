"""The page of a sweep: one HTML file with its own small script to zoom, and nothing that comes from a network."""

import base64
import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.reports.figures.sweep import COLOURS, sweep_figure
from prefect_qpu.reports.pages import template, write_page
from prefect_qpu.reports.style import data_uri
from prefect_qpu.reports.sweep_markdown import best_rows
from prefect_qpu.reports.units import number, seconds
from prefect_qpu.sweeps.findings import Findings
from prefect_qpu.sweeps.pictures import Picture, picture_of
from prefect_qpu.sweeps.plan import Plan, summary_rows

_HERE = Path(__file__).parent
MOST_POINTS = 20_000
"""Points of one series in the page; evenly chosen ones of more."""
_MOST_JOBS = 500


def write_sweep_page(path: Path, store: RecordStore, row: SweepRow, found: Findings) -> Path:
    """The path, where the page of a sweep now stands.

    Raises:
        OSError: the page cannot be written there.
    """
    return write_page(path, render_sweep(store, row, found))


def render_sweep(store: RecordStore, row: SweepRow, found: Findings) -> str:
    """One HTML page that needs nothing else."""
    picture, plan = picture_of(found), Plan.from_document(store.sweeps.plan(row))
    script = _script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    jobs = _jobs(store, plan)
    verdict = found.verdict()
    return template("sweep_page.html").render(
        name=found.name,
        run_id=row.run_id,
        hash=row.hash[:16],
        tiles=_tiles(plan, found),
        value=picture.value,
        x=picture.x,
        kind=picture.kind,
        note=picture.note,
        sense=found.sense,
        figure=data_uri(sweep_figure(picture)),
        best_head=("point", *found.axes, "value", "exact"),
        best=best_rows(found),
        agreement=[(name, number(value, 4)) for name, value in (found.agreement() or {}).items()],
        verdict=_verdict(verdict) if verdict else "",
        plan=summary_rows(plan),
        jobs=jobs[:_MOST_JOBS],
        jobs_left_out=max(0, len(jobs) - _MOST_JOBS),
        reasons=_reasons(found),
        data=_json(_data(picture)),
        script=script,
        script_hash=f"sha256-{digest}",
    )


@cache
def _script() -> str:
    return (_HERE / "sweep_page.js").read_text(encoding="utf-8")


def _json(data: Any) -> str:
    """JSON that no text in it can end the script element of."""
    return json.dumps(data, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _data(picture: Picture) -> dict[str, Any]:
    if picture.kind == "heat map":
        assert picture.columns is not None
        assert picture.rows is not None
        assert picture.cells is not None
        shown: dict[str, Any] = {
            "columns": _numbers(picture.columns),
            "rows": _numbers(picture.rows),
            "cells": [_numbers(cells) for cells in picture.cells],
        }
    else:
        shown = {
            "series": [
                {"name": item.name}
                | {key: _numbers(_thinned(getattr(item, key))) for key in ("x", "value", "stderr", "exact")}
                for item in picture.series
            ]
        }
    return {
        "kind": picture.kind,
        "x": picture.x,
        "y": picture.y,
        "value": picture.value,
        "colours": list(COLOURS),
        **shown,
    }


def _thinned(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[:: max(1, -(-len(values) // MOST_POINTS))]


def _numbers(values: NDArray[np.float64]) -> list[float | None]:
    return [float(f"{value:.7g}") if np.isfinite(value) else None for value in values.tolist()]


def _tiles(plan: Plan, found: Findings) -> list[tuple[str, str, str]]:
    states = found.states
    return [
        ("Points", f"{plan.count:,}", ", ".join(f"{count:,} {state}" for state, count in states.items())),
        ("Bought", f"{plan.bought:,}", f"{plan.reused:,} were measured before"),
        ("Jobs", f"{len(plan.jobs):,}", ", ".join(backend.name for backend in plan.backends)),
        ("Executions", f"{plan.total('executions'):,}", "shots of all circuits"),
        ("QPU time", seconds(plan.total("seconds", charged=True)), "estimated"),
    ]


def _jobs(store: RecordStore, plan: Plan) -> list[tuple[str, ...]]:
    rows = {backend.run_id: store.submissions.for_run(backend.run_id) for backend in plan.backends}
    made: list[tuple[str, ...]] = []
    for job in plan.jobs:
        row = rows[plan.backends[job.backend].run_id].get(job.role)
        charged = "" if row is None or row.qpu_seconds is None else f"{row.qpu_seconds:.3g}"
        state = row.state if row else "planned"
        told = (f"{job.points:,}", f"{job.executions:,}", f"{job.seconds:.3g}", charged, str(job.seed))
        made.append((job.role, state, *told))
    return made


def _reasons(found: Findings) -> list[tuple[str, str]]:
    lost = found.table[found.table["reason"].fillna("") != ""].drop_duplicates(["point [1]", "reason"])
    return [(f"{count:,}", str(reason)) for reason, count in lost["reason"].value_counts().items()]


def _verdict(verdict: dict[str, Any]) -> str:
    return (
        f"{verdict['statement']}: with 95 % confidence each, {verdict['inside']} points lie inside of the expected "
        f"range, {verdict['outside']} outside, and {verdict['undecided']} are undecided."
    )
