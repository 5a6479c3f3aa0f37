"""Task `mitigate`: the estimates of every requested method from the stored counts."""

import asyncio
from typing import Any

from prefect.logging import get_run_logger

from prefect_qpu.run import Run
from prefect_qpu.stages import execute as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("mitigate")
async def mitigate(run: Run) -> dict[str, Any]:
    """Estimates by method and observable; all methods read the same batch of counts."""
    document = await asyncio.to_thread(stage.mitigate, run)
    for method, estimates in document["estimates"].items():
        for name, estimate in estimates.items():
            get_run_logger().info("%s %s: %.4f ± %.4f", method, name, estimate["value"], estimate["stderr"])
            for flag in estimate["flags"]:
                get_run_logger().warning("%s %s: %s", method, name, flag)
    for method, reason in document.get("refused", {}).items():
        get_run_logger().warning("%s refused: %s", method, reason)
    return document
