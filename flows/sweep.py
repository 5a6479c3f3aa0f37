"""Flow `sweep`: plan, approval, jobs, report. Task runs grow with jobs, never with points."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import flow
from prefect.artifacts import acreate_progress_artifact, aupdate_progress_artifact
from prefect.client.schemas.objects import State
from prefect.events import emit_event
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.states import Cancelled, Completed, Failed

from prefect_qpu.choosing import settled
from prefect_qpu.errors import RunFailedError
from prefect_qpu.flows.cancellation import cancel_job
from prefect_qpu.flows.hybrid_run import has_server
from prefect_qpu.flows.naming import name_flow_run
from prefect_qpu.flows.prepare import open_store, resolve_backend, resolve_blocks
from prefect_qpu.flows.restarts import note_restart
from prefect_qpu.flows.servers import note_server
from prefect_qpu.flows.sweep_approval import wait_for_sweep_approval
from prefect_qpu.flows.sweep_jobs import Runner, sweep_jobs, task_runner
from prefect_qpu.flows.sweep_suspension import patience_for, suspend_sweep
from prefect_qpu.loading import override
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.definition import Sweep, read_sweep
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.findings import Findings
from prefect_qpu.sweeps.holding import hold
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.points import expand
from prefect_qpu.sweeps.policy import held
from prefect_qpu.sweeps.running import Execution, fail
from prefect_qpu.sweeps.sharing import dependencies, look_again
from prefect_qpu.sweeps.state import job_states, progress
from prefect_qpu.tasks.measure import Gate, measure
from prefect_qpu.tasks.plan_sweep import plan_sweep
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.report_sweep import report_sweep

OUTSIDE = "prefect-qpu.sweep.outside-hypothesis"
"""Event of a sweep some of whose points lie outside of the hypothesis' range."""
ENDED = {"done", "failed"}
SHOWN_EVERY = 3.0
"""Seconds between two looks at the progress."""


@flow(name="sweep", persist_result=False, on_cancellation=[cancel_job])
async def sweep(
    definition: str | dict[str, Any],
    record_store: str | None = None,
    report_folder: str | None = None,
    settings: list[str] | None = None,
    fresh: bool = False,  # noqa: FBT001, FBT002 - a parameter of a flow
    runner: Runner = "here",
    dask_address: str | None = None,
) -> State[str]:
    """Measure an experiment at many points: planned first, bought once, resumed where it was cut off.

    The flow run ends as ``Measured`` (every point has its estimates), ``Partial`` (some points failed), ``Failed`` (all
    of them did) or ``Held`` (nobody approved the plan). Its result is the run's id in the record store.

    Args:
        definition: Path of a sweep file, or a sweep as a mapping.
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
        report_folder: Where the HTML page is written; none means ``reports`` beside the record store.
        settings: Other values for settings of a file, as ``dotted.key=value``.
        fresh: Whether points that were measured before are measured again, as a schedule wants it.
        runner: Where jobs are driven, and simulations run: in this process, or on a task runner of Prefect.
        dask_address: A Dask scheduler; none starts a cluster on this machine.
    """
    own = str(flow_run.id)
    with await open_store(record_store) as store:
        if deaths := note_restart(store, own, int(flow_run.run_count)):
            get_run_logger().warning("%d processes of this flow run have died; it goes on from the store", deaths)
        execution, policy = await _execution(store, definition, settings or [], own, fresh=fresh)
        await name_flow_run(execution.row.name)
        try:
            refusal = await _approved(execution, policy)
            if refusal:
                finish(execution, error=refusal, outcome="held")
                return Cancelled(name="Held", message=refusal, data=execution.run.id)
            await _measured(execution, policy, Lanes(runner, dask_address, record_store))
        except asyncio.CancelledError:
            finish(execution, error="the flow run was cancelled")
            raise
        await asyncio.to_thread(finish, execution)
        found = await report_sweep(execution, Path(report_folder) if report_folder else None)
    _tell(execution, found)
    return _state(execution, found)


async def _execution(
    store: RecordStore, definition: str | Mapping[str, Any], settings: list[str], run_id: str, *, fresh: bool
) -> tuple[Execution, Sweep]:
    """The sweep with its stored plan: that of this flow run, one that was cut off, or a new one."""
    given = (
        read_sweep(Path(definition), settings)
        if isinstance(definition, str)
        else Sweep.parse(override(definition, settings))
    )
    if fresh:
        given = given.on(f"flow run {run_id}")
    resolved = await _resolved(given)
    providers = await _providers(resolved)
    unfinished = None if store.sweeps.find(run_id) else store.sweeps.unfinished(resolved.hash)
    if unfinished is not None:
        await asyncio.to_thread(hold, store, unfinished.run_id)
        get_run_logger().warning("Run %s of this sweep was cut off; it goes on", unfinished.run_id)
    own = unfinished.run_id if unfinished else run_id
    execution = await plan_sweep(store, resolved, providers, own, run_id)
    await asyncio.to_thread(hold, store, own)
    for run in execution.runs:
        if unfinished is not None:
            store.runs.hand_over(run.id, run_id)
        note_server(run)
        store.runs.move(run.id, "running")
    return execution, resolved


async def _resolved(given: Sweep) -> Sweep:
    experiment, _ = await resolve_blocks(given.experiment)
    return given if experiment == given.experiment else given.with_backend(experiment)


