"""The end of a sweep: its runs end, and points that could not be measured may be bought by others."""

from typing import TYPE_CHECKING

import numpy as np

from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.sweeps.plan import Plan
from prefect_qpu.sweeps.state import FAILED_POINT, point_states

if TYPE_CHECKING:
    from prefect_qpu.sweeps.running import Execution


def finish(execution: "Execution", *, error: str | None = None) -> int:
    """How many points have failed; the runs of the execution have ended now.

    Args:
        execution: The execution.
        error: Why it was given up, with points that were not measured; none where all jobs have ended.
    """
    states = point_states(execution)
    failed = states == FAILED_POINT if error is None else states != "measured"
    keys = bought_keys(execution.store, execution.row)
    execution.store.sweeps.release(execution.row.id, [keys[place] for place in np.flatnonzero(failed)])
    all_failed = bool(len(states)) and bool(failed.all())
    broken = error is not None or all_failed
    for run in execution.runs:
        # No outcome and no source: the answers of a sweep are not those of its experiment.
        run.store.runs.finish(
            run.id,
            state="failed" if broken else "ended",
            outcome="failed" if broken else None,
            source=None,
            error=error,
            now=run.clock(),
        )
    return int(np.count_nonzero(failed))


def bought_keys(store: RecordStore, row: SweepRow) -> list[bytes]:
    """The addresses of the points that an execution buys, by their places."""
    arrays = store.submissions.parameters(row.arrays_hash)
    own = np.flatnonzero(arrays["owner"] == 0)
    keys = [b""] * len(own)
    for index in own.tolist():
        keys[int(arrays["place"][index])] = arrays["key"][index].tobytes()
    return keys


def release_unmeasured(store: RecordStore, row: SweepRow) -> int:
    """How many points of an execution that has ended were never measured; others may buy them now."""
    plan = Plan.from_document(store.sweeps.plan(row))
    lost = np.ones(plan.bought, dtype=bool)
    for unit in plan.units:
        group = plan.groups[unit.group]
        document = store.runs.stage(plan.backends[group.backend].run_id, unit.name)
        if document is not None and document["arrays"] is not None:
            there = store.submissions.parameters(document["arrays"])["there"].astype(bool)
            lost[group.first + unit.start : group.first + unit.stop] = ~there
    if lost.any():
        keys = bought_keys(store, row)
        store.sweeps.release(row.id, [keys[place] for place in np.flatnonzero(lost)])
    return int(np.count_nonzero(lost))
