"""An account at IBM Quantum, and what goes wrong on the way to it, told as this package's errors without secrets."""

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_qpu.providers.failures import redacted, told

ResultT = TypeVar("ResultT")

OWN_HOST = "cloud.ibm.com"
OWN_URL = f"https://{OWN_HOST}"


@dataclass(frozen=True)
class IBMAccount:
    """Who asks, and where.

    Example:
        >>> account = IBMAccount(SecretStr("hunter2"), instance="crn:v1:...")
        >>> "hunter2" in repr(account), account.redacted("refused hunter2")
        (False, 'refused ***')
    """

    token: SecretStr
    """The API key."""
    instance: str
    """CRN or name of the service instance."""
    channel: str = "ibm_quantum_platform"
    url: str | None = None
    """Address of the service; none means IBM's."""
    proxies: Mapping[str, Any] | None = None
    """``urls``, ``username_ntlm`` and ``password_ntlm``, as the client takes them."""

    def __repr__(self) -> str:
        """Without proxies, whose URLs may hold passwords."""
        return f"IBMAccount(instance={self.instance!r}, channel={self.channel!r}, url={self.url!r})"

    @property
    def host(self) -> str:
        """Name of the host that is asked.

        Example:
            >>> IBMAccount(SecretStr("key"), "crn:v1:...").host
            'cloud.ibm.com'
        """
        return urlsplit(self.url or OWN_URL).hostname or ""

    @property
    def at_ibm(self) -> bool:
        """Whether the host is one of IBM's own."""
        return self.host == OWN_HOST or self.host.endswith(f".{OWN_HOST}")

    @property
    def at_loopback(self) -> bool:
        """Whether the host is this machine, where no QPU is."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def connect(self) -> Any:
        """A new `QiskitRuntimeService`; one instance belongs to one service, which many threads may use.

        Raises:
            ProviderUnavailableError: the service cannot be reached now.
            ProviderError: the service refuses the API key or does not know the instance.
        """
        from qiskit_ibm_runtime import QiskitRuntimeService

        return self.told(
            "connecting",
            lambda: QiskitRuntimeService(
                channel=self.channel,
                token=self.token.get_secret_value(),
                url=self.url,
                instance=self.instance,
                proxies=deepcopy(dict(self.proxies)) if self.proxies else None,
            ),
        )

    def redacted(self, text: str) -> str:
        """The text without secrets: of this account, and whatever looks like a credential."""
        return redacted(text, [self.token.get_secret_value(), *_secrets(self.proxies or {})])

    def told(self, doing: str, work: Callable[[], ResultT]) -> ResultT:
        """What ``work`` returns; what the client raises in it becomes one of this package's errors.

        Args:
            doing: What is being done, for the message.
            work: Calls the client.

        Raises:
            ProviderUnavailableError: no answer, a status from 500, or too many requests.
            ProviderError: the service or the client refuses.
        """
        return told("IBM Quantum", doing, work, self.redacted)


def _secrets(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from (password for url in value.values() if (password := urlsplit(str(url)).password))
        elif "password" in name and value:
            yield str(value)
