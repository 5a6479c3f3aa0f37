"""Running sweeps on simulators, without Prefect."""

import time
from collections.abc import Mapping
from typing import Any

from prefect_qpu.experiment import AerBackendSpec, Experiment
from prefect_qpu.providers import Limits
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps import Sweep
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.points import expand
from prefect_qpu.sweeps.running import Execution, complete
from prefect_qpu.sweeps.starting import start


class Limited(AerProvider):
    """A simulator whose jobs are as small as a test wants."""

    most = Limits()

    def limits(self) -> Limits:
        return self.most


def limited(**limits: int) -> type[Limited]:
    return type("Limited", (Limited,), {"most": Limits(**limits)})


def providers(sweep: Sweep, kind: type[AerProvider] = AerProvider) -> dict[str, AerProvider]:
    made: dict[str, AerProvider] = {}
    for group in expand(sweep).groups:
        assert isinstance(group.experiment.backend, AerBackendSpec)
        made.setdefault(key_of(group.experiment), kind(group.experiment.backend))
    return made


def key_of(experiment: Experiment) -> str:
    setting: Mapping[str, Any] = experiment.document()["backend"]
    return backend_key(setting)


def planned(
    store: RecordStore, sweep: Sweep, run_id: str = "run-one", kind: type[AerProvider] = AerProvider
) -> Execution:
    return start(store, sweep, providers(sweep, kind), run_id=run_id)


def executed(
    store: RecordStore, sweep: Sweep, run_id: str = "run-one", kind: type[AerProvider] = AerProvider
) -> Execution:
    execution = planned(store, sweep, run_id, kind)
    for job in range(len(execution.plan.jobs)):
        complete(execution, job, time.sleep)
        analyse_ready(execution, job)
    finish(execution)
    return execution