async def _providers(sweep: Sweep) -> dict[str, Provider]:
    """The provider of each backend setting, at one backend."""
    found: dict[str, Provider] = {}
    for group in (await asyncio.to_thread(expand, sweep)).groups:
        key = backend_key(group.experiment.document()["backend"])
        if key not in found:
            _, provider = await resolve_backend(group.experiment.backend)
            found[key], _ = await asyncio.to_thread(settled, provider, group.experiment, None)
    return found


async def _approved(execution: Execution, sweep: Sweep) -> str:
    """Why the plan is not carried out; empty if it is."""
    reason = held(execution.plan, sweep.approval)
    if not reason:
        return ""
    if not has_server():
        return f"{reason}; no server is there on which a person could decide"
    return await wait_for_sweep_approval(execution, reason)


@dataclass(frozen=True)
class Lanes:
    """Where jobs are driven."""

    runner: Runner
    dask_address: str | None
    record_store: str | None


async def _measured(execution: Execution, sweep: Sweep, where: Lanes) -> None:
    """Carry out what is left of the plan, and the jobs of other sweeps that hold points of this one."""
    await asyncio.to_thread(look_again, execution)
    left = await asyncio.to_thread(_left, execution)
    while any(jobs for _, jobs in left):
        async with _Shown(execution):
            if where.runner != "here":
                await _driven_there(left, sweep, where)
            elif not await _driven_here(left, sweep.packing.in_flight):
                await suspend_sweep(execution)
        if where.runner != "here":
            break
        left = await asyncio.to_thread(_left, execution)
    await asyncio.to_thread(analyse_ready, execution)


async def _driven_here(left: list[tuple[Execution, list[int]]], in_flight: int) -> bool:
    """Whether all jobs have ended; false if those that are out take longer than a deployed run waits for them."""
    lanes: dict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(in_flight))
    gates: dict[str, Gate] = defaultdict(Gate)
    out: set[str] = set()
    (own, _), *_ = left

    async def lane(holder: Execution, job: int) -> None:
        provider = holder.job_run(job).provider
        # This flow run is woken for its own jobs only; those of other sweeps are waited for here.
        patience = patience_for(holder, job) if holder is own else None
        async with lanes[provider.name]:
            # A job that is still out keeps its lane, so that no more are sent.
            if provider.name in out:
                return
            named = measure.with_options(task_run_name=holder.plan.jobs[job].role)
            if not await named(holder, job, gates[provider.name], patience):
                out.add(provider.name)

    async with asyncio.TaskGroup() as group:
        for holder, jobs in left:
            for job in jobs:
                group.create_task(lane(holder, job))
    return not out


async def _driven_there(left: list[tuple[Execution, list[int]]], sweep: Sweep, where: Lanes) -> None:
    """On a task runner of Prefect, in a flow run of their own; its workers share nothing but the store."""
    for holder, jobs in left:
        driven = sweep_jobs.with_options(
            task_runner=task_runner(where.runner, sweep.packing.in_flight, where.dask_address)
        )
        for job, reason in (await driven(holder.row.id, jobs, where.record_store)).items():
            get_run_logger().error("The task of %s failed, and so its points: %s", holder.plan.jobs[job].role, reason)
            await asyncio.to_thread(fail, holder, job, RunFailedError(f"the task of the job failed: {reason}"))


def _left(execution: Execution) -> list[tuple[Execution, list[int]]]:
    """The jobs that have not ended, of this sweep and of others."""
    own = [number for number, state in enumerate(job_states(execution)) if state not in ENDED]
    return [(execution, own), *dependencies(execution)]


class _Shown:
    """The progress in the UI while a sweep is measured, written every few seconds."""

    def __init__(self, execution: Execution) -> None:
        self._execution = execution
        self._artifact: UUID | None = None
        self._watch: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        found = await asyncio.to_thread(progress, self._execution)
        key = f"{artifact_prefix(self._execution.row.name)}-progress"
        made = acreate_progress_artifact(100 * found.share, key=key, description=found.text())
        self._artifact = await published(made)
        self._watch = asyncio.create_task(self._repeat())

    async def __aexit__(self, *_: object) -> None:
        if self._watch is not None:
            self._watch.cancel()
        await self._update()

    async def _repeat(self) -> None:
        while True:
            await asyncio.sleep(SHOWN_EVERY)
            await self._update()

    async def _update(self) -> None:
        found = await asyncio.to_thread(progress, self._execution)
        if self._artifact is not None:
            await published(aupdate_progress_artifact(self._artifact, 100 * found.share, found.text()))


def _tell(execution: Execution, found: Findings) -> None:
    """An event for automations, if points lie outside of the hypothesis' range."""
    verdict = found.verdict()
    if verdict and verdict["outside"]:
        get_run_logger().warning("%d points lie outside of the hypothesis' range", verdict["outside"])
        emit_event(
            OUTSIDE,
            resource={"prefect.resource.id": f"prefect-qpu.sweep.{execution.row.run_id}", "name": found.name},
            payload={**verdict, "name": found.name, "run_id": execution.row.run_id},
        )


def _state(execution: Execution, found: Findings) -> State[str]:
    plan, run_id = execution.plan, execution.run.id
    lost = sum(count for state, count in found.states.items() if state not in {"measured", "refused"})
    if lost and lost == plan.count:
        return Failed(message=f"all {lost} points failed", data=run_id)
    if lost:
        return Completed(name="Partial", message=f"{lost} of {plan.count} points have no value", data=run_id)
    return Completed(name="Measured", message=f"{plan.bought} points bought, {plan.reused} reused", data=run_id)
