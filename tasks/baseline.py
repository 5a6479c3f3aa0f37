"""Task `baseline`: the classical opponent, while the job is out."""

import asyncio
from typing import Any

from prefect.logging import get_run_logger

from prefect_qpu.run import Run
from prefect_qpu.stages import baseline as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("baseline")
async def baseline(run: Run) -> dict[str, Any]:
    """The classical answers with their certificates: ``baselines``, and ``reason`` where there is none."""
    document = await asyncio.to_thread(stage.baseline, run)
    for item in document["baselines"]:
        get_run_logger().info(
            "%s %s: %.6g in %.3g s", item["method"], item["observable"], item["value"], item["seconds"]
        )
    if not document["baselines"]:
        get_run_logger().warning("No baseline: %s", document["reason"])
    return document
