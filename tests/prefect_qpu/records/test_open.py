import os
import sqlite3
import subprocess
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from sqlalchemy import make_url, text

from prefect_qpu.errors import StoreError, StoreUrlError
from prefect_qpu.records import RecordStore, current_revision, default_url
from prefect_qpu.records.urls import masked

from .conftest import PostgresServer, bell

SECRET = "hunter2"


def test_opening_makes_the_folder_and_the_file(tmp_path: Path) -> None:
    file = tmp_path / "new folder" / "50% done" / "records.db"
    with RecordStore.open(f"sqlite:///{file}") as store:
        assert store.runs.list() == []
    assert file.is_file()


def test_the_default_store_is_in_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PREFECT_QPU_STORE", raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    RecordStore.open().close()
    assert (tmp_path / ".prefect-qpu" / "records.db").is_file()


def test_the_environment_names_the_default_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFECT_QPU_STORE", f"sqlite:///{tmp_path}/mine.db")
    assert default_url().endswith("mine.db")


def test_a_relative_path_means_the_folder_at_opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with RecordStore.open("sqlite:///records.db") as store:
        monkeypatch.chdir("/")
        store._database.engine.dispose()
        assert store.runs.list() == []
        assert store.url_masked == f"sqlite:///{tmp_path}/records.db"


def test_sqlite_is_durable_consistent_and_patient(tmp_path: Path) -> None:
    with RecordStore.open(f"sqlite:///{tmp_path}/records.db") as store, store._database.reading() as session:
        settings = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        assert [session.scalar(text(f"PRAGMA {name}")) for name in settings] == ["wal", 1, 1, 30_000]


def test_threads_share_a_store(store: RecordStore) -> None:
    widths = range(1, 25)
    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda width: store.circuits.add(QuantumCircuit(width)), widths))
        assert [circuit.num_qubits for circuit in pool.map(store.circuits.get, keys)] == list(widths)


def test_threads_share_a_store_in_memory() -> None:
    with RecordStore.open("sqlite://") as store, ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda width: store.circuits.add(QuantumCircuit(width)), range(1, 25)))
        assert len({store.circuits.row(key).num_qubits for key in keys}) == 24


def test_without_create_a_missing_store_is_an_error(tmp_path: Path, postgres: PostgresServer) -> None:
    for url in (f"sqlite:///{tmp_path}/none/records.db", postgres.fresh(template="template0")):
        with pytest.raises(StoreUrlError, match="expected an existing record store"):
            RecordStore.open(url, create=False)
    assert not (tmp_path / "none").exists()


def test_without_create_an_existing_store_opens(store_url: str) -> None:
    with RecordStore.open(store_url, create=False) as store:
        assert store.runs.list() == []


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(StoreUrlError, match="is a folder"):
        RecordStore.open(f"sqlite:///{tmp_path}")


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in ("file/records.db", "file/deeper/records.db"):
        with pytest.raises(StoreUrlError, match="expected a file in a folder that can be written"):
            RecordStore.open(f"sqlite:///{tmp_path}/{path}")


@pytest.mark.parametrize("content", [b"no database at all, but long enough to be read as one" * 20, b"short"])
def test_a_file_of_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "notes.txt"
    file.write_bytes(content)
    with pytest.raises(StoreUrlError, match="file is not a database"):
        RecordStore.open(f"sqlite:///{file}")
    assert file.read_bytes() == content


def test_the_tables_of_another_program_are_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "other.db"
    with sqlite3.connect(file) as connection:
        connection.execute("CREATE TABLE runs (id TEXT)")
    connection.close()
    with pytest.raises(StoreUrlError, match="tables of another program: runs"):
        RecordStore.open(f"sqlite:///{file}")
    assert current_revision(f"sqlite:///{file}") is None


