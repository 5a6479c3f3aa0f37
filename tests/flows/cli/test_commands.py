"""Every command on a store with one run: what it prints, as JSON and for people."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import pytest
from jsonschema import Draft202012Validator

from prefect_qpu.experiment import AerBackendSpec, Experiment
from prefect_qpu.jobs import complete
from prefect_qpu.loading import read_document
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import HEAD_REVISION, RecordStore
from prefect_qpu.run import open_run
from prefect_qpu.stages.baseline import baseline
from prefect_qpu.stages.compare import compare
from prefect_qpu.stages.execute import PRIMARY, mitigate, submit
from prefect_qpu.stages.promote import promote
from prefect_qpu.summary import RunSummary
from tests.experiments import GHZ, ghz

NAME = "[/] :beam: ghz"
"""A name that a terminal library would take for its markup."""

FILE = """name: ghz
workload: {kind: circuit, file: "ghz state.qasm", observables: {parity: ZZZZ}}
backend: {kind: aer, device: FakeManilaV2}
"""


EXAMPLES = sorted((Path(__file__).parents[3] / "examples").glob("*.yaml"))
SWEEPS = [example for example in EXAMPLES if "axes" in read_document(example)]


class Stored(NamedTuple):
    url: str
    run_id: str


Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """A run taken through all stages of the quantum path, without Prefect."""
    url = f"sqlite:///{tmp_path_factory.mktemp('stored')}/records.db"
    experiment = ghz(name=NAME)
    with RecordStore.open(url) as store:
        run = open_run(store, experiment, AerProvider(AerBackendSpec(device="FakeManilaV2")))
        promote(run)
        submit(run)
        complete(run, PRIMARY)
        baseline(run)
        mitigate(run)
        run.finish("promoted")
        compare(run)
    return Stored(url, run.id)


@pytest.fixture
def ask(cli: Cli, stored: Stored) -> Callable[..., str]:
    """What a command answers on the store with one run."""

    def answer(*arguments: str) -> str:
        code, out, err = cli(*arguments, "--store", stored.url)
        assert (code, err) == (0, "")
        return out

    return answer


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a space in its name, an experiment, and the circuit that it names."""
    place = tmp_path / "beam time"
    place.mkdir()
    (place / "my ghz.yaml").write_text(FILE)
    (place / "ghz state.qasm").write_text(GHZ)
    return place


def test_runs_lists_the_stored_runs(ask: Callable[..., str], stored: Stored) -> None:
    (row,) = json.loads(ask("runs", "--json"))
    assert set(row) == {"run_id", "name", "backend", "outcome", "source", "started_at"}
    assert (row["run_id"], row["name"], row["outcome"]) == (stored.run_id, NAME, "promoted")
    line = ask("runs").splitlines()[-1]
    assert stored.run_id[:8] in line
    assert NAME in line
    assert len(line) < 100


def test_runs_of_another_name_are_none(ask: Callable[..., str]) -> None:
    assert json.loads(ask("runs", "--name", "bell", "--json")) == []
    assert ask("runs", "--name", "bell") == "no runs\n"


def test_show_takes_the_beginning_of_an_id(ask: Callable[..., str], stored: Stored) -> None:
    whole, beginning = (ask("show", given, "--json") for given in (stored.run_id, stored.run_id[:6]))
    assert whole == beginning
    assert RunSummary.model_validate_json(whole).run_id == stored.run_id


def test_show_prints_what_a_person_wants_to_know(ask: Callable[..., str], stored: Stored) -> None:
    shown = ask("show", stored.run_id)
    for told in (NAME, "promoted", "quantum path on aer-manila, a simulator", "parity", "±", "classical better"):
        assert told in shown
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines() if line.startswith("  ") and " " in line.strip())
    assert lines["run"] == stored.run_id
    assert lines["report"].endswith(f"/reports/{stored.run_id}.html")
    assert not any(line != line.rstrip() for line in shown.splitlines())


def test_report_writes_the_page_where_it_is_asked_to(ask: Callable[..., str], stored: Stored, tmp_path: Path) -> None:
    printed = Path(ask("report", stored.run_id[:8], "--folder", str(tmp_path / "new" / "pages")).strip())
    assert printed == tmp_path / "new" / "pages" / f"{stored.run_id}.html"
    assert "<html" in printed.read_text()


def test_report_without_a_folder_writes_beside_the_store(ask: Callable[..., str], stored: Stored) -> None:
    printed = Path(ask("report", stored.run_id).strip())
    assert printed.parent == Path(stored.url.removeprefix("sqlite:///")).parent / "reports"
    assert printed.exists()


def test_replay_repeats_every_number_to_the_last_bit(ask: Callable[..., str], stored: Stored) -> None:
    found = json.loads(ask("replay", stored.run_id[:6], "--json"))
    assert (found["run_id"], found["identical"]) == (stored.run_id, True)
    assert {row["observable"] for row in found["estimates"]} == {"parity", "energy"}
    assert ask("replay", stored.run_id).endswith(f"{stored.run_id}: identical to the last bit\n")


