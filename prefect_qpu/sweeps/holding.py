"""Who carries out a sweep: one process on one machine, as long as it lives."""

import os
import socket
from pathlib import Path

from prefect_qpu.errors import InputError
from prefect_qpu.records import RecordStore

HELD = "held-"
"""First part of the marks of processes that carried out a run."""


def hold(store: RecordStore, run_id: str) -> None:
    """Mark that this process carries out the run.

    Raises:
        InputError: another process of this machine does, and lives; two would simulate the same jobs in turns.
    """
    for mark in store.runs.stage_names(run_id):
        if mark.startswith(HELD) and mark != _mark(os.getpid()) and _alive(mark):
            raise InputError(
                "sweep",
                given=f"run {run_id}, which process {mark.split('-')[1]} carries out",
                expected="a sweep that no other process carries out",
                hint="Wait for its end, or stop it; then this one goes on where it was.",
            )
    store.runs.complete_stage(run_id, _mark(os.getpid()), {}, store.clock())


def _mark(process: int) -> str:
    """A name that no other process has, also if its number comes again."""
    return f"{HELD}{process}-{_started(process)}-{socket.gethostname()}"


def _alive(mark: str) -> bool:
    process, started, host = mark.removeprefix(HELD).split("-", maxsplit=2)
    if host != socket.gethostname():
        return False
    try:
        os.kill(int(process), 0)
    except (ProcessLookupError, PermissionError):
        return False
    return _started(int(process)) == started


def _started(process: int) -> str:
    """When a process was started, in ticks since the start of the machine; 0 where that is not told."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"
