"""`RunSummary`: all that a run decided, measured and cost, built from the record store alone."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

AnswerSource = Literal["quantum", "cached", "simulator", "classical"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ExperimentSummary(_Model):
    """Which experiment."""

    name: str
    hash: str
    execution_hash: str
    workload: str
    shots: int
    definition: dict[str, Any]


class BackendSummary(_Model):
    """Where it ran."""

    name: str
    kind: str
    simulator: bool
    calibration_hash: str | None = None
    calibration_time: datetime | None = None
    calibration: dict[str, Any] | None = None
    """Medians over the device: seconds, hertz, error probabilities."""
    settings: dict[str, Any] = {}


class TestSummary(_Model):
    """Which test decided, and how sure it is."""

    __test__ = False

    test: str
    level: float
    """Largest chance of a pass that is wrong, all looks together."""
    power: float | None = None
    """Chance that these shots let something pass that is right."""
    shots: int | None = None
    """Sample size."""
    shots_needed: int | None = None
    """Shots that would decide, where the test did not."""
    systematic: float = 0.0
    """By how much the interval was widened for what is not chance."""
    looks: int = 1
    """Looks among which the level is split."""
    tests: int = 1
    """Tests of which one that fails decides."""


class CriterionSummary(_Model):
    """One condition of the gate."""

    name: str
    verdict: Literal["pass", "fail", "inconclusive", "not applicable"]
    reason: str
    observed: float | None = None
    interval: tuple[float, float] | None = None
    threshold: float | None = None
    observable: str | None = None
    test: TestSummary | None = None
    """None where nothing is left to chance."""
    details: dict[str, Any] = {}


class DecisionSummary(_Model):
    """The gate's decision."""

    outcome: Literal["promoted", "held", "rejected"]
    reason: str
    criteria: list[CriterionSummary]
    by: str = "policy"
    held_by: str | None = None


class EstimateSummary(_Model):
    """One expectation value."""

    method: str
    observable: str
    source: AnswerSource
    value: float
    stderr: float
    systematic: float | None = None
    shots: int
    exact: float | None = None
    variance_multiplier: float | None = None
    point: int = 0
    details: dict[str, Any] = {}


class BaselineSummary(_Model):
    """The classical opponent's answer for one observable."""

    method: str
    observable: str
    value: float
    bound: float | None = None
    exact: bool
    certificate: dict[str, Any]
    seconds: float
    details: dict[str, Any] = {}
    gap: float | None = None
    """How far the value may be from the best one, relative to the bound."""
    error: float | None = None
    """How far the exact expectation value may be."""
    peak_bytes: int | None = None
    seed: int | None = None
    versions: dict[str, str] = {}

    @property
    def status(self) -> str:
        """What is proven of the value."""
        if self.exact or self.error is None:
            return "exact" if self.exact else "not proven exact"
        return f"within {self.error:.2g} of the exact value"


class SpanSummary(_Model):
    """One stage on the time line."""

    stage: str
    start: datetime
    end: datetime
    seconds: float
    source: Literal["workflow", "provider"]
    role: str | None = None
    """What the job of a provider's span was for: ``primary``, ``smoke-ideal``, ..."""


class SubmissionSummary(_Model):
    """One request to a provider."""

    role: str
    request_hash: str
    provider: str
    backend: str
    job_id: str | None
    state: str
    attempts: int
    replicate: int
    seed: int | None
    shots: list[int]
    payload_bytes: int
    qpu_seconds: float | None = None
    calibration_hash: str | None = None
    """Calibration that was valid when the job ran, or when it was submitted if that is not known."""
    surplus_jobs: dict[str, str] = {}
    """Last known states of further jobs of this request, by job id."""
    executed: list[dict[str, Any]] = []
    """What the executor reported for each PUB: seed, shots, method."""


class CircuitSize(_Model):
    """Size of a circuit."""

    hash: str
    width: int
    depth: int
    two_qubit_gates: int
    size: int
    payload_bytes: int


class CircuitSummary(_Model):
    """One measured circuit, before and after the transpiler."""

    basis: str | None = None
    """The measured basis of each qubit, in Qiskit's label order."""
    before: CircuitSize
    after: CircuitSize | None = None
    """None if the run ended before anything was transpiled."""
    qubits: list[int] | None = None
    """Physical qubit of each circuit qubit."""


class RunSummary(_Model):
    """The summary of one run.

    ``source`` says which path gave the answer: ``quantum`` is the path that the experiment asks for, also where its
    backend is a simulator (then ``backend.simulator`` is true).
    """

    schema_version: Literal[1] = 1
    run_id: str
    flow_run_id: str | None = None
    state: Literal["running", "waiting", "ended", "failed"]
    outcome: Literal["promoted", "fallback", "held", "rejected", "failed"] | None = None
    source: AnswerSource | None = None
    error: str | None = None
    started_at: datetime
    ended_at: datetime | None = None
    experiment: ExperimentSummary
    backend: BackendSummary
    selection: dict[str, Any] | None = None
    """Why this backend, where a rule chose it: the numbers of all candidates."""
    decision: DecisionSummary | None = None
    estimates: list[EstimateSummary]
    refused: dict[str, str] = {}
    """Why a requested method gave no estimates, by its label."""
    simulations: dict[str, dict[str, dict[str, float]]] = {}
    """Estimates of the smoke test by simulation (``ideal``, ``noisy``) and observable: value, stderr, shots."""
    counts: dict[str, dict[str, int]] = {}
    """Most frequent outcomes by measured basis, of the answer's raw circuits."""
    ideal_counts: dict[str, dict[str, int]] = {}
    """The same of the ideal simulation."""
    answer: dict[str, Any] | None = None
    """Best sampled solution of an optimisation workload."""
    baseline: BaselineSummary | None = None
    """The opponent for the observable that is judged."""
    baselines: list[BaselineSummary] = []
    no_baseline: str | None = None
    comparison: dict[str, Any] | None = None
    fallback: dict[str, Any] | None = None
    spans: list[SpanSummary]
    seconds_by_stage: dict[str, float] = {}
    submissions: list[SubmissionSummary]
    circuits: list[CircuitSummary]
    versions: dict[str, str]
    seeds: dict[str, int] = Field(default_factory=dict)
