"""A deployed sweep whose jobs are out for long gives its process back; the reconciler resumes it when one has ended."""

from prefect.flow_runs import asuspend_flow_run
from prefect.logging import get_run_logger
from prefect.runtime import flow_run

from prefect_qpu.flows.suspension import SUSPENDED
from prefect_qpu.records import RecordStore, WaitingSweep
from prefect_qpu.records.states import FINAL
from prefect_qpu.sweeps.running import Execution

ENDED = "ended"


async def suspend_sweep(execution: Execution) -> None:
    """Suspend the flow run; each of its runs remembers how many of its jobs had ended."""
    number = flow_run.run_count
    for run in execution.runs:
        ended = sum(state in FINAL for state in run.store.submissions.states(run.id).values())
        run.store.runs.complete_stage(run.id, f"{SUSPENDED}{number:04d}", {ENDED: ended}, run.clock())
        run.store.runs.move(run.id, "waiting")
    get_run_logger().info("The jobs of %s are out; the run is suspended until one has ended", execution.row.name)
    await asuspend_flow_run(key=f"sweep-{execution.row.id}-{number}")


def has_news(store: RecordStore, sweep: WaitingSweep) -> bool:
    """Whether a job of a suspended sweep has ended since."""
    marks = [name for name in store.runs.stage_names(sweep.id) if name.startswith(SUSPENDED)]
    before = store.runs.stage(sweep.id, marks[-1]) if marks else None
    return sweep.state == "waiting" and before is not None and sweep.ended > before[ENDED]
