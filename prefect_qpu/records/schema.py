"""The tables of the record store. A change here needs a migration in ``migrations/versions``."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, MetaData, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON, BigInteger, LargeBinary, String

from prefect_qpu.records.columns import ExactDouble, Message, RowId, UtcDateTime

UNKNOWN_TIME = datetime(1970, 1, 1, tzinfo=UTC)
"""Stands for a provider timestamp that is not known: two nulls would not collide in a unique key, two epochs do."""


class Base(DeclarativeBase):
    """All tables, with the same names of constraints on every database."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        str: String,
        int: BigInteger,
        float: ExactDouble,
        bytes: LargeBinary,
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        list[Any]: JSON(none_as_null=True),
    }


class Identity(Base):
    """The one row that tells this store from all others, so that none takes the jobs of another for its own."""

    __tablename__ = "identity"
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=False)
    uuid: Mapped[str]


class Blob(Base):
    """A compressed payload, named by the SHA-256 of its content."""

    __tablename__ = "blobs"
    hash: Mapped[str] = mapped_column(primary_key=True)
    codec: Mapped[str]
    size: Mapped[int]
    """Bytes before compression."""
    payload: Mapped[bytes]


class Experiment(Base):
    """A definition."""

    __tablename__ = "experiments"
    hash: Mapped[str] = mapped_column(primary_key=True)
    execution_hash: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(index=True)
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Circuit(Base):
    """A circuit, by the hash of its structure."""

    __tablename__ = "circuits"
    hash: Mapped[str] = mapped_column(primary_key=True)
    blob_hash: Mapped[str] = mapped_column(ForeignKey("blobs.hash"))
    num_qubits: Mapped[int]
    depth: Mapped[int]
    two_qubit_gates: Mapped[int]
    size: Mapped[int]
    payload_bytes: Mapped[int]
    created_at: Mapped[datetime]


class Transpilation(Base):
    """What the transpiler made of a circuit, by a key of all that decides it."""

    __tablename__ = "transpilations"
    key: Mapped[str] = mapped_column(primary_key=True)
    circuit_hash: Mapped[str] = mapped_column(ForeignKey("circuits.hash"))
    document: Mapped[dict[str, Any]]
    created_at: Mapped[datetime]


class Calibration(Base):
    """A calibration snapshot; its hash is that of its canonical JSON, and so the name of its blob."""

    __tablename__ = "calibrations"
    hash: Mapped[str] = mapped_column(ForeignKey("blobs.hash"), primary_key=True)
    device: Mapped[str] = mapped_column(index=True)
    taken_at: Mapped[datetime | None]
    created_at: Mapped[datetime]


class Run(Base):
    """One execution of an experiment."""

    __tablename__ = "runs"
    id: Mapped[str] = mapped_column(primary_key=True)
    experiment_hash: Mapped[str] = mapped_column(ForeignKey("experiments.hash"), index=True)
    flow_run_id: Mapped[str | None]
    state: Mapped[str] = mapped_column(index=True)
    source: Mapped[str | None]
    outcome: Mapped[str | None]
    calibration_hash: Mapped[str | None] = mapped_column(ForeignKey("calibrations.hash"))
    backend: Mapped[dict[str, Any]]
    seeds: Mapped[dict[str, Any]]
    versions: Mapped[dict[str, Any]]
    error: Mapped[str | None] = mapped_column(Message)
    started_at: Mapped[datetime] = mapped_column(index=True)
    ended_at: Mapped[datetime | None]


class Stage(Base):
    """The output of a finished stage."""

    __tablename__ = "stages"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]]
    completed_at: Mapped[datetime]