@pytest.mark.parametrize("existing", [True, False])
def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, *, existing: bool) -> None:
    folder = tmp_path / "locked"
    url = f"sqlite:///{folder}/records.db"
    if existing:
        RecordStore.open(url).close()
    folder.mkdir(exist_ok=True)
    for path in (*folder.iterdir(), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)
    RecordStore.open("sqlite://").close()
    user = os.geteuid()
    if user == 0:
        for path in (tmp_path, *tmp_path.parents):
            if path.name.startswith(("pytest-", "popen-", "test_")):
                path.chmod(0o755)
        os.seteuid(65534)
    try:
        with pytest.raises(StoreUrlError, match="expected a database that can be opened and written"):
            RecordStore.open(url)
    finally:
        os.seteuid(user)
        folder.chmod(0o755)


@pytest.mark.parametrize(
    "url",
    [
        "mysql://me:hunter2@localhost/records",
        "postgresql+asyncpg://me:hunter2@localhost/records",
        "sqlite+aiosqlite:///records.db",
        "records.db",
        "://",
        "postgresql://me:hunter2@localhost:port/records",
        "sqlite:///records.db?mode=ro",
        "sqlite:///a\0b/records.db",
    ],
)
def test_a_url_of_something_else_is_refused(url: str) -> None:
    with pytest.raises(StoreUrlError, match=r"^store: got .*, expected .* URL|can be written") as caught:
        RecordStore.open(url)
    assert SECRET not in told(caught.value)


def told(error: BaseException) -> str:
    """All that a log could show of an error."""
    return "".join(traceback.format_exception(error)) + repr(error) + repr(vars(error))


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StoreUrlError, match="expected a database that can be opened and written") as caught:
        RecordStore.open(f"postgresql://me:{SECRET}@127.0.0.1:1/records?sslpassword={SECRET}")
    assert "***" in str(caught.value)
    assert SECRET not in told(caught.value)


def test_a_database_that_is_not_there_is_told(postgres: PostgresServer) -> None:
    url = postgres.url.set(database=SECRET, password=SECRET).render_as_string(hide_password=False)
    with pytest.raises(StoreUrlError, match="does not exist"):
        RecordStore.open(url)


def test_no_error_of_an_open_store_tells_the_password(postgres: PostgresServer) -> None:
    url = make_url(postgres.fresh()).set(password=SECRET).render_as_string(hide_password=False)
    with RecordStore.open(url) as store:
        assert SECRET not in repr(store) + store.url_masked + repr(store._database)
        with store._database.writing() as session:
            session.execute(text("DROP TABLE spans"))
        with pytest.raises(StoreError, match="spans") as caught:
            store.runs.spans("run")
    assert SECRET not in told(caught.value)


def test_a_missing_driver_is_told_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(StoreUrlError, match=r"pip install 'prefect-qpu\[postgres\]'"):
        RecordStore.open("postgresql://localhost/records")


passwords = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=8)


@given(passwords)
@example("a/b@c:d?e#f g")
def test_a_password_is_masked_however_it_is_written(password: str) -> None:
    url = make_url("postgresql://me@host/records").set(password=f"<{password}>")
    written = [
        url.render_as_string(hide_password=False),
        f"postgresql://me:<{password}>@host/records",
        f"postgres:me:<{password}>@host",
    ]
    for text_ in written:
        assert password not in masked(text_)


def test_importing_the_records_imports_no_migration_tool_and_no_driver() -> None:
    code = "import sys, prefect_qpu.records; sys.exit(str({'alembic', 'psycopg', 'prefect'} & set(sys.modules)))"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert finished.stderr.strip() == "set()"


def test_opening_a_store_that_is_up_to_date_imports_no_migration_tool(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/records.db"
    with RecordStore.open(url) as store:
        store.experiments.add(bell())
    code = (
        "import sys; from prefect_qpu.records import RecordStore\n"
        "RecordStore.open(sys.argv[1]).close(); sys.exit(str('alembic' in sys.modules))"
    )
    finished = subprocess.run([sys.executable, "-c", code, url], capture_output=True, text=True, check=False)
    assert finished.stderr.strip() == "False"
