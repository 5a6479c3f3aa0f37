"""The promotion gate: criteria with numbers, and one decision, before anything is paid for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from typing import Any

from prefect_qpu.experiment import Hypothesis, Promotion
from prefect_qpu.observables import Estimate
from prefect_qpu.statistics import Reach, TestResult, Verdict, agrees, estimate_reach, exceeds

A_DAY = 86_400.0
_ORDER = ("fail", "inconclusive", "pass")
_METHOD = ("test", "level", "power", "shots", "shots_needed", "tests", "looks")


class Outcome(StrEnum):
    """What the gate decides."""

    PROMOTED = "promoted"
    HELD = "held"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Signal:
    """One observable as the gate sees it."""

    name: str
    mixed: float
    """Value in the fully mixed state: what is left if noise wins."""
    reference: float | None = None
    """Exact or user-given value."""
    ideal: Estimate | None = None
    """Estimate of the ideal simulation of the transpiled circuit."""
    noisy: Estimate | None = None
    """Estimate of the simulation with the device's noise."""


@dataclass(frozen=True)
class Evidence:
    """All that the gate looks at."""

    findings: Sequence[str]
    """Reasons why the circuits cannot run on the target; empty if they can."""
    signals: Sequence[Signal]
    depth: int
    two_qubit_gates: int
    simulator: bool
    """Whether the backend that the experiment asks for is a simulator."""
    calibration_age: float | None
    """Seconds; none for an ideal backend or an unknown time."""
    hypothesis: Hypothesis | None = None
    no_ideal: str = ""
    """Why there is no ideal simulation."""
    no_noisy: str = ""
    """Why there is no simulation with noise."""
    noiseless: bool = False
    """Whether the backend has no noise to be predicted."""
    distributions: Sequence[Mapping[str, Any]] = ()
    """Of each measured basis, the test of the ideal simulation's counts against the exact distribution: ``basis``,
    ``verdict``, and what `TestResult.document` tells."""
    no_distributions: str = ""
    """Why there are none."""


@dataclass(frozen=True)
class Criterion:
    """One condition of the gate, with what was seen."""

    name: str
    verdict: Verdict
    reason: str
    observed: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    observable: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        """The criterion as JSON data."""
        return {
            "name": self.name,
            "verdict": str(self.verdict),
            "reason": self.reason,
            "observed": self.observed,
            "interval": list(self.interval) if self.interval else None,
            "threshold": self.threshold,
            "observable": self.observable,
            "details": dict(self.details),
        }


@dataclass(frozen=True)
class Decision:
    """The gate's answer."""

    outcome: Outcome
    criteria: tuple[Criterion, ...]
    reason: str

    def document(self) -> dict[str, Any]:
        """The decision as JSON data."""
        return {
            "outcome": str(self.outcome),
            "reason": self.reason,
            "criteria": [criterion.document() for criterion in self.criteria],
        }


def decide(policy: Promotion, evidence: Evidence) -> Decision:
    """Promoted if every criterion passes or does not apply, rejected if one fails, else held or rejected by policy.

    Example:
        >>> evidence = Evidence(findings=["the circuit has 6 qubits, the device has 5"], signals=[], depth=1,
        ...                     two_qubit_gates=0, simulator=True, calibration_age=None)
        >>> decide(Promotion(), evidence).outcome.value
        'rejected'
    """
    criteria = tuple(criterion for judge in _JUDGES for criterion in judge(policy, evidence))
    failed = [item for item in criteria if item.verdict is Verdict.FAIL]
    doubtful = [item for item in criteria if item.verdict is Verdict.INCONCLUSIVE]
    if failed:
        return Decision(Outcome.REJECTED, criteria, _named("failed", failed))
    if policy.approval == "always":
        return Decision(Outcome.HELD, criteria, "the policy asks for a person's approval")
    if doubtful:
        outcome = Outcome.HELD if policy.approval == "on_doubt" else Outcome.REJECTED
        return Decision(outcome, criteria, _named("inconclusive", doubtful))
    return Decision(Outcome.PROMOTED, criteria, "every criterion that applies is met")


def shots_for_noise(policy: Promotion, signals: Sequence[Signal]) -> int:
    """Shots of the simulation with noise that would decide what is in doubt; 0 if nothing is, or no number would."""
    evidence = Evidence((), signals, depth=0, two_qubit_gates=0, simulator=True, calibration_age=None)
    criteria = [*_noise_distinguishable(policy, evidence), *_beats_trivial(policy, evidence)]
    doubtful = [item.details.get("shots_needed") for item in criteria if item.verdict is Verdict.INCONCLUSIVE]
    return max((shots for shots in doubtful if shots is not None), default=0)


