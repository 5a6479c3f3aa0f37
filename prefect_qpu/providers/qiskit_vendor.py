"""A vendor's Qiskit backend and jobs, asked in the ways that vendors have in common."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from operator import attrgetter
from typing import Any

from qiskit.providers import BackendV2

from prefect_qpu.errors import BackendError, ProviderError
from prefect_qpu.providers.qiskit_spec import QiskitBackendSpec, filled
from prefect_qpu.providers.types import Availability, JobState, Limits

_RETRIEVERS = ("retrieve_job", "job", "get_job")
_SIMULATES = re.compile(r"(?i)simulat|fake|emulat|mock|facade|statevector|\baer\b")
_STATES = {
    "RUNNING": JobState.RUNNING,
    "DONE": JobState.DONE,
    "COMPLETED": JobState.DONE,
    "ERROR": JobState.FAILED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
    "CANCELED": JobState.CANCELLED,
}


@dataclass(frozen=True)
class Vendor:
    """A backend, and the vendor's provider that gave it, if there is one."""

    backend: Any
    maker: Any = None

    @property
    def retrieve(self) -> Callable[[str], Any] | None:
        """Gives a job by its id; none where the vendor cannot."""
        return next((verb for name in _RETRIEVERS if (verb := self._verb(name))), None)

    @property
    def simulates(self) -> bool:
        """Whether the backend says that it simulates, or is called like something that does."""
        if _configured(self.backend, "simulator") is True:
            return True
        kinds = " ".join(f"{kind.__module__.replace('_', ' ')} {kind.__name__}" for kind in type(self.backend).__mro__)
        ours = re.sub(r"qiskit\.providers\.backend BackendV2?|builtins object", "", kinds)
        return bool(_SIMULATES.search(f"{self.backend.name} {ours}"))

    @property
    def seeded(self) -> bool:
        """Whether ``backend.run`` takes a seed: it does in the simulators that come with Qiskit and in Aer."""
        roots = {".".join(kind.__module__.split(".")[:3]) for kind in type(self.backend).__mro__}
        return hasattr(self.backend.options, "seed_simulator") or bool(
            roots & {"qiskit.providers.basic_provider", "qiskit.providers.fake_provider"}
            or any(root.startswith(("qiskit_aer", "qiskit_ibm_runtime.fake_provider")) for root in roots)
        )

    def limits(self) -> Limits:
        """What one call of ``backend.run`` may hold, as far as the backend tells."""
        validated = getattr(self.backend.options, "validator", {}).get("shots")
        shots = _configured(self.backend, "max_shots") or (validated[1] if isinstance(validated, tuple) else None)
        return Limits(max_executions=getattr(self.backend, "max_circuits", None), max_shots=shots)

    def availability(self) -> Availability:
        """Whether the backend takes jobs, and how many are there, as far as it tells."""
        ask = getattr(self.backend, "status", None)
        status = ask() if callable(ask) else None
        if status is None or isinstance(status, bool):
            return Availability(operational=status is not False)
        pending = getattr(status, "pending_jobs", None)
        return Availability(
            bool(getattr(status, "operational", True)), pending, str(getattr(status, "status_msg", "") or "")
        )

    def search(self, spec: QiskitBackendSpec, tag: str) -> list[Any]:
        """The vendor's jobs that carry a tag.

        Raises:
            ProviderError: the vendor lists jobs without telling what they carry.
        """
        assert spec.search is not None
        listing = self._verb(spec.search.method)
        if listing is None:
            raise BackendError(
                "backend.search.method", given=spec.search.method, expected="a method of the backend or its provider"
            )
        jobs = list(listing(**filled(spec.search.arguments, tag)))
        if any(not _words(job) for job in jobs):
            raise ProviderError(
                f"{self.backend.name} lists jobs without their tags, so that none can be told to be ours"
            )
        return [job for job in jobs if any(tag in word for word in _words(job))]

    def _verb(self, name: str) -> Any:
        found = (getattr(owner, name, None) for owner in (self.backend, self.maker))
        return next((verb for verb in found if callable(verb)), None)


def connect(spec: QiskitBackendSpec, secrets: Mapping[str, str]) -> Vendor:
    """The vendor's backend.

    Raises:
        BackendError: there is no such callable, or what it gives is no ``BackendV2``.
    """
    made = _callable(spec.source)(**spec.arguments, **secrets)
    if isinstance(made, BackendV2):
        return Vendor(made)
    giving = _attribute(made, spec.method)
    if not callable(giving):
        raise BackendError("backend.method", given=spec.method, expected=f"a method of {type(made).__name__}")
    backend = giving(*([] if spec.backend is None else [spec.backend]), **spec.backend_arguments)
    if not isinstance(backend, BackendV2):
        raise BackendError("backend.source", given=type(backend).__name__, expected="a BackendV2 of Qiskit")
    return Vendor(backend, made)


def state_of(status: Any) -> JobState:
    """What a vendor's status of a job means; a word that nobody knows is taken for waiting.

    Example:
        >>> from qiskit.providers import JobStatus
        >>> state_of(JobStatus.VALIDATING).value, state_of("COMPLETED").value
        ('queued', 'done')
    """
    return _STATES.get(str(getattr(status, "name", status)).upper(), JobState.QUEUED)


def failure_of(job: Any) -> str:
    """Why a job failed, as far as the vendor tells."""
    tell = getattr(job, "error_message", None)
    return str(tell() or "") if callable(tell) else ""


def _callable(source: str) -> Any:
    module, _, name = source.partition(":")
    hint = f"Install the vendor's package that has {module.partition('.')[0]} into the worker's environment."
    try:
        found = attrgetter(name)(import_module(module))
    except (ImportError, AttributeError) as error:
        raise BackendError(
            "backend.source", given=source, expected="module:callable", hint=f"{error}. {hint}"
        ) from error
    if not callable(found):
        raise BackendError("backend.source", given=source, expected="module:callable")
    return found


def _attribute(owner: Any, path: str) -> Any:
    """What stands at a dotted path, or none."""
    try:
        return attrgetter(path)(owner)
    except AttributeError:
        return None


def _configured(backend: Any, name: str) -> Any:
    read = getattr(backend, "configuration", None)
    configuration = read() if callable(read) else None
    value = getattr(configuration, name, None)
    return getattr(backend, name, None) if value is None else value


def _words(job: Any) -> Iterable[str]:
    """What a job says of itself that may hold a tag."""
    found = (getattr(job, name, None) for name in ("tags", "metadata", "name", "job_tags"))
    told = (word() if callable(word) else word for word in found)
    return [str(word) for word in told if word]
