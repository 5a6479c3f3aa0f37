"""Sending a job to IBM Quantum: its options, its session, and what is refused before anything is sent."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

from prefect_qpu.errors import BackendError, JobRefusedError
from prefect_qpu.providers.ibm_spec import IBMBackendSpec

_log = logging.getLogger(__name__)


def sampler_options(options: Mapping[str, Any], tags: Sequence[str]) -> Any:
    """Options of ``SamplerV2`` with more tags.

    Raises:
        ValueError: there are no such options, or a value is malformed.
    """
    from qiskit_ibm_runtime import SamplerOptions

    document = deepcopy(dict(options))
    environment = document.setdefault("environment", {})
    environment["job_tags"] = [*tags, *(tag for tag in environment.get("job_tags") or () if tag not in tags)]
    return SamplerOptions(**document)


def check_options(options: Mapping[str, Any]) -> None:
    """Refuse options that the sampler does not have.

    Raises:
        BackendError: there are no such options, or a value is malformed.
    """
    try:
        sampler_options(options, ())
    except (TypeError, ValueError) as error:
        raise BackendError(
            "backend.options",
            given=dict(options),
            expected="options of SamplerV2",
            hint=" ".join(str(error).split())[:300],
        ) from None


def admit(client: Any, name: str, *, paused: bool) -> None:
    """Refuse a job that would only lie in the queue: the client would warn and send it.

    Args:
        client: IBM's client of one instance.
        name: The backend.
        paused: Whether a backend that runs no jobs now will do.

    Raises:
        JobRefusedError: the backend runs no jobs now, or the instance has no time left.
    """
    if client.cloud_usage().get("usage_limit_reached"):
        raise JobRefusedError("the instance has used up its QPU time; the job would wait until more is granted")
    status = client.backend_status(name)
    if not paused and (not status["operational"] or status["status_msg"] != "active"):
        raise JobRefusedError(
            f"{name} runs no jobs now ({status['status_msg']}); backend.accept_paused sends them anyway"
        )


@contextmanager
def workload(spec: IBMBackendSpec, backend: Any) -> Iterator[Any]:
    """What jobs are sent to: the backend, or a new batch or session that takes no more jobs afterwards.

    It is closed at once, for an open session holds a QPU, which is charged; what was sent still runs.
    """
    if spec.mode == "job":
        yield backend
        return
    from qiskit_ibm_runtime import Batch, Session

    opened = (Session if spec.mode == "session" else Batch)(backend, max_time=spec.max_time)
    try:
        yield opened
    finally:
        _close(opened)


def _close(opened: Any) -> None:
    """Let a batch or session take no more jobs; the job that it has counts more than an error on the way."""
    try:
        opened.close()
    except Exception as error:  # noqa: BLE001 - the client raises errors of five libraries
        _log.warning("%s %s was not closed (%s)", type(opened).__name__, opened.session_id, type(error).__name__)