def test_a_replay_that_differs_fails_and_shows_both(cli: Cli, stored: Stored, tmp_path: Path) -> None:
    source, changed = sqlite3.connect(stored.url.removeprefix("sqlite:///")), sqlite3.connect(tmp_path / "changed.db")
    with closing(source), closing(changed):
        source.backup(changed)
        changed.execute("update estimates set value = 0.125 where observable = 'parity' and source = 'quantum'")
        changed.commit()
    code, out, err = cli("replay", stored.run_id, "--store", f"sqlite:///{tmp_path}/changed.db")
    assert (code, err) == (1, "")
    assert "stored: 0.12500" in out
    assert "NOT identical" in out


@pytest.mark.parametrize("what", ["experiment", "sweep", "run"])
def test_schema_prints_a_json_schema(cli: Cli, what: str) -> None:
    code, out, err = cli("schema", what)
    assert (code, err) == (0, "")
    Draft202012Validator.check_schema(json.loads(out))


def test_a_shown_run_is_valid_under_the_schema_of_runs(ask: Callable[..., str], cli: Cli, stored: Stored) -> None:
    schema = json.loads(cli("schema", "run")[1])
    Draft202012Validator(schema).validate(json.loads(ask("show", stored.run_id, "--json")))


def test_a_good_experiment_is_valid_under_the_schema_of_experiments(cli: Cli) -> None:
    schema = json.loads(cli("schema", "experiment")[1])
    Draft202012Validator(schema).validate(ghz().document())
    for example in set(EXAMPLES) - set(SWEEPS):
        Draft202012Validator(schema).validate(read_document(example))
    assert set(schema["properties"]) == set(Experiment.model_fields)


@pytest.mark.parametrize("change", [{"shots": 0}, {"workload": {"kind": "circuit", "file": 3}}, {"backends": {}}])
def test_a_bad_experiment_is_not_valid_under_the_schema(cli: Cli, change: dict[str, object]) -> None:
    schema = json.loads(cli("schema", "experiment")[1])
    assert list(Draft202012Validator(schema).iter_errors(ghz().document() | change))


ANGLES: dict[str, object] = {"workload.parameters.theta": [0.0, 0.5]}
GOOD_AXES: list[object] = [
    ANGLES,
    {"shots": {"start": 1, "stop": 9, "count": 3, "scale": "log"}},
    {"kind": "zip", "axes": {"backend": ["aer", {"block": "ibm-quantum-backend/main"}], "seed": [1, 2]}},
    {"kind": "sobol", "axes": {"workload.parameters.theta": {"start": 0, "stop": 1}}, "points": 8},
    {"kind": "table", "file": "points.csv"},
    [ANGLES, {"kind": "grid", "axes": {"replicate": [0, 1]}}],
]
BAD_AXES: list[object] = [
    {},
    [],
    {"colour": [1]},
    {"shots": 3},
    {"kind": "star", "axes": ANGLES},
    {"kind": "sobol", "axes": {"shots": [1]}, "points": 8},
]


@pytest.mark.parametrize("axes", GOOD_AXES)
def test_a_good_sweep_is_valid_under_the_schema_of_sweeps(cli: Cli, axes: object) -> None:
    checks = Draft202012Validator(json.loads(cli("schema", "sweep")[1]))
    for experiment in ("ghz.yaml", ghz().document()):
        checks.validate({"experiment": experiment, "axes": axes})
    for example in SWEEPS:
        checks.validate(read_document(example))


@pytest.mark.parametrize("axes", BAD_AXES)
def test_a_bad_sweep_is_not_valid_under_the_schema(cli: Cli, axes: object) -> None:
    checks = Draft202012Validator(json.loads(cli("schema", "sweep")[1]))
    assert list(checks.iter_errors({"experiment": "ghz.yaml", "axes": axes}))


