"""How many jobs a user may submit in a minute."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from threading import Lock

from prefect_qpu.emulator.answers import RefusedError

_WINDOW = 60.0


@dataclass
class SubmissionLimit:
    """A sliding window of one minute for each user."""

    _times: dict[str, deque[float]] = field(default_factory=lambda: defaultdict(deque))
    _lock: Lock = field(default_factory=Lock)

    def admit(self, user: str, most: int | None, now: float) -> None:
        """Count a submission.

        Args:
            user: Who submits.
            most: Submissions in a minute; none for no limit.
            now: Seconds of a clock that never goes back.

        Raises:
            RefusedError: the user has submitted as many in the last minute.
        """
        with self._lock:
            times = self._times[user]
            while times and times[0] <= now - _WINDOW:
                times.popleft()
            if most is not None and len(times) >= most:
                message = f"Too many requests received: the limit is {most} jobs per minute."
                raise RefusedError(
                    429, 1202, message, solution="Reduce the request rate.", retry_after=times[0] + _WINDOW - now
                )
            times.append(now)
