"""Starting the emulator, and pointing a client at it."""

import ipaddress
import json
import logging
import socket
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prefect_qpu.errors import InputError
from prefect_qpu.records.urls import default_folder

HOST, PORT = "127.0.0.1", 8765
DEVICES = ("manila", "guadalupe", "sherbrooke", "torino")


def environment(url: str, *, token: str = "emulator", instance: str = "emulator") -> dict[str, str]:  # noqa: S107
    """The environment variables with which the genuine client talks to the emulator, and to nobody else.

    Args:
        url: Where the emulator listens.
        token: API key; each key is a user.
        instance: Name of the service instance.

    Example:
        >>> environment("http://127.0.0.1:8765")["QISKIT_IBM_URL"]
        'http://127.0.0.1:8765/experimental/api/v1'
    """
    base = url.rstrip("/")
    return {
        # Without it the client would send the API key to the real service.
        "IAM_URL": base,
        "GLOBAL_SEARCH_URL": base,
        "GLOBAL_CATALOG_URL": f"{base}/catalog",
        "NO_PROXY": urlsplit(base).hostname or HOST,
        "QISKIT_IBM_CHANNEL": "ibm_quantum_platform",
        # The client rewrites a URL that does not contain the word "experimental", and drops its port.
        "QISKIT_IBM_URL": f"{base}/experimental/api/v1",
        "QISKIT_IBM_TOKEN": token,
        "QISKIT_IBM_INSTANCE": instance,
    }


def serve(
    host: str = HOST,
    port: int = PORT,
    folder: Path | None = None,
    devices: Iterable[str] = DEVICES,
    *,
    instances: Iterable[str] = ("emulator",),
    keys: Path | None = None,
    admin_token: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> None:
    """Serve until the process is told to end.

    Args:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        folder: Where jobs are kept; by default in the home folder.
        devices: Names of snapshots, ``torino``, or under another name, ``ibm_fez=torino``.
        instances: Names of service instances.
        keys: File of lines ``user:key``; without one, every API key is a user of its own.
        admin_token: Bearer token of the admin interface; without one it is open.
        settings: Settings that differ from those of the last time.

    Raises:
        InputError: a device is unknown, or others could reach the emulator and nothing keeps them out.
    """
    import uvicorn

    from prefect_qpu.emulator.app import application
    from prefect_qpu.emulator.auth import read_keys
    from prefect_qpu.emulator.service import Service

    if not _is_loopback(host) and (keys is None or admin_token is None):
        raise InputError(
            "host",
            given=host,
            expected="a loopback address, or keys and an admin token",
            hint="Whoever reaches the address could otherwise use and change the emulator.",
        )
    service = Service.open(
        folder or default_folder() / "emulator",
        devices,
        instances=instances,
        keys=None if keys is None else read_keys(keys),
        changes=settings,
        admin_token=admin_token,
    )
    listener = _listener(host, port)
    for name, value in environment(f"http://{_shown(host)}:{listener.getsockname()[1]}").items():
        sys.stdout.write(f"export {name}={value}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        application(service),
        log_level="warning",
        access_log=False,
        lifespan="on",
        server_header=False,
        headers=[("Server", "prefect-qpu-emulator")],
    )
    uvicorn.Server(config).run(sockets=[listener])


def main(
    *,
    host: str = HOST,
    port: int = PORT,
    folder: Path | None = None,
    device: Sequence[str] = (),
    instance: Sequence[str] = ("emulator",),
    keys: Path | None = None,
    admin_token: str | None = None,
    changes: Sequence[str] = (),
) -> None:
    """Serve with command line options; see `serve`. Changes are settings as ``name=value``."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(message)s")
    serve(
        host,
        port,
        folder,
        device or DEVICES,
        instances=instance,
        keys=keys,
        admin_token=admin_token,
        settings=dict(map(_setting, changes)),
    )


def _setting(change: str) -> tuple[str, Any]:
    name, _, value = change.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        raise InputError("--set", given=change, expected="name=value, where the value is JSON: queue_s=2") from None


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio switches off the delay of small packets only if the protocol is named.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise InputError(
            "port", given=f"{host}:{port}", expected="a free address", hint=f"{error.strerror}."
        ) from error
    listener.listen(1024)
    return listener


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
