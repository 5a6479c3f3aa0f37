"""Task `promote`: the gate's decision, shown with its numbers."""

import asyncio
from collections.abc import Mapping
from typing import Any

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from prefect_qpu.reports.markdown import artifact_prefix, decision_markdown
from prefect_qpu.run import Run
from prefect_qpu.stages import promote as stage
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("promote")
async def promote(run: Run) -> dict[str, Any]:
    """The policy's decision: ``outcome`` (promoted, held, rejected), ``reason``, ``criteria``."""
    decision = await asyncio.to_thread(stage.promote, run)
    get_run_logger().info("%s: %s", decision["outcome"].capitalize(), decision["reason"])
    await show_decision(run, decision)
    return decision


async def show_decision(run: Run, decision: Mapping[str, Any]) -> None:
    """Publish the decision that holds now, the policy's or a person's."""
    await published(
        acreate_markdown_artifact(
            decision_markdown(run.experiment.name, decision),
            key=f"{artifact_prefix(run.experiment.name)}-decision",
            description=f"{decision['outcome'].capitalize()}: {decision['reason']}",
        )
    )
