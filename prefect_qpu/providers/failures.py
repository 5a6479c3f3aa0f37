"""What goes wrong on the way to a service, told as this package's errors without secrets."""

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

from prefect_qpu.errors import ProviderError, ProviderUnavailableError, QpuError

ResultT = TypeVar("ResultT")

TOO_MANY_REQUESTS = 429
PASSING = frozenset({408, 425, TOO_MANY_REQUESTS})
"""Statuses below 500 that say nothing about the request."""
_TRANSPORTS = frozenset({"requests", "urllib3", "httpx", "httpcore", "aiohttp", "botocore", "grpc", "websockets"})
_BEARER = re.compile(r"(?i)\b(bearer|apikey)[\s=:]+[^\s'\"&,]+")
_WEB_TOKEN = re.compile(r"\beyJ[\w-]+\.[\w-]+\.[\w-]*")
_LONGEST = 500


def redacted(text: str, secrets: Iterable[str]) -> str:
    """The text without these secrets, and without whatever looks like a credential.

    Example:
        >>> redacted("key hunter2, Authorization: Bearer abc", ["hunter2"])
        'key ***, Authorization: Bearer ***'
    """
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return _WEB_TOKEN.sub("***", _BEARER.sub(r"\1 ***", text))


def told(who: str, doing: str, work: Callable[[], ResultT], redacted: Callable[[str], str]) -> ResultT:
    """What ``work`` returns; what a client raises in it becomes one of this package's errors, without secrets.

    Args:
        who: The service, for the message.
        doing: What is being done, for the message.
        work: Calls the client.
        redacted: Takes secrets out of a text.

    Raises:
        ProviderUnavailableError: no answer, a status from 500, or too many requests.
        ProviderError: the service or its client refuses.
    """
    try:
        return work()
    except QpuError:
        raise
    except Exception as error:  # noqa: BLE001 - clients raise errors of many libraries
        translated = _translated(error, who, doing, redacted)
    # Outside of the handler: the client's error holds the request with its token, and must not become a context.
    raise translated


def response_of(error: BaseException) -> Any:
    """The answer of the service behind an error, or none if there was none."""
    for link in _chain(error):
        response = getattr(link, "response", None)
        response = getattr(link, "http_response", None) if response is None else response
        if isinstance(getattr(response, "status_code", None), int):
            return response
    return None


def status_of(error: BaseException) -> int | None:
    """The HTTP status behind an error; -1 if the service did not answer, none if it was not asked."""
    response = response_of(error)
    if response is not None:
        return int(response.status_code)
    known = [getattr(link, "status_code", None) for link in _chain(error)]
    told = next((int(status) for status in known if isinstance(status, int)), None)
    unreached = any(_of_the_network(link) for link in _chain(error))
    return -1 if told is None and unreached else told


def unless(status: int, work: Callable[[], ResultT]) -> ResultT | None:
    """What ``work`` returns, or none if the service answers with the status."""
    try:
        return work()
    except Exception as error:
        if status_of(error) != status:
            raise
        return None


def _translated(error: Exception, who: str, doing: str, redacted: Callable[[str], str]) -> ProviderError:
    status = status_of(error)
    if status is None and isinstance(error, LookupError):
        # The client looked for something in an answer that does not have it.
        return ProviderUnavailableError(f"{who} answers with something else than asked for, {doing}")
    if status is None:
        return ProviderError(f"{who}, {doing}: {_short(redacted(str(error) or type(error).__name__))}")
    # What is secret is taken out before the text is cut: a key that the cut goes through would not be found.
    reason = _short(redacted(_reason(error)))
    if status == -1:
        return ProviderUnavailableError(f"{who} cannot be reached, {doing}: {reason}")
    if status >= 500 or status in PASSING:
        # Of all passing refusals, only a first answer of too many requests says that nothing was accepted.
        unsent = status == TOO_MANY_REQUESTS and not _repeated(error)
        return ProviderUnavailableError(
            f"{who} answers {status}, {doing}: {reason}", _retry_after(error), sent=not unsent
        )
    if status in {401, 403}:
        return ProviderError(f"{who} refuses access ({status}), {doing}: {reason} Check the API key and the instance.")
    return ProviderError(f"{who} refuses ({status}), {doing}: {reason}")


def _reason(error: BaseException) -> str:
    """What the service says in its own form of an error, else the text of the client."""
    try:
        first = response_of(error).json()["errors"][0]
        return " ".join(filter(None, [f"{first['message']}", first.get("solution")]))
    except (AttributeError, KeyError, IndexError, TypeError, ValueError):
        return str(error)


def _repeated(error: BaseException) -> bool:
    """Whether the client had sent the request before, and repeated it by itself."""
    retries = getattr(getattr(response_of(error), "raw", None), "retries", None)
    return retries is None or bool(retries.history)


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


def _of_the_network(error: BaseException) -> bool:
    """Whether an error comes from a connection: of Python itself, or of a library that makes connections."""
    libraries = {kind.__module__.partition(".")[0] for kind in type(error).__mro__}
    return isinstance(error, ConnectionError | TimeoutError) or bool(libraries & _TRANSPORTS)


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
