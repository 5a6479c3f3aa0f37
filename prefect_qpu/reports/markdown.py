"""Markdown for artifacts in the Prefect UI: small, self-contained, every number labelled with its source."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from prefect_qpu.calibration import Calibration
from prefect_qpu.reports.labels import verdict
from prefect_qpu.reports.style import data_uri
from prefect_qpu.reports.tested import tested
from prefect_qpu.reports.units import by_name, count, number, plus_minus, seconds, timestamp, title, within
from prefect_qpu.summary import RunSummary


def artifact_prefix(name: str) -> str:
    """An experiment's name as the first part of artifact keys: lower case, digits and dashes.

    Example:
        >>> artifact_prefix("GHZ check #2")
        'ghz-check-2'
    """
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "experiment"


def decision_markdown(name: str, decision: Mapping[str, Any]) -> str:
    """The gate's decision with every criterion, and who decided where the policy left it to a person."""
    rows = [
        (
            _verdict(item["verdict"]),
            item["name"],
            item["observable"] or "",
            _observed(item["observed"], item["interval"]),
            _number(item["threshold"]),
            item["reason"],
            tested(item.get("details", {})),
        )
        for item in decision["criteria"]
    ]
    head = ("verdict", "criterion", "observable", "observed", "threshold", "reason", "test")
    parts = [f"# {text_markdown(name)}: {decision['outcome']}", text_markdown(decision["reason"])]
    if "by" in decision:
        parts.append(
            f"Decided by **{text_markdown(decision['by'])}**. The run was held: {text_markdown(decision['held_by'])}"
        )
    return "\n\n".join([*parts, table_markdown(head, rows)])


def calibration_markdown(calibration: Calibration, qubits: Sequence[int], now: datetime) -> str:
    """Medians of a device, and the qubits that the run uses."""
    summary = calibration.summary()
    age = calibration.age(now)
    rows = [
        ("device", f"{calibration.device} {calibration.version}, {calibration.num_qubits} qubits"),
        ("calibrated", "unknown" if age is None else f"{timestamp(calibration.taken_at)}, {seconds(age)} ago"),
        ("snapshot", f"`{calibration.hash[:16]}`"),
        ("median T1", _scaled(summary["median_t1"], 1e6, "µs")),
        ("median T2", _scaled(summary["median_t2"], 1e6, "µs")),
        ("median readout error", _scaled(summary["median_readout_error"], 100, "%")),
        (f"median {summary['two_qubit_gate']} error", _scaled(summary["median_two_qubit_error"], 100, "%")),
        ("qubits of this run", ", ".join(map(str, qubits))),
    ]
    return f"# Calibration of {text_markdown(calibration.device)}\n\n{table_markdown(('', ''), rows)}"


def comparison_markdown(summary: RunSummary) -> str:
    """Estimates by method and source beside exact value and baseline, the verdict, the hypothesis, and the cost."""
    comparison = summary.comparison or {}
    hypothesis = comparison.get("hypothesis", {})
    estimates = [
        (
            item.observable,
            item.method,
            item.source + (" (simulated backend)" if item.source == "quantum" and summary.backend.simulator else ""),
            plus_minus(item.value, item.stderr),
            "" if item.systematic is None else number(item.systematic, 2),
            _number(item.exact),
            "" if item.exact is None else number(item.value - item.exact, 3),
            count(item.shots),
            "" if item.variance_multiplier is None else number(item.variance_multiplier, 2),
            "; ".join(item.details.get("flags", ())),
        )
        for item in summary.estimates
    ]
    head = ("observable", "method", "source", "value", "systematic", "exact", "error", "shots", "variance", "caution")
    refused = [(label, reason) for label, reason in summary.refused.items()]
    baselines = [
        (
            item.observable,
            item.method,
            number(item.value),
            "" if item.bound is None else number(item.bound),
            item.status,
            seconds(item.seconds),
        )
        for item in summary.baselines
    ]
    parts = [
        f"# {text_markdown(summary.experiment.name)}: {comparison.get('verdict', 'not compared')}",
        text_markdown(str(comparison.get("reason", ""))),
        f"**Hypothesis** {hypothesis.get('verdict', 'not stated')}: {text_markdown(hypothesis.get('reason', ''))}",
        "## Estimates",
        table_markdown(head, estimates),
        *(["## Refused methods", table_markdown(("method", "reason"), refused)] if refused else []),
        "## Baseline",
        table_markdown(("observable", "method", "value", "bound", "kind", "time"), baselines)
        if baselines
        else text_markdown(summary.no_baseline or "none"),
        "## Cost",
        table_markdown(
            ("", ""), [(title(name), by_name(name, value)) for name, value in comparison.get("cost", {}).items()]
        ),
    ]
    return "\n\n".join(parts)


def report_markdown(name: str, path: Path, figure: str) -> str:
    """Where the HTML page is, and the figure of the estimates.

    Args:
        name: Name of the experiment.
        path: The page.
        figure: SVG text.
    """
    return (
        f"# {text_markdown(name)}\n\nThe full report: `{path}`\n\n![Estimates by method and source]({data_uri(figure)})"
    )


def table_markdown(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table with a line of headings."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(text_markdown(str(cell)) for cell in line) + " |" for line in lines)


def text_markdown(text: str) -> str:
    """Text that cannot break a table or be read as HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _verdict(word: str) -> str:
    badge = verdict(word)
    return f"{badge.mark} {badge.word}"


def _number(value: float | None) -> str:
    return "" if value is None else number(value, 4)


def _observed(value: float | None, bounds: Sequence[float] | None) -> str:
    return _number(value) if value is None or bounds is None else within(value, bounds[0], bounds[1])


def _scaled(value: float | None, factor: float, unit: str) -> str:
    return "unknown" if value is None else f"{value * factor:.3g} {unit}"
