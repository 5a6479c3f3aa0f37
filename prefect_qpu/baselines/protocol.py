"""What a classical opponent answers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Clock = Callable[[], float]
"""Seconds of a monotonic clock."""


@dataclass(frozen=True)
class Baseline:
    """The answer of one classical method for one observable."""

    method: str
    observable: str
    value: float
    """In units of the observable."""
    bound: float | None
    """What no answer can exceed (or undercut, when minimising); none if nothing is optimised or nothing is proven."""
    exact: bool
    """Whether the value is proven to be the best, or the exact expectation value."""
    certificate: Mapping[str, Any]
    """JSON data by which the value can be checked without trust in the solver."""
    seconds: float
    """Wall time of the solver."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Versions and sizes, as JSON data."""


@dataclass(frozen=True)
class BaselineReport:
    """All answers, or the reason why there is none."""

    baselines: tuple[Baseline, ...]
    reason: str | None = None
