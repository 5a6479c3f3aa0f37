"""The end of a sweep: its runs end, and points that could not be measured may be bought by others."""

from typing import TYPE_CHECKING, Literal

import numpy as np

from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.sweeps.analysis import analyse_ready, out_jobs
from prefect_qpu.sweeps.state import FAILED_POINT, point_states

if TYPE_CHECKING:
    from prefect_qpu.sweeps.running import Execution


def finish(execution: "Execution", *, error: str | None = None, outcome: Literal["failed", "held"] = "failed") -> int:
    """How many points have failed; the runs of the execution have ended now.

    Points are released for others only if no job is out: an execution whose jobs are out goes on when it is run again.

    Args:
        execution: The execution.
        error: Why it was given up, with points that were not measured; none where all jobs have ended.
        outcome: As what it counts then: held if nobody approved its plan.
    """
    states = point_states(execution)
    failed = states == FAILED_POINT if error is None else states != "measured"
    all_failed = bool(len(states)) and bool(failed.all())
    broken = error is not None or all_failed
    for run in execution.runs:
        # An outcome and a source of answers are left out: those of a sweep are not those of its experiment.
        run.store.runs.finish(
            run.id,
            state="failed" if broken and outcome == "failed" else "ended",
            outcome=outcome if broken else None,
            source=None,
            error=error,
            now=run.clock(),
        )
    if not execution.store.sweeps.alive([run.id for run in execution.runs]):
        release_unmeasured(execution)
    return int(np.count_nonzero(failed))


def bought_keys(store: RecordStore, row: SweepRow) -> list[bytes]:
    """The addresses of the points that an execution buys, by their places."""
    arrays = store.submissions.parameters(row.arrays_hash)
    own = np.flatnonzero(arrays["owner"] == 0)
    keys = [b""] * len(own)
    for index in own.tolist():
        keys[int(arrays["place"][index])] = arrays["key"][index].tobytes()
    return keys


def release_unmeasured(execution: "Execution") -> int:
    """How many points of an execution that has ended may be bought by others now: those that were never measured.

    What has counts is analysed first. Points whose job may still give counts keep their buyer.
    """
    analyse_ready(execution)
    store, plan = execution.store, execution.plan
    lost = np.ones(plan.bought, dtype=bool)
    for unit in plan.units:
        first = plan.groups[unit.group].first
        document = execution.group_run(unit.group).stage(unit.name)
        if document is not None and document["arrays"] is not None:
            there = store.submissions.parameters(document["arrays"])["there"].astype(bool)
            lost[first + unit.start : first + unit.stop] = ~there
    out = out_jobs(execution)
    for piece in plan.pieces:
        if piece.job in out:
            first = plan.groups[piece.group].first
            lost[first + piece.start : first + piece.stop] = False
    if lost.any():
        keys = bought_keys(store, execution.row)
        store.sweeps.release(execution.row.id, [keys[place] for place in np.flatnonzero(lost)])
    return int(np.count_nonzero(lost))
