"""The system of record: experiments, runs, submissions, results and what was learned from them, in one SQL database."""

from prefect_qpu.records.counts import canonical_counts, decode_counts, encode_counts
from prefect_qpu.records.migrate import HEAD_REVISION, current_revision, upgrade
from prefect_qpu.records.rows import (
    BaselineRow,
    CircuitRow,
    DecisionRow,
    EstimateRow,
    EventRow,
    RunRow,
    SubmissionRow,
    SweepRow,
)
from prefect_qpu.records.store import RecordStore
from prefect_qpu.records.urls import default_url
from prefect_qpu.records.waiting import OpenSubmission, WaitingRun, WaitingSweep

__all__ = [
    "HEAD_REVISION",
    "BaselineRow",
    "CircuitRow",
    "DecisionRow",
    "EstimateRow",
    "EventRow",
    "OpenSubmission",
    "RecordStore",
    "RunRow",
    "SubmissionRow",
    "SweepRow",
    "WaitingRun",
    "WaitingSweep",
    "canonical_counts",
    "current_revision",
    "decode_counts",
    "default_url",
    "encode_counts",
    "upgrade",
]
