"""Criteria without chance: the circuit fits, the calibration is fresh, a hypothesis is stated."""

from collections.abc import Iterable

from prefect_qpu.experiment import Promotion
from prefect_qpu.gate.evidence import Criterion, Evidence
from prefect_qpu.statistics import Verdict

A_DAY = 86_400.0


def circuit_valid(_: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether every circuit can run on the target."""
    if evidence.findings:
        yield Criterion("circuit_valid", Verdict.FAIL, "; ".join(evidence.findings), float(len(evidence.findings)))
    else:
        yield Criterion("circuit_valid", Verdict.PASS, "every circuit can run on the target", 0.0, threshold=0.0)


def encoding_budget(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether the transpiled circuits keep the limits that the policy sets."""
    limits = {
        "max_depth": evidence.depth,
        "max_two_qubit_gates": evidence.two_qubit_gates,
        "max_qubits": evidence.qubits,
        "max_parameters": evidence.parameters,
        "max_payload_bytes": evidence.payload_bytes,
    }
    for name, value in limits.items():
        limit = getattr(policy, name)
        if limit is not None:
            verdict = Verdict.PASS if value <= limit else Verdict.FAIL
            yield Criterion(name, verdict, f"{value} of at most {limit}", float(value), threshold=float(limit))


def calibration_age(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether the calibration is young enough."""
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


def hypothesis_stated(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether a hypothesis is stated, where the policy wants one."""
    hypothesis = evidence.hypothesis
    if hypothesis is not None:
        low, high = hypothesis.range
        reason = f"{hypothesis.statement} ({hypothesis.observable} from {low:g} to {high:g})"
        yield Criterion("hypothesis_stated", Verdict.PASS, reason, observable=hypothesis.observable)
    else:
        verdict = Verdict.FAIL if policy.require_hypothesis else Verdict.NOT_APPLICABLE
        yield Criterion("hypothesis_stated", verdict, "no hypothesis is stated")
