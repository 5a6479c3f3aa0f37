"""A run in a process of its own that is killed at a named boundary, or whenever its parent likes."""

import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from prefect_qpu.errors import InvalidResultError, ProviderUnavailableError
from prefect_qpu.experiment import Experiment
from prefect_qpu.jobs import Action
from prefect_qpu.providers.ibm import IBMBackendSpec, IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.records import RecordStore
from prefect_qpu.records.statuses import Statuses
from prefect_qpu.records.submissions import Submissions
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import mitigate, poll, submit
from prefect_qpu.stages.transpile import transpile

BACKEND = "ibm_manila"
QASM = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
SETTLE = 3.0
"""Seconds for which a job may still appear; the emulator accepts what it has read at once."""
INSIDE = 0.03
"""Seconds between the start of a step and the kill inside of it."""


def experiment(replicate: int) -> Experiment:
    """A Bell state, of which each replicate is a job of its own."""
    return Experiment.parse(
        {
            "name": "bell",
            "workload": {"kind": "circuit", "qasm": QASM, "observables": {"zz": "ZZ"}},
            "backend": {"block": "ibm-quantum-backend/emulator"},
            "shots": 100,
            "seed": 7,
            "replicate": replicate,
            "submission": {"settle": SETTLE},
        }
    )


def provider() -> IBMQuantumProvider:
    """The service that the environment names."""
    account = IBMAccount(
        SecretStr(os.environ["QISKIT_IBM_TOKEN"]), os.environ["QISKIT_IBM_INSTANCE"], url=os.environ["QISKIT_IBM_URL"]
    )
    return IBMQuantumProvider(IBMBackendSpec(backend=BACKEND), account)


def run_to_the_end(store_url: str, replicate: int, boundary: str | None) -> None:
    """What a flow run does with its job, from the intent to the estimates; killed at the boundary, if there is one."""
    if boundary is not None:
        BOUNDARIES[boundary]()
    with RecordStore.open(store_url) as store:
        run = open_run(store, experiment(replicate), provider(), run_id=f"run-{replicate:04d}")
        _patiently(lambda: transpile(run))
        _patiently(lambda: submit(run))
        while _patiently(lambda: poll(run)) is not Action.FINISHED:
            threading.Event().wait(0.05)
        mitigate(run)
        run.finish("promoted")


def _patiently(step: Callable[[], Any]) -> Any:
    while True:
        try:
            return step()
        except (ProviderUnavailableError, InvalidResultError):
            threading.Event().wait(0.2)


def started(store_url: str, replicate: int, boundary: str | None = None) -> int:
    """The id of a new process in which the run goes on."""
    pid = os.fork()
    if pid:
        return pid
    try:
        log = os.open(
            Path(store_url.removeprefix("sqlite:///")).with_suffix(".log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT
        )
        os.dup2(log, 1)
        os.dup2(log, 2)
        run_to_the_end(store_url, replicate, boundary)
    except BaseException:  # noqa: BLE001 - the parent learns of it by the exit code
        import traceback

        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def die() -> None:
    """End this process as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def _before(owner: type, verb: str, times: int = 1) -> Callable[[], None]:
    return lambda: _patch(owner, verb, times, before=True)


def _after(owner: type, verb: str, times: int = 1) -> Callable[[], None]:
    return lambda: _patch(owner, verb, times, before=False)


def _patch(owner: type, verb: str, times: int, *, before: bool) -> None:
    original, calls = getattr(owner, verb), iter(range(1, 1_000_000))

    def killed(*args: Any, **kwargs: Any) -> Any:
        last = next(calls) >= times
        if last and before:
            die()
        answer = original(*args, **kwargs)
        if last:
            die()
        return answer

    setattr(owner, verb, killed)


def _inside(owner: type, verb: str) -> Callable[[], None]:
    def patch() -> None:
        original = getattr(owner, verb)

        def killed(*args: Any, **kwargs: Any) -> Any:
            threading.Timer(INSIDE, die).start()
            return original(*args, **kwargs)

        setattr(owner, verb, killed)

    return patch


BOUNDARIES: dict[str, Callable[[], None]] = {
    "before the intent": _before(Submissions, "intend"),
    "after the intent": _after(Submissions, "intend"),
    "after the claim": _after(Statuses, "claim"),
    "inside submit": _inside(IBMQuantumProvider, "submit"),
    "after acceptance, before the job id is stored": _before(Statuses, "accepted"),
    "after the job id is stored": _after(Statuses, "accepted"),
    "while polling": _after(IBMQuantumProvider, "status", times=2),
    "inside fetching": _inside(IBMQuantumProvider, "result"),
    "after fetching, before the results are stored": _before(Submissions, "store_results"),
    "between store and mitigate": _after(Submissions, "store_results"),
}
