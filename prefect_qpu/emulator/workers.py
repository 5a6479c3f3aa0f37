"""The processes that simulate: one for each device, and one that is warm already for the next who needs it."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from prefect_qpu.emulator.frames import frame, receive_frame

_ATTEMPTS = 3


class WorkerDiedError(Exception):
    """The process ended before it answered."""


@dataclass(eq=False)
class Worker:
    """A process that runs one program at a time."""

    process: Process

    @classmethod
    async def start(cls) -> "Worker":
        """A new process, once it has loaded its libraries.

        Raises:
            WorkerDiedError: it ended at once.
        """
        # Threads that spin after a small simulation would take the processor from the service.
        command = (sys.executable, "-m", "prefect_qpu.emulator.worker")
        environment = {"OMP_WAIT_POLICY": "PASSIVE", **os.environ}
        worker = cls(await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE, env=environment))
        try:
            await worker._answer()
        except asyncio.CancelledError:
            worker.kill()
            raise
        return worker

    async def run(self, header: dict[str, Any], params: bytes) -> tuple[dict[str, Any], bytes]:
        """The answer to a program.

        Raises:
            WorkerDiedError: the process was killed, or crashed.
        """
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(frame(header, params))
            await self.process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise WorkerDiedError from error
        return await self._answer()

    def kill(self) -> None:
        """End the process now."""
        if self.process.returncode is None:
            self.process.kill()

    async def _answer(self) -> tuple[dict[str, Any], bytes]:
        assert self.process.stdout is not None
        try:
            return await receive_frame(self.process.stdout)
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            raise WorkerDiedError from error


class Workers:
    """Keeps one warm worker in reserve, so that neither the first job of a device nor a cancellation costs seconds."""

    def __init__(self) -> None:
        self._spare: asyncio.Task[Worker] | None = None
        self._given: set[Worker] = set()

    def warm(self) -> None:
        """Start the reserve."""
        self._spare = self._spare or asyncio.create_task(Worker.start())

    async def take(self) -> Worker:
        """A warm worker; the next one is started meanwhile.

        Raises:
            WorkerDiedError: no process could be started.
        """
        for _ in range(_ATTEMPTS):
            self.warm()
            assert self._spare is not None
            taken, self._spare = self._spare, None
            # One that died in reserve is no fault of the job that needs it.
            with suppress(WorkerDiedError):
                worker = await self._answering(await taken)
                self.warm()
                return worker
        raise WorkerDiedError

    async def _answering(self, worker: Worker) -> Worker:
        self._given.add(worker)
        try:
            await worker.run({"ping": True}, b"")
        except (WorkerDiedError, asyncio.CancelledError):
            self.discard(worker)
            raise
        return worker

    def discard(self, worker: Worker) -> None:
        """End a worker."""
        worker.kill()
        self._given.discard(worker)

    async def close(self) -> None:
        """End all workers."""
        if self._spare is not None:
            self._spare.cancel()
            await asyncio.gather(self._spare, return_exceptions=True)
            if not self._spare.cancelled() and self._spare.exception() is None:
                self._spare.result().kill()
        for worker in list(self._given):
            self.discard(worker)
