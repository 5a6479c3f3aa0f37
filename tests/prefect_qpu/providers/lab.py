"""A vendor's package as there are many: a provider that wants a token, and a device whose jobs a service keeps."""

from typing import Any

from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator

KEPT: dict[str, "LabJob"] = {}
"""The service's jobs."""


class LabError(Exception):
    """What the service answers."""

    def __init__(self, message: str, status_code: int | None = None) -> None:
        self.status_code = status_code
        super().__init__(message)


class LabJob:
    """A job that answers only with its counts, without spaces between registers."""

    def __init__(self, job: Any, tags: list[str]) -> None:
        self._job, self._tags = job, tags
        self.told: JobStatus | None = None

    def job_id(self) -> str:
        return f"lab-{self._job.job_id()}"

    def status(self) -> JobStatus:
        self._job.result()
        return self.told or JobStatus.DONE

    def error_message(self) -> str:
        return "no helium with token sesame"

    def tags(self) -> list[str]:
        return self._tags

    def cancel(self) -> None:
        self.told = JobStatus.CANCELLED

    def result(self) -> Any:
        counts = self._job.result().get_counts()
        counts = counts if isinstance(counts, list) else [counts]
        return LabResult([{key.replace(" ", ""): number for key, number in one.items()} for one in counts])


class LabResult:
    """Counts by position."""

    def __init__(self, counts: list[dict[str, int]]) -> None:
        self.counts = counts

    def get_counts(self, position: int) -> dict[str, int]:
        return self.counts[position]


class QuietJob(LabJob):
    """A job that does not tell its tags."""

    def tags(self) -> list[str]:
        return []


class LabDevice(AerSimulator):
    """A device; what it does is simulated, which the test does not let it say."""

    kept: type[LabJob] = LabJob
    error: Exception | None = None
    lost = False
    runs: list[dict[str, Any]]
    most: int | None = 8

    def __init__(self, token: str) -> None:
        super().__init__()
        self.name, self.token, self.runs = "lab-7", token, []

    @property
    def max_circuits(self) -> int | None:
        return self.most

    def run(self, circuits: list[QuantumCircuit], job_tags: list[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        if self.error is not None and not self.lost:
            raise self.error
        self.runs.append({"circuits": len(circuits), **options})
        job = self.kept(super().run(circuits, **options), job_tags or [])
        KEPT[job.job_id()] = job
        if self.error is not None:
            raise self.error
        return job


class LabProvider:
    """What the package exports."""

    device: LabDevice
    """The device that was made last."""

    def __init__(self, url: str, token: str) -> None:
        if token != "sesame":
            raise LabError(f"token {token} is refused", 401)
        self.url, self.token = url, token

    def get_backend(self, name: str) -> LabDevice:
        if name != "lab-7":
            raise LookupError(name)
        type(self).device = LabDevice(self.token)
        return type(self).device

    @property
    def hall(self) -> "LabProvider":
        """A part that gives devices too."""
        return self

    def retrieve_job(self, job_id: str) -> LabJob:
        if job_id not in KEPT:
            raise LabError("no such job", 404)
        return KEPT[job_id]

    def jobs(self, job_tags: list[str]) -> list[LabJob]:
        return [job for job in KEPT.values() if set(job_tags) <= set(job._tags)]
