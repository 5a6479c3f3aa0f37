"""Task `poll`: short reads with growing intervals until the counts are stored; an error of one read changes nothing."""

import asyncio
import time
from dataclasses import dataclass, field
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from prefect_qpu.errors import InvalidResultError, ProviderUnavailableError, StoreError
from prefect_qpu.jobs import FIRST_INTERVAL, GROWTH, Action, longest_interval
from prefect_qpu.latency import PRIMARY
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.run import Run
from prefect_qpu.stages import execute as stage
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task

SHOW_AFTER = 1.0
"""Seconds of waiting after which the progress is shown."""
LONGEST_PAUSE = 60.0
"""Seconds of waiting that a provider may ask for before it is asked again."""
FETCHES = 5
"""How often a result is fetched that is not that of the request."""


@stage_task("poll")
async def poll(run: Run, patience: float | None = None, role: str = PRIMARY) -> bool:
    """Whether the counts of the job are stored; false if the patience ended before.

    Args:
        run: The run.
        patience: Seconds to wait here; none waits until the job ends.
        role: Which of its jobs.

    Raises:
        JobOverdueError: the job is past its deadline.
        InvalidResultError: the result could be fetched, several times, but is not that of the request.
        ProviderError: the job failed, was cancelled or is lost.
    """
    waited = _Wait(role)
    with run.measured("poll"):
        while await _look(run, waited) is not Action.FINISHED:
            if patience is not None and waited.seconds >= patience:
                await _show(run, waited)
                return False
            await waited.pause(longest_interval(run.provider))
            if waited.seconds > SHOW_AFTER:
                await _show(run, waited)
    if waited.shown is not None:
        await published(aupdate_progress_artifact(waited.shown, 100.0, f"Done after {waited.seconds:.0f} s"))
    return True


@dataclass
class _Wait:
    """How long a task has waited, how long it pauses next, and what it has shown of it."""

    role: str
    interval: float = FIRST_INTERVAL
    began: float = field(default_factory=time.monotonic)
    broken: int = 0
    """Results that were not those of the request."""
    shown: UUID | None = None

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    async def pause(self, longest: float) -> None:
        await asyncio.sleep(self.interval)
        self.interval = min(self.interval * GROWTH, longest)


async def _look(run: Run, waited: _Wait) -> Action | None:
    try:
        return await asyncio.to_thread(stage.poll, run, waited.role)
    except ProviderUnavailableError as error:
        get_run_logger().warning("%s cannot be reached, the job is not touched: %s", run.provider.name, error)
        await asyncio.sleep(min(error.retry_after or 0, LONGEST_PAUSE))
    except StoreError as error:
        if not error.retryable:
            raise
        get_run_logger().warning("The record store could not be asked: %s", error)
    except InvalidResultError as error:
        waited.broken += 1
        if waited.broken >= FETCHES:
            raise
        get_run_logger().warning("The result is fetched again: %s", error)
    return None


async def _show(run: Run, waited: _Wait) -> None:
    row = run.store.submissions.for_run(run.id)[waited.role]
    job = f"Job {row.job_id} is {row.state}" if row.job_id else "A job is looked for"
    text = f"{job} at {row.backend}; waited {waited.seconds:.0f} s"
    progress = {"queued": 25.0, "running": 60.0}.get(row.state, 10.0)
    if waited.shown is None:
        key = f"{artifact_prefix(run.experiment.name)}-progress"
        waited.shown = await published(acreate_progress_artifact(progress, key=key, description=text))
        return
    await published(aupdate_progress_artifact(waited.shown, progress, text))
