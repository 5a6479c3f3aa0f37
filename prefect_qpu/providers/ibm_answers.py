"""What IBM Quantum's answers mean: states of jobs, counts by register, times and charges."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray, PrimitiveResult

from prefect_qpu.errors import (
    CircuitError,
    InvalidResultError,
    JobCancelledError,
    JobFailedError,
    JobLostError,
    ProviderError,
    ProviderUnavailableError,
)
from prefect_qpu.providers.types import JobResult, JobState, JobStatus, Usage

Registers = tuple[tuple[tuple[str, int], ...], ...]
"""Name and size of each classical register of each PUB."""

MAX_TIME = 1305
RETRYABLE = frozenset({1000, 1006, 1008, 1010, 1011, 5203, 9999})
"""Codes of failed jobs that are the service's own fault: internal errors, a backend or a queue that did not take the
job, and "failed to run" (https://quantum.cloud.ibm.com/docs/errors). All others would fail again."""

_STATES = {
    "RUNNING": JobState.RUNNING,
    "COMPLETED": JobState.DONE,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}


def job_status(job: Mapping[str, Any]) -> JobStatus:
    """The state of a job, from the service's description of it; a state that nobody knows is taken for waiting.

    Raises:
        ProviderUnavailableError: it is not the description of a job.

    Example:
        >>> job_status({"id": "j", "state": {"status": "Failed", "reason": "Internal error.", "reason_code": 9999}})
        JobStatus(job_id='j', state=<JobState.FAILED: 'failed'>, at=None, message='code 9999: Internal error.', \
retryable=True, queue_position=None)
    """
    try:
        job_id, told = str(job["id"]), job["state"]
        word, code = str(told["status"]).upper(), _code(told)
    except (KeyError, TypeError, AttributeError):
        raise ProviderUnavailableError("IBM Quantum answers with something that is not a job") from None
    state = _STATES.get(word, JobState.QUEUED)
    if word.startswith("CANCELLED") and (code == MAX_TIME or "RAN TOO LONG" in word):
        state, code = JobState.FAILED, MAX_TIME
    reached = {JobState.QUEUED: "created", JobState.RUNNING: ""}.get(state, "ended")
    return JobStatus(
        job_id,
        state,
        moment(job.get(reached)),
        message=_message(state, code, told.get("reason")),
        retryable=state is JobState.FAILED and code in RETRYABLE,
    )


def _code(told: Mapping[str, Any]) -> int | None:
    code = str(told.get("reason_code") or told.get("reasonCode"))
    return int(code) if code.isdecimal() else None


def _message(state: JobState, code: int | None, reason: object) -> str:
    parts = [f"code {code}" if code else "", str(reason or "")]
    if code == MAX_TIME:
        parts.insert(0, "the job ran longer than its maximum execution time")
    return ": ".join(filter(None, parts)) if state in {JobState.FAILED, JobState.CANCELLED} else ""


def without_result(status: JobStatus) -> ProviderError:
    """The error that tells why a job has no result; the service may take back for a moment that it is done."""
    told = f"job {status.job_id} {status.state}. {status.message}".strip()
    if status.state is JobState.FAILED:
        return JobFailedError(told, job_id=status.job_id, retryable=status.retryable)
    known = {JobState.CANCELLED: JobCancelledError, JobState.LOST: JobLostError}
    return known.get(status.state, ProviderUnavailableError)(told)


def registers_of(circuit: QuantumCircuit) -> tuple[tuple[str, int], ...]:
    """The registers of a circuit whose bits, register by register, are its classical bits in order.

    Raises:
        CircuitError: a bit is in no register or in two, or they are in another order.
    """
    if [bit for register in circuit.cregs for bit in register] != circuit.clbits:
        raise CircuitError(
            "circuit",
            given=f"{len(circuit.clbits)} classical bits in registers {[register.name for register in circuit.cregs]}",
            expected="each classical bit in one register, in the registers' order",
            hint="IBM Quantum returns counts by register.",
        )
    return tuple((register.name, register.size) for register in circuit.cregs)


def job_result(job_id: str, answer: object, expected: Registers | None, metrics: Mapping[str, Any]) -> JobResult:
    """The result of a job, with the provider's times and charges.

    Args:
        job_id: The job.
        answer: What the client made of the service's answer; text where it could not be read.
        expected: The registers that were sent; none if nobody knows.
        metrics: The service's metrics of the job.

    Raises:
        InvalidResultError: the answer is not the result of the request.
    """
    if not isinstance(answer, PrimitiveResult):
        raise InvalidResultError(f"job {job_id} answered with {type(answer).__name__}, expected a PrimitiveResult")
    times, usage = metrics.get("timestamps") or {}, metrics.get("usage") or {}
    return JobResult(
        _counts(job_id, answer, expected),
        created=moment(times.get("created")),
        started=moment(times.get("running")),
        finished=moment(times.get("finished")),
        qpu_seconds=_charged(usage),
        metadata={"usage": dict(usage), "metrics": _plain(metrics)},
    )


def _counts(job_id: str, answer: PrimitiveResult, expected: Registers | None) -> tuple[BitArray, ...]:
    if expected is not None and len(answer) != len(expected):
        raise InvalidResultError(f"job {job_id} returned {len(answer)} results for {len(expected)} PUBs")
    joined = []
    for index, pub in enumerate(answer):
        data = dict(pub.data.items())
        found = tuple((name, bits.num_bits) for name, bits in data.items() if isinstance(bits, BitArray))
        wanted = found if expected is None else expected[index]
        # Without the request, the order of several registers would be a guess.
        if len(found) != len(data) or sorted(found) != sorted(wanted) or (expected is None and len(found) != 1):
            raise InvalidResultError(
                f"job {job_id} returned registers {sorted(data)} for PUB {index}, expected bits of {list(wanted)}"
            )
        joined.append(BitArray.concatenate_bits([data[name] for name, _ in wanted]))
    return tuple(joined)


def usage_of(metrics: Mapping[str, Any]) -> Usage:
    """What a job costs, by the service's metrics of it.

    Example:
        >>> usage_of({"usage": {"status": "complete", "qpu_charge_time_seconds": 3}})
        Usage(seconds=3.0, final=True)
    """
    usage = metrics.get("usage") or {}
    seconds = _charged(usage)
    return Usage(seconds, final=seconds is not None)


def _charged(usage: Mapping[str, Any]) -> float | None:
    """Seconds that are charged; none while the service has not made up its mind."""
    if usage.get("status") == "pending":
        return None
    seconds = usage.get("qpu_charge_time_seconds", usage.get("quantum_seconds"))
    return None if seconds is None else float(seconds)


def _plain(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in metrics.items() if value is None or isinstance(value, str | int | float)}


def moment(text: object) -> datetime | None:
    """The time that the service wrote, in UTC; none if there is none."""
    if not isinstance(text, str):
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        return None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).astimezone(UTC)
