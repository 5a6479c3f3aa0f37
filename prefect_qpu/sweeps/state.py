"""What has become of each point: counted by state, with an estimate of the end."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.records.sweeps import FAILED

if TYPE_CHECKING:
    from prefect_qpu.sweeps.running import Execution

MEASURED, FAILED_POINT, PLANNED = "measured", "failed", "planned"
STATES = (MEASURED, FAILED_POINT, PLANNED, "intended", "submitted", "queued", "running", "done")


@dataclass(frozen=True)
class Progress:
    """How far an execution is."""

    points: Mapping[str, int]
    """Points by state, those that others had bought left out."""
    jobs: Mapping[str, int]
    """Jobs by state."""
    seconds_left: float | None
    """Estimated; none as long as no job has ended."""

    @property
    def share(self) -> float:
        """Part of the points that have been measured or have failed."""
        total = sum(self.points.values())
        return (self.points.get(MEASURED, 0) + self.points.get(FAILED_POINT, 0)) / total if total else 1.0

    def text(self) -> str:
        """The progress in one line."""
        told = ", ".join(f"{count:,} {state}" for state, count in self.points.items() if count)
        left = "" if self.seconds_left is None or self.share == 1 else f"; about {self.seconds_left:.0f} s left"
        return f"{told or 'nothing to buy'}{left}"


def job_states(execution: "Execution") -> list[str]:
    """The state of each job: ``planned``, ``failed``, or that of its submission."""
    states = {run.id: run.store.submissions.states(run.id) for run in execution.runs}
    failed = {
        run.id: {stage.removeprefix(FAILED) for stage in run.store.runs.stage_names(run.id) if stage.startswith(FAILED)}
        for run in execution.runs
    }
    found = []
    for number, job in enumerate(execution.plan.jobs):
        run = execution.job_run(number).id
        state = states[run].get(job.role, PLANNED)
        found.append(FAILED_POINT if job.role in failed[run] and state != "done" else state)
    return found


def point_states(execution: "Execution", jobs: list[str] | None = None) -> NDArray[Any]:
    """The state of each point that the execution buys, by its place; of several jobs, that of the last behind."""
    jobs = job_states(execution) if jobs is None else jobs
    stages = {run.id: set(run.store.runs.stage_names(run.id)) for run in execution.runs}
    order = {state: rank for rank, state in enumerate(STATES)}
    ranks = np.zeros(execution.plan.bought, dtype=np.int64)
    for unit in execution.plan.units:
        group = execution.plan.groups[unit.group]
        run = execution.group_run(unit.group)
        place = slice(group.first + unit.start, group.first + unit.stop)
        if unit.name in stages[run.id]:
            ranks[place] = _analysed(execution, run.stage(unit.name) or {}, unit.stop - unit.start)
            continue
        for number in unit.pieces:
            piece = execution.plan.pieces[number]
            own = slice(group.first + piece.start, group.first + piece.stop)
            rank = order.get(jobs[piece.job], order[FAILED_POINT])
            before = ranks[own]
            ranks[own] = np.where(before == 0, rank, np.minimum(before, rank))
    return np.array(STATES, dtype=object)[ranks]


def _analysed(execution: "Execution", document: Mapping[str, Any], points: int) -> NDArray[np.int64]:
    """Ranks of analysed points: measured, or failed where their counts are missing."""
    if not document["failed"]:
        return np.zeros(points, dtype=np.int64)
    if document["arrays"] is None:
        return np.ones(points, dtype=np.int64)
    there = execution.store.submissions.parameters(document["arrays"])["there"]
    return np.where(there.astype(bool), 0, 1)


def progress(execution: "Execution") -> Progress:
    """How far the execution is, from the store alone."""
    jobs = job_states(execution)
    points = Counter(point_states(execution, jobs).tolist())
    return Progress(
        {state: points[state] for state in STATES if points[state]}, dict(Counter(jobs)), _left(execution, jobs)
    )


def _left(execution: "Execution", jobs: list[str]) -> float | None:
    """Seconds until the end, if the jobs that are left take as long as those that have ended took."""
    ended = [number for number, state in enumerate(jobs) if state in {"done", FAILED_POINT}]
    if not ended:
        return None
    spent = (execution.run.clock() - execution.row.created_at).total_seconds()
    weights = [job.executions for job in execution.plan.jobs]
    done = sum(weights[number] for number in ended)
    return spent * (sum(weights) - done) / done if done else None
