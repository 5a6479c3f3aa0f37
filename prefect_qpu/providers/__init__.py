"""Where circuits run: one small protocol of verbs over a job, and its implementations."""

from prefect_qpu.providers.types import (
    Availability,
    JobRequest,
    JobResult,
    JobState,
    JobStatus,
    Limits,
    Provider,
    Usage,
)

__all__ = [
    "Availability",
    "JobRequest",
    "JobResult",
    "JobState",
    "JobStatus",
    "Limits",
    "Provider",
    "Usage",
]
