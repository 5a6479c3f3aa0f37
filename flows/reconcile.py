"""Flow `reconcile`: what has become of all open jobs, asked for once each pass, and the runs that waited for them."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID

from prefect import flow
from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterId
from prefect.client.schemas.objects import StateType
from prefect.exceptions import NotPausedError
from prefect.flow_runs import aresume_flow_run
from prefect.logging import get_run_logger
from pydantic import Field

from prefect_qpu.definition import Definition
from prefect_qpu.errors import QpuError
from prefect_qpu.experiment import AerBackendSpec, BlockReference, SubmissionPolicy
from prefect_qpu.flows.cancellation import end_cancelled
from prefect_qpu.flows.prepare import open_store, resolve_backend
from prefect_qpu.jobs import Dealings, Reconciled, overdue
from prefect_qpu.jobs import reconcile as reconcile_jobs
from prefect_qpu.latency import utc_now
from prefect_qpu.providers import Provider
from prefect_qpu.records import OpenSubmission, RecordStore, WaitingRun
from prefect_qpu.records.states import OPEN

Item = TypeVar("Item")
FAILED = "the flow run failed; look at its log"
PAGE = 500
"""Submissions, and runs, that are held at a time."""


@flow(name="reconcile", persist_result=False)
async def reconcile(record_store: str | None = None) -> dict[str, Any]:
    """Ask each provider once for all open jobs, store what has ended, and resume the runs that waited for it.

    A repeated pass changes nothing, and nothing is bought here. The result counts what was done.

    Args:
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
    """
    with await open_store(record_store) as store:
        providers = Providers(store)
        done = await _look_at_jobs(store, providers)
        cancelled, resumed = await _look_at_runs(store, providers, set(done.problems))
    for submission, problem in done.problems.items():
        get_run_logger().warning("Submission %d: %s", submission, problem)
    return asdict(done) | {"problems": len(done.problems), "runs_cancelled": cancelled, "runs_resumed": resumed}


class Terms(Definition):
    """What counts of an experiment after its job was submitted."""

    backend: Annotated[AerBackendSpec | BlockReference, Field(union_mode="left_to_right")]
    submission: SubmissionPolicy = SubmissionPolicy()


class Providers:
    """The provider of each backend that a stored experiment names, connected once a pass."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store
        self._terms: dict[str, Terms] = {}
        self._known: dict[tuple[str, str], Provider] = {}

    def terms(self, experiment_hash: str) -> Terms:
        """The terms of a stored experiment, read once; its circuits are not."""
        if experiment_hash not in self._terms:
            document = self._store.experiments.document(experiment_hash)
            self._terms[experiment_hash] = Terms.model_validate(
                {name: document[name] for name in ("backend", "submission") if name in document}
            )
        return self._terms[experiment_hash]

    async def of(self, experiment_hash: str, backend: str) -> Provider:
        """Where the jobs of an experiment at a backend are."""
        named = self.terms(experiment_hash).backend
        key = str(named), backend
        if key not in self._known:
            _, provider = await resolve_backend(named)
            self._known[key] = provider.pinned(backend)
        return self._known[key]


async def _look_at_jobs(store: RecordStore, providers: Providers) -> Reconciled:
    done = Reconciled()
    groups: dict[tuple[str, str], list[OpenSubmission]] = defaultdict(list)
    for item in await asyncio.to_thread(store.waiting.open_submissions):
        groups[str(providers.terms(item.experiment_hash).backend), item.backend].append(item)
    for items in groups.values():
        done += await _ask(store, providers, items)
    return done


async def _ask(store: RecordStore, providers: Providers, items: list[OpenSubmission]) -> Reconciled:
    """What was done for the jobs of one backend; one that cannot be asked keeps no other one waiting."""
    done = Reconciled()
    try:
        provider = await providers.of(items[0].experiment_hash, items[0].backend)
        if not provider.durable:
            return done
        job_ids = [item.job_id for item in items if item.job_id is not None]
        statuses = await asyncio.to_thread(provider.status, job_ids) if job_ids else []
        told = {status.job_id: status for status in statuses}
        for page in _chunks([item.id for item in items], PAGE):
            rows = await asyncio.to_thread(store.waiting.submissions, page)
            done += await asyncio.to_thread(reconcile_jobs, Dealings(store, provider), rows, told)
    except QpuError as error:
        get_run_logger().warning("%s cannot be asked for its jobs: %s", items[0].backend, error)
    return done


async def _look_at_runs(store: RecordStore, providers: Providers, broken: set[int]) -> tuple[int, int]:
    """How many runs were ended as cancelled, and how many were resumed."""
    cancelled = resumed = 0
    last = ""
    async with get_client() as client:
        while page := store.waiting.runs(after=last, limit=PAGE):
            last = page[-1].id
            ends = await _ends(client, page)
            for run in page:
                end = ends.get(run.id)
                if end is StateType.FAILED:
                    store.runs.finish(
                        run.id, state="failed", outcome="failed", source=None, error=FAILED, now=utc_now()
                    )
                elif end is not None:
                    cancelled += await _end(store, providers, run)
                elif run.state == "waiting" and _may_go_on(providers.terms(run.experiment_hash), run, broken):
                    resumed += await _resume(run)
    return cancelled, resumed


def _fail(store: RecordStore, run_id: str) -> None:
    store.runs.finish(run_id, state="failed", outcome="failed", source=None, error=FAILED, now=utc_now())


async def _ends(client: PrefectClient, runs: Iterable[WaitingRun]) -> dict[str, StateType]:
    """The runs whose flow run has ended without telling the record store; a deleted one counts as cancelled."""
    ids = {UUID(run.flow_run_id): run.id for run in runs if run.flow_run_id}
    states: dict[str, StateType] = dict.fromkeys(ids.values(), StateType.CANCELLED)
    for chunk in _chunks(list(ids), 200):
        for item in await client.read_flow_runs(flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=chunk))):
            states[ids[item.id]] = item.state_type or StateType.PENDING
    return {run: state for run, state in states.items() if state in {StateType.CANCELLED, StateType.FAILED}}


def _chunks(items: list[Item], size: int) -> Iterator[list[Item]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def _end(store: RecordStore, providers: Providers, run: WaitingRun) -> bool:
    try:
        provider = await providers.of(run.experiment_hash, run.submission.backend)
        jobs = await asyncio.to_thread(end_cancelled, store, provider, run.id)
    except QpuError as error:
        get_run_logger().warning("Run %s was cancelled, but not its job yet: %s", run.id, error)
        return False
    get_run_logger().info("Run %s was cancelled, and so its jobs: %s", run.id, ", ".join(jobs) or "none was open")
    return True


def _may_go_on(terms: Terms, run: WaitingRun, broken: set[int]) -> bool:
    """Whether there is something to do for a suspended run: a result, a failure, a deadline, or a request to send."""
    row = run.submission
    if row.state not in OPEN or row.id in broken or overdue(row, terms.submission, utc_now()):
        return True
    return row.job_id is None and (row.claimed_until is None or row.claimed_until < utc_now())


async def _resume(run: WaitingRun) -> bool:
    """Whether the flow run goes on; one that is not suspended (yet, or any more) is left alone."""
    assert run.flow_run_id is not None
    try:
        await aresume_flow_run(UUID(run.flow_run_id))
    except NotPausedError:
        return False
    except Exception as error:  # noqa: BLE001 - one run that cannot be resumed keeps no other one waiting
        get_run_logger().warning("Run %s cannot be resumed: %s", run.id, error)
        return False
    get_run_logger().info("Run %s goes on: its job is %s", run.id, run.submission.state)
    return True
