"""Task `submit`: the intent is stored, then the provider gets the job."""

import asyncio

from prefect.logging import get_run_logger

from prefect_qpu.errors import ProviderUnavailableError
from prefect_qpu.latency import PRIMARY
from prefect_qpu.records import SubmissionRow
from prefect_qpu.run import Run
from prefect_qpu.stages import execute as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("submit")
async def submit(run: Run, role: str = PRIMARY) -> SubmissionRow | None:
    """The submission that holds the circuits of all methods; a repeated call finds it and buys nothing.

    If the provider's answer is lost, the submission has no job yet; `poll` looks for it.

    Args:
        run: The run.
        role: Which of its jobs; for one whose methods all refuse there is no submission.
    """
    try:
        row = await asyncio.to_thread(stage.submit, run, role)
    except ProviderUnavailableError as error:
        intended = run.store.submissions.for_run(run.id).get(role)
        if intended is None:
            raise
        get_run_logger().warning("Whether %s has the job is not known yet: %s", run.provider.name, error)
        return intended
    if row is None:
        return None
    get_run_logger().info(
        "Job %s at %s: %d PUBs, %d bytes, request %s",
        row.job_id,
        row.backend,
        len(row.pubs),
        row.payload_bytes,
        row.request_hash[:12],
    )
    return row
