"""Artifacts are for people: one that cannot be written is logged, and costs no result."""

from collections.abc import Awaitable
from uuid import UUID

from prefect.logging import get_run_logger


async def published(artifact: Awaitable[UUID]) -> UUID | None:
    """The id of the artifact that the awaited call makes, or none if it could not be written."""
    try:
        return await artifact
    except Exception as error:  # noqa: BLE001 - whatever the server or the network does, the result is stored already
        get_run_logger().warning("An artifact was not written: %s", error)
        return None
