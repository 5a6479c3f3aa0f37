"""Task `compare`: hardware, simulator and classical opponent side by side."""

import asyncio
from typing import Any

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from prefect_qpu.reports.markdown import artifact_prefix, comparison_markdown
from prefect_qpu.run import Run
from prefect_qpu.stages import compare as stage
from prefect_qpu.summarise import summarise
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("compare")
async def compare(run: Run) -> dict[str, Any]:
    """The comparison: ``verdict``, ``reason``, ``hypothesis``, ``agreement``, ``cost``."""
    document = await asyncio.to_thread(stage.compare, run)
    get_run_logger().info("%s: %s", document["verdict"].capitalize(), document["reason"])
    summary = await asyncio.to_thread(summarise, run.store, run.id)
    await published(
        acreate_markdown_artifact(
            comparison_markdown(summary),
            key=f"{artifact_prefix(run.experiment.name)}-comparison",
            description=f"{document['verdict'].capitalize()}: {document['reason']}",
        )
    )
    return document
