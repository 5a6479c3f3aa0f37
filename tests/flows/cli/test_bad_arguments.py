"""Commands, options, stores, folders and runs that do not exist or cannot be used."""

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from prefect_qpu.records import RecordStore
from tests.experiments import ghz
from tests.flows.cli.test_bad_files import GOOD

Refusal = Callable[..., str]
Cli = Callable[..., tuple[int, str, str]]

ARGUMENTS = {
    "rum": 'Unknown command "rum". Did you mean "run"? Available commands: run, validate, plan, runs, show, report, ',
    "--nope": 'Unknown command "--nope". Available commands: run, ',
    "db sideways": 'Unknown command "sideways". Available commands: current, upgrade. See: prefect-qpu db --help',
    "run": 'Command "run" parameter FILE requires an argument. See: prefect-qpu run --help',
    "validate": 'Command "validate" parameter FILE requires an argument.',
    "show": 'Command "show" parameter RUN requires an argument.',
    "replay --again": 'Command "replay" parameter RUN requires an argument.',
    "run a.yaml --sett shots=1": "Unknown option: --sett. Did you mean --set? See: prefect-qpu run --help",
    "run a.yaml --set": 'Command "run" parameter --set requires an argument.',
    "run a.yaml --json=maybe": 'Invalid value for --json: unable to convert "maybe" into bool.',
    "validate a.yaml b.yaml": "got 'b.yaml', expected no further argument. See: prefect-qpu validate --help",
    "validate a.yaml --store sqlite://": "Unknown option: --store. ",
    "runs --limit many": 'Invalid value for --limit: unable to convert "many" into int.',
    "runs --limit 0": 'Invalid value "0" for --limit. Must be >= 1.',
    "schema": 'Command "schema" parameter WHAT requires an argument.',
    "schema circuit": 'Invalid value "circuit" for WHAT. Choose from: "experiment", "sweep", "run".',
}


@pytest.mark.parametrize("line", ARGUMENTS)
def test_an_argument_that_no_command_takes_is_told(refusal: Refusal, line: str) -> None:
    assert refusal(*line.split()).startswith(ARGUMENTS[line])


STORES = {
    "nonsense": "got 'nonsense', expected a database URL such as sqlite:////home/me/records.db or postgresql+psycopg:/",
    "mysql://me:s3cret@host/db": "got 'mysql://me:***@host/db', expected a database URL such as sqlite:////home/me/",
    "sqlite:///{folder}": "got 'sqlite:///{folder}', expected the path of a file. {folder} is a folder.",
    "sqlite:///{folder}/text.db": "got 'sqlite:///{folder}/text.db', expected a database that can be opened and "
    "written. file is not a database.",
    "sqlite:///{folder}/text.db/records.db": "got 'sqlite:///{folder}/text.db/records.db', expected a",
    "sqlite:////proc/nowhere/records.db": "got 'sqlite:////proc/nowhere/records.db', expected a",
    "sqlite:////proc/version": "got 'sqlite:////proc/version', expected a database that can be opened and written.",
    "sqlite:///records.db?mode=ro": "got 'sqlite:///records.db?mode=ro', expected a SQLite URL without options.",
    "postgresql://me:s3cret@127.0.0.1:1/records": "got 'postgresql+psycopg://me:***@127.0.0.1:1/records', expected a "
    "database that can be opened and written. connection failed: ",
    "postgresql://me:s3@cret@:x/records": "got 'postgresql://me:***@:x/records', expected a database URL such as ",
}
COMMANDS = [
    "run {folder}/good.yaml",
    "runs",
    "show abcdef",
    "report abcdef",
    "replay abcdef",
    "db upgrade",
    "db current",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "good.yaml").write_text(GOOD)
    (tmp_path / "text.db").write_text("a text that is long enough for the header of a database file" * 4)
    connection = sqlite3.connect(tmp_path / "other.db")
    connection.execute("create table runs (id)")
    connection.close()
    return tmp_path


@pytest.mark.parametrize("url", STORES)
@pytest.mark.parametrize("command", COMMANDS)
def test_a_store_that_cannot_be_used_is_told_without_its_password(
    refusal: Refusal, folder: Path, url: str, command: str
) -> None:
    told = refusal(*command.format(folder=folder).split(), "--store", url.format(folder=folder))
    assert told.startswith(f"store: {STORES[url]}".format(folder=folder))
    assert "cret" not in told


