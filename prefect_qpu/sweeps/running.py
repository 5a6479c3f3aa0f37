"""Running a sweep from its stored plan: jobs are bought one by one, and analysed as they end.

All of it can be cut off at any moment and called again: what is stored is not done twice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import cast

from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import InvalidResultError, ProviderError, ProviderUnavailableError, QpuError
from prefect_qpu.jobs import FIRST_INTERVAL, GROWTH, Action, advance_in_time, intend, longest_interval
from prefect_qpu.latency import Clock
from prefect_qpu.mitigation import make_pub
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.records.sweeps import FAILED
from prefect_qpu.run import Run, open_run
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.plan import Piece, Plan

FETCHES = 5
"""How often a result is fetched that is not that of the request."""
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


def resume(store: RecordStore, row: SweepRow, providers: Providers, *, clock: Clock | None = None) -> Execution:
    """The stored execution, to go on with it."""
    clock = clock or store.clock
    plan = Plan.from_document(store.sweeps.plan(row))
    runs = tuple(_stored_run(store, item.run_id, providers[backend_key(item.setting)], clock) for item in plan.backends)
    return Execution(store, row, plan, runs)


def _stored_run(store: RecordStore, run_id: str, provider: Provider, clock: Clock) -> Run:
    row = store.runs.get(run_id)
    experiment = store.experiments.get(row.experiment_hash)
    return open_run(store, experiment, provider.pinned(row.backend["name"]), run_id=run_id, clock=clock)


def recorded(store: RecordStore, row: SweepRow) -> Execution:
    """The stored execution as it can be read and analysed: no provider is asked, so that it needs none."""
    nobody = cast("Provider", None)
    plan = Plan.from_document(store.sweeps.plan(row))
    runs = []
    for backend in plan.backends:
        run = store.runs.get(backend.run_id)
        experiment = store.experiments.get(run.experiment_hash)
        runs.append(Run(run.id, store=store, experiment=experiment, provider=nobody, seeds=run.seeds))
    return Execution(store, row, plan, tuple(runs))


def step(execution: Execution, job: int) -> Action:
    """Take the next step for a job: its intent is stored first, then it is sent, asked for, and its counts stored.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
        JobLostError: the provider does not know the job any more.
        JobInDoubtError: the request was sent with unknown effect to a provider that cannot be searched.
        JobRefusedError: the provider refuses the request.
        JobOverdueError: the job is past the deadline of its experiment.
        ProviderUnavailableError: nothing is known; call again later.
    """
    run, planned = execution.job_run(job), execution.plan.jobs[job]
    if run.store.submissions.serving(run.id, planned.role) is None:
        intend(run, planned.role, pubs_of(execution, job), seed=planned.seed)
    return advance_in_time(run, planned.role, attempts=None if run.provider.durable else _DEATHS)


def fail(execution: Execution, job: int, error: QpuError) -> None:
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

    A provider that cannot be reached is asked again after the pause that it asks for, and a result that is not that of
    the request is fetched again.
    """
    pause, broken = FIRST_INTERVAL, 0
    provider = execution.job_run(job).provider
    while True:
        try:
            action = step(execution, job)
        except ProviderUnavailableError as error:
            sleep(error.retry_after or longest_interval(provider))
            continue
        except ProviderError as error:
            broken += 1
            if not isinstance(error, InvalidResultError) or broken >= FETCHES:
                fail(execution, job, error)
                return False
            action = Action.WAIT
        if action is Action.FINISHED:
            return True
        if action is Action.WAIT:
            sleep(pause)
            pause = min(pause * GROWTH, longest_interval(provider))
