"""`Run`: one execution of an experiment, bound to its record store and its provider."""

import platform
import secrets
import uuid
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Literal

from prefect_qpu.experiment import Experiment, Promotion
from prefect_qpu.hashing import derive_seed
from prefect_qpu.latency import Clock, Span, measured
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore, RunRow

PACKAGES = ("prefect-qpu", "prefect", "qiskit", "qiskit-aer", "qiskit-ibm-runtime", "numpy", "sqlalchemy")
PURPOSES = ("smoke-ideal", "smoke-noise", "fallback")


Outcome = Literal["promoted", "fallback", "held", "rejected", "failed"]


class Run:
    """One execution of an experiment. All that it learns is in the store; this object only points to it.

    Open one with `open_run`; opening the same id again continues the stored run.
    """

    __slots__ = ("clock", "experiment", "id", "process", "provider", "seeds", "store")

    def __init__(
        self,
        run_id: str,
        *,
        store: RecordStore,
        experiment: Experiment,
        provider: Provider,
        seeds: Mapping[str, int],
        clock: Clock | None = None,
    ) -> None:
        self.id, self.store, self.experiment, self.provider = run_id, store, experiment, provider
        self.seeds, self.clock = seeds, clock or store.clock
        self.process = uuid.uuid4().hex

    @property
    def policy(self) -> Promotion:
        """The gate's policy; its block was resolved before the run was opened."""
        if not isinstance(self.experiment.promotion, Promotion):
            raise TypeError("the policy's block is not resolved")
        return self.experiment.promotion

    def measured(self, stage: str) -> AbstractContextManager[None]:
        """Store a span of the enclosed block."""
        return measured(stage, self.keep, self.clock)

    def keep(self, span: Span) -> None:
        """Store a span."""
        self.store.runs.add_span(self.id, span)

    def stage(self, name: str) -> dict[str, Any] | None:
        """The stored output of a stage, or none if it has not ended."""
        return self.store.runs.stage(self.id, name)

    def finish(self, outcome: Outcome, *, error: str | None = None) -> None:
        """Store how the run ended, and which path gave its answer."""
        answer = self.stage("fallback") if outcome == "fallback" else None
        self.store.runs.finish(
            self.id,
            state="failed" if outcome == "failed" else "ended",
            outcome=outcome,
            source=answer["source"] if answer else "quantum" if outcome == "promoted" else None,
            error=error,
            now=self.clock(),
        )

    def once(self, name: str, work: Callable[[], Mapping[str, Any]]) -> dict[str, Any]:
        """The output of a stage: stored, or made, measured and stored now. A repeated call does no work again."""
        stored = self.stage(name)
        if stored is not None:
            return stored
        with self.measured(name):
            document = work()
        return self.store.runs.complete_stage(self.id, name, document, self.clock())


def open_run(
    store: RecordStore,
    experiment: Experiment,
    provider: Provider,
    *,
    run_id: str | None = None,
    flow_run_id: str | None = None,
    clock: Clock | None = None,
) -> Run:
    """A new run, or the stored run of this id with the seeds that it had; for a stored one, nobody is asked.

    Args:
        store: The system of record.
        experiment: What to run, with all blocks resolved.
        provider: Where to run it.
        run_id: Id to use or to continue; none makes a new one.
        flow_run_id: The Prefect flow run.
        clock: Source of the time; none takes the store's, which all hosts share.
    """
    clock = clock or store.clock
    row = (store.runs.find(run_id) if run_id else None) or _start(
        store, experiment, provider, run_id or str(uuid.uuid4()), flow_run_id, clock
    )
    return Run(row.id, store=store, experiment=experiment, provider=provider, seeds=row.seeds, clock=clock)


def _start(
    store: RecordStore, experiment: Experiment, provider: Provider, run_id: str, flow_run_id: str | None, clock: Clock
) -> RunRow:
    calibration = provider.calibration()
    return store.runs.start(
        run_id,
        store.experiments.add(experiment),
        backend=provider.describe(),
        seeds=seeds_for(experiment),
        versions=versions(),
        flow_run_id=flow_run_id,
        calibration_hash=store.calibrations.add(calibration) if calibration else None,
        now=clock(),
    )


def seeds_for(experiment: Experiment) -> dict[str, int]:
    """The seed of each purpose: the experiment's for transpiler and executor, derived ones for other simulations."""
    seed = experiment.seed if experiment.seed is not None else secrets.randbelow(2**31)
    own = {"experiment": seed, "transpile": experiment.transpile.seed, "execute": seed}
    derived = {purpose: derive_seed(seed, purpose) for purpose in PURPOSES}
    return {name: seed if value is None else value for name, value in own.items()} | derived


def versions() -> dict[str, str]:
    """Versions of what computes the numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
