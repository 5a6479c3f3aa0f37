"""Distances of counts from a distribution or from other counts, with intervals that know their own bias.

Chance alone keeps counts apart: over many outcomes and few shots an observed distance is mostly bias. The interval is
the hull of two. One is the basic bootstrap, ``2 * observed - quantile``, of resampled counts, less the bias that
resampling does not see where the distance has a kink; near 0 it is too short. The other is analytic
(`prefect_qpu.statistics.distance_limits`), and holds there. Where the shots are too few for the outcomes there is no
interval, and the reason says how many would do.

Sources: B. Efron, R. J. Tibshirani, An Introduction to the Bootstrap, chapters 10 and 13; A. C. Davison, D. V. Hinkley,
Bootstrap Methods and their Application, chapter 5.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, replace
from math import ceil, pi
from typing import Any, TypeVar

import numpy as np

from prefect_qpu.errors import InputError
from prefect_qpu.statistics.demands import Demand
from prefect_qpu.statistics.distance_limits import MEASURES, Kind, Measure, Tables
from prefect_qpu.statistics.quantiles import checked_confidence
from prefect_qpu.statistics.results import TestResult, Verdict

Outcome = TypeVar("Outcome", bound=Hashable)

LARGEST_BIAS = 0.05
"""Expected distance of counts from their own distribution above which no interval is given."""
RESAMPLES = 1000
_CHUNK = 2**21
"""Numbers that are resampled at once."""


@dataclass(frozen=True)
class Distance:
    """How far counts lie from a reference."""

    kind: Kind
    value: float
    """As observed: too large by about the bias where the true distance is small."""
    bias: float
    """Expected distance of such counts from their own distribution."""
    confidence: float
    interval: tuple[float, float] | None
    """Two-sided; none if the shots are too few."""
    shots: tuple[int, ...]
    outcomes: int
    """Outcomes of which the reference, or the counts, know."""
    reason: str = ""
    """Why there is no interval."""
    shots_needed: int | None = None
    """Shots of each side with which there would be one."""

    def document(self) -> dict[str, Any]:
        """The distance as JSON data."""
        return {
            "kind": self.kind,
            "value": self.value,
            "bias": self.bias,
            "confidence": self.confidence,
            "interval": None if self.interval is None else list(self.interval),
            "shots": list(self.shots),
            "outcomes": self.outcomes,
            "reason": self.reason,
            "shots_needed": self.shots_needed,
        }


def distance(
    counts: Mapping[Outcome, int],
    reference: Mapping[Outcome, float] | Mapping[Outcome, int],
    kind: Kind = "total variation",
    *,
    confidence: float = 0.9,
    largest_bias: float = LARGEST_BIAS,
    seed: int = 0,
) -> Distance:
    """The distance of counts from a distribution, or from other counts, with a two-sided interval.

    Total variation is half the sum of the absolute differences of probabilities; the Hellinger distance is the root of
    one minus the sum of the roots of their products. Both lie between 0 and 1.

    Args:
        counts: Shots by outcome.
        reference: Probabilities by outcome, or shots if all are integers with a sum above 1.
        kind: Which distance.
        confidence: Of the interval.
        largest_bias: Above it there is no interval.
        seed: Of the resampling.

    Raises:
        InputError: there are no shots, or the probabilities do not sum to 1.

    Example:
        >>> found = distance({"00": 520, "11": 480}, {"00": 0.5, "11": 0.5})
        >>> round(found.value, 3), found.interval[0], found.interval[1] < 0.06
        (0.02, 0.0, True)
        >>> flat = {format(place, "016b"): 2.0**-16 for place in range(2**16)}
        >>> distance({"0" * 16: 100}, flat).reason
        'with 100 shots over 65536 outcomes even counts of the same distribution would lie at about 1, more than 0.05'
    """
    checked_confidence(confidence)
    tables = Tables.of(counts, reference)
    measure = MEASURES[kind]
    value, bias = measure.shown(measure.raw(*tables.shares())), measure.shown(measure.bias(tables))
    known = Distance(kind, value, bias, confidence, None, tables.shots, len(tables.first))
    if bias > largest_bias:
        return replace(
            known,
            reason=_few(known, largest_bias),
            shots_needed=ceil(max(tables.shots) * (bias / largest_bias) ** 2),
        )
    return replace(known, interval=_interval(tables, measure, (1 - confidence) / 2, seed))


def near(
    counts: Mapping[Outcome, int],
    reference: Mapping[Outcome, float] | Mapping[Outcome, int],
    tolerance: float,
    kind: Kind = "total variation",
    *,
    confidence: float = 0.95,
    looks: int = 1,
    tests: int = 1,
    seed: int = 0,
) -> TestResult:
    """Whether counts lie within a tolerance of a distribution, or of other counts; three-valued.

    Pass if the interval of confidence ``2 * confidence - 1`` lies inside the tolerance, fail if it lies above, else
    inconclusive; also where the bias is more than half the tolerance.

    Args:
        counts: Shots by outcome.
        reference: As of `distance`.
        tolerance: Largest distance that counts as near.
        kind: Which distance.
        confidence: One minus the level of each side, all looks together.
        looks: How often the same question is asked; the level is divided by it.
        tests: Tests of which one that fails decides.
        seed: Of the resampling.

    Raises:
        InputError: as `distance`, or the tolerance is not between 0 and 1.

    Example:
        >>> fair = {"0": 0.5, "1": 0.5}
        >>> [near({"0": 500 + off, "1": 500 - off}, fair, 0.1).verdict.value for off in (10, 100, 300)]
        ['pass', 'inconclusive', 'fail']
    """
    if not 0 < tolerance < 1:
        raise InputError("tolerance", given=tolerance, expected="a number between 0 and 1")
    demand = Demand(confidence, looks=looks, tests=tests)
    found = distance(counts, reference, kind, confidence=2 * demand.passing - 1, largest_bias=tolerance / 2, seed=seed)
    inside, outside = found.interval or (0.0, 1.0), (0.0, 1.0)
    if found.interval and inside[0] > tolerance:
        strict = distance(
            counts, reference, kind, confidence=2 * demand.failing - 1, largest_bias=tolerance / 2, seed=seed
        )
        outside = strict.interval or outside
    passes, fails = inside[1] < tolerance, outside[0] > tolerance
    return TestResult(
        Verdict.PASS if passes else Verdict.FAIL if fails else Verdict.INCONCLUSIVE,
        found.value,
        inside,
        tolerance,
        f"{kind} distance, basic bootstrap",
        1 - confidence,
        found.shots_needed,
        shots=min(found.shots),
        looks=looks,
        tests=tests,
        reason=found.reason,
    )


def shots_for_distance(outcomes: int, tolerance: float, kind: Kind = "total variation") -> int:
    """Shots with which `near` can decide over that many outcomes, at worst: the bias is then half the tolerance.

    For total variation ``2 * (outcomes - 1) / (pi * tolerance**2)``, for Hellinger ``(outcomes - 1) / (2 *
    tolerance**2)``; of two counts each side takes twice as many.

    Example:
        >>> shots_for_distance(32, 0.1), shots_for_distance(32, 0.1, "hellinger")
        (1974, 1550)
    """
    if kind == "hellinger":
        return ceil((outcomes - 1) / (2 * tolerance**2))
    return ceil(2 * (outcomes - 1) / (pi * tolerance**2))


def _interval(tables: Tables, measure: Measure, miss: float, seed: int) -> tuple[float, float]:
    observed = float(measure.raw(*tables.shares()))
    random, size = np.random.default_rng(seed), max(1, _CHUNK // len(tables.first))
    parts = [
        measure.raw(*tables.resampled(min(size, RESAMPLES - start), random)) for start in range(0, RESAMPLES, size)
    ]
    drawn = np.concatenate(parts)
    again = max(0.0, float(drawn.mean()) - observed)
    low_end, high_end = np.quantile(drawn, [miss, 1 - miss])
    low, high = measure.limits(tables, observed, 1 - miss)
    low = min(low, 2 * observed - float(high_end) - (measure.kink - 1) * again)
    high = max(high, 2 * observed - float(low_end))
    return measure.shown(min(1.0, max(0.0, low))), measure.shown(min(1.0, max(0.0, high)))


def _few(found: Distance, largest: float) -> str:
    shots = " and ".join(f"{number}" for number in found.shots)
    return (
        f"with {shots} shots over {found.outcomes} outcomes even counts of the same distribution would lie at about "
        f"{found.bias:.3g}, more than {largest:.3g}"
    )
