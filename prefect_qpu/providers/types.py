"""The protocol between a run and the place where its circuits are executed: PUBs in, counts out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration


class JobState(StrEnum):
    """State of a job at its provider."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether the state can no longer change."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True)
class JobRequest:
    """All that the provider needs to execute: nothing that changes the counts lies outside."""

    pubs: tuple[SamplerPub, ...]
    """ISA circuits with parameter values and shots."""
    tag: str
    """The request hash; the job carries it, so that it can be found again."""
    seed: int | None = None
    """Seed of the sampling; only simulators honour it."""
    options: Mapping[str, Any] = field(default_factory=dict)
    """Provider options as JSON data."""


@dataclass(frozen=True)
class JobStatus:
    """What the provider says of a job at one moment."""

    job_id: str
    state: JobState
    at: datetime | None = None
    """When the state was reached, by the provider's clock, in UTC."""
    message: str = ""
    retryable: bool = False
    """Whether a failure is the provider's and a new job may succeed."""
    queue_position: int | None = None


@dataclass(frozen=True)
class JobResult:
    """Counts of a finished job, with the provider's own times."""

    counts: tuple[BitArray, ...]
    """One bit array for each PUB, with the shape of its parameter values."""
    created: datetime | None = None
    started: datetime | None = None
    finished: datetime | None = None
    qpu_seconds: float | None = None
    """Seconds that the provider charges for; none on a simulator."""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Limits:
    """What one job may hold; none means no limit."""

    max_pubs: int | None = None
    max_shots: int | None = None
    max_executions: int | None = None
    max_payload_bytes: int | None = None


@dataclass(frozen=True)
class Usage:
    """What a job costs."""

    seconds: float | None
    """Seconds that the provider charges for; none on a simulator, and as long as they are not known."""
    final: bool
    """Whether this is the last word."""


@dataclass(frozen=True)
class Availability:
    """Whether a backend takes jobs, and how many are there already."""

    operational: bool = True
    pending: int | None = None
    """Jobs that wait or run; none if the provider does not tell."""
    message: str = ""


@runtime_checkable
class Provider(Protocol):
    """Where circuits run. Verbs are synchronous and short; none of them waits for a job.

    Every verb may raise `ProviderUnavailableError`, which says nothing about the job.
    """

    @property
    def kind(self) -> str:
        """``aer``, ``ibm``, ..."""

    @property
    def name(self) -> str:
        """Name of the backend, for people."""

    @property
    def simulator(self) -> bool:
        """Whether the counts come from a simulation."""

    @property
    def durable(self) -> bool:
        """Whether jobs outlive the process that submitted them."""

    @property
    def searchable(self) -> bool:
        """Whether `find` knows all jobs of a tag.

        If not, an empty answer says nothing: whether a submission in doubt has a job can only be told by a person.
        """

    def describe(self) -> dict[str, Any]:
        """The effective settings as JSON data, without secrets."""

    def calibration(self) -> Calibration | None:
        """The calibration that is valid now; none for an ideal simulator."""

    def calibration_of(self, job_id: str) -> Calibration | None:
        """The calibration that was valid when a job ran; none if nobody knows, or if the job has not run."""

    def target(self) -> Target:
        """What the transpiler compiles for."""

    def limits(self) -> Limits:
        """What one job may hold."""

    def availability(self) -> Availability:
        """Whether the backend takes jobs now, and how many are there already."""

    @property
    def chooses(self) -> bool:
        """Whether the circuit decides which backend is used: `prefect_qpu.choosing.choose` then pins the provider."""

    def candidates(self) -> tuple[str, ...]:
        """Names of the backends that may be chosen among; only the own name where there is no choice."""

    def pinned(self, name: str) -> "Provider":
        """The same provider at the backend of this name, whatever its rule would choose.

        Raises:
            BackendError: there is no choice, and this is not its backend.
        """

    def submit(self, request: JobRequest) -> str:
        """The id of the new job.

        Raises:
            JobRefusedError: there is no job, and sending the same again would not help.
        """

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        """The state of each job, in the order asked; `JobState.LOST` for a job that the provider does not know."""

    def result(self, job_id: str, pubs: Sequence[SamplerPub] = ()) -> JobResult:
        """The result of a job that is `JobState.DONE`.

        Args:
            job_id: The job.
            pubs: What was submitted; some vendors do not keep it, and another process may fetch what this one sent.

        Raises:
            JobFailedError: the job failed.
            InvalidResultError: the answer is not the result of the request.
        """

    def usage(self, job_id: str) -> Usage:
        """What a job costs, as far as the provider has made up its mind."""

    def cancel(self, job_id: str) -> None:
        """Ask for cancellation; a finished job is left as it is."""

    def find(self, tag: str) -> list[JobStatus]:
        """All jobs that carry the tag; those that are known, where the provider is not `searchable`."""
