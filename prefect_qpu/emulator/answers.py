"""Errors in the service's form, times in the service's format."""

from datetime import UTC, datetime
from secrets import token_hex
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse

from prefect_qpu.errors import QpuError


class RefusedError(QpuError):
    """A request that the service refuses.

    Codes are those of the service's published error registry.
    """

    def __init__(
        self, status: int, code: int, message: str, *, solution: str = "", retry_after: float | None = None
    ) -> None:
        self.status, self.code, self.solution, self.retry_after = status, code, solution, retry_after
        super().__init__(message)

    def document(self) -> dict[str, Any]:
        """The body of the answer."""
        error = {"code": self.code, "message": str(self), "solution": self.solution, "more_info": ""}
        return {"errors": [error], "trace": token_hex(16)}


async def refusal(_: Request, error: Exception) -> JSONResponse:
    """The answer to a refused request."""
    assert isinstance(error, RefusedError)
    headers = {} if error.retry_after is None else {"Retry-After": str(max(1, round(error.retry_after)))}
    return JSONResponse(error.document(), error.status, headers)


def utc_now() -> datetime:
    """The moment, in UTC."""
    return datetime.now(UTC)


def timestamp(moment: datetime | None) -> str | None:
    """The moment as the service writes it.

    Example:
        >>> timestamp(datetime(2026, 1, 2, 3, 4, 5, 678900, tzinfo=UTC))
        '2026-01-02T03:04:05.678900Z'
    """
    return None if moment is None else moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(text: str) -> datetime:
    """The moment that a client wrote, in UTC where it has no zone.

    Raises:
        RefusedError: it is no ISO 8601 time.
    """
    try:
        read = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        raise RefusedError(400, 1002, f"time: got {text!r}, expected ISO 8601.") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)
