"""Real processes that do the same at the same moment."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prefect_qpu.records import HEAD_REVISION, RecordStore, current_revision, schema

RACERS = 3
ROOT = Path(__file__).parents[3]


def race(action: str, url: str) -> list[object]:
    """What each process got."""
    command = [sys.executable, "-m", "tests.prefect_qpu.records.racer", action, url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    racers = [subprocess.Popen([*command, f"run-{index}"], cwd=ROOT, text=True, **pipes) for index in range(RACERS)]
    for racer in racers:
        assert racer.stdout is not None
        racer.stdout.readline()
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    told = [racer.communicate(timeout=60) for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * RACERS, told
    return [json.loads(output) for output, _ in told]


@pytest.mark.slow
def test_processes_that_open_a_new_store_together_all_succeed(empty_url: str) -> None:
    assert race("open", empty_url) == ["opened"] * RACERS
    assert current_revision(empty_url) == HEAD_REVISION


@pytest.mark.slow
def test_processes_that_intend_together_end_with_one_row_each(
    store: RecordStore, store_url: str, started: Callable[..., str]
) -> None:
    for index in range(RACERS):
        started(f"run-{index}")
    first, *others = race("intend", store_url)
    assert others == [first] * (RACERS - 1)
    with store._database.reading() as session:
        assert session.query(schema.Submission).filter_by(attempt=1).count() == 60
        assert session.query(schema.Submission).filter_by(attempt=2).count() == 20
        assert session.query(schema.Submission).count() == 80
