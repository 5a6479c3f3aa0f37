"""Processes of a run that died: it goes on from the store, but one that always dies is not started for ever."""

from collections.abc import Sequence

from prefect_qpu.errors import RunFailedError
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.holding import HELD

DIED = "died-"
"""First part of the marks of deaths."""
DEAD_PROCESSES = 5
"""Processes of one run that may die before it counts as failed."""
STORED = "stored"


def count_death(store: RecordStore, run_ids: Sequence[str], *, of: str = "", stored: int = 0) -> int:
    """How many processes of a flow run's runs have died, with the one that is noted now.

    Args:
        store: The record store.
        run_ids: The runs.
        of: Of which flow run, where several carry out the same runs one after another.
        stored: How much the runs have achieved: deaths before the last achievement are forgiven.

    Raises:
        RunFailedError: too many have died.
    """
    kind, what = (f"{DIED}{of}-", f"flow run {of}") if of else (DIED, f"run {run_ids[0]}")
    marks = [
        store.runs.stage(run_id, name) or {}
        for run_id in run_ids
        for name in store.runs.stage_names(run_id)
        if name.startswith(kind)
    ]
    store.runs.complete_stage(run_ids[0], f"{kind}{len(marks) + 1}", {STORED: stored}, store.clock())
    deaths = len([mark for mark in marks if mark.get(STORED, 0) == stored]) + 1
    if deaths > DEAD_PROCESSES:
        raise RunFailedError(f"{deaths} processes of {what} have died in a row; look at the worker's log for the cause")
    return deaths


def note_restart(store: RecordStore, flow_run_id: str, starts: int) -> int:
    """How many processes of a sweep's flow run have died since anything was stored, if its last one did; else 0.

    Where too many have died, its runs end as failed. Jobs that are out keep their points: who runs the sweep again goes
    on with them.

    Args:
        store: The record store.
        flow_run_id: The flow run.
        starts: How often it was started, this time included.

    Raises:
        RunFailedError: too many have died.
    """
    carried = store.runs.of_flow_run(flow_run_id)
    if not carried and starts > DEAD_PROCESSES + 1:
        raise RunFailedError(
            f"{starts - 1} processes of flow run {flow_run_id} have died before its plan was stored; look at the "
            "worker's log for the cause"
        )
    if not any(row.state == "running" for row in carried):
        return 0
    ids = [row.id for row in carried]
    try:
        return count_death(store, ids, of=flow_run_id, stored=_stored(store, ids))
    except RunFailedError as error:
        for run_id in ids:
            store.runs.finish(
                run_id, state="failed", outcome="failed", source=None, error=str(error), now=store.clock()
            )
        raise


def _stored(store: RecordStore, run_ids: Sequence[str]) -> int:
    """How many jobs were intended or have ended, and how many stages and suspensions there were."""
    jobs = [state for run_id in run_ids for state in store.submissions.states(run_id).values()]
    stages = [name for run_id in run_ids for name in store.runs.stage_names(run_id)]
    return len(jobs) + jobs.count("done") + sum(not name.startswith((DIED, HELD)) for name in stages)
