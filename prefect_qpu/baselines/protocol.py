"""What a classical opponent answers."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
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
    """Wall time of the solver, or of all solvers of a portfolio together."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Sizes, and who found what, as JSON data."""
    peak_bytes: int | None = None
    """What the whole process held at most while the solver ran."""
    seed: int | None = None
    """Of the solvers; none where nothing is drawn."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Version of each library that computed."""
    error: float | None = None
    """Bound on the difference to the exact expectation value, besides rounding; none where something is optimised."""

    @property
    def gap(self) -> float | None:
        """How far the value may be from the best one, relative to the bound; none without a bound.

        Example:
            >>> Baseline("search", "cut", 95.0, 100.0, exact=False, certificate={}, seconds=1.0).gap
            0.05
        """
        if self.bound is None:
            return None
        return 0.0 if self.bound == self.value else abs(self.bound - self.value) / max(abs(self.bound), 1e-300)

    def document(self) -> dict[str, Any]:
        """All of it, with the gap, as JSON data."""
        return asdict(self) | {"gap": self.gap}


@dataclass(frozen=True)
class BaselineReport:
    """All answers, or the reason why there is none."""

    baselines: tuple[Baseline, ...]
    reason: str | None = None
