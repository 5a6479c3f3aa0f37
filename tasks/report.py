"""Task `report`: the latency artifact and the HTML page."""

import asyncio
from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from prefect_qpu.blocks.stage_latency import StageLatency
from prefect_qpu.reports.markdown import artifact_prefix, report_markdown
from prefect_qpu.run import Run
from prefect_qpu.stages import report as stage
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("report")
async def report(run: Run, folder: Path | None = None, latency: StageLatency | None = None) -> Path:
    """Path of the HTML page of a run.

    Args:
        run: The run.
        folder: Where to write; none means ``reports`` beside the record store.
        latency: Which spans to publish; none publishes all.
    """
    with run.measured("report"):
        path = await asyncio.to_thread(stage.report, run, folder)
        figure = await asyncio.to_thread(stage.figure, run)
    prefix = artifact_prefix(run.experiment.name)
    await published(
        acreate_markdown_artifact(
            report_markdown(run.experiment.name, path, figure), key=f"{prefix}-report", description=str(path)
        )
    )
    spans = run.store.runs.spans(run.id)
    await published((latency or StageLatency()).publish(spans, prefix))
    get_run_logger().info("Report: %s", path)
    return path
