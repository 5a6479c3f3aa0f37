"""One decision from all criteria."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from prefect_qpu.experiment import Promotion
from prefect_qpu.gate.conditions import calibration_age, circuit_valid, encoding_budget, hypothesis_stated
from prefect_qpu.gate.evidence import Criterion, Evidence
from prefect_qpu.gate.ideal import ideal_agrees, ideal_distribution
from prefect_qpu.gate.noise import beats_trivial, noise_distinguishable
from prefect_qpu.statistics import Verdict


class Outcome(StrEnum):
    """What the gate decides."""

    PROMOTED = "promoted"
    HELD = "held"
    REJECTED = "rejected"


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


_JUDGES: tuple[Callable[[Promotion, Evidence], Iterable[Criterion]], ...] = (
    circuit_valid,
    encoding_budget,
    ideal_agrees,
    ideal_distribution,
    noise_distinguishable,
    beats_trivial,
    calibration_age,
    hypothesis_stated,
)


def _named(what: str, criteria: Sequence[Criterion]) -> str:
    names = dict.fromkeys(f"{item.name}[{item.observable}]" if item.observable else item.name for item in criteria)
    return f"{what}: {', '.join(names)}"
