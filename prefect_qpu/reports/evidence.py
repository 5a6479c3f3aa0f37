"""Tables of what the run found: estimates, baselines, the gate's criteria, agreement and cost."""

import re
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from prefect_qpu.reports.readings import Compared, Reading
from prefect_qpu.reports.tables import Cell, Table, facts, judged, table
from prefect_qpu.reports.tested import tested
from prefect_qpu.reports.units import (
    by_name,
    concise,
    data_size,
    interval_text,
    number,
    plus_minus,
    seconds,
    settled,
    within,
)
from prefect_qpu.summary import BaselineSummary, CriterionSummary, DecisionSummary, RunSummary

MOST_ROWS = 200
_SHORT_TITLE = 25
_ZERO = re.compile(r"0(\.0+)?(\(|$)")
_LONG_HASH = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{28,}\b")


def estimates_table(observables: list[Compared]) -> Table:
    """Every value of every observable, with its error against the exact value."""
    rows = [
        _estimate(item, reading, again=place > 0) for item in observables for place, reading in enumerate(item.readings)
    ]
    columns = (
        "Observable",
        "Method",
        "Source",
        "#Value",
        "#95 % interval",
        "#Systematic",
        "#Exact",
        "#Error",
        "#Error / \u03c3",
        "#Shots",
        "#Variance ratio",
    )
    remarks = [_caution(reading) for item in observables for reading in item.readings]
    left_out = len(rows) - MOST_ROWS
    note = f"{left_out} more rows are left out; the record store holds them." if left_out > 0 else ""
    return table("Expectation values ± standard error", columns, rows[:MOST_ROWS], note, remarks[:MOST_ROWS])


def baselines_table(summary: RunSummary) -> Table:
    """The classical opponents, with what they prove."""
    known = summary.baselines or ([summary.baseline] if summary.baseline else [])
    rows = [
        (
            item.observable,
            Cell(item.method, kind="baseline"),
            number(settled(item.value), 8),
            "" if item.bound is None else number(settled(item.bound), 8),
            "" if item.gap is None else f"{100 * item.gap:.3g}\u202f%",
            item.status,
            _LONG_HASH.sub(r"\1…", "; ".join(f"{name}: {value}" for name, value in facts(_brief(item.certificate)))),
            seconds(item.seconds),
            "" if item.peak_bytes is None else data_size(item.peak_bytes),
        )
        for item in known
    ]
    columns = ("Observable", "Method", "#Value", "#Bound", "#Gap", "Status", "Certificate", "#Time", "#Memory")
    return table("Classical baselines", columns, rows, " ".join(filter(None, map(_credits, known))))


def _credits(baseline: BaselineSummary) -> str:
    """What to mind about a value; of a portfolio, which solvers found value and bound, and what the others found."""
    details = baseline.details
    if details.get("caution"):
        return f"{baseline.observable}: {details['caution']}."
    if len(details.get("solvers", {})) < 2:
        return ""
    solvers = [f"{name} {_found(item)}" for name, item in details["solvers"].items()]
    return (
        f"{baseline.observable}: value by {details['found_by']} after {seconds(details['seconds_to_value'])}, "
        f"bound by {details['bound_by']}. {'; '.join(solvers)}."
    )


def _found(attempt: Mapping[str, Any]) -> str:
    bound = "" if attempt["bound"] is None else f", bound {number(attempt['bound'], 8)}"
    return f"{number(attempt['value'], 8)}{bound} in {seconds(attempt['seconds'])}"


def _brief(certificate: Mapping[str, Any]) -> dict[str, Any]:
    """A certificate with the number of its multipliers and walks in place of them; the record store has them all."""
    return {
        name: _brief(value) if isinstance(value, Mapping) else len(value) if isinstance(value, list) else value
        for name, value in certificate.items()
    }


def decision_table(decision: DecisionSummary) -> Table:
    """The gate's criteria with what each saw."""
    rows = [
        (
            Cell(item.name, code=True, whole=True),
            item.observable or "",
            _observed(item),
            "" if item.threshold is None else _of(item.name, item.threshold),
            judged(item.verdict),
            item.reason,
            tested(item.details),
        )
        for item in decision.criteria
    ]
    head = ("Criterion", "Observable", "#Observed", "#Threshold", "Verdict", "Reason", "Test")
    return table("Criteria", head, rows)


