"""A real emulator in a process of its own, and what tests ask of it."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

LOOPBACK = {"127.0.0.1", "localhost", b"127.0.0.1", "::1"}


@dataclass
class Emulator:
    """A running emulator."""

    process: subprocess.Popen[str]
    environment: dict[str, str]
    url: str

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        with urlopen(Request(f"{self.url}/emulator{path}", data=body, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def set(self, **settings: Any) -> None:
        self.ask("PATCH", "/settings", settings)

    def reset(self) -> None:
        from prefect_qpu.emulator.settings import Settings

        self.set(**Settings().model_dump())
        self.ask("PUT", "/faults", [])
        self.ask("PUT", "/job-faults", [])

    def requests(self, method: str, path: str) -> list[dict[str, Any]]:
        return [item for item in self.ask("GET", "/requests") if (item["method"], item["path"]) == (method, path)]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def emulator(folder: Path, *options: str) -> Iterator[Emulator]:
    """An emulator on a free port."""
    command = [sys.executable, "-m", "prefect_qpu.emulator", "--port", "0", "--folder", str(folder), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield announced(process)
        finally:
            process.terminate()


def announced(process: subprocess.Popen[str]) -> Emulator:
    assert process.stdout is not None
    environment: dict[str, str] = {}
    while "QISKIT_IBM_INSTANCE" not in environment:
        line = process.stdout.readline()
        assert line, "the emulator ended"
        name, _, value = line.strip().removeprefix("export ").partition("=")
        environment[name] = value
    return Emulator(process, environment, environment["IAM_URL"])


def client(server: Emulator, token: str) -> Any:
    """The genuine client for another user: with a token of its own it would ignore the URL in the environment."""
    from qiskit_ibm_runtime import QiskitRuntimeService

    names = {"url": "QISKIT_IBM_URL", "instance": "QISKIT_IBM_INSTANCE", "channel": "QISKIT_IBM_CHANNEL"}
    return QiskitRuntimeService(token=token, **{name: server.environment[key] for name, key in names.items()})


def point(monkeypatch: Any, environment: dict[str, str]) -> None:
    """Let clients of this process find an emulator by its environment."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def refuse_other_hosts(monkeypatch: Any) -> None:
    """Let nothing but this machine be reached, whatever a client was told."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def resolve_loopback(host: Any, *arguments: Any, **options: Any) -> Any:
        assert host in LOOPBACK, f"a test wanted to reach {host}"
        return resolve(host, *arguments, **options)

    def connect_loopback(self: socket.socket, address: Any) -> None:
        assert not isinstance(address, tuple) or address[0] in LOOPBACK, f"a test wanted to reach {address}"
        connect(self, address)

    monkeypatch.setattr(socket, "getaddrinfo", resolve_loopback)
    monkeypatch.setattr(socket.socket, "connect", connect_loopback)


def run_user_code(script: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script as its author would, with nothing but the environment changed."""
    return subprocess.run(
        [sys.executable, "-W", "ignore", str(script)],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def eventually(condition: Callable[[], Any], seconds: float = 90) -> Any:
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < give_up, "it did not happen"
        time.sleep(0.02)
    return found
