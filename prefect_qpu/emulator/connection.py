"""The outermost layer of the service: it writes down each request, and lets requests meet their faults."""

import asyncio
import re
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass, field
from json import dumps
from typing import Any

from prefect_qpu.emulator.answers import RefusedError, timestamp, utc_now
from prefect_qpu.emulator.faults import Faults, RequestFault

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PREFIXES = ("/experimental/api/v1", "/api/v1")
ADMIN = "/emulator"
_REMEMBERED = 2000


@dataclass
class RequestLog:
    """The last requests, without tokens and bodies."""

    entries: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def add(self, method: str, path: str, status: int | None) -> None:
        """Write down a request; no status for a connection that was cut."""
        self.entries.append({"at": timestamp(utc_now()), "method": method, "path": path, "status": status})


@dataclass
class Answer:
    """An answer that is held back."""

    messages: list[Message] = field(default_factory=list)

    async def take(self, message: Message) -> None:
        """Hold a message of the answer back."""
        self.messages.append(message)

    @property
    def body(self) -> bytes:
        """The whole body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    async def send(self, send: Send, *, body: bytes, declared: int | None = None) -> None:
        """Send the answer with another body, whose declared length may be another."""
        start = dict(self.messages[0])
        kept = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
        length = str(len(body) if declared is None else declared).encode()
        await send({**start, "headers": [*kept, (b"content-length", length)]})
        await send({"type": "http.response.body", "body": body, "more_body": declared is not None})


@dataclass
class Connection:
    """An ASGI application around the service.

    Args:
        app: The service.
        faults: What requests may meet.
        log: Where requests are written down.
    """

    app: App
    faults: Faults
    log: RequestLog

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http" or scope["path"].startswith(ADMIN):
            await self.app(scope, receive, send)
            return
        # A base URL that ends with a slash gives two of them, and some clients keep both.
        scope = {**scope, "path": re.sub("/{2,}", "/", scope["path"])}
        path = _without_prefix(scope["path"])
        status: list[int | None] = [None]

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                status[0] = message["status"]
            await send(message)

        fault = self.faults.of_request(scope["method"], path)
        try:
            if fault is None:
                await self.app(scope, receive, noting)
            else:
                await self._strike(fault, scope, receive, noting)
        finally:
            self.log.add(scope["method"], path, status[0])

    async def _strike(self, fault: RequestFault, scope: Message, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        await asyncio.sleep(fault.delay_s)
        if fault.drop == "request":
            await _cut(receive)
            return
        if fault.status is not None and not fault.accept:
            await _refuse(fault, send)
            return
        answers = [Answer() for _ in range(1 + fault.duplicates)]
        for answer in answers:
            await self.app(scope, _replay(body), answer.take)
        await _reply(fault, answers[0], receive, send)


async def _reply(fault: RequestFault, answer: Answer, receive: Receive, send: Send) -> None:
    if fault.drop == "answer":
        await _cut(receive)
    elif fault.status is not None:
        await _refuse(fault, send)
    elif fault.drop == "middle":
        await answer.send(send, body=answer.body[: len(answer.body) // 2], declared=len(answer.body))
        await asyncio.sleep(0.05)
        await _cut(receive)
    else:
        body = answer.body if fault.body is None else fault.body.encode()
        await answer.send(send, body=body[: round(fault.keep * len(body))])


async def _refuse(fault: RequestFault, send: Send) -> None:
    assert fault.status is not None
    body = dumps(RefusedError(fault.status, 9999, "A fault that was asked for.").document()).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if fault.retry_after is not None:
        headers.append((b"retry-after", str(round(fault.retry_after)).encode()))
    await send({"type": "http.response.start", "status": fault.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _read(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes) -> Receive:
    messages = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        return messages.pop() if messages else {"type": "http.disconnect"}

    return receive


async def _cut(receive: Receive) -> None:
    """Cut the connection without an answer: ASGI has no word for it, so the server's transport is asked."""
    receive.__self__.transport.abort()  # type: ignore[attr-defined]
    while (await receive())["type"] != "http.disconnect":
        pass


def _without_prefix(path: str) -> str:
    return next((path.removeprefix(prefix) for prefix in PREFIXES if path.startswith(prefix)), path)
