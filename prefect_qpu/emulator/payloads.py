"""What a submission says of itself, read without decoding its circuits."""

import base64
import io
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import numpy as np

from prefect_qpu.emulator.answers import RefusedError

PROGRAMS = ("sampler", "estimator", "executor")
MOST_EXECUTIONS = 10_000_000
MOST_TAGS = 50
DEFAULT_SHOTS = 4096
DEFAULT_PRECISION = 1 / 64
_HEADER_TEXT = 4096
"""Characters of an encoded array that hold its header for certain."""


@dataclass(frozen=True)
class Submission:
    """A job as the client describes it."""

    program: str
    backend: str
    params: bytes
    """The program's parameters, as JSON text."""
    executions: int
    tags: tuple[str, ...] = ()
    session_id: str | None = None
    max_seconds: float | None = None
    private: bool = False
    calibration: str | None = None
    image: str | None = None


def read_submission(raw: bytes) -> Submission:
    """The submission in a request body.

    Raises:
        RefusedError: it is not JSON, of an unknown program, or too large.
    """
    try:
        document = json.loads(raw)
        program, params = document["program_id"], document["params"]
    except (ValueError, TypeError, KeyError) as error:
        raise _invalid(f"the request is not a job: {error}") from None
    if program not in PROGRAMS:
        raise RefusedError(404, 1002, f"Program {program!r} not found.", solution=f"Use one of {', '.join(PROGRAMS)}.")
    if not isinstance(params, dict) or not isinstance(document.get("backend"), str):
        raise _invalid("a job needs params and a backend")
    return Submission(
        program=program,
        backend=document["backend"],
        params=json.dumps(params, separators=(",", ":")).encode(),
        executions=_checked_executions(program, params),
        tags=read_tags(document),
        session_id=document.get("session_id"),
        max_seconds=document.get("cost"),
        private=bool(document.get("private")),
        calibration=document.get("calibration_id"),
        image=document.get("runtime"),
    )


def read_tags(document: Mapping[str, Any]) -> tuple[str, ...]:
    """The tags in a request, each once.

    Raises:
        RefusedError: they are not a list of texts, or too many.
    """
    tags = document.get("tags") or []
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags) or len(tags) > MOST_TAGS:
        raise RefusedError(400, 1204, f"tags: expected at most {MOST_TAGS} texts.")
    return tuple(dict.fromkeys(tags))


def executions(program: str, params: Mapping[str, Any]) -> int:
    """Shots over all circuits and parameter sets; for the estimator, those of one measurement basis.

    Example:
        >>> executions("sampler", {"pubs": [["circuit", None, 100], ["circuit", None, None]], "options": {}})
        4196
    """
    if program == "executor":
        plan = params["quantum_program"]
        return int(plan["shots"]) * sum(_item_sets(item) for item in plan["items"])
    options = params.get("options") or {}
    if program == "sampler":
        default = options.get("default_shots") or DEFAULT_SHOTS
        return sum((_part(pub, 2) or default) * _sets(_part(pub, 1)) for pub in params["pubs"])
    precision = options.get("default_precision") or DEFAULT_PRECISION
    return sum(ceil((_part(pub, 3) or precision) ** -2) * _sets(_part(pub, 2)) for pub in params["pubs"])


def _checked_executions(program: str, params: Mapping[str, Any]) -> int:
    try:
        count = executions(program, params)
    except (TypeError, KeyError, IndexError, ValueError, AttributeError, zlib.error) as error:
        raise _invalid(f"the parameters are not those of {program}: {error!r}") from None
    if not 0 < count <= MOST_EXECUTIONS:
        raise _invalid(f"{count} executions, expected 1 to {MOST_EXECUTIONS} in one job")
    return count


def _part(pub: list[Any], index: int) -> Any:
    if not isinstance(pub, list):
        raise TypeError("a PUB is a list")
    return pub[index] if index < len(pub) else None


def _sets(values: Any) -> int:
    shape = _shape(values)
    return prod(shape[:-1]) if shape else 1


def _item_sets(item: Mapping[str, Any]) -> int:
    if item.get("item_type") == "samplex":
        return prod(item["shape"])
    return prod(item["circuit_arguments"]["shape"][:-1])


def _shape(values: Any) -> tuple[int, ...]:
    if values is None:
        return ()
    encoded: Any = values["__value__"] if isinstance(values, dict) else values
    if not isinstance(encoded, str):
        return np.shape(encoded)
    start = zlib.decompressobj().decompress(base64.b64decode(encoded[:_HEADER_TEXT]), 1024)
    stream = io.BytesIO(start)
    npy: Any = np.lib.format
    read = npy.read_array_header_1_0 if npy.read_magic(stream) == (1, 0) else npy.read_array_header_2_0
    return tuple(read(stream)[0])


def _invalid(message: str) -> RefusedError:
    return RefusedError(400, 1002, f"Error in the validation process of the job: {message}.")
