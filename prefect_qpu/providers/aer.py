"""`AerProvider`: Qiskit Aer as a provider of jobs, ideal or with a device's noise."""

import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from qiskit.circuit import Measure, Parameter, Reset
from qiskit.circuit.library import CXGate, RZGate, SXGate, XGate
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import BackendError, InvalidResultError, JobCancelledError, JobFailedError, JobLostError
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.latency import Clock, utc_now
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.isolated import run_isolated
from prefect_qpu.providers.pinning import only
from prefect_qpu.providers.simulation import Simulation
from prefect_qpu.providers.types import Availability, JobRequest, JobResult, JobState, JobStatus, Limits, Usage

AUTOMATIC = "automatic"
"""The method that is always known, so that nothing needs to be imported to check it."""
LONG_SECONDS = 1.5
"""Predicted seconds above which a simulation gets a process of its own: Aer holds the interpreter while it runs."""


@dataclass(frozen=True)
class _Job:
    tag: str
    created: datetime
    future: Future[JobResult]


_jobs: dict[str, _Job] = {}
_executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="aer")


class AerProvider:
    """Simulated jobs. They live in this process: another process finds them `JobState.LOST` and may run them again.

    Args:
        spec: Device or calibration, and simulation method.
        calibration: A snapshot to take the noise from, instead of what ``spec`` names.
        clock: Source of the time.

    Raises:
        BackendError: no such device, calibration or simulation method.

    Example:
        >>> AerProvider(AerBackendSpec()).name
        'aer-ideal'
    """

    kind = "aer"
    chooses = False
    simulator = True
    durable = False
    searchable = True

    def __init__(
        self,
        spec: AerBackendSpec,
        *,
        calibration: Calibration | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._spec, self._clock = spec, clock
        self._given = calibration or spec.calibration
        _check_method(spec.method)

    @property
    def name(self) -> str:
        """``aer-ideal``, or ``aer-`` and the device's name."""
        calibration = self.calibration()
        return f"aer-{calibration.device.removeprefix('fake_') if calibration else 'ideal'}"

    def describe(self) -> dict[str, Any]:
        """The effective settings as JSON data."""
        calibration = self.calibration()
        return {
            "kind": self.kind,
            "name": self.name,
            "simulator": True,
            "device": self._spec.device or (calibration.device if calibration else None),
            "method": self._spec.method,
            "noise": "device" if calibration else "none",
            "calibration_hash": calibration.hash if calibration else None,
            "calibration_time": calibration.taken_at.isoformat() if calibration and calibration.taken_at else None,
        }

    def calibration(self) -> Calibration | None:
        """The snapshot that makes the noise; none for an ideal simulator."""
        return self._calibration

    def calibration_of(self, job_id: str) -> Calibration | None:
        """The snapshot that makes the noise of every job; none for an ideal simulator and for jobs of others."""
        return self.calibration() if job_id in _jobs else None

    def target(self) -> Target:
        """The device's target; an ideal simulator has a universal basis on any number of connected qubits."""
        return self._target

    def limits(self) -> Limits:
        """No limits but memory."""
        return Limits()

    def availability(self) -> Availability:
        """The simulations of this process that have not ended."""
        return Availability(pending=sum(not job.future.done() for job in list(_jobs.values())))

    def candidates(self) -> tuple[str, ...]:
        """The one name."""
        return (self.name,)

    def pinned(self, name: str) -> "AerProvider":
        """This provider, if the name is its own.

        Raises:
            BackendError: it is another one.
        """
        return only(self, name)

    def submit(self, request: JobRequest) -> str:
        """The id of a simulation that was started in the background."""
        simulation = Simulation(request.pubs, self.calibration(), request.seed, self._spec.method)
        job_id, created = f"aer-{uuid.uuid4()}", self._clock()
        work = run_isolated if simulation.predicted_seconds() > LONG_SECONDS else Simulation.run
        _jobs[job_id] = _Job(request.tag, created, _executor.submit(_timed, work, simulation, created, self._clock))
        return job_id

    def status(self, job_ids: Sequence[str]) -> list[JobStatus]:
        """The state of each job, in the order asked."""
        return [self._status(job_id) for job_id in job_ids]

    def result(self, job_id: str, pubs: Sequence[SamplerPub] = ()) -> JobResult:  # noqa: ARG002
        """The counts of a finished simulation."""
        job = _jobs.get(job_id)
        if job is None:
            raise JobLostError(f"job {job_id} was not started by this process")
        if job.future.cancelled():
            raise JobCancelledError(f"job {job_id} was cancelled")
        if not job.future.done():
            raise InvalidResultError(f"job {job_id} is not finished")
        error = job.future.exception()
        if error is not None:
            raise error if isinstance(error, JobFailedError) else JobFailedError(str(error), job_id=job_id) from error
        return job.future.result()

    def usage(self, job_id: str) -> Usage:  # noqa: ARG002
        """Nothing is charged."""
        return Usage(None, final=True)

    def cancel(self, job_id: str) -> None:
        """Keep a waiting simulation from starting; one that runs is left to end."""
        if job_id in _jobs:
            _jobs[job_id].future.cancel()

    def find(self, tag: str) -> list[JobStatus]:
        """The jobs of this process that carry the tag."""
        return self.status([job_id for job_id, job in _jobs.items() if job.tag == tag])

    @cached_property
    def _calibration(self) -> Calibration | None:
        if self._given is not None:
            return self._given
        return device_calibration(self._spec.device) if self._spec.device is not None else None

    @cached_property
    def _target(self) -> Target:
        calibration = self.calibration()
        return calibration.target() if calibration else _universal_target()

    def _status(self, job_id: str) -> JobStatus:
        job = _jobs.get(job_id)
        if job is None:
            return JobStatus(job_id, JobState.LOST, message="not started by this process")
        future = job.future
        if future.cancelled():
            return JobStatus(job_id, JobState.CANCELLED)
        if not future.done():
            state = JobState.RUNNING if future.running() else JobState.QUEUED
            return JobStatus(job_id, state, job.created if state is JobState.QUEUED else None)
        error = future.exception()
        if error is not None:
            return JobStatus(job_id, JobState.FAILED, message=str(error))
        return JobStatus(job_id, JobState.DONE, future.result().finished)


def _timed(work: Callable[[Simulation], Any], simulation: Simulation, created: datetime, clock: Clock) -> JobResult:
    started = clock()
    counts, metadata = work(simulation)
    return JobResult(counts, created, started, clock(), qpu_seconds=None, metadata=metadata)


def _universal_target() -> Target:
    target = Target()
    for gate in (RZGate(Parameter("angle")), SXGate(), XGate(), CXGate(), Measure(), Reset()):
        target.add_instruction(gate, None, name=gate.name)
    return target


def _check_method(method: str) -> None:
    if method == AUTOMATIC:
        return
    from qiskit_aer import AerSimulator

    known = AerSimulator().available_methods()
    if method not in known:
        raise BackendError("backend.method", given=method, expected=f"one of {', '.join(known)}")
