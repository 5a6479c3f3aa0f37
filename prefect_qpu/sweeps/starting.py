"""Starting a sweep: its plan is made and stored with its points, in one transaction, before anything is sent."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.errors import InputError, StoreError
from prefect_qpu.experiment import AerBackendSpec, BlockReference
from prefect_qpu.latency import Clock
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.run import Run, open_run, seeds_for
from prefect_qpu.sweeps.definition import PARAMETERS, Sweep
from prefect_qpu.sweeps.ending import release_unmeasured
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.plan import Plan
from prefect_qpu.sweeps.planning import Place, make_plan
from prefect_qpu.sweeps.points import KEY_BYTES, Integers, Points, expand
from prefect_qpu.sweeps.running import Execution, Providers, recorded, resume

_RACES = 10
"""How often a plan is made again because another sweep bought one of its points meanwhile."""


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
    released = sum(release_unmeasured(recorded(store, row)) for row in over)
    return store.sweeps.owners(keys) if released else known


def _arrays(points: Points, owner: Integers) -> dict[str, NDArray[Any]]:
    """Of each point: its address, who buys it (0 for this execution) and where, and its place on each other axis."""
    keys = np.frombuffer(points.keys.tobytes(), dtype=np.uint8).reshape(-1, KEY_BYTES)
    axes = {f"axis {key}": column.codes for key, column in points.columns.items()}
    coded = {name: codes for name, codes in axes.items() if not name.startswith(f"axis {PARAMETERS}")}
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
