"""Experiments from YAML and JSON files, with single values set from outside."""

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import Experiment

_LARGEST_FILE = 4 * 2**20


def read_experiment(path: Path, overrides: Sequence[str] = (), *, backend: str | None = None) -> Experiment:
    """The experiment in a YAML or JSON file; paths in it are relative to the file.

    Args:
        path: The file.
        overrides: ``dotted.key=value`` each; the value is read as YAML.
        backend: Name of a backend to use instead, as `backend_setting` reads it.

    Raises:
        InputError: the file, a value in it or an override is not valid.
    """
    data = override(read_document(path), overrides)
    if backend is not None:
        data = {**data, "backend": backend_setting(backend)}
    return Experiment.parse(data, base=path.parent)


def read_document(path: Path) -> dict[str, Any]:
    """The mapping in a YAML or JSON file.

    Raises:
        ExperimentError: the file is missing, too large, not YAML, or not a mapping.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise ExperimentError("experiment", given=str(path), expected=f"a file of at most {_LARGEST_FILE} bytes")
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExperimentError(
            "experiment", given=str(path), expected="a readable YAML or JSON file", hint=f"{reason}."
        ) from error
    data = _parsed(text, str(path))
    if not isinstance(data, dict):
        raise ExperimentError("experiment", given=data, expected=f"a mapping of settings in {path}")
    return data


def override(document: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A copy of a document with single values set.

    Example:
        >>> override({"shots": 100, "backend": {"kind": "aer"}}, ["shots=200", "backend.device=FakeManilaV2"])
        {'shots': 200, 'backend': {'kind': 'aer', 'device': 'FakeManilaV2'}}
    """
    changed: dict[str, Any] = json.loads(json.dumps(document))
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not (equals and all(key.split("."))):
            raise ExperimentError("--set", given=assignment, expected="dotted.key=value, for example shots=1000")
        *parents, last = key.split(".")
        place = changed
        for parent in parents:
            place = place.setdefault(parent, {})
            if not isinstance(place, dict):
                raise ExperimentError("--set", given=assignment, expected=f"{parent!r} to be a mapping")
        place[last] = _parsed(text, "--set")
    return changed


def backend_setting(name: str) -> dict[str, str]:
    """The backend setting that a short name means: a block, a fake device, or an ideal simulator.

    Example:
        >>> backend_setting("aer"), backend_setting("FakeManilaV2"), backend_setting("aer-backend/manila")
        ({'kind': 'aer'}, {'kind': 'aer', 'device': 'FakeManilaV2'}, {'block': 'aer-backend/manila'})
    """
    if "/" in name:
        return {"block": name}
    return {"kind": "aer"} if name in {"aer", "ideal"} else {"kind": "aer", "device": name}


def _parsed(text: str, shown: str) -> Any:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    yaml = YAML(typ="safe", pure=True)
    try:
        return yaml.load(io.StringIO(text))
    except YAMLError as error:
        problem = " ".join(str(error).split())
        raise ExperimentError("experiment", given=shown, expected="valid YAML or JSON", hint=problem) from error
