"""Hardware against exact value, simulator and classical opponent, and what the stated hypothesis is worth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import copysign
from typing import Any, Literal, get_args

from qiskit.primitives.containers import BitArray

from prefect_qpu.experiment import Hypothesis
from prefect_qpu.observables import Estimate, Group
from prefect_qpu.statistics import Kind, Verdict, agrees, distance, estimate_reach, systematic_of

KINDS: tuple[Kind, ...] = get_args(Kind)
Winner = Literal["quantum better", "classical better", "not distinguishable", "not comparable"]
HypothesisVerdict = Literal["supported", "refuted", "inconclusive", "not stated", "not measured"]


@dataclass(frozen=True)
class Classical:
    """The classical opponent's answer for one observable."""

    method: str
    value: float
    exact: bool
    seconds: float
    error: float | None = None
    """How far the exact value may be from this one; none if that is not known."""


@dataclass(frozen=True)
class Quantum:
    """What the quantum path offers for one observable."""

    estimate: Estimate
    seconds: float
    """Wall seconds of everything that the quantum answer needed."""
    best: float | None = None
    """Value of the best solution, recounted, where the workload has solutions."""
    sampled: float | None = None
    """Where classical search improved the solutions: the best value that was sampled."""
    control: float | None = None
    """The value that the same classical search reaches from as many random solutions."""


@dataclass(frozen=True)
class Opinion:
    """One verdict and why."""

    verdict: Winner
    reason: str


def agreement(
    estimates: Mapping[str, Estimate], others: Mapping[str, float | Estimate], tolerance: float, confidence: float
) -> list[dict[str, Any]]:
    """How each estimate compares with another value of the same observable, as rows of JSON data.

    A value without a standard error counts as exact. The interval of the difference counts what shots and models leave
    open; a failure is shown at the level divided by the number of observables, for each of them could fail by chance.
    """
    pairs = {name: (estimate, others[name]) for name, estimate in estimates.items() if name in others}
    rows = []
    for name, (estimate, other) in pairs.items():
        value = float(other.value) if isinstance(other, Estimate) else other
        result = agrees(estimate, other, tolerance, confidence=confidence, tests=len(pairs))
        row = {"observable": name, "value": float(estimate.value), "other": value} | result.document()
        rows.append(row | {"reason": result.reason})
    return rows


def count_distances(
    groups: Sequence[Group], counts: Sequence[BitArray], others: Sequence[BitArray], confidence: float
) -> list[dict[str, Any]]:
    """How far counts of each measured basis lie from other counts, as rows of JSON data: one for each kind of distance.

    There is no verdict: a tolerance on expectation values says nothing of distances.

    Args:
        groups: What was measured.
        counts: One bit array for each group; more may follow.
        others: The same of the other side.
        confidence: Of the two-sided intervals.
    """
    return [
        {"basis": group.basis}
        | distance(ours.get_int_counts(), theirs.get_int_counts(), kind, confidence=confidence).document()
        for group, ours, theirs in zip(groups, counts, others, strict=False)
        if not ours.shape
        for kind in KINDS
    ]


def judge(
    quantum: Quantum | None,
    classical: Classical | None,
    *,
    sense: Literal["maximize", "minimize"] | None,
    tolerance: float,
    confidence: float,
    why_not: str = "",
) -> Opinion:
    """Which side gave the better answer to one observable, all of its wall time counted.

    The better value wins. For estimates, two values within the tolerance count as equal; for optimisation, the best
    recounted solutions are compared. Between equal values the one that took less wall time wins. A solution that
    classical search improved counts for the quantum side only if the same search reaches less from random solutions;
    else the best sampled one does.

    Args:
        quantum: The quantum answer, or none.
        classical: The classical answer, or none.
        sense: Whether the observable is an objective, and of which kind.
        tolerance: Difference of two estimates that counts as agreement.
        confidence: One minus the level of the test.
        why_not: Why one of the answers is missing.
    """
    if quantum is None or classical is None:
        return Opinion("not comparable", why_not or "one of the two answers is missing")
    if sense is not None and quantum.best is not None:
        return _by_solution(quantum, classical, quantum.best, sense)
    difference = float(quantum.estimate.value) - classical.value
    smallest, largest = (copysign(width, difference) for width in _differences(difference, classical))
    near, far = (_verdict(quantum, tolerance, confidence, width) for width in (smallest, largest))
    if far is Verdict.PASS:
        return _by_time(quantum, classical, f"both values agree within {tolerance:g}")
    if near is Verdict.FAIL and (classical.exact or (classical.error is not None and abs(smallest) > tolerance)):
        known = "is exact" if classical.exact else f"is proven to {classical.error:.2g}"
        return Opinion(
            "classical better", f"the {classical.method} value {known}, the quantum estimate is {difference:+.4g} off"
        )
    if near is Verdict.FAIL:
        return Opinion("not comparable", f"the values differ by {difference:+.4g} and neither is known to be right")
    doubt = f" and the classical error of {classical.error:.2g}" if classical.error else ""
    return Opinion(
        "not distinguishable",
        f"the difference {difference:+.4g} is undecided against the tolerance {tolerance:g}{doubt}",
    )


