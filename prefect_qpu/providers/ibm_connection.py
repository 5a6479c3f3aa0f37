"""One connection to IBM Quantum, shared by the providers of an account's backends."""

from collections.abc import Callable, Mapping
from threading import RLock
from typing import Any, TypeVar

from prefect_qpu.errors import BackendError, ProviderUnavailableError
from prefect_qpu.providers.failures import status_of
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_spec import IBMBackendSpec

ResultT = TypeVar("ResultT")

READ_TIMEOUT = 60.0
"""Seconds without a byte after which the service counts as unreachable; IBM's client would wait for ever."""


class IBMConnection:
    """A client that is made when it is first needed, and again when its access token is no longer taken."""

    def __init__(self, account: IBMAccount) -> None:
        self.account = account
        self._lock = RLock()
        self._service: Any = None

    def service(self) -> Any:
        """The connected client."""
        with self._lock:
            if self._service is None:
                self._service = self.account.connect()
                for client in self._service._get_api_clients().values():  # noqa: SLF001
                    # Polling must not hang with a server that hangs; only the private session knows its time-out.
                    client._session._timeout = (5.0, READ_TIMEOUT)  # noqa: SLF001
            return self._service

    def ask(self, doing: str, work: Callable[[Any], ResultT]) -> ResultT:
        """What ``work`` makes of the client; an access token that is no longer taken is renewed once."""

        def renewing() -> ResultT:
            service = self.service()
            try:
                return work(service)
            except Exception as error:
                if status_of(error) != 401:
                    raise
            with self._lock:
                if self._service is service:
                    self._service = None
            return work(self.service())

        return self.account.told(doing, renewing)


def client_of(service: Any) -> Any:
    """The client of the instance, whose verbs tell more than those of the service."""
    return service._active_api_client  # noqa: SLF001


def backend_for(service: Any, spec: IBMBackendSpec) -> Any:
    """The backend that is named, or the least busy one.

    Raises:
        BackendError: there is none.
        ProviderUnavailableError: it cannot be read now.
    """
    from qiskit.providers.exceptions import QiskitBackendNotFoundError

    fractional = spec.fractional_gates
    try:
        if spec.backend is not None:
            return service.backend(spec.backend, use_fractional_gates=fractional)
        return service.least_busy(
            min_num_qubits=spec.min_qubits,
            use_fractional_gates=fractional,
            filters=lambda backend: not spec.candidates or backend.name in spec.candidates,
        )
    except QiskitBackendNotFoundError:
        pass
    # The client says the same if it could not read the list of backends; reading it again tells the two apart.
    names = sorted(item["name"] for item in client_of(service).list_backends())
    if spec.backend in names:
        raise ProviderUnavailableError(f"IBM Quantum lists {spec.backend}, but does not describe it now")
    among = f" among {', '.join(spec.candidates)}" if spec.candidates else ""
    raise BackendError(
        "backend",
        given=spec.backend or f"the least busy backend with {spec.min_qubits or 1} qubits or more{among}",
        expected=f"one of the instance's backends: {', '.join(names) or 'it has none'}",
    )


def candidate_names(service: Any, spec: IBMBackendSpec) -> tuple[str, ...]:
    """The backends that a rule may choose among: those of the specification, or all that are online and wide enough."""
    if spec.backend is not None:
        return (spec.backend,)
    if spec.candidates:
        return spec.candidates
    return tuple(sorted(item["name"] for item in client_of(service).list_backends() if _eligible(item, spec)))


def _eligible(listed: Mapping[str, Any], spec: IBMBackendSpec) -> bool:
    """Whether a listed backend is online and wide enough; a mock answers with random bits."""
    online = (listed.get("status") or {}).get("name", "online") == "online"
    return online and listed.get("class") != "mock" and (listed.get("qubits") or 0) >= (spec.min_qubits or 1)
