"""Faults on demand: of the connection, which any request may meet, and of jobs, which the next ones carry."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from threading import Lock
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import Field

from prefect_qpu.definition import Definition, Seconds
from prefect_qpu.emulator.jobs import COMPLETED, PENDING, QUEUED, RUNNING
from prefect_qpu.emulator.schema import Job

Count = Annotated[int, Field(ge=0)]


class RequestFault(Definition):
    """What happens to requests of a kind.

    Example:
        >>> RequestFault(method="POST", path="/jobs", status=504, accept=True).times
        1
    """

    method: str = "*"
    path: str = "*"
    """Path after the version, with ``*`` for any text: ``/jobs``, ``/jobs/*/results``, ``/identity/token``."""
    skip: Count = 0
    """So many requests of the kind pass first."""
    times: Annotated[int, Field(ge=1)] | None = 1
    """How many requests it strikes; none for all."""
    delay_s: Seconds = 0.0
    """Seconds to wait first."""
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    """The answer is this status."""
    retry_after: Seconds | None = None
    """``Retry-After`` of that answer, in seconds."""
    accept: bool = False
    """Whether the request is carried out before it is answered with the status."""
    drop: Literal["request", "answer", "middle"] | None = None
    """The connection is cut: before the request is carried out, after it, or in the middle of the answer."""
    duplicates: Count = 0
    """The request is carried out so many times more."""
    body: str | None = None
    """Replaces the answer's body."""
    keep: Annotated[float, Field(ge=0, le=1)] = 1.0
    """Share of the answer's body that is sent, as if it were all."""


class Failure(Definition):
    """Why a job fails."""

    message: str = "Internal error."
    code: int = 9999


class JobFault(Definition):
    """What happens to jobs that are submitted from now on."""

    backend: str | None = None
    program: str | None = None
    tag: str | None = None
    """Only jobs that carry it."""
    times: Annotated[int, Field(ge=1)] | None = 1
    """How many jobs it strikes; none for all."""
    fail: Failure | None = None
    stuck: Literal["Queued", "Running"] | None = None
    """It stays in this state until it is cancelled or released."""
    queue_s: Seconds | None = None
    run_s: Seconds | None = None
    late_s: Seconds = 0.0
    """Its state is told so many seconds late."""
    repeat: Count = 0
    """After each change the old state is told again so many times, between the new one."""
    result: Literal["truncated", "garbled", "empty", "foreign"] | None = None


FaultT = TypeVar("FaultT", RequestFault, JobFault)


@dataclass
class _Due(Generic[FaultT]):
    fault: FaultT
    left: int | None
    skip: int = 0

    def strikes(self) -> bool:
        """Whether it strikes now; counts."""
        if self.left == 0:
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.left = None if self.left is None else self.left - 1
        return True

    def document(self) -> dict[str, Any]:
        """The fault, with what is left of it."""
        return {**self.fault.model_dump(exclude_defaults=True), "times": self.left, "skip": self.skip}


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._requests: list[_Due[RequestFault]] = []
        self._jobs: list[_Due[JobFault]] = []
        self._reads: dict[tuple[int, str], int] = {}

    def set_requests(self, faults: list[RequestFault]) -> None:
        """Replace the faults of requests."""
        with self._lock:
            self._requests = [_Due(fault, fault.times, fault.skip) for fault in faults]

    def set_jobs(self, faults: list[JobFault]) -> None:
        """Replace the faults of jobs to come."""
        with self._lock:
            self._jobs = [_Due(fault, fault.times) for fault in faults]

    def document(self) -> dict[str, Any]:
        """The faults that are still to come, as JSON data."""
        with self._lock:
            return {
                "requests": [due.document() for due in self._requests if due.left != 0],
                "jobs": [due.document() for due in self._jobs if due.left != 0],
            }

    def of_request(self, method: str, path: str) -> RequestFault | None:
        """The fault that strikes a request, which is used up by it."""
        with self._lock:
            for due in self._requests:
                matches = due.fault.method in {"*", method} and fnmatchcase(path, due.fault.path)
                if matches and due.strikes():
                    return due.fault
        return None

    def of_job(self, backend: str, program: str, tags: tuple[str, ...]) -> JobFault | None:
        """The fault that strikes a job, which is used up by it."""
        with self._lock:
            for due in self._jobs:
                fault = due.fault
                fits = (fault.backend in {None, backend}, fault.program in {None, program}, fault.tag in {None, *tags})
                if all(fits) and due.strikes():
                    return fault
        return None

    def shown_state(self, job: Job, now: datetime) -> str:
        """The state that the service tells of a job, which may be late or fall back."""
        fault = job.fault or {}
        state = state_at(job, now - timedelta(seconds=fault.get("late_s", 0.0)))
        if not fault.get("repeat") or state == QUEUED:
            return state
        with self._lock:
            reads = self._reads[job.number, state] = self._reads.get((job.number, state), -1) + 1
        earlier = RUNNING if state not in PENDING and job.started else QUEUED
        return earlier if reads % 2 and reads < 2 * fault["repeat"] else state


def state_at(job: Job, moment: datetime) -> str:
    """The state that a job had at a time."""
    if job.finished is not None and job.finished <= moment:
        return job.state
    if job.started is not None and job.started <= moment:
        return RUNNING
    return QUEUED


def damaged(body: bytes, job: Job) -> bytes:
    """The result that the service sends, which may not be what the job answered."""
    kind = (job.fault or {}).get("result")
    if job.state != COMPLETED or kind is None:
        return body
    middle = len(body) // 2
    return {
        "truncated": body[:middle],
        "garbled": body[:middle] + b"\x00?" + body[middle + 40 :],
        "empty": b"",
        "foreign": b'{"results": [], "job_id": "another"}',
    }[str(kind)]


def job_fault_document(fault: JobFault | None) -> dict[str, Any] | None:
    """The fault as it is stored with its job."""
    return (
        None if fault is None else fault.model_dump(exclude_none=True, exclude={"backend", "program", "tag", "times"})
    )
