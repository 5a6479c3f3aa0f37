"""Criteria on the ideal simulation: the encoded and transpiled circuit does what was asked."""

from collections.abc import Iterable
from dataclasses import replace

from prefect_qpu.experiment import Promotion
from prefect_qpu.gate.criteria import demand, tested, unsimulated
from prefect_qpu.gate.evidence import Criterion, Evidence
from prefect_qpu.statistics import TestResult, Verdict, agrees

MOST_SHOTS = 400_000
"""Shots of each circuit above which an equivalence test is left undecided."""
_ORDER = ("fail", "inconclusive", "pass")
_METHOD = ("test", "level", "power", "shots", "shots_needed", "tests", "looks")


def ideal_agrees(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether each observable agrees with its reference within the tolerance."""
    for signal in evidence.signals:
        if signal.ideal is None:
            yield unsimulated("ideal_agrees", policy, evidence.no_ideal, signal)
        elif signal.reference is None:
            reason = "no reference: the circuit is too large for an exact calculation and none was given"
            yield unsimulated("ideal_agrees", policy, reason, signal)
        else:
            result = agrees(signal.ideal, signal.reference, policy.tolerance, **demand(policy, evidence))
            if result.verdict is Verdict.INCONCLUSIVE and _hopeless(result, len(signal.ideal.means)):
                result = replace(result, verdict=Verdict.FAIL)
            yield tested("ideal_agrees", result, signal, _agreement(result))


def ideal_distribution(_: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether the ideal counts follow the exact distribution of every measured basis; the worst one is told."""
    name, tests = "ideal_distribution", evidence.distributions
    if not tests:
        if evidence.no_distributions:
            yield Criterion(name, Verdict.NOT_APPLICABLE, evidence.no_distributions)
        return
    worst = min(tests, key=lambda test: (_ORDER.index(test["verdict"]), test["observed"]))
    details = {key: worst[key] for key in _METHOD if key in worst} | {"bases": [dict(test) for test in tests]}
    verdict = Verdict(worst["verdict"])
    reason = f"counts in the basis {worst['basis']} have p = {worst['observed']:.2g} under the exact distribution"
    if verdict is Verdict.INCONCLUSIVE:
        verdict = Verdict.NOT_APPLICABLE
        reason = (
            f"{worst['shots']} shots in the basis {worst['basis']} tell too little; {worst['shots_needed']} would do"
        )
    elif worst.get("reason"):
        reason = f"in the basis {worst['basis']} {worst['reason']}"
    yield Criterion(name, verdict, reason, worst["observed"], None, worst["threshold"], None, details)


def _hopeless(result: TestResult, groups: int) -> bool:
    """Whether no value could be shown to be right, neither with these shots nor with all that a smoke test takes."""
    low, high = result.interval
    too_many = result.shots_needed is None or result.shots_needed > MOST_SHOTS * max(1, groups)
    return high - low >= 2 * result.threshold and too_many


def _agreement(result: TestResult) -> str:
    difference = round(result.observed, 9)
    reason = f"the ideal simulation differs from the reference by {difference:+.4g}, tolerance {result.threshold:g}"
    if result.verdict is Verdict.PASS or result.shots_needed is None:
        return reason
    return f"{reason}; {result.shots_needed} shots would decide"
