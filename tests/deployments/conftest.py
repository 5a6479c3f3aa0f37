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
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import pytest

from tests.prefect_qpu.emulator.emulators import Emulator, emulator

ROOT = Path(__file__).parents[2]
PATIENCE = 240.0
"""Seconds after which a wait fails; long, because the machine may be busy."""


API_KEY = "hunter2-is-no-key"
BLOCKS = f"""
import os
from prefect_qpu.blocks import IBMQuantumBackend, IBMQuantumCredentials

credentials = IBMQuantumCredentials(
    api_key="{API_KEY}", instance=os.environ["QISKIT_IBM_INSTANCE"], url=os.environ["QISKIT_IBM_URL"]
)
credentials.save("default")
IBMQuantumBackend(credentials=credentials, backend="ibm_manila").save("default")
"""


@dataclass
class Site:
    """A server with its worker, reached as a user reaches it: by the command line and by HTTP."""

    folder: Path
    """What a clone of the project is to the commands: the folder that holds ``prefect.yaml``."""
    api: str
    environment: dict[str, str]
    emulator: Emulator
    """The service that the worker's environment points the IBM client at."""
    worker: "subprocess.Popen[bytes] | None" = None

    @property
    def store_url(self) -> str:
        return self.environment["PREFECT_QPU_STORE"]

    def prefect(self, *arguments: str) -> str:
        """What a command of Prefect prints, if it succeeds."""
        return self.python("-m", "prefect", *arguments)

    def python(self, *arguments: str) -> str:
        """What a Python process prints, if it succeeds."""
        done = subprocess.run(
            [sys.executable, *arguments],
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

    def start_worker(self) -> None:
        self.worker = _started(self, "worker", "worker", "start", "--pool", "qpu")

    def kill_worker(self) -> None:
        assert self.worker is not None
        self.worker.kill()
        self.worker.wait()

    def logs(self) -> str:
        """The ends of all logs."""
        files = sorted(self.folder.parent.glob("*.log"))
        return "\n".join(f"--- {file.name}\n{file.read_text()[-4000:]}" for file in files)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The project's deployments on a new server, with a worker that was started elsewhere."""
    scratch = tmp_path_factory.mktemp("site")
    with emulator(scratch / "emulator", "--device", "manila") as service:
        api, environment = _environment(scratch)
        found = Site(scratch / "a fresh clone", api, environment | service.environment, service)
        found.folder.mkdir()
        shutil.copy(ROOT / "prefect.yaml", found.folder)
        server = _started(found, "server", "server", "start", "--port", api.split(":")[2].split("/")[0])
        try:
            found.wait("the server", lambda: _healthy(found))
            found.prefect("work-pool", "create", "qpu", "--type", "process", "--overwrite")
            found.prefect("deploy", "--all", "--no-prompt")
            _pause_schedules(found)
            found.python("-c", BLOCKS)
            found.start_worker()
            yield found
        finally:
            if found.worker is not None:
                _stop(found.worker)
            _stop(server)


def _pause_schedules(site: Site) -> None:
    """Let tests say themselves when a pass is made; the first one shows that the schedule makes runs."""
    scheduled = {"flow_runs": {"state": {"name": {"any_": ["Scheduled", "Late"]}}}}
    site.wait("a scheduled run", lambda: site.ask("flow_runs/count", scheduled))
    for deployment in site.ask("deployments/filter", {}):
        site.ask(f"deployments/{deployment['id']}/pause_deployment", {})


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


def _started(site: Site, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
    with (site.folder.parent / f"{name}.log").open("a") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "prefect", *arguments],
            cwd="/",
            env=site.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those that it started."""
    if process.poll() is not None:
        return
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
    except TimeoutError:
        return []
    except HTTPError as error:
        if error.code != HTTPStatus.SERVICE_UNAVAILABLE:
            raise
        return []


def alive(flow_run: dict[str, Any]) -> bool:
    """Whether the process of a flow run is there."""
    return process_of(flow_run) is not None


def process_of(flow_run: dict[str, Any]) -> int | None:
    """The id of the process of a flow run, if it is there."""
    pid = int((flow_run["infrastructure_pid"] or "0").rpartition(":")[2])
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    return pid or None


def command_lines() -> set[str]:
    """What a list of all processes of this machine shows."""
    files = Path("/proc").glob("[0-9]*/cmdline")
    return {raw.replace(b"\0", b" ").decode(errors="replace") for file in files if (raw := _read(file))}


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError:
        return b""
