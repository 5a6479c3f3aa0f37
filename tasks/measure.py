"""Task `measure`: one job of a sweep, from its intent to the estimates of its points; a lost answer buys nothing."""

import asyncio
import time
from dataclasses import dataclass, field

from prefect.logging import get_run_logger

from prefect_qpu.errors import InvalidResultError, ProviderError, ProviderUnavailableError, StoreError
from prefect_qpu.jobs import FIRST_INTERVAL, GROWTH, Action, longest_interval
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.running import FETCHES, Execution, fail, step
from prefect_qpu.tasks.stage import stage_task

UNREACHED = 5.0
"""Seconds before a provider is asked again that could not be reached and named no time."""


@dataclass
class Gate:
    """When a backend may be asked to take the next job; all jobs of a sweep wait at the same gate."""

    opens: float = 0.0
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def close_for(self, seconds: float) -> None:
        """Let nobody pass for so long."""
        self.opens = max(self.opens, time.monotonic() + seconds)

    async def passed(self) -> None:
        """Return when the gate is open."""
        while (wait := self.opens - time.monotonic()) > 0:  # noqa: ASYNC110 - the time to wait may grow meanwhile
            await asyncio.sleep(wait)


@stage_task("measure")
async def measure(execution: Execution, job: int, gate: Gate, patience: float | None = None) -> bool:
    """Whether the job has ended, with its points analysed or failed; false if the patience ended before.

    Args:
        execution: The sweep.
        job: Number of the job.
        gate: Of the job's backend.
        patience: Seconds to wait here; none waits until the job ends.
    """
    began, pause, broken = time.monotonic(), FIRST_INTERVAL, 0
    provider, role = execution.job_run(job).provider, execution.plan.jobs[job].role
    while True:
        try:
            action = await _step(execution, job, gate)
        except ProviderUnavailableError as error:
            wait = error.retry_after or UNREACHED
            get_run_logger().warning("%s: %s; again in %.0f s", role, error, wait)
            gate.close_for(wait)
            action = Action.WAIT
        except StoreError as error:
            if not error.retryable:
                raise
            get_run_logger().warning("%s: %s", role, error)
            action = Action.WAIT
        except ProviderError as error:
            broken += 1
            if not isinstance(error, InvalidResultError) or broken >= FETCHES:
                get_run_logger().error("%s failed, and so its points: %s", role, error)
                await asyncio.to_thread(fail, execution, job, error)
                break
            action = Action.WAIT
        if action is Action.FINISHED:
            break
        if action is Action.WAIT:
            if patience is not None and time.monotonic() - began > patience:
                return False
            await asyncio.sleep(pause)
            pause = min(pause * GROWTH, longest_interval(provider))
    await asyncio.to_thread(analyse_ready, execution, job)
    return True


async def _step(execution: Execution, job: int, gate: Gate) -> Action:
    """The next step; one job at a time is sent to a backend, so that a refusal keeps the others from trying."""
    run, role = execution.job_run(job), execution.plan.jobs[job].role
    row = await asyncio.to_thread(run.store.submissions.serving, run.id, role)
    if row is not None and row.job_id is not None:
        return await asyncio.to_thread(step, execution, job)
    async with gate.turn:
        await gate.passed()
        return await asyncio.to_thread(step, execution, job)
