"""Points that other executions have bought: who needs them carries on with their jobs, and looks at late ones."""

from collections.abc import Iterator

import numpy as np

from prefect_qpu.errors import ProviderUnavailableError
from prefect_qpu.jobs import dealings, reconcile
from prefect_qpu.run import Run
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.plan import Plan
from prefect_qpu.sweeps.points import Integers
from prefect_qpu.sweeps.running import Execution, resume
from prefect_qpu.sweeps.state import FAILED_POINT, job_states


def dependencies(execution: Execution) -> list[tuple[Execution, list[int]]]:
    """The unfinished jobs of other executions that hold points of this one, as far as they are at the same backends.

    Their owners may have died: whoever needs the points carries on with the jobs, which are bought once all the same.
    """
    found = []
    for other, places in _holders(execution):
        alive = execution.store.sweeps.alive([run.id for run in other.runs])
        if alive and not _undecided(other):
            jobs = _jobs_of(other, places)
            found += [(other, jobs)] if jobs else []
    return found


def look_again(execution: Execution) -> None:
    """Analyse what has come of jobs that were given up and kept, such as those past their deadline; nothing is bought.

    Those of other executions are looked at too, as far as they hold points of this one.
    """
    for holder in (execution, *(other for other, _ in _holders(execution))):
        if sum(_came(run) for run in holder.runs):
            analyse_ready(holder)


def _came(run: Run) -> int:
    """How many jobs that were given up have counts now, which are stored."""
    kept = [role for (_, role), given_up in run.store.sweeps.out([run.id]).items() if given_up]
    rows = [row for role in kept if (row := run.store.submissions.serving(run.id, role)) is not None]
    try:
        return reconcile(dealings(run), rows).stored if rows else 0
    except ProviderUnavailableError:
        return 0


def _holders(execution: Execution) -> Iterator[tuple[Execution, Integers]]:
    """The other executions that have bought points of this one, at the same backends, with the places of these."""
    arrays = execution.store.submissions.parameters(execution.row.arrays_hash)
    providers = {
        backend_key(item.setting): run.provider
        for item, run in zip(execution.plan.backends, execution.runs, strict=True)
    }
    for owner in sorted(set(arrays["owner"].tolist()) - {0}):
        row = execution.store.sweeps.by_id(owner)
        plan = Plan.from_document(execution.store.sweeps.plan(row))
        if all(backend_key(item.setting) in providers for item in plan.backends):
            other = resume(execution.store, row, providers, clock=execution.run.clock)
            yield other, arrays["place"][arrays["owner"] == owner]


def _undecided(execution: Execution) -> bool:
    """Whether a plan waits for a person, without whom nobody may buy it: nothing of it was ever intended."""
    store = execution.store
    waits = store.runs.get(execution.run.id).state == "waiting"
    return waits and not any(store.submissions.states(run.id) for run in execution.runs)


def _jobs_of(execution: Execution, places: Integers) -> list[int]:
    """The jobs without an end that hold some points of an execution."""
    analysed = {run.id: set(run.store.runs.stage_names(run.id)) for run in execution.runs}
    states = job_states(execution)
    jobs: set[int] = set()
    for unit in execution.plan.units:
        first = execution.plan.groups[unit.group].first
        held = np.any((places >= first + unit.start) & (places < first + unit.stop))
        if held and unit.name not in analysed[execution.group_run(unit.group).id]:
            jobs |= {execution.plan.pieces[number].job for number in unit.pieces}
    return sorted(job for job in jobs if states[job] != FAILED_POINT)
