"""Where circuits run: one small protocol of verbs over a job, and its implementations."""

from prefect_qpu.providers.types import (
    JobRequest,
    JobResult,
    JobState,
    JobStatus,
    Limits,
    Provider,
)

__all__ = ["JobRequest", "JobResult", "JobState", "JobStatus", "Limits", "Provider"]
