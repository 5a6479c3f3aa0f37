"""How long a sampler needs until it has very probably drawn a solution as good as wanted."""

from dataclasses import asdict, dataclass
from math import ceil, log
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.statistics import clopper_pearson
from prefect_qpu.workloads.protocol import Sense

CONFIDENCE = 0.99
_RELATIVE = 1e-9


@dataclass(frozen=True)
class TimeToSolution:
    """Of one sampler, for one wanted value."""

    target: float
    """A solution counts if it is as good as this."""
    hits: int
    shots: int
    probability: float
    """Share of the shots that hit."""
    interval: tuple[float, float]
    """Of the probability, at 95 % (Clopper and Pearson 1934)."""
    seconds_per_shot: float
    shots_needed: int | None
    """Shots of which with `CONFIDENCE` one hits; none if none hit."""
    seconds: float | None
    """Their time."""
    least_seconds: float
    """The same at the upper end of the interval: it takes at least so long."""

    def document(self) -> dict[str, Any]:
        """All of it as JSON data."""
        return asdict(self) | {"interval": list(self.interval), "confidence": CONFIDENCE}


def time_to_solution(values: NDArray[np.float64], target: float, sense: Sense, seconds: float) -> TimeToSolution | None:
    """The time in which a sampler draws a solution as good as the target, with a chance of 99 %; none without shots.

    ``log(1 - 0.99) / log(1 - p)`` shots are needed at the success probability ``p`` of one (Ronnow et al. 2014,
    https://arxiv.org/abs/1401.2910), at least one.

    Args:
        values: The objective of each shot.
        target: The value that counts, usually the classical opponent's.
        sense: Whether large or small values are good.
        seconds: Time of all these shots.

    Example:
        >>> found = time_to_solution(np.array([5.0] * 90 + [6.0] * 10), 6.0, "maximize", seconds=1.0)
        >>> found.shots_needed, round(found.seconds, 3)
        (44, 0.44)
    """
    shots = values.size
    if not shots:
        return None
    slack = _RELATIVE * max(1.0, abs(target))
    good = values >= target - slack if sense == "maximize" else values <= target + slack
    hits = int(np.count_nonzero(good))
    low, high = clopper_pearson(hits, shots)
    each = seconds / shots
    needed = shots_needed(hits / shots)
    least = shots_needed(high) or 1
    return TimeToSolution(
        target=target,
        hits=hits,
        shots=shots,
        probability=hits / shots,
        interval=(low, high),
        seconds_per_shot=each,
        shots_needed=needed,
        seconds=None if needed is None else needed * each,
        least_seconds=least * each,
    )


def shots_needed(probability: float) -> int | None:
    """Shots of which one hits with `CONFIDENCE`; none if a shot never hits.

    Example:
        >>> shots_needed(0.5), shots_needed(1.0), shots_needed(0.0)
        (7, 1, None)
    """
    if probability <= 0:
        return None
    return 1 if probability >= CONFIDENCE else ceil(log(1 - CONFIDENCE) / log(1 - probability))