@pytest.mark.parametrize("command", ["run {folder}/good.yaml", "db upgrade"])
def test_the_database_of_another_program_is_left_alone(refusal: Refusal, folder: Path, command: str) -> None:
    told = refusal(*command.format(folder=folder).split(), "--store", f"sqlite:///{folder}/other.db")
    assert told.startswith(
        f"store: got 'sqlite:///{folder}/other.db', expected an empty database or a record store. It "
    )


@pytest.mark.parametrize("command", ["runs", "show abcdef", "report abcdef", "replay abcdef", "db current"])
def test_a_command_that_reads_makes_no_store(refusal: Refusal, tmp_path: Path, command: str) -> None:
    told = refusal(*command.split(), "--store", f"sqlite:///{tmp_path}/typo.db")
    assert told.startswith(f"store: got 'sqlite:///{tmp_path}/typo.db', expected an existing record store.")


def test_a_store_that_ends_with_the_command_is_told(refusal: Refusal, folder: Path) -> None:
    told = refusal("run", str(folder / "good.yaml"), "--store", "sqlite://")
    assert told == "--store: got 'sqlite://', expected a store that outlives this command."


def test_a_store_of_a_newer_version_is_told(cli: Cli, tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "newer.db")
    connection.executescript(
        "create table alembic_version (version_num text); insert into alembic_version values ('99')"
    )
    connection.close()
    code, out, err = cli("runs", "--store", f"sqlite:///{tmp_path}/newer.db")
    assert (code, out) == (2, "")
    assert f"sqlite:///{tmp_path}/newer.db has the schema revision '99'" in err


@pytest.mark.parametrize("place", ["good.yaml", "good.yaml/reports", "/proc/nowhere"])
def test_a_folder_for_the_report_that_cannot_be_written_is_told(refusal: Refusal, folder: Path, place: str) -> None:
    told = refusal("run", str(folder / "good.yaml"), "--report-folder", str(folder / place))
    assert told.startswith(f"--report-folder: got '{folder / place}', expected a folder that can be written. ")


@pytest.fixture
def two_runs(store: RecordStore) -> RecordStore:
    key = store.experiments.add(ghz())
    for run_id in ("beam-line-1", "beam-line-2"):
        backend = {"name": "aer-ideal", "kind": "aer", "simulator": True}
        store.runs.start(run_id, key, backend=backend, seeds={}, versions={}, now=datetime.now(UTC))
    return store


@pytest.mark.parametrize("command", ["show", "report", "replay", "replay --again"])
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ("nowhere", "No run 'nowhere' in the record store."),
        ("beam", "No run 'beam' in the record store. Give at least 6 characters of its id."),
        ("beam-line", "The run 'beam-line' is ambiguous: beam-line-1, beam-line-2. Give more characters of its id."),
    ],
)
def test_a_run_that_is_not_the_only_one_is_told(
    cli: Cli, two_runs: RecordStore, command: str, given: str, reason: str
) -> None:
    code, out, err = cli(*command.split(), given)
    assert (code, out) == (2, "")
    assert err == f"error: RUN: got {given!r}, expected the id of one stored run, or its beginning. {reason}\n"
    assert len(two_runs.runs.list()) == 2


def test_the_folder_of_a_report_that_cannot_be_written_is_told(cli: Cli, two_runs: RecordStore) -> None:
    code, out, err = cli("report", "beam-line-1", "--folder", "/proc/nowhere")
    assert (code, out) == (2, "")
    assert err.startswith("error: --folder: got '/proc/nowhere', expected a folder that can be written. ")


def test_a_run_that_stored_no_counts_fails_to_replay(cli: Cli, two_runs: RecordStore) -> None:
    code, out, err = cli("replay", "beam-line-1")
    assert (code, out) == (1, "")
    assert err.startswith("error: run beam-line-1 stored no counts: ")


def test_a_server_that_does_not_answer_is_told_before_anything_is_stored(
    cli: Cli, store: RecordStore, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:1/api"}):
        code, out, err = cli("run", str(folder / "good.yaml"))
    assert (code, out) == (2, "")
    assert err.startswith(
        "error: PREFECT_API_URL: got 'http://127.0.0.1:1/api', expected a Prefect server that answers."
    )
    with store._database.reading() as session:
        assert session.connection().exec_driver_sql("select count(*) from experiments").scalar() == 0
