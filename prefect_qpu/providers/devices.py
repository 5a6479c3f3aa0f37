"""The calibrations that ship with Qiskit's fake devices, kept as files once they were read.

To import the fake devices takes about as long as to import Qiskit, and their classes are needed for nothing but these
numbers. A file belongs to the versions that made it, and is used only if its content has the hash that it tells.
"""

import json
import os
import tempfile
from importlib.metadata import version
from pathlib import Path

from pydantic import ValidationError

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import BackendError, InputError
from prefect_qpu.hashing import content_hash
from prefect_qpu.records.urls import default_folder

_FORMAT = 1
"""To be raised when `Calibration.from_backend` gives something else for the same backend."""
_SOURCES = ("qiskit", "qiskit-ibm-runtime", "prefect-qpu")


def device_calibration(device: str, folder: Path | None = None) -> Calibration:
    """The calibration that ships with a Qiskit fake device.

    Args:
        device: Class name of the device.
        folder: Where calibrations are kept; none means ``devices`` in the home folder of this package.

    Raises:
        BackendError: there is no device of this name; the message has the nearest names.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     device_calibration("FakeManilaV2", Path(folder)).num_qubits
        5
    """
    path = _path(device, folder or default_folder() / "devices")
    if device.isidentifier() and (kept := _kept(path)) is not None:
        return kept
    calibration = _shipped(device)
    _keep(calibration, path)
    return calibration


def _path(device: str, folder: Path) -> Path:
    made_by = content_hash([_FORMAT, *map(version, _SOURCES)])
    return folder / f"{device}-{made_by[:16]}.json"


def _kept(path: Path) -> Calibration | None:
    """The calibration in a file; none if there is no such file, or something else is in it."""
    try:
        document = json.loads(path.read_bytes())
        calibration = Calibration.model_validate_json(json.dumps(document["calibration"]))
        return calibration if calibration.hash == document["hash"] else None
    except (OSError, ValueError, TypeError, KeyError, ValidationError, InputError):
        return None


def _keep(calibration: Calibration, path: Path) -> None:
    """Write the file in one step; a folder that cannot be written costs time only."""
    document = {"hash": calibration.hash, "calibration": calibration.model_dump(mode="json")}
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent)
    except OSError:
        return
    try:
        with os.fdopen(handle, "w") as file:
            json.dump(document, file)
        Path(name).replace(path)
    except OSError:
        Path(name).unlink(missing_ok=True)


def _shipped(device: str) -> Calibration:
    from difflib import get_close_matches

    from qiskit_ibm_runtime import fake_provider

    known = [name for name in vars(fake_provider) if name.startswith("Fake") and "Provider" not in name]
    if device not in known:
        near = ", ".join(get_close_matches(device, known, n=4, cutoff=0.4)) or ", ".join(sorted(known)[:4])
        raise BackendError(
            "backend.device",
            given=device,
            expected="the class name of a Qiskit fake device, for example FakeManilaV2",
            hint=f"Near to it: {near}.",
        )
    return Calibration.from_backend(getattr(fake_provider, device)())
