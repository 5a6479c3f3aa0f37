"""What a job costs: QPU seconds, as the service would charge them."""

from datetime import datetime, timedelta
from typing import Any

from prefect_qpu.emulator.answers import timestamp
from prefect_qpu.emulator.schema import Job
from prefect_qpu.emulator.settings import Settings


def metrics(job: Job, settings: Settings, now: datetime, versions: dict[str, str]) -> dict[str, Any]:
    """The metrics of a job; its usage becomes final some time after its end."""
    final = job.finished is not None and now >= job.finished + timedelta(seconds=settings.usage_pending_s)
    charged = job.charged or 0.0
    return {
        "timestamps": {
            "created": timestamp(job.created),
            "running": timestamp(job.started),
            "finished": timestamp(job.finished),
        },
        "usage": {
            "qpu_charge_time_seconds": charged,
            "quantum_seconds": charged,
            "seconds": charged,
            "status": "complete" if final else "pending",
        },
        "executions": job.executions,
        "circuits_execution_time_ns": round(charged * 1e9),
        "calibration_id": job.calibration,
        "qiskit_version": versions.get("qiskit", ""),
        "caller": "emulator",
    }


def instance_usage(consumed: float, crn: str, settings: Settings) -> dict[str, Any]:
    """The usage of an instance."""
    limit = settings.usage_limit_s
    limits = {} if limit is None else {"usage_limit_seconds": limit}
    return {
        "instance_id": crn,
        "plan_id": "emulator",
        "usage_consumed_seconds": round(consumed, 3),
        "usage_limit_reached": limit is not None and consumed >= limit,
        **limits,
    }
