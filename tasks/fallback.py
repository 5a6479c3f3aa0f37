"""Task `fallback`: a labelled answer from elsewhere."""

import asyncio
from typing import Any

from prefect.logging import get_run_logger

from prefect_qpu.run import Run
from prefect_qpu.stages import fallback as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("fallback")
async def fallback(run: Run, reason: str) -> dict[str, Any]:
    """The first answer of the experiment's chain: ``source`` (cached, simulator, classical), ``reason``, ``refused``.

    Raises:
        NoAnswerError: nothing in the chain could answer.
    """
    document = await asyncio.to_thread(stage.fallback, run, reason)
    get_run_logger().warning("The answer comes from %s, because the quantum path was %s", document["source"], reason)
    return document
