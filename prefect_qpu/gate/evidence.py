"""What the gate looks at, and one condition with what was seen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prefect_qpu.experiment import Hypothesis
from prefect_qpu.observables import Estimate
from prefect_qpu.statistics import Verdict


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
    qubits: int = 0
    parameters: int = 0
    payload_bytes: int = 0
    """Of all transpiled circuits together."""
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
