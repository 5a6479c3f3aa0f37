"""What the record store returns: frozen values, detached from the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Any, Self


class _Row:
    """A dataclass whose fields are attributes of a record."""

    @classmethod
    def of(cls, record: Any, **more: Any) -> Self:
        """The row of a record; fields that the record lacks are given by name."""
        names = [item.name for item in fields(cls) if item.name not in more]  # type: ignore[arg-type]
        return cls(**{name: getattr(record, name) for name in names}, **more)


@dataclass(frozen=True)
class CircuitRow(_Row):
    """Size of a stored circuit."""

    hash: str
    blob_hash: str
    num_qubits: int
    depth: int
    two_qubit_gates: int
    size: int
    payload_bytes: int
    """Bytes of the QPY form, before compression."""
    created_at: datetime


@dataclass(frozen=True)
class RunRow(_Row):
    """One execution of an experiment."""

    id: str
    name: str
    """Name of the experiment."""
    experiment_hash: str
    execution_hash: str
    flow_run_id: str | None
    state: str
    """``running``, ``waiting``, ``ended`` or ``failed``."""
    source: str | None
    """Where the answer came from."""
    outcome: str | None
    calibration_hash: str | None
    backend: dict[str, Any]
    seeds: dict[str, int]
    versions: dict[str, str]
    error: str | None
    started_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class SubmissionRow(_Row):
    """One attempt to have a request executed."""

    id: int
    request_hash: str
    """The tag of the job at the provider."""
    content_hash: str
    replicate: int
    attempt: int
    provider: str
    backend: str
    state: str
    """``intended``, ``submitted``, ``queued``, ``running``, ``done`` (the results are stored), ``failed``,
    ``cancelled`` or ``lost``."""
    job_id: str | None
    seed: int | None
    options: dict[str, Any]
    pubs: list[dict[str, Any]]
    """``circuit`` (hash), ``shots`` and ``parameters`` (blob hash or none) of each PUB."""
    payload_bytes: int
    limits: dict[str, Any] | None
    calibration_hash: str | None
    qpu_seconds: float | None
    error: str | None
    claimed_by: str | None
    claimed_until: datetime | None
    sent_at: datetime | None
    lost_since: datetime | None
    cancel_requested_at: datetime | None
    created_at: datetime
    submitted_at: datetime | None
    ended_at: datetime | None
    job_created_at: datetime | None
    """Times of the job by the provider's clock."""
    job_started_at: datetime | None
    job_finished_at: datetime | None


@dataclass(frozen=True)
class EventRow(_Row):
    """What the provider once said of a job."""

    submission_id: int
    status: str
    provider_timestamp: datetime | None
    """By the provider's clock; none if it did not tell."""
    message: str
    recorded_at: datetime


@dataclass(frozen=True)
class EstimateRow(_Row):
    """One expectation value of a run."""

    source: str
    """``quantum``, ``cached``, ``simulator`` or ``classical``."""
    method: str
    observable: str
    value: float
    stderr: float
    shots: int
    point: int = 0
    """Index in the parameter array, flattened."""
    systematic: float | None = None
    variance_multiplier: float | None = None
    exact: float | None = None
    """The exact value, if it is known."""
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class DecisionRow(_Row):
    """A decision of the gate."""

    decided_by: str
    """``policy`` or ``person``."""
    outcome: str
    document: dict[str, Any]
    decided_at: datetime


@dataclass(frozen=True)
class BaselineRow(_Row):
    """The answer of a classical opponent for one observable."""

    method: str
    observable: str
    value: float
    bound: float | None
    exact: bool
    certificate: dict[str, Any]
    seconds: float
    document: dict[str, Any]
    """The whole answer as it was handed in."""


@dataclass(frozen=True)
class SweepRow(_Row):
    """One execution of a sweep."""

    id: int
    run_id: str
    hash: str
    name: str
    document: dict[str, Any]
    plan_hash: str
    arrays_hash: str
    """The arrays of the plan: owner, place and key of each point, and the axes that are not circuit parameters."""
    created_at: datetime
