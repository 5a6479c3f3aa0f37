"""What a test says: a three-valued verdict with the numbers behind it."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """Outcome of a test; ``inconclusive`` asks for more data, it is not a pass."""

    PASS = "pass"  # noqa: S105 - a verdict
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True)
class TestResult:
    """What a test saw and what it says."""

    __test__ = False

    verdict: Verdict
    observed: float
    interval: tuple[float, float]
    """The interval that decides whether the test passes."""
    threshold: float
    test: str
    level: float
    """Largest chance of a pass that is wrong, all looks together."""
    shots_needed: int | None = None
    """Shots that would decide with the wanted power, if the observed value is true (a difference outside the tolerance
    counts as none); none if the test passes, or no number would do."""
    shots: int | None = None
    """Sample size."""
    power: float | None = None
    """Chance that these shots let something pass that is right."""
    systematic: float = 0.0
    """By how much the interval was widened for what is not chance."""
    looks: int = 1
    """Looks among which the level is split."""
    tests: int = 1
    """Tests of which one that fails decides; a failure is proven at the level divided by this number."""
    reason: str = ""
    """Why nothing can be said, or what else decided."""

    def document(self) -> dict[str, Any]:
        """The result as JSON data."""
        return {
            "verdict": str(self.verdict),
            "observed": self.observed,
            "interval": list(self.interval),
            "threshold": self.threshold,
            **self.method(),
        }

    def method(self) -> dict[str, Any]:
        """Which test it was, with level, power and sample size, as JSON data."""
        return {
            "test": self.test,
            "level": self.level,
            "power": self.power,
            "shots": self.shots,
            "shots_needed": self.shots_needed,
            "systematic": self.systematic,
            "looks": self.looks,
            "tests": self.tests,
        }
