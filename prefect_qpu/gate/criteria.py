"""What the criteria that test an observable have in common: how sure they are, and how a result is told."""

from typing import Any

from prefect_qpu.experiment import Promotion
from prefect_qpu.gate.evidence import Criterion, Evidence, Signal
from prefect_qpu.statistics import TestResult, Verdict


def unsimulated(name: str, policy: Promotion, reason: str, signal: Signal) -> Criterion:
    """A criterion that lacks a simulation, or a value to compare it with: in doubt, unless the policy waives it."""
    if policy.beyond_simulation == "hold":
        return Criterion(name, Verdict.INCONCLUSIVE, reason, observable=signal.name)
    return Criterion(name, Verdict.NOT_APPLICABLE, f"waived by the policy: {reason}", observable=signal.name)


def ideal_value(signal: Signal) -> float:
    """The reference, or else the estimate of the ideal simulation."""
    if signal.reference is not None:
        return signal.reference
    assert signal.ideal is not None
    return float(signal.ideal.value)


def demand(policy: Promotion, evidence: Evidence, *, looks: int = 1) -> dict[str, Any]:
    """How sure each test has to be; one that fails rejects, so their number counts."""
    kinds = 1 if evidence.noiseless else 3 if policy.beat_trivial else 2
    return {
        "confidence": policy.confidence,
        "power": policy.power,
        "looks": looks * policy.looks,
        "tests": max(1, kinds * len(evidence.signals)),
    }


def tested(name: str, result: TestResult, signal: Signal, reason: str) -> Criterion:
    """A criterion that a test decided."""
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
