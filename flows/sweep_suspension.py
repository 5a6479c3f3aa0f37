"""A deployed sweep whose jobs are out for long gives its process back; the reconciler resumes it when one has ended."""

from prefect.flow_runs import asuspend_flow_run
from prefect.logging import get_run_logger

from prefect_qpu.experiment import SubmissionPolicy
from prefect_qpu.flows.suspension import SUSPENDED, deployed, suspensions
from prefect_qpu.jobs import has_news, overdue
from prefect_qpu.records import RecordStore, SubmissionRow, WaitingSweep
from prefect_qpu.records.states import FINAL
from prefect_qpu.records.sweeps import FAILED
from prefect_qpu.sweeps.running import Execution

OUT = "out"


def patience_for(execution: Execution, job: int) -> float | None:
    """Seconds for which a job is waited for before the flow run is suspended; none if that cannot be.

    The runs of an execution are those of the flow run that carries it out, also of one that continues what another one
    has begun: the reconciler wakes the one that it finds there.

    Args:
        execution: The sweep of this flow run.
        job: Number of the job.
    """
    run = execution.job_run(job)
    return run.experiment.submission.inline if deployed() and run.provider.durable else None


async def suspend_sweep(execution: Execution) -> None:
    """Suspend the flow run; each of its runs remembers which jobs of all of them were out."""
    number = suspensions(execution.run) + 1
    out = {run.id: waited_for(run.store, run.id) for run in execution.runs}
    for run in execution.runs:
        run.store.runs.complete_stage(run.id, f"{SUSPENDED}{number:04d}", {OUT: out}, run.clock())
        run.store.runs.move(run.id, "waiting")
    get_run_logger().info("The jobs of %s are out; the run is suspended until one has ended", execution.row.name)
    await asuspend_flow_run(key=f"sweep-{execution.row.id}-{number}")


def sweep_has_news(store: RecordStore, sweep: WaitingSweep, policy: SubmissionPolicy, broken: set[int]) -> bool:
    """Whether there is something to do for a suspended sweep.

    A job has ended or is past its deadline, its result cannot be read, its request is still to be sent, or no job was
    out at all.

    Args:
        store: The record store.
        sweep: A run of the sweep.
        policy: Of its experiment.
        broken: Submissions that could not be dealt with.
    """
    marks = [name for name in store.runs.stage_names(sweep.id) if name.startswith(SUSPENDED)]
    mark = store.runs.stage(sweep.id, marks[-1]) if marks else None
    if sweep.state != "waiting" or mark is None:
        return False
    out, now = [row for run_id, roles in mark[OUT].items() for row in _rows(store, run_id, roles)], store.clock()
    return not out or any(has_news(row, broken, now) or overdue(row, policy, now) for row in out)


def waited_for(store: RecordStore, run_id: str) -> list[str]:
    """The roles whose jobs are waited for: those that were given up may be out for ever."""
    given_up = {name.removeprefix(FAILED) for name in store.runs.stage_names(run_id) if name.startswith(FAILED)}
    return [r for r, state in store.submissions.states(run_id).items() if state not in FINAL and r not in given_up]


def _rows(store: RecordStore, run_id: str, roles: list[str]) -> list[SubmissionRow]:
    known = store.submissions.for_run(run_id)
    return [known[role] for role in roles]
