"""What becomes of runs that wait: resumed when their job has ended, ended when their flow run has."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from uuid import UUID

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType
from prefect.exceptions import NotPausedError
from prefect.flow_runs import aresume_flow_run
from prefect.logging import get_run_logger

from prefect_qpu.errors import QpuError
from prefect_qpu.flows.cancellation import CANCELLED, end_cancelled
from prefect_qpu.flows.held_runs import expired, let_go
from prefect_qpu.flows.named_providers import Providers, Terms
from prefect_qpu.flows.servers import server_mark
from prefect_qpu.flows.sweep_suspension import sweep_has_news
from prefect_qpu.jobs import has_news, overdue
from prefect_qpu.records import RecordStore, SubmissionRow, WaitingRun, WaitingSweep

FAILED = "the flow run failed; look at its log"
RUNS, FLOW_RUNS = 500, 200
"""Runs that are held at a time, and flow runs that are asked for in one request."""


async def look_at_runs(store: RecordStore, providers: Providers, broken: set[int]) -> tuple[int, int]:
    """How many runs were ended as cancelled, and how many were resumed; runs of another server are left alone."""
    cancelled = resumed = 0
    last = ""
    here = {None, server_mark()}
    sweeps = {sweep.id: sweep for sweep in await asyncio.to_thread(store.waiting.sweeps)}
    async with get_client() as client:
        while page := store.waiting.runs(after=last, limit=RUNS):
            last = page[-1].id
            known = [run for run in page if run.server in here]
            providers.learn(run.experiment_hash for run in known)
            ends = await _ends(client, known)
            for run in known:
                end, question = ends.get(run.id), expired(store, run)
                if question is not None and end is not StateType.CANCELLED:
                    await let_go(client, store, run, question)
                elif end is StateType.FAILED:
                    _fail(store, run.id)
                elif end is not None:
                    cancelled += await _end(store, providers, run, sweeps.get(run.id))
                elif run.id in sweeps:
                    policy = providers.terms(run.experiment_hash).submission
                    resumed += sweep_has_news(store, sweeps[run.id], policy, broken) and await _resume(run, "ended")
                elif run.state == "waiting" and run.submission is not None:
                    resumed += await _go_on(store, providers, run, run.submission, broken)
    return cancelled, resumed


async def _go_on(
    store: RecordStore, providers: Providers, run: WaitingRun, row: SubmissionRow, broken: set[int]
) -> bool:
    terms = providers.terms(run.experiment_hash)
    return _may_go_on(store, terms, row, broken) and await _resume(run, row.state)


def _fail(store: RecordStore, run_id: str) -> None:
    store.runs.finish(run_id, state="failed", outcome="failed", source=None, error=FAILED, now=store.clock())


async def _ends(client: PrefectClient, runs: Sequence[WaitingRun]) -> dict[str, StateType]:
    """The runs whose flow run has ended without telling the record store.

    One that was deleted counts as cancelled; if nobody noted where it lived, it may be another server's.
    """
    ids: dict[UUID, list[str]] = defaultdict(list)
    for run in runs:
        if run.flow_run_id:
            ids[UUID(run.flow_run_id)].append(run.id)
    states = {run.id: StateType.CANCELLED for run in runs if run.flow_run_id and run.server is not None}
    for start in range(0, len(ids), FLOW_RUNS):
        wanted = FlowRunFilter(id=FlowRunFilterId(any_=list(ids)[start : start + FLOW_RUNS]))
        for item in await client.read_flow_runs(flow_run_filter=wanted):
            states |= dict.fromkeys(ids[item.id], item.state_type or StateType.PENDING)
    return {name: state for name, state in states.items() if state in {StateType.CANCELLED, StateType.FAILED}}


async def _end(store: RecordStore, providers: Providers, run: WaitingRun, sweep: WaitingSweep | None) -> bool:
    backend = sweep.backend if sweep else run.submission.backend if run.submission else None
    if backend is None:
        store.runs.finish(run.id, state="failed", outcome="failed", source=None, error=CANCELLED, now=store.clock())
        return True
    try:
        provider = await providers.of(run.experiment_hash, backend)
        jobs = await asyncio.to_thread(end_cancelled, store, provider, run.id)
    except QpuError as error:
        get_run_logger().warning("Run %s was cancelled, but not its job yet: %s", run.id, error)
        return False
    get_run_logger().info("Run %s was cancelled, and so its jobs: %s", run.id, ", ".join(jobs) or "none was open")
    return True


def _may_go_on(store: RecordStore, terms: Terms, row: SubmissionRow, broken: set[int]) -> bool:
    """Whether there is something to do for a suspended run: a result, a failure, a deadline, or a request to send."""
    now = store.clock()
    return has_news(row, broken, now) or overdue(row, terms.submission, now)


async def _resume(run: WaitingRun, told: str) -> bool:
    """Whether the flow run goes on; one that is not suspended (yet, or any more) is left alone."""
    assert run.flow_run_id is not None
    try:
        await aresume_flow_run(UUID(run.flow_run_id))
    except NotPausedError:
        return False
    except Exception as error:  # noqa: BLE001 - one run that cannot be resumed keeps no other one waiting
        get_run_logger().warning("Run %s cannot be resumed: %s", run.id, error)
        return False
    get_run_logger().info("Run %s goes on: its job is %s", run.id, told)
    return True
