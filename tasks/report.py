"""Task `report`: the latency artifact and the HTML page."""

import asyncio
from pathlib import Path

from prefect.logging import get_run_logger

from prefect_qpu.blocks.stage_latency import StageLatency
from prefect_qpu.reports.markdown import artifact_prefix
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
    spans = run.store.runs.spans(run.id)
    await published((latency or StageLatency()).publish(spans, artifact_prefix(run.experiment.name)))
    get_run_logger().info("Report: %s", path)
    return path
