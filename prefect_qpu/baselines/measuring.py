"""What a solver costs: wall time and memory."""

import resource
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import TracebackType
from typing import Self

from prefect_qpu.baselines.protocol import Clock

_STATUS = Path("/proc/self/status")
_RESET = Path("/proc/self/clear_refs")
_RESET_PEAK = "5"


class Measured:
    """Wall seconds and peak memory of a block, also of the compiled code in it.

    The memory is the peak of the whole process, with the interpreter, the libraries and whatever else it does
    meanwhile: compiled solvers allocate where Python does not look. Where the system cannot set the peak back (Linux
    can), it is the highest one so far.

    Example:
        >>> import time
        >>> with Measured(time.perf_counter) as measured:
        ...     block = b"x" * 50_000_000
        >>> measured.seconds >= 0 and measured.peak_bytes > 50_000_000
        True
    """

    seconds = 0.0
    peak_bytes = 0

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __enter__(self) -> Self:
        with suppress(OSError):
            _RESET.write_text(_RESET_PEAK)
        self._started = self._clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.seconds = self._clock() - self._started
        self.peak_bytes = _peak()


def versions_of(*packages: str) -> dict[str, str]:
    """Installed version of each package that is installed."""
    found = {}
    for package in packages:
        with suppress(PackageNotFoundError):
            found[package] = version(package)
    return found


def _peak() -> int:
    with suppress(OSError):
        for line in _STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return _highest()


def _highest() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
