"""A deployed sweep whose jobs are out for long gives its process back; the reconciler resumes it when one has ended."""

from prefect.flow_runs import asuspend_flow_run
from prefect.logging import get_run_logger

from prefect_qpu.flows.suspension import SUSPENDED, suspensions
from prefect_qpu.jobs import has_news
from prefect_qpu.records import RecordStore, SubmissionRow, WaitingSweep
from prefect_qpu.records.states import FINAL
from prefect_qpu.sweeps.running import Execution

OUT = "out"


async def suspend_sweep(execution: Execution) -> None:
    """Suspend the flow run; each of its runs remembers which jobs of all of them were out."""
    number = suspensions(execution.run) + 1
    out = {run.id: _out(run.store, run.id) for run in execution.runs}
    for run in execution.runs:
        run.store.runs.complete_stage(run.id, f"{SUSPENDED}{number:04d}", {OUT: out}, run.clock())
        run.store.runs.move(run.id, "waiting")
    get_run_logger().info("The jobs of %s are out; the run is suspended until one has ended", execution.row.name)
    await asuspend_flow_run(key=f"sweep-{execution.row.id}-{number}")


def sweep_has_news(store: RecordStore, sweep: WaitingSweep, broken: set[int]) -> bool:
    """Whether there is something to do for a suspended sweep.

    A job has ended, its result cannot be read, its request is still to be sent, or no job was out at all.

    Args:
        store: The record store.
        sweep: A run of the sweep.
        broken: Submissions that could not be dealt with.
    """
    marks = [name for name in store.runs.stage_names(sweep.id) if name.startswith(SUSPENDED)]
    mark = store.runs.stage(sweep.id, marks[-1]) if marks else None
    if sweep.state != "waiting" or mark is None:
        return False
    out = [row for run_id, roles in mark[OUT].items() for row in _rows(store, run_id, roles)]
    return not out or any(has_news(row, broken, store.clock()) for row in out)


def _out(store: RecordStore, run_id: str) -> list[str]:
    return [role for role, state in store.submissions.states(run_id).items() if state not in FINAL]


def _rows(store: RecordStore, run_id: str, roles: list[str]) -> list[SubmissionRow]:
    known = store.submissions.for_run(run_id)
    return [known[role] for role in roles]
