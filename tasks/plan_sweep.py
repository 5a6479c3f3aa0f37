"""Task `plan_sweep`: the complete plan of a sweep, stored and shown before anything is sent."""

import asyncio

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from prefect_qpu.records import RecordStore
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.reports.sweep_markdown import plan_markdown
from prefect_qpu.sweeps.definition import Sweep
from prefect_qpu.sweeps.policy import held
from prefect_qpu.sweeps.running import Execution, Providers
from prefect_qpu.sweeps.starting import start
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("plan")
async def plan_sweep(
    store: RecordStore, sweep: Sweep, providers: Providers, run_id: str, flow_run_id: str
) -> Execution:
    """The execution with its stored plan; a repeated call finds it and plans nothing."""
    execution = await asyncio.to_thread(start, store, sweep, providers, run_id=run_id, flow_run_id=flow_run_id)
    plan, policy = execution.plan, sweep.approval
    get_run_logger().info(
        "%d points, of which %d were measured before; %d are to be bought in %d jobs",
        plan.count,
        plan.reused,
        plan.bought,
        len(plan.jobs),
    )
    text = plan_markdown(sweep.name, plan, held(plan, policy))
    await published(
        acreate_markdown_artifact(
            text,
            key=f"{artifact_prefix(sweep.name)}-plan",
            description=f"Plan: {plan.bought} points, {len(plan.jobs)} jobs",
        )
    )
    return execution
