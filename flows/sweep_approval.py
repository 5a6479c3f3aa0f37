"""A plan above the limits of its sweep waits for a person, through Prefect's own pause with input."""

from typing import Any

from prefect.runtime import flow_run

from prefect_qpu.flows.approval import Approval, answered
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.running import Execution

KEY = "plan"
ASKED, STAGE = "asked-", "approval"
"""First part of the marks of the questions, and the stage of the answer."""


async def wait_for_sweep_approval(execution: Execution, reason: str) -> str:
    """Why the plan is not carried out; empty if a person approved it. Nobody within a week means no.

    Args:
        execution: The sweep with its plan.
        reason: Why a person has to decide.
    """
    run = execution.run
    decided = run.stage(STAGE)
    if decided is None:
        decided = await _asked(execution, reason)
    return "" if decided["approved"] else f"not approved: {reason}. {decided['reason']}".strip()


def asked(store: RecordStore, run_id: str, flow_run_id: str) -> dict[str, Any] | None:
    """Why and when a person was asked, as JSON data; none if nobody was, or somebody has answered."""
    question = store.runs.stage(run_id, f"{ASKED}{flow_run_id}")
    return question if question is not None and store.runs.stage(run_id, STAGE) is None else None


def note_question(execution: Execution, flow_run_id: str, reason: str) -> None:
    """Store with all runs of a sweep that its plan waits for a person, and since when."""
    now = execution.run.clock()
    for run in execution.runs:
        run.store.runs.complete_stage(run.id, f"{ASKED}{flow_run_id}", {"reason": reason, "at": now.isoformat()}, now)
        run.store.runs.move(run.id, "waiting")


async def _asked(execution: Execution, reason: str) -> dict[str, Any]:
    form = Approval.with_initial_data(
        description=f"**{execution.row.name}** is held: {reason}. Approve to send {len(execution.plan.jobs)} jobs."
    )
    note_question(execution, str(flow_run.id), reason)
    answer = await answered(form, KEY)
    given = answer or Approval(reason="nobody decided within a week")
    document = {"approved": given.approved, "by": given.by, "reason": given.reason}
    for run in execution.runs:
        run.store.runs.complete_stage(run.id, STAGE, document, run.clock())
        run.store.runs.move(run.id, "running")
    return document
