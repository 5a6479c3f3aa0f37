"""Counts as bytes: for each element of a bit array, its distinct outcomes and how often each came.

Format, version 1, all numbers little-endian: ``QPUC``, then the header (version, bytes of one count, bytes of one
number of distinct outcomes, number of axes, bits, shots, number of outcomes in all), then the length of each axis, then
for each element the number of its distinct outcomes, then how often each outcome came, then the outcomes as big-endian
rows of whole bytes, then 16 bytes of BLAKE2b over all before.
"""

import hashlib
import math
import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import StoreError

VERSION = 1
_MAGIC = b"QPUC"
_HEADER = struct.Struct("<BBBBIQQ")
_DIGEST = 16
_WORD = 8


def canonical_counts(bits: BitArray) -> BitArray:
    """The bit array with its shots in ascending order, and zeros in the bits that pad the first byte.

    Example:
        >>> canonical_counts(BitArray.from_samples(["10", "01", "10"], 2)).get_bitstrings()
        ['01', '10', '10']
    """
    return BitArray(_sorted_shots(bits), bits.num_bits)


def encode_counts(bits: BitArray) -> bytes:
    """The counts of a bit array of any shape; the order of the shots is not kept.

    Example:
        >>> bits = BitArray.from_counts({"00": 500, "11": 500}, 2)
        >>> len(encode_counts(bits)), decode_counts(encode_counts(bits)) == canonical_counts(bits)
        (51, True)
    """
    rows = _sorted_shots(bits).reshape(math.prod(bits.shape), bits.num_shots, _row_bytes(bits.num_bits))
    elements, shots, width = rows.shape
    first = np.ones((elements, shots), dtype=bool)
    first[:, 1:] = np.any(rows[:, 1:] != rows[:, :-1], axis=-1)
    starts = np.flatnonzero(first)
    times = _compact(np.diff(starts, append=elements * shots))
    distinct = _compact(np.count_nonzero(first, axis=1))
    outcomes = rows.reshape(elements * shots, width)[starts]
    header = _HEADER.pack(VERSION, times.itemsize, distinct.itemsize, bits.ndim, bits.num_bits, shots, len(outcomes))
    shape = np.array(bits.shape, dtype="<u8")
    body = b"".join((_MAGIC, header, shape.tobytes(), distinct.tobytes(), times.tobytes(), outcomes.tobytes()))
    return body + _digest(body)


def decode_counts(raw: bytes) -> BitArray:
    """The bit array of `encode_counts`, in canonical order.

    Raises:
        StoreError: the payload is damaged, or of a newer version of the format.
    """
    parts = _parse(raw)
    if int(parts.times.sum()) != math.prod(parts.shape) * parts.shots or int(parts.distinct.sum()) != len(parts.times):
        raise _damaged("its counts do not add up")
    owners = np.repeat(np.arange(len(parts.distinct)), parts.distinct)
    totals = np.bincount(owners, weights=parts.times, minlength=len(parts.distinct))
    if np.any(totals != parts.shots):
        raise _damaged("its counts do not add up")
    rows = np.repeat(parts.outcomes, parts.times, axis=0)
    return BitArray(rows.reshape(*parts.shape, parts.shots, rows.shape[-1]), parts.num_bits)


@dataclass(frozen=True)
class _Parts:
    shape: tuple[int, ...]
    shots: int
    num_bits: int
    distinct: NDArray[np.int64]
    times: NDArray[np.int64]
    outcomes: NDArray[np.uint8]


def _parse(raw: bytes) -> _Parts:
    body, digest = raw[:-_DIGEST], raw[-_DIGEST:]
    if not body.startswith(_MAGIC) or _digest(body) != digest:
        raise _damaged("its checksum is another")
    version, *sizes = _HEADER.unpack_from(body, len(_MAGIC))
    if version != VERSION:
        raise StoreError(f"counts of format version {version}, expected {VERSION}. Upgrade prefect-qpu.")
    time_bytes, distinct_bytes, axes, num_bits, shots, outcomes = sizes
    reader = _Reader(body, len(_MAGIC) + _HEADER.size)
    shape = tuple(reader.integers(axes, 8).tolist())
    return _Parts(
        shape=shape,
        shots=shots,
        num_bits=num_bits,
        distinct=reader.integers(math.prod(shape), distinct_bytes),
        times=reader.integers(outcomes, time_bytes),
        outcomes=reader.rest((outcomes, _row_bytes(num_bits))),
    )


class _Reader:
    """Reads arrays one after another, never past the end."""

    def __init__(self, body: bytes, offset: int) -> None:
        self.body, self.offset = body, offset

    def integers(self, count: int, size: int) -> NDArray[np.int64]:
        if size not in {1, 2, 4, 8} or self.offset + count * size > len(self.body):
            raise _damaged("it is too short")
        array = np.frombuffer(self.body, f"<u{size}", count, self.offset)
        self.offset += count * size
        return array.astype(np.int64)

    def rest(self, shape: tuple[int, int]) -> NDArray[np.uint8]:
        if len(self.body) - self.offset != math.prod(shape):
            raise _damaged("it has another length than it says")
        return np.frombuffer(self.body, np.uint8, offset=self.offset).reshape(shape)


def _sorted_shots(bits: BitArray) -> NDArray[np.uint8]:
    """Rows of whole bytes, sorted along the axis of the shots; a new array."""
    rows = bits.array.copy()
    if bits.num_bits % 8:
        rows[..., 0] &= (1 << bits.num_bits % 8) - 1
    if rows.shape[-1] == 1:
        return np.sort(rows, axis=-2)
    words = _words(rows)
    if words.shape[-1] == 1:
        return _bytes(np.sort(words, axis=-2), rows.shape[-1])
    order = np.lexsort(np.moveaxis(words, -1, 0)[::-1], axis=-1)
    return np.take_along_axis(rows, order[..., None], axis=-2)


def _words(rows: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Rows as big-endian 64-bit words, which sort as the rows do."""
    missing = -rows.shape[-1] % _WORD
    padded = np.concatenate([np.zeros((*rows.shape[:-1], missing), np.uint8), rows], axis=-1)
    return padded.view(">u8").astype(np.uint64)


def _bytes(words: NDArray[np.uint64], width: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(words.astype(">u8").view(np.uint8)[..., _WORD - width :])


def _row_bytes(num_bits: int) -> int:
    return -(-num_bits // 8)


def _compact(numbers: NDArray[np.int64]) -> NDArray[np.unsignedinteger]:
    """The numbers in the narrowest of 1, 2, 4 or 8 bytes that hold all of them."""
    smallest = np.min_scalar_type(int(numbers.max(initial=0)))
    return numbers.astype(smallest.newbyteorder("<"))


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST).digest()


def _damaged(reason: str) -> StoreError:
    return StoreError(f"the stored counts are damaged: {reason}.")