def test_the_database_is_upgraded_and_tells_its_revision(cli: Cli, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new folder/records.db"
    assert cli("db", "upgrade", "--store", url) == (0, f"{HEAD_REVISION}\n", "")
    assert cli("db", "current", "--store", url) == (0, f"{HEAD_REVISION}\n", "")
    assert cli("runs", "--store", url) == (0, "no runs\n", "")


def test_validate_prints_hash_and_size(cli: Cli, folder: Path) -> None:
    code, out, err = cli("validate", str(folder / "my ghz.yaml"), "--json")
    found = json.loads(out)
    assert (code, err, found["valid"]) == (0, "", True)
    assert (found["name"], found["qubits"], found["two_qubit_gates"], len(found["hash"])) == ("ghz", 4, 3, 64)
    told = cli("validate", str(folder / "my ghz.yaml"))[1]
    assert told.startswith(f"{folder}/my ghz.yaml is valid\n  name")
    assert found["hash"] in told


@pytest.mark.parametrize("cwd", [".", "beam time", "/"])
def test_paths_are_relative_to_the_experiment_file(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch, cwd: str
) -> None:
    expected = json.loads(cli("validate", str(folder / "my ghz.yaml"), "--json")[1])["hash"]
    monkeypatch.chdir(folder.parent / cwd)
    given = {".": "beam time/my ghz.yaml", "beam time": "my ghz.yaml", "/": str(folder / "my ghz.yaml")}[cwd]
    assert json.loads(cli("validate", given, "--json")[1])["hash"] == expected


def test_set_and_backend_replace_settings(cli: Cli, folder: Path) -> None:
    def found(*options: str) -> str:
        hashed: str = json.loads(cli("validate", str(folder / "my ghz.yaml"), *options, "--json")[1])["hash"]
        return hashed

    text = FILE.replace("FakeManilaV2", "FakeLimaV2") + "shots: 100\npromotion: {tolerance: 1e-9}\n"
    (folder / "other.yaml").write_text(text)
    options = ("--set", "shots=100", "--set", "promotion.tolerance=1e-9", "--backend", "FakeLimaV2")
    assert found(*options) == json.loads(cli("validate", str(folder / "other.yaml"), "--json")[1])["hash"] != found()


def test_a_layout_for_a_device_in_a_block_is_checked_when_the_block_is_known(cli: Cli, folder: Path) -> None:
    options = ("--backend", "aer-backend/manila", "--set", "transpile.initial_layout=[3, 2, 1, 0]")
    assert cli("validate", str(folder / "my ghz.yaml"), *options)[0] == 0


def test_what_user_code_prints_is_no_part_of_the_answer(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = "from qiskit import QuantumCircuit\ndef made():\n    print('made')\n    return QuantumCircuit(1)\n"
    (folder / "talking_lab.py").write_text(code)
    (folder / "made.yaml").write_text(
        "name: made\nworkload: {kind: circuit, python: 'talking_lab:made', observables: {z: Z}}"
    )
    monkeypatch.syspath_prepend(str(folder))
    _, out, err = cli("validate", str(folder / "made.yaml"), "--json")
    assert json.loads(out)["valid"]
    assert err == "made\n"


LIGHT = {
    "--help": ("prefect", "qiskit", "sqlalchemy", "numpy"),
    "run --help": ("prefect", "qiskit", "sqlalchemy", "numpy"),
    "--version": ("prefect", "qiskit", "sqlalchemy", "numpy"),
    "schema run": ("prefect", "qiskit", "sqlalchemy", "numpy"),
    "schema experiment": ("prefect", "sqlalchemy", "qiskit_aer"),
    "schema sweep": ("prefect", "qiskit_aer", "matplotlib", "pandas"),
    "runs": ("prefect", "qiskit_aer", "matplotlib", "jinja2"),
}


@pytest.mark.parametrize("line", LIGHT)
def test_a_command_imports_only_what_it_needs(stored: Stored, line: str) -> None:
    code = (
        "import sys; from prefect_qpu.flows.cli import execute\n"
        f"code = execute({line.split()!r})\n"
        f"print(code, *[name for name in {LIGHT[line]!r} if name in sys.modules], file=sys.stderr)"
    )
    environment = {"PREFECT_QPU_STORE": stored.url, "PATH": "", "PYTHONPATH": ":".join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stderr.strip() == "0"
    assert done.stdout


@pytest.mark.parametrize(
    "command", ["run", "validate", "runs", "show", "report", "replay", "schema", "db", "db upgrade"]
)
def test_every_command_explains_its_arguments(cli: Cli, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    code, out, err = cli(*command.split(), "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: prefect-qpu {command}")
    assert "\x1b" not in out
    assert all(len(line) <= 80 for line in out.splitlines())


def test_the_version_is_that_of_the_package(cli: Cli) -> None:
    assert cli("--version") == (0, f"{version('prefect-qpu')}\n", "")


def test_compare_prints_a_row_for_each_run_with_units(ask: Callable[..., str], stored: Stored, tmp_path: Path) -> None:
    heading, row = ask("compare").splitlines()
    assert {"run_id", "verdict", "quantum_wall_s", "classical_s"} <= set(heading.split(","))
    assert row.startswith(stored.run_id)
    (found,) = json.loads(ask("compare", "--format", "json"))
    assert (found["run_id"], found["verdict"]) == (stored.run_id, "classical better")
    assert ask("compare", "--format", "parquet", "--file", str(tmp_path / "runs.parquet")) == ""
    assert (tmp_path / "runs.parquet").read_bytes()[:4] == b"PAR1"
    (repeats,) = json.loads(ask("compare", "--stability", "--format", "json"))
    assert repeats["repeats"] == 1


def test_compare_needs_a_file_for_parquet(cli: Cli, stored: Stored) -> None:
    code, out, err = cli("compare", "--format", "parquet", "--store", stored.url)
    assert (code, out) == (2, "")
    assert err == "error: --file: got nothing, expected where to write the Parquet file.\n"
