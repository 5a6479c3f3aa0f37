"""`QiskitBackendProvider`: any vendor's Qiskit backend as a provider of jobs."""

import logging
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from threading import RLock
from typing import Any, TypeVar

from pydantic import SecretStr, ValidationError
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration
from prefect_qpu.definition import explain
from prefect_qpu.errors import (
    InvalidResultError,
    JobLostError,
    JobRefusedError,
    ProviderError,
    ProviderUnavailableError,
)
from prefect_qpu.hashing import derive_seed
from prefect_qpu.providers.failures import redacted, told, unless
from prefect_qpu.providers.ibm_answers import registers_of, without_result
from prefect_qpu.providers.pinning import only
from prefect_qpu.providers.qiskit_batches import Batch, batches_by_shots, counts_of, one_batch
from prefect_qpu.providers.qiskit_spec import QiskitBackendSpec, filled
from prefect_qpu.providers.qiskit_vendor import Vendor, connect, failure_of, state_of
from prefect_qpu.providers.types import Availability, JobRequest, JobResult, JobState, JobStatus, Limits, Usage

ResultT = TypeVar("ResultT")

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Sent:
    """A job that this process has sent."""

    tag: str
    jobs: tuple[Any, ...]
    """The vendor's job of each batch."""
    pubs: tuple[SamplerPub, ...]
    batches: tuple[Batch, ...]
    seed: int | None


_sent: dict[str, _Sent] = {}


