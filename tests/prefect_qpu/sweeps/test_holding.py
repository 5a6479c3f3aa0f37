"""One process carries out a sweep, as long as it lives."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from prefect_qpu.errors import InputError
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.holding import hold
from tests.prefect_qpu.sweeps.documents import T, sweep
from tests.prefect_qpu.sweeps.executing import planned

HOLDER = """
import sys
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.holding import hold
with RecordStore.open(sys.argv[1]) as store:
    hold(store, "run-one")
print("held", flush=True)
sys.stdin.read()
"""


def test_a_living_process_keeps_others_away_and_a_dead_one_does_not(store: RecordStore, store_url: str) -> None:
    planned(store, sweep({T: [0.0]}))
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", HOLDER, store_url]
    with subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=re.escape(f"which process {other.pid} carries out")):
            hold(store, "run-one")
        other.kill()
        other.wait()
    hold(store, "run-one")
    hold(store, "run-one")
