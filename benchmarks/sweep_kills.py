"""A sweep at the emulator, killed at random moments and started again each time: what is bought, and what is measured.

Usage: python -m benchmarks.sweep_kills [KILLS]
"""

import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.plan import Plan
from tests.prefect_qpu.emulator.emulators import Emulator, emulator

KILLS = 20
LONGEST = 9.0
"""Seconds after which a process is killed at the latest; it takes some four to start."""


def main(kills: int = KILLS) -> None:
    with (
        tempfile.TemporaryDirectory() as scratch,
        emulator(Path(scratch) / "emulator", "--device", "manila") as service,
    ):
        # Each job takes a while, so that most kills meet one that is out.
        service.set(run_s=1.5)
        url, chance = f"sqlite:///{scratch}/records.db", random.Random(7)
        killed = sum(_killed(service, url, 3.0 + chance.random() * (LONGEST - 3.0)) for _ in range(kills))
        service.set(run_s=0)
        _process(service, url).wait()
        print(_told(service, url, killed))


def _killed(service: Emulator, url: str, seconds: float) -> bool:
    process = _process(service, url)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return True
    return False


def _process(service: Emulator, url: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-W", "ignore", "-m", "tests.prefect_qpu.sweeps.dying", url, "a long sweep"]
    return subprocess.Popen(command, env={**os.environ, **service.environment}, stderr=subprocess.DEVNULL)


def _told(service: Emulator, url: str, killed: int) -> dict[str, Any]:
    with RecordStore.open(url) as store:
        row = store.sweeps.get("run-one")
        plan, table = Plan.from_document(store.sweeps.plan(row)), frame(store, row)
        measured = table[table["state"] == "measured"][["key", "method", "observable"]]
    return {
        "kills": killed,
        "jobs planned": len(plan.jobs),
        "jobs bought": service.ask("GET", "/jobs")["count"],
        "points planned": plan.bought,
        "points measured": int(measured["key"].nunique()),
        "points measured twice": int(measured.duplicated().sum()),
    }


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
