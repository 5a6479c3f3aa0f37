"""A place where the project is deployed: a Prefect server and a worker as processes of their own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE = 120.0
"""Seconds after which a wait fails."""


@dataclass(frozen=True)
class Site:
    """A server with its worker, reached as a user reaches it: by the command line and by HTTP."""

    folder: Path
    """What a clone of the project is to the commands: the folder that holds ``prefect.yaml``."""
    api: str
    environment: dict[str, str]

    @property
    def store_url(self) -> str:
        return self.environment["PREFECT_QPU_STORE"]

    def prefect(self, *arguments: str) -> str:
        """What a command of Prefect prints, if it succeeds."""
        done = subprocess.run(
            [sys.executable, "-m", "prefect", *arguments],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"
        return done.stdout

    def ask(self, path: str, data: Any = None) -> Any:
        """The answer of the server, to a POST if there is data."""
        body = None if data is None else json.dumps(data).encode()
        request = Request(f"{self.api}/{path}", body, {"Content-Type": "application/json"})
        return self.wait(path, lambda: _answer(request))[0]

    def wait(self, what: str, ready: Callable[[], Any]) -> Any:
        """What ``ready`` gives, as soon as it gives something."""
        last = time.monotonic() + PATIENCE
        while not (found := ready()):
            assert time.monotonic() < last, f"{what}: not within {PATIENCE:g} s\n{self.logs()}"
            time.sleep(0.5)
        return found

    def logs(self) -> str:
        """The ends of all logs."""
        files = sorted(self.folder.parent.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()[-4000:]}" for file in files)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project's deployments on a new server, with a worker that was started elsewhere."""
    scratch = tmp_path_factory.mktemp("site")
    found = Site(scratch / "a fresh clone", *_environment(scratch))
    found.folder.mkdir()
    shutil.copy(ROOT / "prefect.yaml", found.folder)
    port = found.api.split(":")[2].split("/")[0]
    with _process(found, "server", "server", "start", "--port", port):
        found.wait("the server", lambda: _healthy(found))
        found.prefect("work-pool", "create", "qpu", "--type", "process", "--overwrite")
        found.prefect("deploy", "--all", "--no-prompt")
        with _process(found, "worker", "worker", "start", "--pool", "qpu"):
            yield found


def _environment(scratch: Path) -> tuple[str, dict[str, str]]:
    """Address and environment of a server that shares nothing with any other."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        api = f"http://127.0.0.1:{probe.getsockname()[1]}/api"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    return api, inherited | {
        "HOME": str(scratch),
        "PYTHONPATH": str(ROOT),
        "PREFECT_HOME": str(scratch / "prefect"),
        "PREFECT_API_URL": api,
        "PREFECT_WORKER_QUERY_SECONDS": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
        "PREFECT_QPU_STORE": f"sqlite:///{scratch}/records.db",
    }


@contextmanager
def _process(site: Site, name: str, *arguments: str) -> Iterator[None]:
    with (site.folder.parent / f"{name}.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", *arguments],
            cwd="/",
            env=site.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            _stop(process)


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _healthy(site: Site) -> bool:
    try:
        return bool(_answer(Request(f"{site.api}/health")))
    except (URLError, ConnectionError):
        return False


def _answer(request: Request) -> list[Any]:
    """The answer of the server, alone in a list; an empty one where its database is busy, as Prefect's clients know."""
    try:
        with urlopen(request, timeout=30) as answer:
            return [json.load(answer)]
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return []
