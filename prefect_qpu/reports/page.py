"""The report page: everything a run holds, gathered, rendered and written."""

from collections.abc import Mapping
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect_qpu.reports import evidence, labels, mitigated, pictures, provenance
from prefect_qpu.reports.figures.counts import OTHER
from prefect_qpu.reports.figures.timeline import jobs_out
from prefect_qpu.reports.pages import template, write_page
from prefect_qpu.reports.readings import compared
from prefect_qpu.reports.style import PALETTE
from prefect_qpu.reports.tables import facts
from prefect_qpu.reports.units import MISSING, by_name, concise, count, data_size, seconds, timestamp
from prefect_qpu.summary import RunSummary, SubmissionSummary

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

_LONGEST_DEFINITION = 200_000


def write_report(
    path: Path | str,
    summary: RunSummary,
    circuit: "QuantumCircuit | None" = None,
    *,
    transpiled: "QuantumCircuit | None" = None,
) -> Path:
    """The path, where the page of `render_report` now stands; whoever reads it meets the old page or the new one.

    Missing folders are made.

    Raises:
        OSError: the page cannot be written there; a page that was there before is left as it was.
    """
    return write_page(Path(path), render_report(summary, circuit, transpiled=transpiled))


def render_report(
    summary: RunSummary, circuit: "QuantumCircuit | None" = None, *, transpiled: "QuantumCircuit | None" = None
) -> str:
    """One HTML page that needs nothing else: no network, no script, no other file.

    Args:
        summary: What the run decided, measured and cost.
        circuit: The logical circuit, to be drawn.
        transpiled: The same for the device; its size is shown if the summary has none.

    Example:
        >>> from prefect_qpu.reports import render_report
        >>> def page(summary):
        ...     return render_report(summary)
    """
    return template("page.html").render(_context(summary, circuit, transpiled))


def _context(
    summary: RunSummary, circuit: "QuantumCircuit | None", transpiled: "QuantumCircuit | None"
) -> dict[str, Any]:
    observables = compared(summary)
    comparison = summary.comparison or {}
    return {
        "run": summary,
        "outcome": labels.outcome(summary),
        "source": labels.answer(summary),
        "tiles": _tiles(summary),
        "palette": PALETTE,
        "decision": _decision(summary),
        "estimates": evidence.estimates_table(observables),
        "estimate_pictures": pictures.observable_pictures(observables),
        "observables_left_out": max(0, len(observables) - pictures.MOST_OBSERVABLES),
        "systematic": any(reading.systematic for item in observables for reading in item.readings),
        "methods": mitigated.methods_table(summary),
        "refused": mitigated.refused_table(summary),
        "extrapolations": pictures.extrapolation_pictures(summary),
        "extrapolations_left_out": max(0, len(mitigated.extrapolations(summary)) - pictures.MOST_EXTRAPOLATIONS),
        "confusion": pictures.confusion_picture(summary),
        "baselines": evidence.baselines_table(summary),
        "answer": facts(summary.answer or {}),
        "counts": pictures.counts_pictures(summary),
        "counts_source": labels.source(summary, pictures.counted(summary)),
        "counts_pooled": any(OTHER in counts for counts in summary.counts.values()),
        "counts_left_out": max(0, len(summary.counts) - pictures.MOST_BASES),
        "comparison": _comparison(comparison),
        "fallback": facts(summary.fallback or {}),
        "timeline": pictures.timeline_picture(summary),
        "job_out": bool(jobs_out(summary.spans)),
        "stages": provenance.stages_table(summary),
        **_circuits(summary, circuit, transpiled),
        "calibration": provenance.calibration_facts(summary),
        "submissions": provenance.submissions_table(summary),
        "definition": _definition(summary),
        "seeds": [(name.replace("_", " "), str(value)) for name, value in summary.seeds.items()],
        "versions": list(summary.versions.items()),
        "started": timestamp(summary.started_at),
    }


