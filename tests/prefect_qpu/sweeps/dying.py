"""A sweep at the emulator in a process of its own, which is killed at a boundary that its parent names."""

import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from pydantic import SecretStr

from prefect_qpu.experiment import Experiment
from prefect_qpu.providers.ibm import IBMBackendSpec, IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.types import Limits
from prefect_qpu.records import RecordStore
from prefect_qpu.records.runs import Runs
from prefect_qpu.records.sweeps import Sweeps
from prefect_qpu.sweeps import Sweep
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.running import complete
from prefect_qpu.sweeps.starting import start
from tests.prefect_qpu.sweeps.documents import T, U, document

AXES = {T: {"start": 0.0, "stop": 3.0, "count": 5}, U: {"start": 0.0, "stop": 3.0, "count": 6}}


def the_sweep(axes: Any = None, **changes: Any) -> Sweep:
    settings: dict[str, Any] = {
        "experiment_backend": {"block": "ibm-quantum-backend/emulator"},
        "experiment_submission": {"settle": 0.5},
        "experiment_shots": 50,
        "packing": {"points_per_job": 10},
    }
    return Sweep.parse(document(axes or AXES, **settings | changes))


class Narrow(IBMQuantumProvider):
    """The same backend, if a job could hold fewer PUBs."""

    most = 0

    def limits(self) -> Limits:
        return Limits(max_pubs=self.most)


def narrow(most: int) -> IBMQuantumProvider:
    return provider(type("Narrow", (Narrow,), {"most": most}))


def provider(kind: type[IBMQuantumProvider] = IBMQuantumProvider) -> IBMQuantumProvider:
    account = IBMAccount(SecretStr("key"), os.environ["QISKIT_IBM_INSTANCE"], url=os.environ["QISKIT_IBM_URL"])
    return kind(IBMBackendSpec(backend="ibm_manila"), account)


def key_of(experiment: Experiment) -> str:
    return backend_key(experiment.document()["backend"])


def carry_out(url: str, run_id: str = "run-one", points_per_job: int = 10) -> None:
    swept = the_sweep(packing={"points_per_job": points_per_job})
    with RecordStore.open(url) as store:
        execution = start(store, swept, {key_of(swept.experiment): provider()}, run_id=run_id)
        for job in range(len(execution.plan.jobs)):
            complete(execution, job, time.sleep)
            analyse_ready(execution, job)
        finish(execution)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_after(owner: type, verb: str, times: int = 1) -> None:
    original, calls = getattr(owner, verb), iter(range(1, 1_000_000))

    def killing(*args: Any, **kwargs: Any) -> Any:
        answer = original(*args, **kwargs)
        if next(calls) == times:
            die()
        return answer

    setattr(owner, verb, killing)


BOUNDARIES: dict[str, Callable[[], None]] = {
    "the plan is stored": lambda: killed_after(Sweeps, "start"),
    "the first acceptance": lambda: killed_after(IBMQuantumProvider, "submit"),
    "the second result is fetched": lambda: killed_after(IBMQuantumProvider, "result", times=2),
    "the second estimates": lambda: killed_after(Runs, "complete_stage"),
    "nothing": lambda: None,
}
LONG = "a long sweep"
"""As many small jobs as make the sweep last under many kills."""

if __name__ == "__main__":
    BOUNDARIES.get(sys.argv[2], lambda: None)()
    carry_out(sys.argv[1], points_per_job=1 if sys.argv[2] == LONG else 10)
