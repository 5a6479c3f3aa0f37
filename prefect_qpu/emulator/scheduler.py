"""The queue at work: for each device one line of jobs, and one worker process that runs them."""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any

from prefect_qpu.emulator.backends import Calibrations, Device
from prefect_qpu.emulator.jobs import CANCELLED, COMPLETED, FAILED, PENDING, QUEUED, RUNNING, Ending, Jobs
from prefect_qpu.emulator.order import Hold, Ticket, next_change, next_ticket
from prefect_qpu.emulator.schema import CalibrationRow, Job
from prefect_qpu.emulator.sessions import DEDICATED, Sessions
from prefect_qpu.emulator.settings import Settings
from prefect_qpu.emulator.workers import Worker, WorkerDiedError, Workers
from prefect_qpu.providers.forecast import charged_seconds

_log = logging.getLogger(__name__)

RAN_TOO_LONG, INTERNAL, SESSION_CLOSED = 1305, 9999, 1217
_ATTEMPTS = 2
_HOUSEKEEPING_S = 1.0


@dataclass
class Line:
    """The jobs of one device."""

    device: Device
    waiting: dict[str, Ticket] = field(default_factory=dict)
    running: Ticket | None = None
    hold: Hold | None = None
    served: dict[str, int] = field(default_factory=dict)
    turn: int = 0
    worker: Worker | None = None
    task: asyncio.Task[None] | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def length(self) -> int:
        """Jobs that wait or run."""
        return len(self.waiting) + (self.running is not None)