def _tiles(summary: RunSummary) -> list[tuple[str, str, str]]:
    """Key figures: name, value and a note that says what the value is."""
    paid = [item for item in summary.submissions if not item.role.startswith("smoke")]
    smoke = [item for item in summary.submissions if item.role.startswith("smoke")]
    end = summary.ended_at
    total = None if end is None else (end - summary.started_at).total_seconds()
    qpu = [item.qpu_seconds for item in summary.submissions if item.qpu_seconds is not None]
    no_qpu = "no time on a QPU was charged" if summary.backend.simulator or not paid else "not reported"
    return [
        *_answer_tile(summary),
        ("Wall time", seconds(total), "from start to end" if end else "the run has not ended"),
        ("QPU time", seconds(sum(qpu)) if qpu else MISSING, "charged by the provider" if qpu else no_qpu),
        ("Shots", count(_shots(paid)), f"and {count(_shots(smoke))} in the smoke test" if smoke else "of the answer"),
        ("Payload", data_size(sum(item.payload_bytes for item in paid)), "sent for the answer"),
    ]


def _answer_tile(summary: RunSummary) -> list[tuple[str, str, str]]:
    wanted = (summary.comparison or {}).get("observable") or (summary.baseline.observable if summary.baseline else None)
    answered = [item for item in summary.estimates if item.source == summary.source and item.point == 0]
    chosen = [item for item in answered if item.observable == wanted] or answered
    if not chosen:
        return []
    method = (summary.comparison or {}).get("method")
    same = [item for item in chosen if item.observable == chosen[0].observable]
    best = next((item for item in same if item.method == method), same[-1])
    where = labels.source(summary, best.source)
    return [(best.observable, concise(best.value, best.stderr), f"{best.method}, {where}")]


def _shots(submissions: list[SubmissionSummary]) -> int:
    return sum(sum(item.shots) for item in submissions)


def _decision(summary: RunSummary) -> dict[str, Any] | None:
    decision = summary.decision
    if decision is None:
        return None
    return {
        "badge": labels.verdict(decision.outcome),
        "reason": decision.reason,
        "by": decision.by,
        "held_by": decision.held_by,
        "table": evidence.decision_table(decision),
    }


def _comparison(comparison: Mapping[str, Any]) -> dict[str, Any] | None:
    if not comparison:
        return None
    hypothesis, cost = comparison.get("hypothesis"), comparison.get("cost")
    return {
        "badge": labels.verdict(str(comparison.get("verdict", "no verdict"))),
        "reason": by_name("reason", comparison.get("reason")),
        "observable": comparison.get("observable"),
        "hypothesis": _hypothesis(hypothesis) if isinstance(hypothesis, Mapping) else None,
        "agreement": evidence.agreement_table(comparison.get("agreement")),
        "stability": evidence.stability_table(comparison.get("stability")),
        "distances": evidence.distance_table(comparison.get("distances")),
        "cost": evidence.cost_table(cost) if isinstance(cost, Mapping) and cost else None,
        "more": list(evidence.left_over(comparison)),
    }


def _hypothesis(hypothesis: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "badge": labels.verdict(str(hypothesis.get("verdict", "no verdict"))),
        "statement": hypothesis.get("statement"),
        "reason": by_name("reason", hypothesis.get("reason")),
    }


def _circuits(
    summary: RunSummary, circuit: "QuantumCircuit | None", transpiled: "QuantumCircuit | None"
) -> dict[str, Any]:
    """The drawing, or the text of what the drawer cannot draw, or a note; and the sizes."""
    from prefect_qpu.reports.figures.circuit import circuit_text, readable

    small = circuit is not None and readable(circuit)
    picture = pictures.circuit_picture(circuit, "The circuit") if circuit is not None and small else None
    text = circuit_text(circuit) if circuit is not None and small and picture is None else ""
    return {
        "circuit": picture,
        "circuit_text": text,
        "too_large": circuit is not None and not small,
        "sizes": provenance.circuits_table(summary) if summary.circuits else None,
        "metrics": None if summary.circuits else provenance.metrics_table(circuit, transpiled),
    }


def _definition(summary: RunSummary) -> str:
    text = dumps(summary.experiment.definition, indent=2, ensure_ascii=False, default=str)
    if len(text) <= _LONGEST_DEFINITION:
        return text
    left_out = len(text) - _LONGEST_DEFINITION
    return f"{text[:_LONGEST_DEFINITION]}\n… {left_out} more characters; the record store holds them."
