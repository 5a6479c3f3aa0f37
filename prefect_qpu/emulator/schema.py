"""The tables of the emulator's own database."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import JSON, LargeBinary

from prefect_qpu.records.columns import Message, RowId, UtcDateTime

VERSION = 1


class Base(DeclarativeBase):
    """All tables."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {
        bytes: LargeBinary,
        datetime: UtcDateTime,
        dict[str, Any]: JSON(none_as_null=True),
        list[str]: JSON(none_as_null=True),
    }


class Meta(Base):
    """One value: the schema's version, the settings, the key that signs tokens."""

    __tablename__ = "meta"
    key: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[dict[str, Any]]


class Job(Base):
    """A job, without its payloads."""

    __tablename__ = "jobs"
    number: Mapped[int] = mapped_column(RowId, primary_key=True)
    """Order of acceptance."""
    id: Mapped[str] = mapped_column(unique=True)
    user: Mapped[str]
    instance: Mapped[str]
    backend: Mapped[str]
    program: Mapped[str]
    state: Mapped[str]
    reason: Mapped[str | None] = mapped_column(Message)
    reason_code: Mapped[int | None]
    session_id: Mapped[str | None] = mapped_column(index=True)
    tags: Mapped[list[str]]
    private: Mapped[bool] = mapped_column(default=False)
    image: Mapped[str | None]
    max_seconds: Mapped[float | None]
    """QPU seconds after which the service ends the job."""
    wanted_calibration: Mapped[str | None]
    calibration: Mapped[str | None]
    """The calibration that it ran with."""
    executions: Mapped[int]
    """Shots over all circuits and parameter sets; an estimate until the job has run."""
    charged: Mapped[float | None]
    """QPU seconds."""
    fault: Mapped[dict[str, Any] | None]
    created: Mapped[datetime]
    ready: Mapped[datetime]
    """When it may leave the queue."""
    started: Mapped[datetime | None]
    finished: Mapped[datetime | None]

    __table_args__ = (Index("ix_jobs_owner", "instance", "user", "number"), Index("ix_jobs_state", "state"))


class JobTag(Base):
    """A tag of a job, to search by."""

    __tablename__ = "job_tags"
    job: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    tag: Mapped[str] = mapped_column(primary_key=True, index=True)


class Payload(Base):
    """What was submitted: the program's parameters as JSON text."""

    __tablename__ = "payloads"
    job: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    params: Mapped[bytes]


class Result(Base):
    """What a job answered."""

    __tablename__ = "results"
    job: Mapped[int] = mapped_column(ForeignKey("jobs.number", ondelete="CASCADE"), primary_key=True)
    body: Mapped[bytes]
    log: Mapped[str] = mapped_column(Message)


class SessionRow(Base):
    """A session or a batch."""

    __tablename__ = "sessions"
    id: Mapped[str] = mapped_column(primary_key=True)
    user: Mapped[str]
    instance: Mapped[str]
    backend: Mapped[str]
    mode: Mapped[str]
    accepting: Mapped[bool]
    max_ttl: Mapped[float]
    interactive_ttl: Mapped[float]
    created: Mapped[datetime]
    started: Mapped[datetime | None]
    last_used: Mapped[datetime | None]
    closed: Mapped[datetime | None]


class CalibrationRow(Base):
    """When a device was calibrated, and what its drift is drawn from."""

    __tablename__ = "calibrations"
    device: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    """0 is the snapshot as it was published."""
    taken_at: Mapped[datetime]
    seed: Mapped[int]
    drift: Mapped[float]

    @property
    def id(self) -> str:
        """What a client names it by."""
        return f"{self.device}-{self.number:06d}"
