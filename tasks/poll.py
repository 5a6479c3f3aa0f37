"""Task `poll`: short reads with growing intervals until the counts are stored; an error of one read changes nothing."""

import asyncio
from uuid import UUID

from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.logging import get_run_logger

from prefect_qpu.errors import ProviderUnavailableError
from prefect_qpu.jobs import FIRST_INTERVAL, GROWTH, LONGEST_INTERVAL, Action
from prefect_qpu.latency import PRIMARY
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.run import Run
from prefect_qpu.stages import execute as stage
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task

SHOW_AFTER = 1.0
"""Seconds of waiting after which the progress is shown."""


@stage_task("poll")
async def poll(run: Run) -> None:
    """Wait until the counts of the job are stored.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
    """
    pause, waited, shown = FIRST_INTERVAL, 0.0, None
    with run.measured("poll"):
        while await _look(run) is not Action.FINISHED:
            await asyncio.sleep(pause)
            waited, pause = waited + pause, min(pause * GROWTH, LONGEST_INTERVAL)
            if waited > SHOW_AFTER:
                shown = await _show(run, shown, waited)
    if shown is not None:
        await published(aupdate_progress_artifact(shown, 100.0, f"Done after {waited:.0f} s"))


async def _look(run: Run) -> Action | None:
    try:
        return await asyncio.to_thread(stage.poll, run)
    except ProviderUnavailableError as error:
        get_run_logger().warning("%s cannot be reached, the job is not touched: %s", run.provider.name, error)
        await asyncio.sleep(error.retry_after or 0)
        return None


async def _show(run: Run, shown: UUID | None, waited: float) -> UUID | None:
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    text = f"Job {row.job_id} is {row.state} at {row.backend}, {waited:.0f} s after its submission"
    progress = {"queued": 25.0, "running": 60.0}.get(row.state, 10.0)
    if shown is None:
        key = f"{artifact_prefix(run.experiment.name)}-progress"
        return await published(acreate_progress_artifact(progress, key=key, description=text))
    await published(aupdate_progress_artifact(shown, progress, text))
    return shown
