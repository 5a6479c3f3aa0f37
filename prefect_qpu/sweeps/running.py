"""Running a sweep: the plan is stored with its points first, then jobs are bought one by one and analysed as they end.

All of it can be cut off at any moment and called again: what is stored is not done twice.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import InputError, ProviderError, ProviderUnavailableError, StoreError
from prefect_qpu.experiment import AerBackendSpec, BlockReference
from prefect_qpu.jobs import FIRST_INTERVAL, GROWTH, Action, advance, intend, longest_interval
from prefect_qpu.latency import Clock
from prefect_qpu.mitigation import make_pub
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.records.sweeps import FAILED
from prefect_qpu.run import Run, open_run, seeds_for
from prefect_qpu.sweeps.definition import Sweep
from prefect_qpu.sweeps.ending import release_unmeasured
from prefect_qpu.sweeps.plan import Piece, Plan
from prefect_qpu.sweeps.planning import Place, backend_key, make_plan
from prefect_qpu.sweeps.points import KEY_BYTES, Integers, Points, expand

_RACES = 10
"""How often a plan is made again because another sweep bought one of its points meanwhile."""
_DEATHS = 100
"""Processes that may die while they simulate a job; such a job costs nothing but time."""
Providers = Mapping[str, Provider]
"""The provider of each backend setting, by `backend_key`."""


@dataclass(frozen=True)
class Execution:
    """One execution of a sweep: its plan, and what is needed to go on with it."""

    store: RecordStore
    row: SweepRow
    plan: Plan
    runs: tuple[Run, ...]
    """The run of each backend; the first one is that of the whole sweep."""

    @property
    def run(self) -> Run:
        """The run of the whole sweep."""
        return self.runs[0]

    def job_run(self, job: int) -> Run:
        """The run under which a job is bought."""
        return self.runs[self.plan.jobs[job].backend]

    def group_run(self, group: int) -> Run:
        """The run that holds what is learned of a group."""
        return self.runs[self.plan.groups[group].backend]


def start(
    store: RecordStore,
    sweep: Sweep,
    providers: Providers,
    *,
    run_id: str,
    flow_run_id: str | None = None,
    clock: Clock | None = None,
) -> Execution:
    """The execution of a run: the stored one, or a new one that buys the points that nobody has bought.

    Args:
        store: The record store.
        sweep: What to run.
        providers: Where each backend setting leads.
        run_id: Id of the run.
        flow_run_id: The Prefect flow run.
        clock: Source of the time; none takes the store's, which all hosts share.

    Raises:
        InputError: the sweep cannot be run; nothing was sent.
    """
    row = store.sweeps.find(run_id)
    if row is None:
        row = _planned(store, sweep, providers, run_id, flow_run_id, clock or store.clock)
    return resume(store, row, providers, clock=clock)


def resume(store: RecordStore, row: SweepRow, providers: Providers, *, clock: Clock | None = None) -> Execution:
    """The stored execution, to go on with it."""
    clock = clock or store.clock
    plan = Plan.from_document(store.sweeps.plan(row))
    runs = tuple(_stored_run(store, item.run_id, providers[backend_key(item.setting)], clock) for item in plan.backends)
    return Execution(store, row, plan, runs)


def _planned(
    store: RecordStore,
    sweep: Sweep,
    providers: Providers,
    run_id: str,
    flow_run_id: str | None,
    clock: Clock,
) -> SweepRow:
    points = expand(sweep)
    settings = list(dict.fromkeys(backend_key(group.experiment.document()["backend"]) for group in points.groups))
    places, seeds = _places(store, sweep, points, providers, settings, run_id, flow_run_id, clock)
    try:
        return _claimed(store, sweep, points, places, seeds, run_id, clock)
    except InputError as error:
        for place in places.values():
            store.runs.finish(
                place.run_id, state="failed", outcome="failed", source=None, error=str(error), now=clock()
            )
        raise


def _claimed(
    store: RecordStore,
    sweep: Sweep,
    points: Points,
    places: Mapping[str, Place],
    seeds: Mapping[str, int],
    run_id: str,
    clock: Clock,
) -> SweepRow:
    """The stored plan, which is made again if another sweep was first to buy one of its points."""
    keys = [bytes(key) for key in points.keys.tolist()]
    for _ in range(_RACES):
        known = _owners(store, keys)
        missing = np.array([key not in known for key in keys], dtype=bool)
        bought = [np.flatnonzero(missing[group.indices]) for group in points.groups]
        plan, buys = make_plan(store, sweep, points, bought, places, seeds)
        owner = np.array([known.get(key, (0, 0)) for key in keys], dtype=np.int64).reshape(len(keys), 2)
        owner[buys, 1] = np.arange(len(buys))
        row = store.sweeps.start(
            run_id,
            sweep_hash=sweep.hash,
            name=sweep.name,
            document=sweep.document(),
            plan=plan.document(),
            arrays_hash=store.submissions.add_parameters(_arrays(points, owner)),
            buys=[keys[place] for place in buys.tolist()],
            now=clock(),
        )
        if row is not None:
            return row
    raise StoreError(f"the points of {sweep.name!r} were bought by others again and again while they were planned.")


def _owners(store: RecordStore, keys: Sequence[bytes]) -> dict[bytes, tuple[int, int]]:
    """Who buys the points; what executions that have ended could not measure is released first."""
    known = store.sweeps.owners(keys)
    rows = [store.sweeps.by_id(owner) for owner in sorted({owner for owner, _ in known.values()})]
    over = [row for row in rows if not store.sweeps.alive(store.sweeps.run_ids(row))]
    released = sum(release_unmeasured(_recorded(store, row)) for row in over)
    return store.sweeps.owners(keys) if released else known


def _recorded(store: RecordStore, row: SweepRow) -> Execution:
    """An execution as the store has it, to be analysed: no provider is asked, so that it needs none."""
    nobody = cast("Provider", None)
    plan = Plan.from_document(store.sweeps.plan(row))
    runs = []
    for backend in plan.backends:
        run = store.runs.get(backend.run_id)
        experiment = store.experiments.get(run.experiment_hash)
        runs.append(Run(run.id, store=store, experiment=experiment, provider=nobody, seeds=run.seeds))
    return Execution(store, row, plan, tuple(runs))


def preview(store: RecordStore, sweep: Sweep, providers: Providers) -> Plan:
    """The plan as it would be made now; no point is claimed and no run started, only circuits are compiled and kept."""
    points = expand(sweep)
    known = _owners(store, [bytes(key) for key in points.keys.tolist()])
    missing = np.array([bytes(key) not in known for key in points.keys.tolist()], dtype=bool)
    bought = [np.flatnonzero(missing[group.indices]) for group in points.groups]
    settings = [group.experiment.document()["backend"] for group in points.groups]
    places = {backend_key(item): Place(providers[backend_key(item)], "", item) for item in settings}
    plan, _ = make_plan(store, sweep, points, bought, places, seeds_for(sweep.experiment))
    return plan


def _arrays(points: Points, owner: Integers) -> dict[str, NDArray[Any]]:
    """Of each point: its address, who buys it (0 for this execution) and where, and its place on each other axis."""
    keys = np.frombuffer(points.keys.tobytes(), dtype=np.uint8).reshape(-1, KEY_BYTES)
    axes = {f"axis {key}": column.codes for key, column in points.columns.items()}
    coded = {name: codes for name, codes in axes.items() if not name.startswith("axis workload.parameters.")}
    return {"owner": owner[:, 0], "place": owner[:, 1], "key": keys, **coded}


def _places(
    store: RecordStore,
    sweep: Sweep,
    points: Points,
    providers: Providers,
    settings: Sequence[str],
    run_id: str,
    flow_run_id: str | None,
    clock: Clock,
) -> tuple[dict[str, Place], Mapping[str, int]]:
    """Each backend with its run, and the seeds of the first run, which all of them share."""
    backends = {
        backend_key(group.experiment.document()["backend"]): group.experiment.backend for group in points.groups
    }
    made: dict[str, Place] = {}
    seeds: Mapping[str, int] = {}
    for number, setting in enumerate(settings):
        own = run_id if number == 0 else str(uuid5(NAMESPACE_URL, f"{run_id}/{number}"))
        run = _first_run(store, sweep, backends[setting], providers[setting], own, flow_run_id, clock)
        seeds = seeds or run.seeds
        made[setting] = Place(run.provider, own, run.experiment.document()["backend"])
    return made, seeds


def _first_run(
    store: RecordStore,
    sweep: Sweep,
    backend: AerBackendSpec | BlockReference,
    provider: Provider,
    run_id: str,
    flow_run_id: str | None,
    clock: Clock,
) -> Run:
    experiment = sweep.experiment.changed(backend=backend, replicate=None)
    return open_run(store, experiment, provider, run_id=run_id, flow_run_id=flow_run_id, clock=clock)


def _stored_run(store: RecordStore, run_id: str, provider: Provider, clock: Clock) -> Run:
    row = store.runs.get(run_id)
    experiment = store.experiments.get(row.experiment_hash)
    return open_run(store, experiment, provider.pinned(row.backend["name"]), run_id=run_id, clock=clock)


def dependencies(execution: Execution) -> list[tuple[Execution, list[int]]]:
    """The unfinished jobs of other executions that hold points of this one, as far as they are at the same backends.

    Their owners may have died: whoever needs the points carries on with the jobs, which are bought once all the same.
    """
    arrays = execution.store.submissions.parameters(execution.row.arrays_hash)
    providers = {
        backend_key(item.setting): run.provider
        for item, run in zip(execution.plan.backends, execution.runs, strict=True)
    }
    found = []
    for owner in sorted(set(arrays["owner"].tolist()) - {0}):
        row = execution.store.sweeps.by_id(owner)
        plan = Plan.from_document(execution.store.sweeps.plan(row))
        alive = execution.store.sweeps.alive([item.run_id for item in plan.backends])
        if alive and all(backend_key(item.setting) in providers for item in plan.backends):
            other = resume(execution.store, row, providers, clock=execution.run.clock)
            jobs = _jobs_of(other, arrays["place"][arrays["owner"] == owner])
            found += [(other, jobs)] if jobs else []
    return found


def _jobs_of(execution: Execution, places: Integers) -> list[int]:
    """The jobs without an end that hold some points of an execution."""
    ended = {run.id: set(run.store.runs.stage_names(run.id)) for run in execution.runs}
    jobs: set[int] = set()
    for unit in execution.plan.units:
        first = execution.plan.groups[unit.group].first
        held = np.any((places >= first + unit.start) & (places < first + unit.stop))
        if held and unit.name not in ended[execution.group_run(unit.group).id]:
            jobs |= {execution.plan.pieces[number].job for number in unit.pieces}
    return sorted(jobs)


def step(execution: Execution, job: int) -> Action:
    """Take the next step for a job: its intent is stored first, then it is sent, asked for, and its counts stored.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
        JobLostError: the provider does not know the job any more.
        JobInDoubtError: the request was sent with unknown effect to a provider that cannot be searched.
        JobRefusedError: the provider refuses the request.
        ProviderUnavailableError: nothing is known; call again later.
    """
    run, planned = execution.job_run(job), execution.plan.jobs[job]
    if run.store.submissions.serving(run.id, planned.role) is None:
        intend(run, planned.role, pubs_of(execution, job), seed=planned.seed)
    return advance(run, planned.role, attempts=None if run.provider.durable else _DEATHS)


def fail(execution: Execution, job: int, error: ProviderError) -> None:
    """Store why a job gives no counts; its points fail, and no others."""
    run, role = execution.job_run(job), execution.plan.jobs[job].role
    reason = {"error": type(error).__name__, "reason": str(error)}
    run.store.runs.complete_stage(run.id, f"{FAILED}{role}", reason, run.clock())


def pubs_of(execution: Execution, job: int) -> list[SamplerPub]:
    """The PUBs of a job, those of its pieces one after another."""
    return [pub for number in execution.plan.pieces_of[job] for pub in _pubs(execution, execution.plan.pieces[number])]


def _pubs(execution: Execution, piece: Piece) -> list[SamplerPub]:
    group, store = execution.plan.groups[piece.group], execution.store
    values = store.submissions.parameters(piece.values) if piece.values else {}
    part = group.parts[piece.part]
    circuits = store.circuits.get_many([group.units[entry.unit].circuit for entry in part])
    once = [make_pub(circuit, entry.shots, values) for circuit, entry in zip(circuits, part, strict=True)]
    return once * (piece.stop - piece.start) if group.replicated else once


def complete(execution: Execution, job: int, sleep: Callable[[float], None]) -> bool:
    """Whether the counts of a job are stored, waiting here until they are; for short jobs, and other processes.

    A provider that cannot be reached is asked again after the pause that it asks for.
    """
    pause = FIRST_INTERVAL
    provider = execution.job_run(job).provider
    while True:
        try:
            action = step(execution, job)
        except ProviderUnavailableError as error:
            sleep(error.retry_after or longest_interval(provider))
            continue
        except ProviderError as error:
            fail(execution, job, error)
            return False
        if action is Action.FINISHED:
            return True
        if action is Action.WAIT:
            sleep(pause)
            pause = min(pause * GROWTH, longest_interval(provider))
