"""Payloads as compressed blobs that are named by the hash of their content."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.hashing import content_hash
from prefect_qpu.records import schema
from prefect_qpu.records.database import insert_missing

CODEC = "zlib"
_TOGETHER = 500
"""Hashes in one query; databases limit the number of parameters."""


def packed(content: bytes) -> dict[str, Any]:
    """The blob of a content, to be handed to `put`; compressing needs no open transaction."""
    return {"hash": content_hash(content), "codec": CODEC, "size": len(content), "payload": zlib.compress(content)}


def put(session: Session, blobs: Sequence[dict[str, Any]]) -> None:
    """Store blobs that `packed` made, those that are missing."""
    # Databases lock rows in the order of writing: one order for all keeps two writers from waiting for each other.
    for blob in sorted({blob["hash"]: blob for blob in blobs}.values(), key=lambda blob: str(blob["hash"])):
        insert_missing(session, schema.Blob, blob)


def contents(session: Session, hashes: Iterable[str]) -> dict[str, bytes]:
    """The content of each blob by its hash.

    Raises:
        RecordNotFoundError: a blob is missing.
        StoreError: a blob is damaged.
    """
    wanted = sorted(set(hashes))
    found: dict[str, bytes] = {}
    for some in _together(wanted):
        query = select(schema.Blob).where(schema.Blob.hash.in_(some))
        found.update((blob.hash, _unpacked(blob)) for blob in session.scalars(query))
    for key in wanted:
        if key not in found:
            raise RecordNotFoundError("payload", key)
    return found


def circuit_blobs(session: Session, circuits: Sequence[str]) -> dict[str, str]:
    """The hash of the blob of each circuit that is stored, by the circuit's hash."""
    columns = select(schema.Circuit.hash, schema.Circuit.blob_hash)
    return {
        key: blob
        for some in _together(circuits)
        for key, blob in session.execute(columns.where(schema.Circuit.hash.in_(some)))
    }


def _together(hashes: Sequence[str]) -> Iterator[Sequence[str]]:
    return (hashes[start : start + _TOGETHER] for start in range(0, len(hashes), _TOGETHER))


def _unpacked(blob: schema.Blob) -> bytes:
    if blob.codec != CODEC:
        raise StoreError(f"the payload {blob.hash} is packed with {blob.codec!r}, expected {CODEC!r}.")
    try:
        # One byte more than expected shows a wrong size, and a damaged blob cannot fill the memory.
        content = zlib.decompressobj().decompress(blob.payload, blob.size + 1)
    except zlib.error as error:
        raise StoreError(f"the payload {blob.hash} is damaged: {error}.") from error
    if len(content) != blob.size or content_hash(content) != blob.hash:
        raise StoreError(f"the payload {blob.hash} is damaged: its content has another hash.")
    return content