class Scheduler:
    """Runs the jobs of the store, device by device.

    Args:
        jobs: The store.
        sessions: The store's sessions.
        calibrations: The devices' history.
        devices: What is served.
        settings: Tells the settings of the moment.
        available: Whether a device runs jobs now.
        clock: Tells the time.
    """

    def __init__(
        self,
        jobs: Jobs,
        sessions: Sessions,
        calibrations: Calibrations,
        devices: dict[str, Device],
        *,
        settings: Callable[[], Settings],
        available: Callable[[str], bool],
        clock: Callable[[], datetime],
    ) -> None:
        self.jobs, self.sessions, self.calibrations = jobs, sessions, calibrations
        self.lines = {name: Line(device) for name, device in devices.items()}
        self.settings, self.available, self.clock = settings, available, clock
        self.workers = Workers()

    async def run(self) -> None:
        """Run jobs until it is cancelled, first those that an earlier process left."""
        self.workers.warm()
        for job in await asyncio.to_thread(self.jobs.pending):
            self.enter(self.ticket(job))
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._housekeeping())
                for line in self.lines.values():
                    group.create_task(self._serve(line))
        finally:
            await self.workers.close()

    def ticket(self, job: Job) -> Ticket:
        """The place of a job in the queue."""
        return Ticket(
            number=job.number,
            job_id=job.id,
            user=job.user,
            instance=job.instance,
            ready=job.ready,
            session_id=job.session_id,
            interrupted=job.state == RUNNING,
            backend=job.backend,
            fault=job.fault or {},
        )

    def enter(self, ticket: Ticket) -> None:
        """Let a job wait; one that is to be stuck in the queue, or is stuck as running, waits for nothing."""
        line = self.lines.get(ticket.backend)
        stuck = ticket.fault.get("stuck")
        if line is None or stuck == QUEUED or (stuck == RUNNING and ticket.interrupted):
            return
        line.waiting[ticket.job_id] = ticket
        line.changed.set()

    def withdraw(self, job_id: str) -> None:
        """Take a cancelled job out; a simulation of it is ended."""
        for line in self.lines.values():
            line.waiting.pop(job_id, None)
            if line.running is not None and line.running.job_id == job_id and line.task is not None:
                line.task.cancel()

    def release(self, session_id: str) -> None:
        """Let others use the device that a session had to itself."""
        for line in self.lines.values():
            if line.hold is not None and line.hold.session_id == session_id:
                line.hold = None
                line.changed.set()

    def wake(self) -> None:
        """Look again: settings or devices have changed."""
        for line in self.lines.values():
            line.changed.set()

    async def _serve(self, line: Line) -> None:
        while True:
            line.running = ticket = await self._next(line)
            line.task = asyncio.create_task(self._execute(line, ticket))
            try:
                await asyncio.wait({line.task})
            except asyncio.CancelledError:
                line.task.cancel()
                raise
            if not line.task.cancelled() and (error := line.task.exception()) is not None:
                _log.error("job %s", ticket.job_id, exc_info=error)
                ending = Ending(FAILED, f"Internal error: {error!r}", INTERNAL)
                await asyncio.to_thread(self.jobs.finish, ticket.number, self.clock(), ending)
            line.running = line.task = None

    async def _next(self, line: Line) -> Ticket:
        while True:
            line.changed.clear()
            now, waiting = self.clock(), await self._affordable(line)
            if self.available(line.device.name):
                ticket = next_ticket(waiting, line.served, line.hold, now)
                if ticket is not None and line.waiting.pop(ticket.job_id, None) is not None:
                    line.turn += 1
                    line.served[ticket.user] = line.turn
                    return ticket
            change = next_change(line.waiting.values(), line.hold, now)
            seconds = _HOUSEKEEPING_S if change is None else max(0.0, (change - now).total_seconds())
            try:
                await asyncio.wait_for(line.changed.wait(), min(seconds, _HOUSEKEEPING_S))
            except TimeoutError:
                continue

    async def _affordable(self, line: Line) -> list[Ticket]:
        """The waiting jobs of instances that have usage left."""
        waiting, limit = list(line.waiting.values()), self.settings().usage_limit_s
        if limit is None or not waiting:
            return waiting
        used = {
            name: await asyncio.to_thread(self.jobs.charged, name) for name in {ticket.instance for ticket in waiting}
        }
        return [ticket for ticket in waiting if used[ticket.instance] < limit]

    async def _execute(self, line: Line, ticket: Ticket) -> None:
        begun = asyncio.get_running_loop().time()
        job, calibration = await asyncio.to_thread(self._start, line.device, ticket)
        if job is None or ticket.fault.get("stuck") == RUNNING:
            return
        ending = await self._ending(line, job, calibration)
        spent = asyncio.get_running_loop().time() - begun
        await asyncio.sleep(max(0.0, self._least_seconds(job) - spent))
        line.hold = await asyncio.to_thread(self._finish, line, ticket, ending)

    def _start(self, device: Device, ticket: Ticket) -> tuple[Job | None, CalibrationRow]:
        now = self.clock()
        calibration = self.calibrations.current(device, self.settings(), now)
        job = self.jobs.get(ticket.job_id)
        if job is not None and job.wanted_calibration is not None:
            calibration = self.calibrations.by_id(device, job.wanted_calibration) or calibration
        if job is None or not self.jobs.start(job.number, now, calibration.id):
            return None, calibration
        if ticket.session_id is not None:
            self.sessions.used(ticket.session_id, now)
        return job, calibration

    def _finish(self, line: Line, ticket: Ticket, ending: Ending) -> Hold | None:
        """Store the end of a job; the hold that its session has on the device from then on."""
        now = self.clock()
        self.jobs.finish(ticket.number, now, ending)
        if ticket.session_id is None:
            return line.hold
        row = self.sessions.used(ticket.session_id, now)
        if row is None or row.mode != DEDICATED or row.closed is not None or not row.accepting:
            return None
        return Hold(ticket.session_id, now + timedelta(seconds=row.interactive_ttl))

    async def _ending(self, line: Line, job: Job, calibration: CalibrationRow) -> Ending:
        if (failure := (job.fault or {}).get("fail")) is not None:
            return Ending(FAILED, failure["message"], failure["code"])
        header, body = await self._simulate(line, job, calibration)
        if not header["ok"]:
            return Ending(FAILED, header["reason"], header["code"], log=header["log"])
        count = header["executions"]
        charged = 0.0 if line.device.mock else charged_seconds(count)
        if job.max_seconds is not None and charged > job.max_seconds:
            reason = f"Job ran longer than maximum execution time of {job.max_seconds:g} s."
            return Ending(CANCELLED, reason, RAN_TOO_LONG, executions=count, charged=float(job.max_seconds))
        return Ending(COMPLETED, body=body, log=header["log"], executions=count, charged=charged)

    async def _simulate(self, line: Line, job: Job, calibration: CalibrationRow) -> tuple[dict[str, Any], bytes]:
        header = {
            "program": job.program,
            "device": asdict(line.device),
            "calibration": {
                "number": calibration.number,
                "seed": calibration.seed,
                "drift": calibration.drift,
            },
            "execution": "null" if line.device.mock else self.settings().execution,
        }
        params = await asyncio.to_thread(self.jobs.params, job.number)
        for _ in range(_ATTEMPTS):
            try:
                line.worker = line.worker or await self.workers.take()
                return await line.worker.run(header, params)
            except WorkerDiedError:
                _log.warning("the worker of %s died while it ran job %s", line.device.name, job.id)
                self._lose_worker(line)
            except asyncio.CancelledError:
                # Its answer would be taken for that of the next job.
                self._lose_worker(line)
                raise
        return {"ok": False, "code": INTERNAL, "reason": "The simulation ended unexpectedly.", "log": ""}, b""

    def _lose_worker(self, line: Line) -> None:
        if line.worker is not None:
            self.workers.discard(line.worker)
        line.worker = None

    def _least_seconds(self, job: Job) -> float:
        settings = self.settings()
        least = (job.fault or {}).get("run_s", settings.run_s)
        return max(float(least), settings.pace * charged_seconds(job.executions))

    async def _housekeeping(self) -> None:
        while True:
            await asyncio.sleep(_HOUSEKEEPING_S)
            for session_id, left in await asyncio.to_thread(self._close_sessions):
                self.release(session_id)
                for job_id in left:
                    self.withdraw(job_id)

    def _close_sessions(self) -> list[tuple[str, list[str]]]:
        """Close sessions whose time is over, whose waiting jobs fail, and those that are done."""
        now, closed = self.clock(), []
        for row, over in self.sessions.to_close(now):
            self.sessions.close(row.id, now)
            ending = Ending(FAILED, "Session has been closed.", SESSION_CLOSED)
            left = self.sessions.pending(row.id) if over else []
            ended = [job.id for job in left if self.jobs.finish(job.number, now, ending, only=PENDING)]
            closed.append((row.id, ended))
        return closed


def waiting_time(settings: Settings, job_fault_s: float | None, draw: random.Random) -> timedelta:
    """How long a job waits in the queue at least: lognormal around the median, or as a fault says."""
    if job_fault_s is not None:
        return timedelta(seconds=job_fault_s)
    return timedelta(seconds=settings.queue_s * draw.lognormvariate(0.0, settings.queue_spread))
