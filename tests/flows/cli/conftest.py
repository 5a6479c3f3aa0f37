import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from prefect_qpu.flows.cli import execute
from prefect_qpu.records import RecordStore


class Printed(NamedTuple):
    code: int
    out: str
    err: str


Cli = Callable[..., Printed]


@pytest.fixture(scope="session", autouse=True)
def _logging() -> None:
    """Let Prefect's log go to a stream that outlives the test in which it is set up."""
    from prefect.logging.configuration import setup_logging

    setup_logging()


@pytest.fixture
def cli(store_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs the command line in this process, on a store of this test."""
    monkeypatch.setenv("PREFECT_QPU_STORE", store_url)

    def run(*arguments: str) -> Printed:
        capsys.readouterr()
        return Printed(execute(list(arguments)), *capsys.readouterr())

    return run


@pytest.fixture
def refusal(cli: Cli, store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """The message with which the command line refuses arguments: the one thing that it prints or leaves behind.

    A prelude is what code of the user's prints before.
    """
    # Whoever imports the flow is about to start a server.
    monkeypatch.setitem(sys.modules, "prefect_qpu.flows.hybrid_run", None)

    def refuse(*arguments: str, prelude: str = "") -> str:
        files = set(tmp_path.rglob("*"))
        printed = cli(*arguments)
        assert (printed.code, printed.out) == (2, "")
        assert printed.err.startswith(f"{prelude}error: ")
        assert "Traceback" not in printed.err
        made = {path for path in set(tmp_path.rglob("*")) - files if not path.name.startswith("records.db")}
        assert made == set()
        assert_empty(store_url)
        return printed.err.removeprefix(f"{prelude}error: ").rstrip("\n")

    return refuse


@pytest.fixture(params=["validate", "run"])
def refused(request: pytest.FixtureRequest, refusal: Callable[..., str], tmp_path: Path) -> Callable[..., str]:
    """The message with which `validate` and `run` refuse an experiment, which lies beside the files of the test."""

    def refuse(text: str | bytes, *options: str, prelude: str = "") -> str:
        file = tmp_path / "experiment.yaml"
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return refusal(request.param, str(file), *options, prelude=prelude)

    return refuse


def assert_empty(url: str) -> None:
    if not Path(url.removeprefix("sqlite:///")).exists():
        return
    with RecordStore.open(url) as store:
        assert store.runs.list() == []
        with store._database.reading() as session:
            for table in ("experiments", "circuits", "calibrations"):
                assert session.connection().exec_driver_sql(f"select count(*) from {table}").scalar() == 0
