"""A run that is cancelled in the UI cancels its job, unless another run waits for the same one."""

from typing import Any

from prefect.client.schemas.objects import FlowRun, State
from prefect.flows import Flow
from prefect.logging import get_logger

from prefect_qpu.errors import QpuError
from prefect_qpu.flows.prepare import open_store, resolve_backend
from prefect_qpu.jobs import Dealings, abandon
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore

CANCELLED = "the flow run was cancelled"


async def cancel_job(flow: Flow[..., Any], flow_run: FlowRun, state: State[Any]) -> None:  # noqa: ARG001
    """A hook of Prefect: the run ends in the record store, and its open job is cancelled."""
    with await open_store(flow_run.parameters.get("record_store")) as store:
        for row in store.runs.of_flow_run(str(flow_run.id)):
            _, provider = await resolve_backend(store.experiments.get(row.experiment_hash).backend)
            try:
                end_cancelled(store, provider.pinned(row.backend["name"]), row.id)
            except QpuError as error:
                get_logger("prefect_qpu").warning("A job could not be cancelled; the reconciler will: %s", error)


def end_cancelled(store: RecordStore, provider: Provider, run_id: str) -> list[str]:
    """End a run as cancelled; the ids of the jobs whose cancellation was asked for.

    Args:
        store: The record store.
        provider: Where the run's jobs are.
        run_id: The run.
    """
    dealings = Dealings(store, provider)
    submissions = [row for row in store.submissions.for_run(run_id).values() if row.provider == provider.kind]
    asked = abandon(dealings, submissions, run_id=run_id)
    store.runs.finish(run_id, state="failed", outcome="failed", source=None, error=CANCELLED, now=dealings.now())
    return asked
