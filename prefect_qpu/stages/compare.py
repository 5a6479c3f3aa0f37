"""Stage `compare`: the answer against exact value, simulator and classical opponent, with what it all cost."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from qiskit.primitives.containers import BitArray

from prefect_qpu.comparison import Classical, Quantum, agreement, count_distances, judge, judge_hypothesis
from prefect_qpu.jobs import counts
from prefect_qpu.latency import PRIMARY, Span, bought
from prefect_qpu.observables import Estimate
from prefect_qpu.prices import PriceTable
from prefect_qpu.records import EstimateRow
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.smoke_test import NOISE_ROLES, smoke_test
from prefect_qpu.stages.stability import stability
from prefect_qpu.statistics import Mean
from prefect_qpu.time_to_solution import time_to_solution
from prefect_qpu.workloads import Answer

STAGE = "compare"
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


def _sampled(run: Run) -> BitArray | None:
    """Shots of the measured circuit from which solutions are read; none where nothing is optimised."""
    if run.experiment.workload.objective() is None or PRIMARY not in run.store.submissions.for_run(run.id):
        return None
    for group, bits in zip(encode(run).measurement.groups, counts(run, PRIMARY), strict=False):
        if set(group.basis) == {"Z"} and bits.shape == ():
            return bits
    return None


def best_answer(run: Run) -> dict[str, Any] | None:
    """The best solution among the measured shots, recounted; none where nothing is optimised."""
    bits = _sampled(run)
    answer = None if bits is None else run.experiment.workload.decode(bits)
    return None if answer is None else _answer_document(answer)


def _time_to_solution(run: Run, cost: Mapping[str, float | int]) -> dict[str, Any]:
    """How long sampling takes until a shot is as good as the classical answer; empty where no shot has a value."""
    bits, objective = _sampled(run), run.experiment.workload.objective()
    values = None if bits is None else run.experiment.workload.sample_values(bits)
    classical = None if objective is None else _classical(run, objective.observable)
    if values is None or objective is None or classical is None:
        return {}
    # The job holds the circuits of all methods; each shot has its share of the time.
    seconds = float(cost["execution [s]"]) * values.size / max(1, cost["shots"])
    found = time_to_solution(values, classical.value, objective.sense, seconds)
    return {} if found is None else {"time to solution": found.document()}


def _reduction(run: Run) -> dict[str, Any]:
    """What was left out before the encoding; its time is part of the stage `encode`, and so of the quantum path's."""
    document = (run.stage("encode") or {}).get("reduction")
    return {"reduction": document} if document else {}


def _services(run: Run) -> list[str]:
    """All that had to answer: record store, workflow server, and each provider that ran a job."""
    workflow = [] if run.store.runs.get(run.id).flow_run_id is None else ["workflow server"]
    providers = {f"{row.provider}: {row.backend}" for row in run.store.submissions.for_run(run.id).values()}
    return ["record store", *workflow, *sorted(providers)]


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
        "stability": stability(run, method, observable, smoke.exact.get(observable)) if source == "quantum" else None,
        "cost": cost,
        "services": _services(run),
        **_time_to_solution(run, cost),
        **_reduction(run),
    }


def _distances(run: Run) -> list[dict[str, Any]]:
    """The raw counts against those that the device's noise lets expect."""
    rows = run.store.submissions.for_run(run.id)
    done = [role for role in (PRIMARY, *NOISE_ROLES) if role in rows and rows[role].state == "done"]
    if PRIMARY not in done or len(done) == 1:
        return []
    ours, predicted = (counts(run, role) for role in done[:2])
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
    cost: dict[str, float | int] = {
        "quantum wall [s]": _seconds(spans, QUANTUM_STAGES),
        "queue [s]": _seconds(primary, ("queue",)),
        "execution [s]": _seconds(primary, ("execution",)),
        "classical [s]": sum(row.seconds for row in run.store.runs.baselines(run.id)),
        "QPU [s]": sum(row.qpu_seconds or 0.0 for row in paid),
        "shots": sum(pub["shots"] for row in paid for pub in row.pubs),
        "simulated shots": sum(pub["shots"] for row in submissions for pub in row.pubs if row not in paid),
        "payload [bytes]": sum(row.payload_bytes for row in paid),
    }
    return cost | _money(run, cost, jobs=sum(row.attempt for row in paid))


def _money(run: Run, cost: Mapping[str, float | int], jobs: int) -> dict[str, float | int]:
    """What it cost by the experiment's prices; a backend without a price is left out rather than free."""
    table = run.experiment.prices
    if not isinstance(table, PriceTable):
        return {}
    backend = run.store.runs.get(run.id).backend
    price = table.price_of(backend["name"], backend["kind"])
    money: dict[str, float | int] = {f"classical money [{table.currency}]": table.classical(cost["classical [s]"])}
    if price is not None:
        quantum = price.of(jobs=jobs, shots=int(cost["shots"]), qpu_seconds=cost["QPU [s]"])
        money[f"quantum money [{table.currency}]"] = quantum
    return money


def _seconds(spans: list[Span], stages: tuple[str, ...]) -> float:
    return sum(span.seconds for span in spans if span.stage in stages)