def _differences(difference: float, classical: Classical) -> tuple[float, float]:
    """The smallest and the largest size of the difference to the exact value."""
    error = classical.error or 0.0
    return max(0.0, abs(difference) - error), abs(difference) + error


def _verdict(quantum: Quantum, tolerance: float, confidence: float, difference: float) -> Verdict:
    other = float(quantum.estimate.value) - difference
    return agrees(quantum.estimate, other, tolerance, confidence=confidence).verdict


def judge_hypothesis(
    hypothesis: Hypothesis | None, estimates: Mapping[str, Estimate], confidence: float
) -> dict[str, Any]:
    """Whether the interval of the observable lies inside, outside, or across the stated range."""
    if hypothesis is None:
        return {"verdict": "not stated", "reason": "the experiment states no hypothesis"}
    estimate = estimates.get(hypothesis.observable)
    if estimate is None:
        return {"verdict": "not measured", "reason": f"{hypothesis.observable} was not measured"}
    sure, systematic = (1 + confidence) / 2, systematic_of(estimate)
    low, high = estimate_reach(estimate, sure).widened(systematic, sure).around(float(estimate.value))
    least, most = hypothesis.range
    verdict: HypothesisVerdict = "inconclusive"
    if least <= low and high <= most:
        verdict = "supported"
    elif high < least or low > most:
        verdict = "refuted"
    reason = f"{hypothesis.observable} lies in [{low:.4g}, {high:.4g}], expected [{least:g}, {most:g}]"
    return {
        "verdict": verdict,
        "reason": reason,
        "statement": hypothesis.statement,
        "observable": hypothesis.observable,
        "interval": [low, high],
        "range": list(hypothesis.range),
        "confidence": confidence,
        "systematic": systematic,
        "shots": estimate.shots,
    }


def _by_solution(quantum: Quantum, classical: Classical, best: float, sense: str) -> Opinion:
    sign = 1 if sense == "maximize" else -1
    if quantum.sampled is not None and quantum.control is not None and sign * (best - quantum.control) <= 0:
        sampled = replace(quantum, sampled=None)
        opinion = _by_solution(sampled, classical, quantum.sampled, sense)
        note = f"local search reaches {best:g} from the samples and {quantum.control:g} from random solutions"
        return Opinion(opinion.verdict, f"{opinion.reason}; {note}, so the samples count")
    gain = sign * (best - classical.value)
    if abs(gain) < 1e-9 * max(1.0, abs(classical.value)):
        return _by_time(quantum, classical, f"both found {best:g}")
    if gain > 0:
        return Opinion("quantum better", f"its best solution is {best:g}, the classical one {classical.value:g}")
    return Opinion("classical better", f"its solution is {classical.value:g}, the best quantum one {best:g}")


def _by_time(quantum: Quantum, classical: Classical, equal: str) -> Opinion:
    winner: Winner = "quantum better" if quantum.seconds < classical.seconds else "classical better"
    times = f"{quantum.seconds:.3g} s quantum, {classical.seconds:.3g} s {classical.method}"
    return Opinion(winner, f"{equal}; wall time {times}")
