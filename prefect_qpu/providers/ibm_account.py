"""An account at IBM Quantum, and what goes wrong on the way to it, told as this package's errors without secrets."""

import re
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import SecretStr

from prefect_qpu.errors import ProviderError, ProviderUnavailableError, QpuError

ResultT = TypeVar("ResultT")

OWN_HOST = "cloud.ibm.com"
OWN_URL = f"https://{OWN_HOST}"
PASSING = frozenset({408, 425, 429})
"""Statuses below 500 that say nothing about the request."""
_BEARER = re.compile(r"(?i)\b(bearer|apikey)[\s=:]+[^\s'\"&,]+")
_WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_LONGEST = 500


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
        for secret in filter(None, [self.token.get_secret_value(), *_secrets(self.proxies or {})]):
            text = text.replace(secret, "***")
        return _WEB_TOKEN.sub("***", _BEARER.sub(r"\1 ***", text))

    def told(self, doing: str, work: Callable[[], ResultT]) -> ResultT:
        """What ``work`` returns; what the client raises in it becomes one of this package's errors.

        Args:
            doing: What is being done, for the message.
            work: Calls the client.

        Raises:
            ProviderUnavailableError: no answer, a status from 500, or too many requests.
            ProviderError: the service or the client refuses.
        """
        try:
            return work()
        except QpuError:
            raise
        except Exception as error:  # noqa: BLE001 - the client raises errors of five libraries
            told = _translated(error, doing, self.redacted)
        # Outside of the handler: the client's error holds the request with its token, and must not become a context.
        raise told


def response_of(error: BaseException) -> Any:
    """The answer of the service behind an error, or none if there was none."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        response = getattr(link, "http_response", None) if response is None else response
        if response is not None and getattr(response, "status_code", None) is not None:
            return response
    return None


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error; -1 if the service did not answer, none if it was not asked."""
    from requests import RequestException

    response = response_of(error)
    if response is not None:
        return int(response.status_code)
    known = [getattr(link, "status_code", None) for link in _chain(error)]
    told = next((int(status) for status in known if status is not None), None)
    unreached = any(isinstance(link, RequestException) for link in _chain(error))
    return -1 if told is None and unreached else told


def unless(status: int, work: Callable[[], ResultT]) -> ResultT | None:
    """What ``work`` returns, or none if the service answers with the status."""
    try:
        return work()
    except Exception as error:
        if status_of(error) != status:
            raise
        return None


def _translated(error: Exception, doing: str, redacted: Callable[[str], str]) -> ProviderError:
    status = status_of(error)
    if status is None and isinstance(error, LookupError):
        # The client looked for something in an answer that does not have it.
        return ProviderUnavailableError(f"IBM Quantum answers with something else than asked for, {doing}")
    if status is None:
        return ProviderError(redacted(f"IBM Quantum, {doing}: {_short(str(error) or type(error).__name__)}"))
    reason = redacted(_reason(error))
    if status == -1:
        return ProviderUnavailableError(f"IBM Quantum cannot be reached, {doing}: {reason}")
    if status >= 500 or status in PASSING:
        return ProviderUnavailableError(f"IBM Quantum answers {status}, {doing}: {reason}", _retry_after(error))
    if status in {401, 403}:
        return ProviderError(
            f"IBM Quantum refuses access ({status}), {doing}: {reason} Check the API key and the instance."
        )
    return ProviderError(f"IBM Quantum refuses ({status}), {doing}: {reason}")


def _reason(error: BaseException) -> str:
    """What the service says in its own form of an error, else the text of the client."""
    try:
        first = response_of(error).json()["errors"][0]
        return _short(" ".join(filter(None, [f"{first['message']}", first.get("solution")])))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return _short(str(error))


def _retry_after(error: BaseException) -> float | None:
    response = response_of(error)
    text = response.headers.get("Retry-After", "") if response is not None else ""
    # The other form of the header, a date, would have to be read against the service's clock.
    return float(text) if text.isdecimal() else None


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it, also what the client hides with ``from None``."""
    link: BaseException | None = error
    seen: set[int] = set()
    while link is not None and id(link) not in seen:
        seen.add(id(link))
        yield link
        link = link.__cause__ or link.__context__


def _secrets(document: Mapping[str, Any]) -> Iterator[str]:
    for name, value in document.items():
        if isinstance(value, Mapping):
            yield from (password for url in value.values() if (password := urlsplit(str(url)).password))
        elif "password" in name and value:
            yield str(value)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
