"""Starting the emulator."""

import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.emulator.serve import environment, main
from prefect_qpu.errors import InputError


@pytest.mark.parametrize("module", ["prefect_qpu.emulator.serve", "prefect_qpu.emulator.app"])
def test_importing_the_service_does_not_load_the_client_or_the_simulator(module: str) -> None:
    heavy = ("qiskit_ibm_runtime", "qiskit_aer", "prefect")
    code = f"import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_environment_sends_nothing_to_the_real_service() -> None:
    variables = environment("http://127.0.0.1:9999/", token="key")
    urls = {name: value for name, value in variables.items() if name.endswith("URL")}
    assert set(urls) == {"IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL", "QISKIT_IBM_URL"}
    assert all(url.startswith("http://127.0.0.1:9999") for url in urls.values())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"device": ["torinno"]}, "device: got 'torinno', expected"),
        ({"changes": ["queue_s=-1"]}, "settings.queue_s: got -1, expected a number from 0"),
        ({"changes": ["patience=1"]}, "settings.patience: got unknown key 'patience'"),
        ({"changes": ["queue_s"]}, "--set: got 'queue_s', expected name=value"),
        ({"keys": Path("missing")}, "keys: got 'missing', expected"),
        ({"host": "192.0.2.1"}, "host: got '192.0.2.1', expected a loopback address"),
    ],
)
def test_bad_options_are_refused(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as refused:
        main(folder=tmp_path, port=0, **options)
    assert str(refused.value).startswith(message)


def test_a_port_that_is_taken_is_refused_in_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "-m", "prefect_qpu.emulator", "--port", port, "--folder", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: port: got '127.0.0.1:{port}', expected a free address.")
    assert len(done.stderr.splitlines()) == 1
