"""Messages between the service and its worker processes: a JSON header and a body of bytes, each with its length."""

import json
import struct
from typing import Any, BinaryIO, Protocol

_LENGTHS = struct.Struct("<IQ")


class Readable(Protocol):
    """The reading end of an asyncio pipe."""

    async def readexactly(self, n: int, /) -> bytes:
        """So many bytes, or `asyncio.IncompleteReadError`."""


def frame(header: dict[str, Any], body: bytes = b"") -> bytes:
    """A message as bytes.

    Example:
        >>> import io
        >>> read_frame(io.BytesIO(frame({"job": "a"}, b"data")))
        ({'job': 'a'}, b'data')
    """
    head = json.dumps(header).encode()
    return _LENGTHS.pack(len(head), len(body)) + head + body


def read_frame(stream: BinaryIO) -> tuple[dict[str, Any], bytes] | None:
    """The next message; none at the end of the stream."""
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        return None
    head, body = _LENGTHS.unpack(lengths)
    return json.loads(stream.read(head)), stream.read(body)


async def receive_frame(stream: Readable) -> tuple[dict[str, Any], bytes]:
    """The next message of an asyncio pipe.

    Raises:
        asyncio.IncompleteReadError: the pipe was closed.
    """
    head, body = _LENGTHS.unpack(await stream.readexactly(_LENGTHS.size))
    return json.loads(await stream.readexactly(head)), await stream.readexactly(body)
