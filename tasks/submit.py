"""Task `submit`: the intent is stored, then the provider gets the job."""

import asyncio

from prefect.logging import get_run_logger

from prefect_qpu.records import SubmissionRow
from prefect_qpu.run import Run
from prefect_qpu.stages import execute as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("submit")
async def submit(run: Run) -> SubmissionRow:
    """The submission that holds the circuits of all methods; a repeated call finds it and buys nothing."""
    row = await asyncio.to_thread(stage.submit, run)
    get_run_logger().info(
        "Job %s at %s: %d PUBs, %d bytes, request %s",
        row.job_id,
        row.backend,
        len(row.pubs),
        row.payload_bytes,
        row.request_hash[:12],
    )
    return row