def agreement_table(rows: Any) -> Table | None:
    """How the estimates compare with other values, from the free-form rows of a comparison."""
    known = _mappings(rows)
    if not known:
        return None
    shown = ("against", "observable", "value", "other", "interval", "threshold", "verdict")
    head = ("Against", "Observable", "#Value", "#Other value", "#Interval of the difference", "#Tolerance", "Verdict")
    return table(
        "Agreement",
        (*head, "Test"),
        [[*(_agreement(name, row.get(name)) for name in shown), tested(row)] for row in known],
    )


def _mappings(rows: Any) -> list[Mapping[str, Any]]:
    return [row for row in rows if isinstance(row, Mapping)] if isinstance(rows, list) else []


def distance_table(rows: Any) -> Table | None:
    """How far the raw counts lie from the predicted ones, from the free-form rows of a comparison."""
    known = _mappings(rows)
    if not known:
        return None
    shown = ("against", "basis", "kind", "value", "interval", "bias", "reason")
    head = ("Against", "Basis", "Distance", "#Observed", "#Interval", "#Expected by chance", "Why no interval")
    return table(
        "Distances of the raw counts", head, [[_agreement(name, row.get(name)) for name in shown] for row in known]
    )


def stability_table(stability: Any) -> Table | None:
    """How far the answer scatters between runs, from the free-form part of a comparison."""
    if not isinstance(stability, Mapping):
        return None
    agreement = stability.get("agreement") or {}
    rows = [
        ("Mean over runs", plus_minus(stability["mean"], stability["stderr"])),
        (f"Interval, {number(100 * stability['confidence'], 4)} %", interval_text(*stability["interval"])),
        ("Runs", number(stability["replicates"])),
        ("Standard deviation within a run", number(stability["within"], 3)),
        ("Standard deviation between runs", number(stability["between"], 3)),
        ("Chance of such a spread if runs do not differ", number(stability["p_value"], 2)),
        *([("Agreement with the exact value", f"{agreement['verdict']}: {tested(agreement)}")] if agreement else []),
    ]
    return table(f"Between runs: {stability['observable']}, {stability['method']}", ("", "#"), rows)


def cost_table(cost: Mapping[str, Any]) -> Table:
    """What the answer cost, in people's units."""
    return table("Cost", ("Part", "#Cost"), facts(cost))


def _estimate(item: Compared, reading: Reading, *, again: bool) -> tuple[str | Cell, ...]:
    interval = reading.interval
    error = None if item.exact is None or reading.solution else reading.value - item.exact
    return (
        Cell(item.title, again=again, whole=len(item.title) <= _SHORT_TITLE),
        Cell(reading.method, whole=True),
        Cell(reading.source, kind=reading.kind, whole=True),
        plus_minus(reading.value, reading.stderr),
        interval_text(*interval) if interval and reading.stderr else "",
        "" if reading.systematic is None else f"± {number(reading.systematic, 2)}",
        "" if error is None or item.exact is None else number(item.exact, 8),
        "" if error is None else _with_sign(error, reading.stderr),
        _in_errors(error, reading.stderr),
        "" if reading.shots is None else number(reading.shots),
        "" if reading.variance_multiplier is None else number(reading.variance_multiplier, 3),
    )


def _caution(reading: Reading) -> str:
    return f"Caution: {'; '.join(reading.flags)}" if reading.flags else ""


def _with_sign(error: float, stderr: float | None) -> str:
    text = concise(error, stderr) if stderr else number(settled(error), 3)
    return f"+{text}" if error > 0 and not _ZERO.match(text) else text


def _in_errors(error: float | None, stderr: float | None) -> str:
    if error is None or not stderr or not isfinite(stderr):
        return ""
    return f"{number(round(error / stderr, 1), 4)} \u03c3"


def _observed(item: CriterionSummary) -> str:
    if item.observed is None:
        return ""
    return _of(item.name, item.observed) if item.interval is None else within(item.observed, *item.interval)


def _of(criterion: str, value: float) -> str:
    return by_name(criterion, value) if criterion.endswith("age") else number(value, 4)


def _agreement(name: str, value: Any) -> str | Cell:
    if value is None:
        return ""
    if name == "verdict":
        return judged(str(value))
    if name == "interval" and isinstance(value, list | tuple) and len(value) == 2:
        return interval_text(*value)
    return number(value, 5) if isinstance(value, int | float) else by_name(name, value)


def left_over(comparison: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What a comparison holds beside the parts that have a place of their own."""
    placed = {"verdict", "reason", "observable", "source", "method", "answer", "hypothesis", "agreement", "cost"}
    placed |= {"distances", "stability"}
    yield from facts({name: value for name, value in comparison.items() if name not in placed})
