"""A held run waits for a person, through Prefect's own pause with input."""

import asyncio
from typing import Any

from prefect.exceptions import FlowPauseTimeout
from prefect.flow_runs import apause_flow_run, asuspend_flow_run
from prefect.input import RunInput
from pydantic import Field

from prefect_qpu.flows.suspension import deployed
from prefect_qpu.run import Run
from prefect_qpu.stages.promote import approve, decision
from prefect_qpu.tasks.promote import show_decision

A_WEEK, GRACE = 7 * 86_400, 86_400
"""Seconds for which a person is waited for, and for which a suspended run is left to the reconciler after them.

The server would let it fail as never resumed.
"""
KEY = "promotion"
POLL_SECONDS = 2


class Approval(RunInput):
    """A person's decision on a held run; resuming without a word approves nothing."""

    approved: bool = Field(
        default=False, description="Whether the job may be submitted; otherwise the fallback answers."
    )
    by: str = Field(default="", description="Who decides.")
    reason: str = Field(default="", description="Why.")


async def answered(form: type[Approval], key: str) -> Approval | None:
    """What a person answered; none if nobody did within a week.

    A deployed flow run is suspended and gives its process back; another one waits where it is.

    Args:
        form: What is asked.
        key: Tells the question from others of the same flow run.
    """
    try:
        if deployed():
            return await asuspend_flow_run(wait_for_input=form, key=key, timeout=A_WEEK + GRACE)
        return await apause_flow_run(wait_for_input=form, key=key, timeout=A_WEEK, poll_interval=POLL_SECONDS)
    except FlowPauseTimeout:
        return None


async def wait_for_approval(run: Run, held: dict[str, Any]) -> dict[str, Any]:
    """The decision that a person made; the held one if nobody did within a week.

    Args:
        run: The held run.
        held: The policy's decision.
    """
    known = await asyncio.to_thread(decision, run)
    if known["outcome"] != "held":
        return known
    form = Approval.with_initial_data(
        description=f"**{run.experiment.name}** is held: {held['reason']}. Approve to submit the job to "
        f"{run.provider.name}."
    )
    run.store.runs.move(run.id, "waiting")
    answer = await answered(form, KEY)
    if answer is None:
        return held
    run.store.runs.move(run.id, "running")
    decided = await asyncio.to_thread(
        approve, run, approved=answer.approved, by=answer.by or "a person in the UI", reason=answer.reason
    )
    await show_decision(run, decided)
    return decided
