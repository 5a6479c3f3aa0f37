"""A plan above the limits of its sweep waits for a person, through Prefect's own pause with input."""

from prefect_qpu.flows.approval import Approval, answered
from prefect_qpu.sweeps.running import Execution

KEY = "plan"
STAGE = "approval"


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


async def _asked(execution: Execution, reason: str) -> dict[str, object]:
    run = execution.run
    form = Approval.with_initial_data(
        description=f"**{execution.row.name}** is held: {reason}. Approve to send {len(execution.plan.jobs)} jobs."
    )
    run.store.runs.move(run.id, "waiting")
    answer = await answered(form, KEY)
    run.store.runs.move(run.id, "running")
    given = answer or Approval(reason="nobody decided within a week")
    document = {"approved": given.approved, "by": given.by, "reason": given.reason}
    return run.store.runs.complete_stage(run.id, STAGE, document, run.clock())
