"""What can be changed while the emulator runs."""

from typing import Annotated, Literal

from pydantic import Field

from prefect_qpu.definition import Definition, Seconds, Seed


class Settings(Definition):
    """Delays, limits and drift of the emulated service; kept in its database.

    Example:
        >>> Settings(queue_s=2).queue_s
        2.0
    """

    queue_s: Seconds = 0.0
    """Seconds that a job waits at least, also on an idle device; the median where there is a spread."""
    queue_spread: Annotated[float, Field(ge=0, le=5)] = 0.0
    """Standard deviation of the logarithm of the waiting time."""
    run_s: Seconds = 0.0
    """Seconds that a job runs at least."""
    pace: Annotated[float, Field(ge=0)] = 0.0
    """Share of the estimated QPU time that a job takes at least; 1 is as slow as a QPU."""
    execution: Literal["aer", "null"] = "aer"
    """``null`` answers with random bits, at once."""
    jobs_per_minute: Annotated[int, Field(ge=1)] | None = None
    """Jobs that one user may submit in a minute."""
    token_s: Annotated[float, Field(gt=0)] = 3600.0
    """Life of an access token."""
    usage_limit_s: Seconds | None = None
    """QPU seconds that an instance may use; jobs then stay in the queue."""
    usage_pending_s: Seconds = 0.0
    """Seconds after the end of a job until its usage is final."""
    interactive_s: Seconds = 60.0
    """Seconds that a session keeps the device to itself after its last job."""
    calibration_s: Annotated[float, Field(gt=0)] = 3600.0
    """Seconds from one calibration to the next."""
    drift: Annotated[float, Field(ge=0, le=1)] = 0.1
    """Standard deviation of the logarithm of T1, T2 and the errors, from one day to another."""
    seed: Seed = 0
    """Seed of the drift and of the waiting times."""