class Submission(Base):
    """One attempt to have a request executed: at most one job of a provider."""

    __tablename__ = "submissions"
    __table_args__ = (UniqueConstraint("content_hash", "replicate", "attempt"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    request_hash: Mapped[str] = mapped_column(unique=True)
    content_hash: Mapped[str] = mapped_column(index=True)
    replicate: Mapped[int]
    attempt: Mapped[int]
    provider: Mapped[str]
    backend: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    job_id: Mapped[str | None] = mapped_column(index=True)
    seed: Mapped[int | None]
    options: Mapped[dict[str, Any]]
    pubs: Mapped[list[Any]]
    payload_bytes: Mapped[int]
    limits: Mapped[dict[str, Any] | None]
    calibration_hash: Mapped[str | None] = mapped_column(ForeignKey("calibrations.hash"))
    qpu_seconds: Mapped[float | None]
    error: Mapped[str | None] = mapped_column(Message)
    claimed_by: Mapped[str | None]
    """Who began to send the request."""
    claimed_until: Mapped[datetime | None]
    """Until when a job of that sending may still appear at the provider."""
    sent_at: Mapped[datetime | None]
    """When the request was first sent with an effect that is not known."""
    lost_since: Mapped[datetime | None]
    """Since when the provider does not know the job."""
    cancel_requested_at: Mapped[datetime | None]
    """Since when no run wants the job any more."""
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    job_created_at: Mapped[datetime | None]
    job_started_at: Mapped[datetime | None]
    job_finished_at: Mapped[datetime | None]


class RunSubmission(Base):
    """Which submission serves which role of which run."""

    __tablename__ = "run_submissions"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    role: Mapped[str] = mapped_column(primary_key=True)
    submission_id: Mapped[int] = mapped_column(RowId, ForeignKey("submissions.id"), index=True)


class SurplusJob(Base):
    """A job that carries the tag of a submission which another job serves."""

    __tablename__ = "surplus_jobs"
    submission_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("submissions.id"), primary_key=True, autoincrement=False
    )
    job_id: Mapped[str] = mapped_column(primary_key=True)
    state: Mapped[str]
    """What it was last seen to be."""
    found_at: Mapped[datetime]


class JobCalibration(Base):
    """The calibration that was valid when a job ran."""

    __tablename__ = "job_calibrations"
    submission_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("submissions.id"), primary_key=True, autoincrement=False
    )
    calibration_hash: Mapped[str] = mapped_column(ForeignKey("calibrations.hash"))


class StatusEvent(Base):
    """What the provider once said of a job."""

    __tablename__ = "status_events"
    __table_args__ = (UniqueConstraint("submission_id", "status", "provider_timestamp"),)
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    submission_id: Mapped[int] = mapped_column(RowId, ForeignKey("submissions.id"))
    status: Mapped[str]
    provider_timestamp: Mapped[datetime]
    """`UNKNOWN_TIME` where the provider did not tell it."""
    message: Mapped[str] = mapped_column(Message)
    recorded_at: Mapped[datetime]


class Result(Base):
    """The counts of one PUB."""

    __tablename__ = "results"
    submission_id: Mapped[int] = mapped_column(
        RowId, ForeignKey("submissions.id"), primary_key=True, autoincrement=False
    )
    pub_index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    blob_hash: Mapped[str] = mapped_column(ForeignKey("blobs.hash"))
    num_bits: Mapped[int]
    shots: Mapped[int]
    shape: Mapped[list[Any]]
    metadata_: Mapped[dict[str, Any]] = mapped_column("metadata")
    """What the provider reported of the whole job stands with its first PUB; the others hold an empty object."""
    stored_at: Mapped[datetime]


class Estimate(Base):
    """One expectation value."""

    __tablename__ = "estimates"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    observable: Mapped[str] = mapped_column(primary_key=True)
    point: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    value: Mapped[float]
    stderr: Mapped[float]
    systematic: Mapped[float | None]
    shots: Mapped[int]
    variance_multiplier: Mapped[float | None]
    exact: Mapped[float | None]
    details: Mapped[dict[str, Any]]


class Decision(Base):
    """A decision of the gate."""

    __tablename__ = "decisions"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    decided_by: Mapped[str] = mapped_column(primary_key=True)
    outcome: Mapped[str]
    document: Mapped[dict[str, Any]]
    decided_at: Mapped[datetime]


class Baseline(Base):
    """The answer of a classical opponent."""

    __tablename__ = "baselines"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    observable: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float]
    bound: Mapped[float | None]
    exact: Mapped[bool]
    certificate: Mapped[dict[str, Any]]
    seconds: Mapped[float]
    document: Mapped[dict[str, Any]]


class Span(Base):
    """One stage, from start to end."""

    __tablename__ = "spans"
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime]
    details: Mapped[dict[str, Any]]


class Sweep(Base):
    """One execution of a sweep, and what it has planned."""

    __tablename__ = "sweeps"
    id: Mapped[int] = mapped_column(RowId, primary_key=True, autoincrement=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("runs.id"), unique=True)
    hash: Mapped[str] = mapped_column(index=True)
    name: Mapped[str] = mapped_column(index=True)
    document: Mapped[dict[str, Any]]
    plan_hash: Mapped[str] = mapped_column(ForeignKey("blobs.hash"))
    arrays_hash: Mapped[str] = mapped_column(ForeignKey("blobs.hash"))
    created_at: Mapped[datetime]


class Point(Base):
    """Which execution of a sweep buys, or has bought, a point; its values and estimates are arrays elsewhere."""

    __tablename__ = "points"
    __table_args__ = {"sqlite_with_rowid": False}  # noqa: RUF012 - as SQLAlchemy declares it
    key: Mapped[bytes] = mapped_column(primary_key=True)
    sweep_id: Mapped[int] = mapped_column(RowId, ForeignKey("sweeps.id"))
    place: Mapped[int]
    """Among the points that this execution buys."""
