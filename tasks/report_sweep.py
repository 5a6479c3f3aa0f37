"""Task `report_sweep`: what a sweep has shown, as table, figure, best points and HTML page."""

import asyncio
from pathlib import Path

from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.logging import get_run_logger

from prefect_qpu.reports.figures.sweep import sweep_figure
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.reports.sweep_markdown import result_markdown, table_rows
from prefect_qpu.reports.sweep_page import write_sweep_page
from prefect_qpu.sweeps.findings import Findings, findings
from prefect_qpu.sweeps.pictures import picture_of
from prefect_qpu.sweeps.running import Execution
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("report")
async def report_sweep(execution: Execution, folder: Path | None = None) -> Findings:
    """What the sweep has shown, published.

    Args:
        execution: The sweep.
        folder: Where the page is written; none means ``reports`` beside the record store.
    """
    found, page, figure, note = await asyncio.to_thread(_written, execution, folder)
    prefix = artifact_prefix(found.name)
    text = result_markdown(found, figure, page, note)
    await published(acreate_markdown_artifact(text, key=f"{prefix}-result", description=str(page)))
    rows, left_out = table_rows(found)
    more = f"; {left_out:,} more rows: prefect-qpu points {execution.row.run_id}" if left_out else ""
    described = f"Points of {found.name}{more}"
    await published(acreate_table_artifact(rows, key=f"{prefix}-points", description=described))
    get_run_logger().info("Report: %s", page)
    return found


def _written(execution: Execution, folder: Path | None) -> tuple[Findings, Path, str, str]:
    found = findings(execution.store, execution.row, execution.run.experiment)
    page = sweep_page_path(execution, folder)
    write_sweep_page(page, execution.store, execution.row, found)
    picture = picture_of(found)
    return found, page, sweep_figure(picture), picture.note


def sweep_page_path(execution: Execution, folder: Path | None) -> Path:
    """Where the page of a sweep is."""
    return (folder or execution.store.folder / "reports") / f"{execution.row.run_id}.html"