class QiskitBackendProvider:
    """Jobs on a vendor's backend. Nothing is imported or asked until a verb needs it.

    Simulators that run in this process keep their jobs here: another process finds them lost. Elsewhere a job is one
    job of the vendor, which is retrieved by its id; whether it can be found by its tag depends on the vendor, see
    `searchable`.

    Args:
        spec: Backend and options.
        secrets: Keyword arguments of the source that nobody may see.

    Example:
        >>> fake = QiskitBackendSpec(source="qiskit_ibm_runtime.fake_provider:FakeManilaV2")
        >>> provider = QiskitBackendProvider(fake)
        >>> provider.name, provider.simulator, provider.searchable
        ('fake_manila', True, True)
    """

    kind = "qiskit"
    chooses = False

    def __init__(self, spec: QiskitBackendSpec, secrets: Mapping[str, SecretStr] | None = None) -> None:
        self._spec, self._secrets = spec, dict(secrets or {})
        self._lock = RLock()
        self._connected: Vendor | None = None

    @property
    def name(self) -> str:
        """The backend's own name."""
        return str(self._vendor.backend.name)

    @property
    def simulator(self) -> bool:
        """What the specification says, or else the backend or its name."""
        return self._vendor.simulates if self._spec.simulator is None else self._spec.simulator

    @property
    def durable(self) -> bool:
        """Whether the vendor can retrieve jobs; a device's jobs are durable also where it cannot."""
        return self._vendor.retrieve is not None or not self.simulator

    @property
    def searchable(self) -> bool:
        """Whether all jobs of a tag are found: where the specification says how, and where they are in this process."""
        return self._spec.search is not None or not self.durable

    def describe(self) -> dict[str, Any]:
        """The effective settings as JSON data; of secrets, not even the names."""
        settings = self._spec.model_dump(
            mode="json", include={"source", "arguments", "backend", "backend_arguments", "options"}
        )
        return {"kind": self.kind, "name": self.name, "simulator": self.simulator, **settings}

    def calibration(self) -> Calibration | None:
        """What the backend reports of its errors; none if it reports none.

        Raises:
            BackendError: what it reports cannot be.
        """
        return self._calibration

    def calibration_of(self, job_id: str) -> Calibration | None:
        """The calibration of a simulator, which does not change; none for a device, whose history vendors keep."""
        return self.calibration() if job_id in _sent and self.simulator else None

    def target(self) -> Target:
        """The backend's target."""
        return self._ask("reading the target", lambda vendor: vendor.backend.target)

    def limits(self) -> Limits:
        """What one job may hold; a circuit with many parameter sets counts as many executions."""
        limits = self._ask("reading the limits", Vendor.limits)
        return limits if self.durable else Limits(max_shots=limits.max_shots)

    def availability(self) -> Availability:
        """Whether the backend takes jobs, and how many are there, as far as it tells."""
        return self._ask("reading the status", Vendor.availability)

    def candidates(self) -> tuple[str, ...]:
        """The one name."""
        return (self.name,)

    def pinned(self, name: str) -> "QiskitBackendProvider":
        """This provider, if the name is its own.

        Raises:
            BackendError: it is another one.
        """
        return only(self, name)

    def submit(self, request: JobRequest) -> str:
        """The id of the new job.

        Raises:
            CircuitError: classical bits would be lost or change their order.
            ProviderUnavailableError: it is not known whether there is a job.
            JobRefusedError: there is no job, and sending the same again would not help.
        """
        for pub in request.pubs:
            registers_of(pub.circuit)
        seed = request.seed if self._vendor.seeded else None
        batches = self._batches(request.pubs)
        try:
            jobs = self._ask(
                "submitting",
                lambda vendor: [
                    self._run(vendor, batch, request, _seed_of(seed, turn)) for turn, batch in enumerate(batches)
                ],
            )
            job_id = str(jobs[0].job_id()) if self.durable else f"qiskit-{uuid.uuid4()}"
        except (ProviderUnavailableError, JobRefusedError) as error:
            if self.durable or isinstance(error, JobRefusedError):
                raise
            raise JobRefusedError(str(error)) from None
        except ProviderError as error:
            raise JobRefusedError(str(error)) from None
        _sent[job_id] = _Sent(request.tag, tuple(jobs), request.pubs, batches, seed)
        return job_id

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        """The state of each job, in the order asked; vendors are asked job by job."""
        return [self._status(job_id) for job_id in job_ids]

    def result(self, job_id: str, pubs: Sequence[SamplerPub] = ()) -> JobResult:
        """The counts of a finished job.

        Args:
            job_id: The job.
            pubs: What was submitted; needed in another process than the one that did, for vendors do not keep it.

        Raises:
            JobFailedError: the job failed.
            JobCancelledError: the job was cancelled.
            JobLostError: the job is not known, or cannot be retrieved.
            InvalidResultError: the answer is not the result of the request.
        """
        status = self._status(job_id)
        if status.state is not JobState.DONE:
            raise without_result(status)
        sent = _sent.get(job_id) or self._retrieved(job_id, pubs)
        results = self._ask("fetching the result", lambda _: [job.result() for job in sent.jobs])
        metadata = {"seed": sent.seed, "runs": [[batch.shots, len(batch.places)] for batch in sent.batches]}
        return JobResult(counts_of(sent.pubs, sent.batches, results, job_id), metadata=metadata)

    def usage(self, job_id: str) -> Usage:  # noqa: ARG002
        """Nothing on a simulator; what a vendor charges for a device is not told to Qiskit."""
        return Usage(None, final=self.simulator)

    def cancel(self, job_id: str) -> None:
        """Ask for cancellation, where the vendor can; a finished job is left as it is."""
        if self._status(job_id).state.final:
            return
        try:
            self._ask("cancelling", lambda vendor: [job.cancel() for job in self._jobs(vendor, job_id)])
        except ProviderUnavailableError:
            raise
        except ProviderError as error:
            _log.warning("job %s was not cancelled: %s", job_id, error)

    def find(self, tag: str) -> list[JobStatus]:
        """The jobs of this process that carry the tag, and those that the vendor finds, where it can search."""
        known = [job_id for job_id, sent in list(_sent.items()) if sent.tag == tag]
        if self._spec.search is not None:
            jobs = self._ask("searching", lambda vendor: vendor.search(self._spec, tag))
            known += [job_id for job in jobs if (job_id := str(job.job_id())) not in known]
        return self.status(known)

    @property
    def _vendor(self) -> Vendor:
        with self._lock:
            if self._connected is None:
                secrets = {name: secret.get_secret_value() for name, secret in self._secrets.items()}
                self._connected = self._told("connecting", lambda: connect(self._spec, secrets))
            return self._connected

    @cached_property
    def _calibration(self) -> Calibration | None:
        def read(vendor: Vendor) -> Calibration | None:
            return Calibration.from_backend(vendor.backend) if _reports_errors(vendor.backend.target) else None

        try:
            return self._ask("reading the calibration", read)
        except ValidationError as error:
            raise explain(error, "backend.calibration") from None

    def _ask(self, doing: str, work: Callable[[Vendor], ResultT]) -> ResultT:
        vendor = self._vendor
        return self._told(doing, lambda: work(vendor))

    def _told(self, doing: str, work: Callable[[], ResultT]) -> ResultT:
        return told(self._spec.source.partition(":")[0], doing, work, self._redacted)

    def _redacted(self, text: str) -> str:
        return redacted(text, [secret.get_secret_value() for secret in self._secrets.values()])

    def _batches(self, pubs: Sequence[SamplerPub]) -> tuple[Batch, ...]:
        """Where a job costs something it is one job of the vendor, so that it is sent whole or not at all."""
        limits = self._vendor.limits()
        if self.durable:
            return one_batch(pubs, limits.max_shots, limits.max_executions)
        return batches_by_shots(pubs, limits.max_executions)

    def _run(self, vendor: Vendor, batch: Batch, request: JobRequest, seed: int | None) -> Any:
        options = {**self._spec.options, **request.options, **filled(self._spec.tagging, request.tag)}
        if seed is not None:
            options["seed_simulator"] = seed
        return vendor.backend.run(batch.circuits(request.pubs), shots=batch.shots, **options)

    def _status(self, job_id: str) -> JobStatus:
        try:
            answer = self._ask("polling", lambda vendor: unless(404, lambda: _states(self._jobs(vendor, job_id))))
        except JobLostError as error:
            return JobStatus(job_id, JobState.LOST, message=str(error))
        if answer is None:
            return JobStatus(job_id, JobState.LOST, message="the vendor does not know the job")
        states, message = answer
        return JobStatus(job_id, _together(states), message=self._redacted(message))

    def _jobs(self, vendor: Vendor, job_id: str) -> Sequence[Any]:
        sent = _sent.get(job_id)
        if sent is not None:
            return sent.jobs
        if not self.durable or vendor.retrieve is None:
            raise JobLostError(f"job {job_id} was not started by this process, and cannot be retrieved")
        return [vendor.retrieve(job_id)]

    def _retrieved(self, job_id: str, pubs: Sequence[SamplerPub]) -> _Sent:
        if not pubs:
            raise InvalidResultError(
                f"job {job_id} was sent by another process: its result needs the PUBs that were sent"
            )
        jobs = self._ask("retrieving the job", lambda vendor: self._jobs(vendor, job_id))
        return _Sent("", tuple(jobs), tuple(pubs), self._batches(pubs), None)


def _seed_of(seed: int | None, turn: int) -> int | None:
    return seed if turn == 0 or seed is None else derive_seed(seed, f"run-{turn}")


def _states(jobs: Sequence[Any]) -> tuple[list[JobState], str]:
    states = [state_of(job.status()) for job in jobs]
    failed = [failure_of(job) for job, state in zip(jobs, states, strict=True) if state is JobState.FAILED]
    return states, "; ".join(filter(None, failed))


def _together(states: Sequence[JobState]) -> JobState:
    """The state of several jobs that are one to us: it has ended when all have, or when one did not succeed."""
    order = (JobState.FAILED, JobState.CANCELLED, JobState.RUNNING, JobState.QUEUED, JobState.DONE)
    return min(states, key=order.index)


def _reports_errors(target: Target) -> bool:
    if not target.num_qubits:
        return False
    known = (properties for name in target.operation_names for properties in (target[name] or {}).values())
    return any(properties is not None and properties.error is not None for properties in known)
