"""Markdown and tables of a sweep for the Prefect UI: small, self-contained, every number with its unit."""

import json
from pathlib import Path
from typing import Any

from prefect_qpu.reports.markdown import table_markdown, text_markdown
from prefect_qpu.reports.style import data_uri
from prefect_qpu.reports.units import number, plus_minus
from prefect_qpu.sweeps.findings import Findings
from prefect_qpu.sweeps.plan import Plan, summary_rows

MOST_BYTES = 180_000
"""Of a table, so that an artifact stays below 200 kB."""
_MOST_JOBS = 200
_SHOWN = ("state", "method", "observable", "value [1]", "stderr [1]", "exact [1]", "reason")


def plan_markdown(name: str, plan: Plan, held: str = "") -> str:
    """The whole plan: how much there is to buy, and each job."""
    rows = [
        (
            job.role,
            plan.backends[job.backend].name,
            f"{job.points:,}",
            f"{job.pubs:,}",
            f"{job.executions:,}",
            f"{job.payload_bytes:,}",
            f"{job.seconds:.3g}",
        )
        for job in plan.jobs[:_MOST_JOBS]
    ]
    head = ("job", "backend", "points", "PUBs", "executions", "payload [bytes]", "estimated time [s]")
    least = [
        f"At {text_markdown(backend.name)}, {_jobs(plan, number)} jobs are "
        + (
            "the fewest"
            if _jobs(plan, number) == backend.least_jobs
            else f"at most {_over(plan, number)} more than the fewest"
        )
        + " that the limits allow."
        for number, backend in enumerate(plan.backends)
        if _jobs(plan, number)
    ]
    more = len(plan.jobs) - len(rows)
    return "\n\n".join(
        [
            f"# Plan of {text_markdown(name)}",
            *([f"**Held:** {text_markdown(held)}"] if held else []),
            table_markdown(("", ""), summary_rows(plan)),
            *least,
            *(["## Jobs", table_markdown(head, rows)] if rows else ["Nothing is to be bought."]),
            *([f"… and {more:,} more jobs."] if more > 0 else []),
        ]
    )


def result_markdown(found: Findings, figure: str, page: Path | None, note: str) -> str:
    """What the sweep has shown: states, best points, agreement with exact values, hypothesis, and the figure."""
    agreement, verdict = found.agreement(), found.verdict()
    parts = [
        f"# {text_markdown(found.name)}",
        ", ".join(f"{count:,} points {state}" for state, count in found.states.items()),
        *([f"The full report: `{page}`"] if page else []),
        f"![{text_markdown(found.observable)}]({data_uri(figure)})",
        *([text_markdown(note)] if note else []),
        f"## Best points ({found.sense} {text_markdown(found.observable)}, {text_markdown(found.method)})",
        table_markdown(("point", *found.axes, "value", "exact"), best_rows(found)),
    ]
    if agreement:
        parts += [
            "## Against exact values",
            table_markdown(("", ""), [(k, number(v, 4)) for k, v in agreement.items()]),
        ]
    if verdict:
        told = f"{verdict['inside']} points inside, {verdict['outside']} outside, {verdict['undecided']} undecided"
        parts += ["## Hypothesis", f"{text_markdown(verdict['statement'])}: {told}, with 95 % confidence each."]
    return "\n\n".join(parts)


def best_rows(found: Findings) -> list[tuple[str, ...]]:
    """The best points as text."""
    return [
        (
            str(row["point [1]"]),
            *(_shown(row[axis]) for axis in found.axes),
            plus_minus(row["value [1]"], row["stderr [1]"]),
            _shown(row["exact [1]"]),
        )
        for row in found.best.to_dict("records")
    ]


def table_rows(found: Findings) -> tuple[list[dict[str, str]], int]:
    """The rows of the table artifact as text, as many as stay below 200 kB, and how many are left out."""
    columns = ["point [1]", *found.axes, *(name for name in _SHOWN if name in found.table)]
    rows: list[dict[str, str]] = []
    size = 0
    for row in found.table[columns].head(2_000).to_dict("records"):
        shown = {str(key): _shown(value) for key, value in row.items()}
        size += len(json.dumps(shown)) + 2
        if size > MOST_BYTES:
            break
        rows.append(shown)
    return rows, len(found.table) - len(rows)


def _jobs(plan: Plan, backend: int) -> int:
    return sum(job.backend == backend for job in plan.jobs)


def _over(plan: Plan, backend: int) -> int:
    return _jobs(plan, backend) - plan.backends[backend].least_jobs


def _shown(value: Any) -> str:
    if value is None or (isinstance(value, float) and value != value):  # noqa: PLR0124 - not a number
        return ""
    return number(float(value), 6) if isinstance(value, int | float) else str(value)
