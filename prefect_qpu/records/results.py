"""Results of submissions: counts of jobs, and the parameter values that they were measured at."""

import io
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from prefect_qpu.errors import RecordNotFoundError, StoreError
from prefect_qpu.providers.types import JobResult
from prefect_qpu.records import blobs, schema
from prefect_qpu.records.counts import decode_counts, encode_counts
from prefect_qpu.records.database import Database, insert_missing
from prefect_qpu.records.states import moved

_NAMES = "names"


class Results:
    """Counts by submission. The first result of a submission is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def store_results(self, submission_id: int, result: JobResult, now: datetime) -> bool:
        """Store counts, times and cost of a finished job in one transaction; whether they were new.

        The submission is done then, unless it had another end before: then it keeps that end, and the counts.

        Raises:
            RecordNotFoundError: there is no such submission.
        """
        packed = [blobs.packed(encode_counts(bits)) for bits in result.counts]
        with self._database.writing() as session:
            record = locked(session, submission_id)
            if record.state == "done" or _has_results(session, submission_id):
                return False
            blobs.put(session, packed)
            rows = _result_rows(submission_id, result, packed, now)
            if rows:
                insert_missing(session, schema.Result, rows)
            record.qpu_seconds = result.qpu_seconds
            record.job_created_at, record.job_started_at = result.created, result.started
            record.job_finished_at = result.finished
            # A job that was thought lost is found again with its result.
            if record.state == "lost" or moved(record.state, "done") == "done":
                record.state, record.ended_at = "done", now
            return True

    def has_results(self, submission_id: int) -> bool:
        """Whether the counts of a submission are stored, however it ended."""
        with self._database.reading() as session:
            return _has_results(session, submission_id)

    def results(self, submission_id: int) -> list[BitArray]:
        """The counts of each PUB, with the shots in ascending order.

        Raises:
            RecordNotFoundError: there are none.
            StoreError: the stored counts are damaged.
        """
        with self._database.reading() as session:
            records = _stored_results(session, submission_id)
            payloads = blobs.contents(session, [record.blob_hash for record in records])
        return [_decoded(record, payloads[record.blob_hash]) for record in records]

    def result_metadata(self, submission_id: int) -> dict[str, Any]:
        """What the provider reported with the counts.

        Raises:
            RecordNotFoundError: there are no counts.
        """
        with self._database.reading() as session:
            return _stored_results(session, submission_id)[0].metadata_

    def result(self, submission_id: int) -> JobResult:
        """The stored result as the provider gave it, but for the order of the shots.

        Raises:
            RecordNotFoundError: there is none.
        """
        counts = tuple(self.results(submission_id))
        metadata = self.result_metadata(submission_id)
        with self._database.reading() as session:
            record = session.get_one(schema.Submission, submission_id)
            return JobResult(
                counts,
                record.job_created_at,
                record.job_started_at,
                record.job_finished_at,
                record.qpu_seconds,
                metadata,
            )

    def add_parameters(self, values: Mapping[str, NDArray[Any]]) -> str:
        """The hash under which arrays of numbers are stored by name; equal arrays have one hash in any order of names.

        Raises:
            StoreError: an array holds something else than numbers.
        """
        return self.add_many_parameters([values])[0]

    def add_many_parameters(self, many: Sequence[Mapping[str, NDArray[Any]]]) -> list[str]:
        """The hash of each set of arrays, which `add_parameters` would give; all are stored in one transaction."""
        packed = [blobs.packed(_encode_arrays(values)) for values in many]
        with self._database.writing() as session:
            blobs.put(session, packed)
        return [str(blob["hash"]) for blob in packed]

    def parameters(self, blob_hash: str) -> dict[str, NDArray[Any]]:
        """The arrays that `add_parameters` stored under this hash.

        Raises:
            RecordNotFoundError: there are none.
            StoreError: the payload is damaged, or holds something else.
        """
        with self._database.reading() as session:
            return _decode_arrays(blobs.contents(session, [blob_hash])[blob_hash])


def locked(session: Session, submission_id: int) -> schema.Submission:
    """The record of a submission, which no other transaction can change until this one ends."""
    record = session.get(schema.Submission, submission_id, with_for_update=True)
    if record is None:
        raise RecordNotFoundError("submission", str(submission_id))
    return record


def _has_results(session: Session, submission_id: int) -> bool:
    query = select(schema.Result.pub_index).where(schema.Result.submission_id == submission_id).limit(1)
    return session.scalar(query) is not None


def _result_rows(
    submission_id: int, result: JobResult, packed: list[dict[str, Any]], now: datetime
) -> list[dict[str, Any]]:
    return [
        {
            "submission_id": submission_id,
            "pub_index": index,
            "blob_hash": blob["hash"],
            "num_bits": bits.num_bits,
            "shots": bits.num_shots,
            "shape": list(bits.shape),
            "metadata": {} if index else dict(result.metadata),
            "stored_at": now,
        }
        for index, (bits, blob) in enumerate(zip(result.counts, packed, strict=True))
    ]


def _stored_results(session: Session, submission_id: int) -> list[schema.Result]:
    query = select(schema.Result).where(schema.Result.submission_id == submission_id)
    records = list(session.scalars(query.order_by(schema.Result.pub_index)))
    if not records:
        raise RecordNotFoundError("result of submission", str(submission_id))
    return records


def _decoded(record: schema.Result, payload: bytes) -> BitArray:
    bits = decode_counts(payload)
    told, found = (record.num_bits, record.shots, tuple(record.shape)), (bits.num_bits, bits.num_shots, bits.shape)
    if told != found:
        raise StoreError(
            f"result {record.pub_index} of submission {record.submission_id} is damaged: "
            f"bits, shots and shape are {found}, expected {told}."
        )
    return bits


def _encode_arrays(values: Mapping[str, NDArray[Any]]) -> bytes:
    names = sorted(values)
    arrays = [np.ascontiguousarray(values[name]).reshape(np.shape(values[name])) for name in names]
    for name, array in zip(names, arrays, strict=True):
        if array.dtype.kind not in "biufc":
            raise StoreError(f"the parameter {name!r} holds {array.dtype} values, expected numbers.")
    numbered = {str(index): array.astype(array.dtype.newbyteorder("<")) for index, array in enumerate(arrays)}
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{_NAMES: np.array(names, dtype=np.str_)}, **numbered)
    return buffer.getvalue()


def _decode_arrays(raw: bytes) -> dict[str, NDArray[Any]]:
    try:
        with np.load(io.BytesIO(raw), allow_pickle=False) as stored:
            return {str(name): stored[str(index)] for index, name in enumerate(stored[_NAMES])}
    except (ValueError, KeyError, OSError, BadZipFile, AttributeError, TypeError) as error:
        raise StoreError(f"the payload holds no parameter values: {error}.") from error
