"""A run whose job is out for long gives its process back; the reconciler resumes it when the job has ended."""

from collections.abc import Awaitable

from prefect.context import FlowRunContext
from prefect.flow_runs import asuspend_flow_run
from prefect.logging import get_run_logger

from prefect_qpu.flows.restarts import count_death
from prefect_qpu.latency import PRIMARY, Span
from prefect_qpu.run import Run
from prefect_qpu.tasks import poll

SUSPENDED = "suspended-"
"""First part of the marks of suspensions."""


def deployed() -> bool:
    """Whether a worker can start the flow run again; only then may its process end."""
    context = FlowRunContext.get()
    return context is not None and context.flow_run is not None and context.flow_run.deployment_id is not None


async def wait_for_job(run: Run, meanwhile: Awaitable[object], role: str = PRIMARY) -> None:
    """Return once the counts are stored; a deployed run is suspended meanwhile if that takes long.

    Args:
        run: The run.
        meanwhile: What runs beside; a process is not left before it has ended.
        role: Which of its jobs.

    Raises:
        ProviderError: the job gave no counts.
    """
    suspends = deployed() and run.provider.durable
    while not await poll(run, run.experiment.submission.inline if suspends else None, role):
        await meanwhile
        await _suspend(run, role)


async def _suspend(run: Run, role: str) -> None:
    row = run.store.submissions.for_run(run.id)[role]
    number = suspensions(run) + 1
    get_run_logger().info("Job %s is %s at %s; the run is suspended until it ends", row.job_id, row.state, row.backend)
    run.store.runs.complete_stage(run.id, f"{SUSPENDED}{number}", {}, run.clock())
    run.store.runs.move(run.id, "waiting")
    # A key that was used before would not suspend, and Prefect counts a resumed run as the same one.
    await asuspend_flow_run(key=f"job-{row.request_hash[:12]}-{number}")


def suspensions(run: Run) -> int:
    """How often the run was suspended."""
    return len(run.store.runs.marks(run.id, SUSPENDED))


def note_resumption(run: Run) -> None:
    """Mark a stored run as running again, with the span for which it was suspended.

    Raises:
        RunFailedError: too many processes of this run have died.
    """
    state = run.store.runs.get(run.id).state
    if state == "waiting":
        suspended = run.store.runs.marks(run.id, SUSPENDED)
        if suspended:
            run.keep(Span("suspended", suspended[-1], run.clock()))
    elif state == "running":
        count_death(run.store, [run.id])
        get_run_logger().warning("An earlier process of this run died; it goes on from the record store")
    run.store.runs.move(run.id, "running")