def _circuit_valid(_: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    if evidence.findings:
        yield Criterion("circuit_valid", Verdict.FAIL, "; ".join(evidence.findings), float(len(evidence.findings)))
    else:
        yield Criterion("circuit_valid", Verdict.PASS, "every circuit can run on the target", 0.0, threshold=0.0)


def _encoding_budget(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    limits = {"max_depth": evidence.depth, "max_two_qubit_gates": evidence.two_qubit_gates}
    for name, value in limits.items():
        limit = getattr(policy, name)
        if limit is not None:
            verdict = Verdict.PASS if value <= limit else Verdict.FAIL
            yield Criterion(name, verdict, f"{value} of at most {limit}", float(value), threshold=float(limit))


def _ideal_agrees(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    for signal in evidence.signals:
        if signal.ideal is None:
            yield _unsimulated("ideal_agrees", policy, evidence.no_ideal, signal)
        elif signal.reference is None:
            reason = "no reference: the circuit is too large for an exact calculation and none was given"
            yield _unsimulated("ideal_agrees", policy, reason, signal)
        else:
            result = agrees(signal.ideal, signal.reference, policy.tolerance, **_demand(policy, evidence))
            if result.verdict is Verdict.INCONCLUSIVE and _hopeless(result):
                result = replace(result, verdict=Verdict.FAIL)
            yield _tested("ideal_agrees", result, signal, _agreement(result))


def _ideal_distribution(_: Promotion, evidence: Evidence) -> Iterable[Criterion]:
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


def _noise_distinguishable(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    for signal in evidence.signals:
        criterion = _not_predicted("noise_distinguishable", policy, evidence, signal)
        if criterion is None:
            scale, noisy = _ideal_value(signal) - signal.mixed, _noisy(signal)
            retained = (float(noisy.value) - signal.mixed) / scale
            result = exceeds(
                retained,
                float(noisy.stderr) / abs(scale),
                policy.min_signal,
                shots=noisy.shots,
                reaches=partial(_retained_reach, signal, scale, policy.min_signal),
                **_demand(policy, evidence),
            )
            reason = f"{retained:.0%} of the ideal signal is left, at least {policy.min_signal:.0%} is wanted"
            criterion = _tested("noise_distinguishable", result, signal, reason)
        yield criterion


def _beats_trivial(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    if not policy.beat_trivial:
        return
    for signal in evidence.signals:
        criterion = _not_predicted("beats_trivial", policy, evidence, signal)
        if criterion is None:
            ideal, noisy = _ideal_value(signal), _noisy(signal)
            gain = abs(signal.mixed - ideal) - abs(float(noisy.value) - ideal)
            result = exceeds(
                gain,
                float(noisy.stderr),
                0.0,
                shots=noisy.shots,
                reaches=partial(_gain_reach, signal),
                **_demand(policy, evidence),
            )
            reason = f"the prediction is {gain:.4g} nearer to the ideal value than the guess {signal.mixed:.4g}"
            if gain <= 0:
                reason = f"the guess {signal.mixed:.4g} is {-gain:.4g} nearer to the ideal value than the prediction"
            criterion = _tested("beats_trivial", result, signal, reason)
        yield criterion


def _calibration_age(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    name, age = "calibration_age", evidence.calibration_age
    if policy.max_calibration_age is None and evidence.simulator:
        reason = "the backend is a simulator with a saved calibration, and the policy sets no limit"
        yield Criterion(name, Verdict.NOT_APPLICABLE, reason, age)
        return
    limit = A_DAY if policy.max_calibration_age is None else policy.max_calibration_age
    if age is None:
        reason = "the backend is ideal" if evidence.noiseless else "the backend does not say when it was calibrated"
        verdict = Verdict.NOT_APPLICABLE if evidence.noiseless else Verdict.INCONCLUSIVE
        yield Criterion(name, verdict, reason, threshold=limit)
        return
    verdict = Verdict.PASS if age <= limit else Verdict.FAIL
    yield Criterion(name, verdict, f"{age / 3600:.1f} h old, at most {limit / 3600:.1f} h is wanted", age, None, limit)


def _hypothesis_stated(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    hypothesis = evidence.hypothesis
    if hypothesis is not None:
        low, high = hypothesis.range
        reason = f"{hypothesis.statement} ({hypothesis.observable} from {low:g} to {high:g})"
        yield Criterion("hypothesis_stated", Verdict.PASS, reason, observable=hypothesis.observable)
    else:
        verdict = Verdict.FAIL if policy.require_hypothesis else Verdict.NOT_APPLICABLE
        yield Criterion("hypothesis_stated", verdict, "no hypothesis is stated")


_JUDGES: tuple[Callable[[Promotion, Evidence], Iterable[Criterion]], ...] = (
    _circuit_valid,
    _encoding_budget,
    _ideal_agrees,
    _ideal_distribution,
    _noise_distinguishable,
    _beats_trivial,
    _calibration_age,
    _hypothesis_stated,
)


def _not_predicted(name: str, policy: Promotion, evidence: Evidence, signal: Signal) -> Criterion | None:
    """Why nothing can be said of the noisy value of an observable, or none if something can."""
    if evidence.noiseless:
        return Criterion(name, Verdict.NOT_APPLICABLE, "the backend has no noise", observable=signal.name)
    if signal.noisy is None or (signal.reference is None and signal.ideal is None):
        reason = evidence.no_noisy or evidence.no_ideal
        return _unsimulated(name, policy, reason, signal)
    if abs(_ideal_value(signal) - signal.mixed) <= policy.tolerance:
        reason = f"the ideal value is within the tolerance of the fully mixed value {signal.mixed:.4g}"
        return Criterion(name, Verdict.NOT_APPLICABLE, reason, observable=signal.name)
    return None


def _unsimulated(name: str, policy: Promotion, reason: str, signal: Signal) -> Criterion:
    """A criterion that lacks a simulation, or a value to compare it with: in doubt, unless the policy waives it."""
    if policy.beyond_simulation == "hold":
        return Criterion(name, Verdict.INCONCLUSIVE, reason, observable=signal.name)
    return Criterion(name, Verdict.NOT_APPLICABLE, f"waived by the policy: {reason}", observable=signal.name)


def _ideal_value(signal: Signal) -> float:
    if signal.reference is not None:
        return signal.reference
    assert signal.ideal is not None
    return float(signal.ideal.value)


def _noisy(signal: Signal) -> Estimate:
    assert signal.noisy is not None
    return signal.noisy


def _demand(policy: Promotion, evidence: Evidence) -> dict[str, Any]:
    """How sure each test has to be; one that fails rejects, so their number counts."""
    kinds = 1 if evidence.noiseless else 3 if policy.beat_trivial else 2
    return {
        "confidence": policy.confidence,
        "power": policy.power,
        "looks": policy.looks,
        "tests": max(1, kinds * len(evidence.signals)),
    }


def _retained_reach(signal: Signal, scale: float, threshold: float, confidence: float) -> Reach:
    """Of the part of the signal that is left; an estimated ideal value may be off, too."""
    found = estimate_reach(_noisy(signal), confidence).scaled(1 / scale)
    if signal.reference is None and signal.ideal is not None:
        found = found.joined(estimate_reach(signal.ideal, confidence).scaled(-threshold / scale))
    return found


def _gain_reach(signal: Signal, confidence: float) -> Reach:
    """Of how much nearer the noisy value is; twice what an estimated ideal value may be off, if it is one."""
    noisy, ideal = _noisy(signal), _ideal_value(signal)
    low, high = estimate_reach(noisy, confidence).around(float(noisy.value))
    seen = abs(float(noisy.value) - ideal)
    nearest = 0.0 if low <= ideal <= high else min(abs(low - ideal), abs(high - ideal))
    found = Reach(max(abs(low - ideal), abs(high - ideal)) - seen, seen - nearest)
    if signal.reference is None and signal.ideal is not None:
        own = estimate_reach(signal.ideal, confidence)
        found = found.joined(Reach(*(2 * max(own.below, own.above),) * 2))
    return found


def _tested(name: str, result: TestResult, signal: Signal, reason: str) -> Criterion:
    return Criterion(
        name,
        result.verdict,
        reason,
        result.observed,
        result.interval,
        result.threshold,
        signal.name,
        result.method(),
    )


def _hopeless(result: TestResult) -> bool:
    """Whether these shots, which are all that a smoke test takes, could not show any value to be right."""
    low, high = result.interval
    return high - low >= 2 * result.threshold


def _agreement(result: TestResult) -> str:
    difference = round(result.observed, 9)
    reason = f"the ideal simulation differs from the reference by {difference:+.4g}, tolerance {result.threshold:g}"
    if result.verdict is Verdict.PASS or result.shots_needed is None:
        return reason
    return f"{reason}; {result.shots_needed} shots would decide"


def _named(what: str, criteria: Sequence[Criterion]) -> str:
    names = dict.fromkeys(f"{item.name}[{item.observable}]" if item.observable else item.name for item in criteria)
    return f"{what}: {', '.join(names)}"
