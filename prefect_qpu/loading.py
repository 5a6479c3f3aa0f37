"""Experiments from YAML and JSON files, with single values set from outside."""

import io
from collections.abc import Mapping, Sequence
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import Experiment

if TYPE_CHECKING:
    from ruamel.yaml import YAML

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
        with path.open(encoding="utf-8") as file:
            text = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise ExperimentError(
            "experiment", given=str(path), expected="a readable YAML or JSON file", hint=f"{reason}."
        ) from error
    if len(text) > _LARGEST_FILE:
        raise ExperimentError("experiment", given=str(path), expected=f"at most {_LARGEST_FILE} characters")
    data = _parsed(text, "experiment", str(path), "valid YAML or JSON")
    if not isinstance(data, dict):
        raise ExperimentError("experiment", given=data, expected=f"a mapping of settings in {path}")
    return data


def override(document: Mapping[str, Any], assignments: Sequence[str]) -> dict[str, Any]:
    """A copy of a document with single values set.

    Raises:
        ExperimentError: an assignment has no key or no value, or leads through something that is no mapping.

    Example:
        >>> override({"shots": 100, "backend": {"kind": "aer"}}, ["shots=200", "backend.device=FakeManilaV2"])
        {'shots': 200, 'backend': {'kind': 'aer', 'device': 'FakeManilaV2'}}
    """
    changed = deepcopy(dict(document))
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
        place[last] = _parsed(text, "--set", assignment, "a value in YAML or JSON")
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


def _parsed(text: str, field: str, shown: str, expected: str) -> Any:
    try:
        return _parser().load(io.StringIO(text))
    except (
        Exception
    ) as error:  # beside its own errors, the parser raises what a malformed number, key or depth leads to
        raise ExperimentError(field, given=shown, expected=expected, hint=_problem(error)) from error


def _parser() -> "YAML":
    from ruamel.yaml import YAML

    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = _constructor()
    return yaml


@cache
def _constructor() -> type:
    """Of plain data in which a date stays the text that it is in JSON."""
    from ruamel.yaml.constructor import SafeConstructor

    class PlainConstructor(SafeConstructor):
        pass

    PlainConstructor.add_constructor("tag:yaml.org,2002:timestamp", SafeConstructor.construct_yaml_str)
    return PlainConstructor


def _problem(error: Exception) -> str:
    """What a parser's error says, and where, in one line."""
    if isinstance(error, RecursionError):
        return "It is nested too deeply."
    mark = getattr(error, "problem_mark", None)
    if mark is None:
        return " ".join(str(error).split())
    told = ", ".join(filter(None, (getattr(error, "context", None), getattr(error, "problem", None))))
    return f"Line {mark.line + 1}, column {mark.column + 1}: {' '.join(told.split())}."
