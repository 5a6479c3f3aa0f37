"""`run` and `replay --again`: on the server of these tests, and with the embedded one of a fresh home."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from prefect_qpu.records import RecordStore
from prefect_qpu.summary import RunSummary
from tests.experiments import GHZ
from tests.flows.cli.test_commands import FILE

pytestmark = pytest.mark.server

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "beam time").mkdir()
    (tmp_path / "beam time" / "ghz state.qasm").write_text(GHZ)
    experiment = tmp_path / "beam time" / "my ghz.yaml"
    experiment.write_text(FILE + "shots: 500\nseed: 7\n")
    return str(experiment)


@pytest.fixture
def live(cli: Cli, prefect_server: None) -> Cli:
    """The command line where a Prefect server runs already."""
    return cli


def test_run_prints_the_summary_as_json_and_nothing_else(
    live: Cli, file: str, store: RecordStore, tmp_path: Path
) -> None:
    code, out, err = live("run", file, "--json", "--report-folder", str(tmp_path / "pages"), "--set", "shots=100")
    summary = RunSummary.model_validate_json(out)
    assert (code, summary.outcome, summary.source, summary.experiment.shots) == (0, "promoted", "quantum", 100)
    assert [path.stem for path in (tmp_path / "pages").iterdir()] == [summary.run_id]
    assert [row.id for row in store.runs.list()] == [summary.run_id]
    assert "Traceback" not in err


def test_another_backend_takes_the_place_of_the_one_in_the_file(live: Cli, file: str) -> None:
    code, out, _ = live("run", file, "--backend", "FakeLimaV2")
    assert code == 0
    assert out.startswith("✓ ghz: promoted\n  answer      quantum path on aer-lima, a simulator\n")


def test_a_run_without_a_seed_is_run_again_under_the_one_that_it_drew(live: Cli, file: str) -> None:
    first = json.loads(live("run", file, "--set", "seed=null", "--json")[1])
    code, out, _ = live("replay", first["run_id"][:8], "--again", "--json")
    found = json.loads(out)
    assert (code, found["run_id"], found["identical"]) == (0, first["run_id"], True)
    assert found["again"] != first["run_id"]
    assert [row["difference"] for row in found["estimates"]] == [0.0]


def test_two_runs_stand_side_by_side(live: Cli, file: str) -> None:
    first = json.loads(live("run", file, "--json")[1])["run_id"]
    code, out, _ = live("replay", first, "--again")
    assert code == 0
    assert f"before: {first}\nagain: " in out
    assert "+0.00" in out


def test_a_refused_run_answers_from_a_labelled_fallback(live: Cli, file: str) -> None:
    code, out, _ = live("run", file, "--set", "promotion.tolerance=1e-9")
    assert code == 0
    assert out.startswith("↪ ghz: fallback\n  answer      simulator (fallback)\n")


def test_a_refused_run_without_fallback_has_no_answer(live: Cli, file: str) -> None:
    options = ("--set", "fallback=[]", "--set", "promotion.tolerance=1e-9")
    code, out, _ = live("run", file, *options, "--json")
    summary = RunSummary.model_validate_json(out)
    assert (code, summary.outcome, summary.source, summary.estimates) == (3, "rejected", None, [])
    assert live("run", file, *options)[1].startswith("✗ ghz: rejected\n  answer      no answer\n")


def test_a_flow_that_fails_leaves_no_answer(live: Cli, file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("out of memory")

    monkeypatch.setattr("prefect_qpu.stages.smoke_test._simulate", broken)
    code, out, err = live("run", file)
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].startswith("error: the run failed: ")
    assert "out of memory" in err.splitlines()[-1]


def test_a_block_that_does_not_exist_is_told_before_anything_is_stored(
    live: Cli, file: str, store: RecordStore
) -> None:
    for field, options in {
        "backend": ("--backend", "aer-backend/nowhere"),
        "promotion": ("--set", "promotion={block: promotion-policy/nowhere}"),
    }.items():
        code, out, err = live("run", file, *options)
        assert (code, out) == (2, "")
        assert f"error: {field}: got '" in err
        assert "/nowhere', expected the name of a saved block" in err
        assert "Traceback" not in err
    with store._database.reading() as session:
        assert session.connection().exec_driver_sql("select count(*) from experiments").scalar() == 0


def test_a_device_in_a_block_that_is_too_small_is_told_before_anything_is_stored(
    live: Cli, file: str, store: RecordStore
) -> None:
    from prefect_qpu.blocks import AerBackend

    AerBackend(device="FakeArmonkV2").save("too-small", overwrite=True)
    code, out, err = live("run", file, "--backend", "aer-backend/too-small")
    assert (code, out) == (2, "")
    assert "error: backend: got 'aer-armonk with 1 qubits', expected at least 4 qubits." in err
    assert store.runs.list() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "code", "outcome"), [((), 0, "promoted"), (("--set", "promotion.approval=always"), 3, "held")]
)
def test_the_installed_command_needs_nothing_but_a_home(
    tmp_path: Path, file: str, options: tuple[str, ...], code: int, outcome: str
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT")}
    command = [sys.executable, "-c", "from prefect_qpu.flows.cli import main; main()"]
    done = subprocess.run(
        [*command, "run", file, "--json", *options],
        cwd=home,
        env=kept | {"HOME": str(home), "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    summary = RunSummary.model_validate_json(done.stdout)
    assert (done.returncode, summary.outcome) == (code, outcome)
    assert "Starting an embedded Prefect server" in done.stderr
    assert "Traceback" not in done.stderr
    assert (home / ".prefect-qpu" / "records.db").exists()
    assert (home / ".prefect-qpu" / "reports" / f"{summary.run_id}.html").exists()
