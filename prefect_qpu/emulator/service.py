"""The emulated service as one object: what the routes and the admin interface act on."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from secrets import token_hex
from threading import Lock
from typing import Any

from pydantic import ValidationError

from prefect_qpu.definition import explain
from prefect_qpu.emulator.answers import RefusedError, utc_now
from prefect_qpu.emulator.auth import Gatekeeper, Instance, Owner
from prefect_qpu.emulator.backends import Calibrations, Device, devices
from prefect_qpu.emulator.connection import RequestLog
from prefect_qpu.emulator.faults import Faults, job_fault_document
from prefect_qpu.emulator.jobs import Jobs
from prefect_qpu.emulator.limits import SubmissionLimit
from prefect_qpu.emulator.payloads import Submission
from prefect_qpu.emulator.scheduler import Scheduler, waiting_time
from prefect_qpu.emulator.schema import Job
from prefect_qpu.emulator.sessions import Sessions
from prefect_qpu.emulator.settings import Settings


@dataclass(frozen=True)
class Availability:
    """What a device says of itself."""

    operational: bool = True
    message: str = "active"


@dataclass
class Service:
    """Everything behind the routes."""

    jobs: Jobs
    sessions: Sessions
    calibrations: Calibrations
    devices: Mapping[str, Device]
    gatekeeper: Gatekeeper
    settings: Settings
    clock: Callable[[], datetime] = utc_now
    admin_token: str | None = None
    faults: Faults = field(default_factory=Faults)
    requests: RequestLog = field(default_factory=RequestLog)
    limit: SubmissionLimit = field(default_factory=SubmissionLimit)
    availability: dict[str, Availability] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=lambda: {"qiskit": version("qiskit")})

    def __post_init__(self) -> None:
        self._random = random.Random(self.settings.seed)  # noqa: S311 - waiting times are no secret
        self._changing = Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.scheduler = Scheduler(
            self.jobs,
            self.sessions,
            self.calibrations,
            dict(self.devices),
            settings=lambda: self.settings,
            available=lambda name: self.status(name).operational,
            clock=self.clock,
        )

    @classmethod
    def open(
        cls,
        folder: Path,
        names: Iterable[str],
        *,
        instances: Iterable[str] = ("emulator",),
        keys: Mapping[str, str] | None = None,
        changes: Mapping[str, Any] | None = None,
        admin_token: str | None = None,
    ) -> "Service":
        """The service whose jobs, settings and history are in a folder.

        Args:
            folder: Where the database is, or will be.
            names: Devices.
            instances: Names of service instances.
            keys: User of each API key; none lets everybody in.
            changes: Settings that differ from those of the last time.
            admin_token: What the admin interface asks for; none lets everybody in.

        Raises:
            InputError: a device or a setting is unknown.
        """
        jobs = Jobs.open(folder)
        secret = bytes.fromhex(jobs.kept("secret", {"key": token_hex(32)})["key"])
        stored = jobs.kept("settings", Settings().model_dump())
        settings = _settings(stored, changes or {})
        jobs.keep("settings", settings.model_dump())
        return cls(
            jobs=jobs,
            sessions=Sessions(jobs.database),
            calibrations=Calibrations(jobs.database),
            devices=devices(names),
            gatekeeper=Gatekeeper(secret, tuple(map(Instance, instances)), keys or {}),
            settings=settings,
            admin_token=admin_token,
        )

    async def run(self) -> None:
        """Run jobs until it is cancelled."""
        self._loop = asyncio.get_running_loop()
        await self.scheduler.run()

    def device(self, name: str) -> Device:
        """A device.

        Raises:
            RefusedError: there is none of this name.
        """
        if name not in self.devices:
            raise RefusedError(404, 1007, f"Backend {name!r} not found.")
        return self.devices[name]

    def status(self, name: str) -> Availability:
        """What a device says of itself."""
        return self.availability.get(name, Availability())

    def queue_length(self, name: str) -> int:
        """Jobs that wait or run at a device."""
        return self.scheduler.lines[name].length

    def submit(self, submission: Submission, owner: Owner) -> Job:
        """Accept a job, and let it wait for its device.

        Raises:
            RefusedError: too many jobs, no such backend or calibration, or a closed session.
        """
        self.limit.admit(owner.user, self.settings.jobs_per_minute, time.monotonic())
        device = self.device(submission.backend)
        if submission.session_id is not None:
            self.sessions.accepting(submission.session_id, owner)
        if submission.calibration and self.calibrations.by_id(device, submission.calibration) is None:
            raise RefusedError(400, 1002, f"calibration_id: {submission.calibration!r} not found.")
        fault = self.faults.of_job(submission.backend, submission.program, submission.tags)
        now = self.clock()
        wait = waiting_time(self.settings, fault.queue_s if fault else None, self._random)
        job = self.jobs.add(submission, owner, now, now + wait, job_fault_document(fault))
        self.tell(self.scheduler.enter, self.scheduler.ticket(job))
        return job

    def cancel(self, job: Job) -> bool:
        """Cancel a job; whether it had not ended before."""
        cancelled = self.jobs.cancel(job, self.clock())
        if cancelled:
            self.tell(self.scheduler.withdraw, job.id)
        return cancelled

    def close_session(self, session_id: str) -> None:
        """Close a session; its waiting jobs are cancelled."""
        for job in self.sessions.pending(session_id):
            if job.started is None:
                self.cancel(job)
        self.sessions.close(session_id, self.clock())
        self.tell(self.scheduler.release, session_id)

    def change(self, changes: Mapping[str, Any]) -> Settings:
        """Change settings.

        Raises:
            pydantic.ValidationError: there is no such setting, or it cannot have this value.
        """
        with self._changing:
            self.settings = Settings.model_validate({**self.settings.model_dump(), **changes})
            self.jobs.keep("settings", self.settings.model_dump())
        self.tell(self.scheduler.wake)
        return self.settings

    def set_status(self, name: str, availability: Availability) -> None:
        """Pause or resume a device."""
        self.availability[self.device(name).name] = availability
        self.tell(self.scheduler.wake)

    def unstick(self, job: Job) -> None:
        """Let a stuck job go on."""
        self.jobs.set_fault(job.number, {key: value for key, value in (job.fault or {}).items() if key != "stuck"})
        released = self.jobs.get(job.id)
        assert released is not None
        self.tell(self.scheduler.enter, self.scheduler.ticket(released))

    def tell(self, what: Callable[..., None], *arguments: Any) -> None:
        """Call the scheduler in its own thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(what, *arguments)


def _settings(stored: Mapping[str, Any], changes: Mapping[str, Any]) -> Settings:
    try:
        return Settings.model_validate({**stored, **changes})
    except ValidationError as error:
        raise explain(error, "settings") from None
