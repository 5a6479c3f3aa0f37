"""Stage `compare`: the answer against exact value, simulator and classical opponent, with what it all cost."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from prefect_qpu.comparison import Classical, Quantum, agreement, count_distances, judge, judge_hypothesis
from prefect_qpu.jobs import counts
from prefect_qpu.latency import PRIMARY, Span, bought
from prefect_qpu.observables import Estimate
from prefect_qpu.records import EstimateRow
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.smoke_test import smoke_test
from prefect_qpu.statistics import Mean
from prefect_qpu.workloads import Answer

STAGE = "compare"
PREDICTION = "smoke-noise"
"""Role of the job that simulated the device's noise."""
QUANTUM_STAGES = ("encode", "smoke_test", "promote", "transpile", "submit", "poll", "suspended", "mitigate")


def compare(run: Run) -> dict[str, Any]:
    """The comparison as JSON data: ``verdict``, ``reason``, ``observable``, ``hypothesis``, ``agreement``, ``cost``."""
    return run.once(STAGE, lambda: _compare(run))


def headline_estimates(run: Run) -> tuple[str, str, dict[str, Estimate]]:
    """Source, method and estimates of the answer: the last requested method that has estimates."""
    rows = run.store.runs.estimates(run.id)
    order = [spec.label for spec in run.experiment.mitigation]
    ranked = sorted(rows, key=lambda row: order.index(row.method) if row.method in order else -1)
    if not ranked:
        return "", "", {}
    last = ranked[-1]
    chosen = [row for row in rows if row.method == last.method and row.point == 0]
    if last.source == "classical":
        chosen = [row for row in rows if row.point == 0]
    return (
        last.source,
        last.method,
        {row.observable: _estimate(row) for row in chosen},
    )


def _estimate(row: EstimateRow) -> Estimate:
    systematic = None if row.systematic is None else np.asarray(row.systematic)
    means = tuple(map(Mean.from_document, row.details.get("means", ())))
    return Estimate(np.asarray(row.value), np.asarray(row.stderr), row.shots, row.details, systematic, means)


def judged_observable(run: Run) -> str:
    """The observable that the verdict is about: the objective, else the hypothesis' own, else the first."""
    objective = run.experiment.workload.objective()
    if objective is not None:
        return objective.observable
    if run.experiment.hypothesis is not None:
        return run.experiment.hypothesis.observable
    return next(iter(encode(run).measurement.observables))


def best_answer(run: Run) -> dict[str, Any] | None:
    """The best solution among the measured shots, recounted; none where nothing is optimised."""
    if run.experiment.workload.objective() is None or PRIMARY not in run.store.submissions.for_run(run.id):
        return None
    groups = encode(run).measurement.groups
    for group, bits in zip(groups, counts(run, PRIMARY), strict=False):
        if set(group.basis) == {"Z"} and bits.shape == ():
            answer = run.experiment.workload.decode(bits)
            return None if answer is None else _answer_document(answer)
    return None


def _answer_document(answer: Answer) -> dict[str, Any]:
    document = {"value": answer.value, "solution": answer.solution}
    if answer.sampled is None:
        return document
    improvement = {"sampled": answer.sampled, "control": answer.control, "improvement [s]": answer.seconds}
    return document | {"source": answer.source} | improvement


def _compare(run: Run) -> dict[str, Any]:
    source, method, estimates = headline_estimates(run)
    policy, smoke, observable = run.policy, smoke_test(run), judged_observable(run)
    answer = best_answer(run)
    cost = _cost(run) | ({"local search [s]": answer["improvement [s]"]} if answer and "sampled" in answer else {})
    opinion = judge(
        _quantum(estimates.get(observable), cost, answer) if source == "quantum" else None,
        _classical(run, observable),
        sense=_sense(run),
        tolerance=policy.tolerance,
        confidence=policy.confidence,
        why_not=_why_not(run, source),
    )
    return {
        "verdict": opinion.verdict,
        "reason": opinion.reason,
        "observable": observable,
        "source": source,
        "method": method,
        "answer": answer,
        "hypothesis": judge_hypothesis(run.experiment.hypothesis, estimates, policy.confidence),
        "agreement": [
            {"against": against, **row}
            for against, others in _others(smoke.exact, smoke.ideal, smoke.noisy)
            for row in agreement(estimates, others, policy.tolerance, policy.confidence)
        ],
        "distances": _distances(run) if source == "quantum" else [],
        "cost": cost,
    }


def _distances(run: Run) -> list[dict[str, Any]]:
    """The raw counts against those that the device's noise lets expect."""
    rows = run.store.submissions.for_run(run.id)
    if any(role not in rows or rows[role].state != "done" for role in (PRIMARY, PREDICTION)):
        return []
    ours, predicted = (counts(run, role) for role in (PRIMARY, PREDICTION))
    found = count_distances(encode(run).measurement.groups, ours, predicted, run.policy.confidence)
    return [{"against": "device-noise simulation", **row} for row in found]


def _others(
    exact: Mapping[str, float], ideal: Mapping[str, Estimate], noisy: Mapping[str, Estimate]
) -> list[tuple[str, Mapping[str, float | Estimate]]]:
    return [("exact value", dict(exact)), ("ideal simulation", dict(ideal)), ("device-noise simulation", dict(noisy))]


def _quantum(
    estimate: Estimate | None, cost: Mapping[str, float | int], answer: Mapping[str, Any] | None
) -> Quantum | None:
    if estimate is None:
        return None
    seconds = float(cost["quantum wall [s]"]) + float(cost.get("local search [s]", 0.0))
    if not answer:
        return Quantum(estimate, seconds)
    return Quantum(estimate, seconds, answer["value"], answer.get("sampled"), answer.get("control"))


def _classical(run: Run, observable: str) -> Classical | None:
    for row in run.store.runs.baselines(run.id):
        if row.observable == observable:
            details = row.document.get("details", {})
            # That nothing is better need not be proven to have the answer; the cost counts the proof too.
            seconds = details.get("seconds_to_value", row.seconds)
            return Classical(row.method, row.value, row.exact, seconds, row.document.get("error"))
    return None


def _sense(run: Run) -> Any:
    objective = run.experiment.workload.objective()
    return objective.sense if objective else None


def _why_not(run: Run, source: str) -> str:
    if source != "quantum":
        return f"the answer comes from {source or 'nowhere'}, not from the quantum path"
    document = run.stage("baseline")
    return (document or {}).get("reason") or "the baseline failed"


def _cost(run: Run) -> dict[str, float | int]:
    """Everything charged, from encoding to post-processing."""
    spans = run.store.runs.spans(run.id)
    primary = [span for span in spans if bought(span.details.get("role", ""))]
    submissions = run.store.submissions.for_run(run.id).values()
    paid = [row for role, row in run.store.submissions.for_run(run.id).items() if bought(role)]
    return {
        "quantum wall [s]": _seconds(spans, QUANTUM_STAGES),
        "queue [s]": _seconds(primary, ("queue",)),
        "execution [s]": _seconds(primary, ("execution",)),
        "classical [s]": sum(row.seconds for row in run.store.runs.baselines(run.id)),
        "QPU [s]": sum(row.qpu_seconds or 0.0 for row in paid),
        "shots": sum(pub["shots"] for row in paid for pub in row.pubs),
        "simulated shots": sum(pub["shots"] for row in submissions for pub in row.pubs if row not in paid),
        "payload [bytes]": sum(row.payload_bytes for row in paid),
    }


def _seconds(spans: list[Span], stages: tuple[str, ...]) -> float:
    return sum(span.seconds for span in spans if span.stage in stages)
