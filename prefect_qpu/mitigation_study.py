"""What mitigation methods are worth: one protocol over backends and seeds, method by method against raw values."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from prefect_qpu.definition import explain
from prefect_qpu.errors import ExperimentError, InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.hashing import derive_seed

Worth = Literal["reduces the error", "increases the error", "no difference shown", "not known"]
RESAMPLES = 4000
FEWEST_SEEDS, MOST_SEEDS = 2, 1000


@dataclass(frozen=True)
class Sample:
    """One estimate of one method, from one run."""

    backend: str
    observable: str
    method: str
    seed: int
    value: float
    stderr: float
    systematic: float | None
    exact: float | None
    shots: int
    circuits: int
    seconds: float
    """To plan and to combine."""
    flagged: bool

    @property
    def error(self) -> float:
        """Distance from the exact value; not a number where that is not known."""
        return float("nan") if self.exact is None else self.value - self.exact


@dataclass(frozen=True)
class Finding:
    """One method on one observable at one backend, over all seeds."""

    backend: str
    observable: str
    method: str
    seeds: int
    error: float
    """Root mean square error."""
    reduction: float
    """Error of raw divided by that of the method."""
    reduction_interval: tuple[float, float]
    bias: float
    bias_interval: tuple[float, float]
    spread: float
    """Standard deviation between seeds."""
    spread_interval: tuple[float, float]
    stderr: float
    """Root mean square of the standard errors that the estimates claim."""
    shots: int
    shots_of_raw: float
    """Shots relative to raw."""
    circuits: int
    seconds: float
    flagged: float
    """Part of the estimates that speak against themselves."""
    worth: Worth

    def document(self) -> dict[str, Any]:
        """The finding as JSON data; what is not known is none."""
        return {name: _known(value) for name, value in asdict(self).items()}


def points(
    protocol: Experiment,
    methods: Sequence[str | Mapping[str, Any]] | None,
    backends: Sequence[Mapping[str, Any]] | None,
    seeds: int,
) -> list[Experiment]:
    """The experiment of each backend and seed, seeds of one backend together.

    Args:
        protocol: What is repeated; the seeds are counted from its own.
        methods: Mitigation methods as in an experiment file; none takes the experiment's.
        backends: Backends as in an experiment file; none takes the experiment's.
        seeds: How many.

    Raises:
        InputError: a seed, a backend or a method is not valid.
    """
    if not FEWEST_SEEDS <= seeds <= MOST_SEEDS:
        raise InputError("seeds", given=seeds, expected=f"a number from {FEWEST_SEEDS} to {MOST_SEEDS}")
    if protocol.seed is None:
        raise ExperimentError("seed", given=None, expected="a seed, from which the others are counted")
    wanted: dict[str, Any] = {} if methods is None else {"mitigation": methods}
    try:
        return [
            protocol.changed(backend=backend, seed=protocol.seed + number, **wanted)
            for backend in ([protocol.backend] if backends is None else backends)
            for number in range(seeds)
        ]
    except ValidationError as error:
        raise explain(error) from error


def study(samples: Sequence[Sample], *, confidence: float = 0.9) -> list[Finding]:
    """What each method did, beside raw on the same seeds; ordered as the samples come.

    The interval of the error reduction is a percentile bootstrap over seeds, which keeps a method's and raw's estimates
    of one run together; that of the bias comes from Student's distribution, that of the spread from the chi-square
    distribution.

    Source: B. Efron, R. Tibshirani, An Introduction to the Bootstrap (1993), chapters 8 and 13.

    Args:
        samples: All estimates; each method's at most once for each seed.
        confidence: Of the intervals.

    Example:
        >>> def sample(method, seed, value):
        ...     return Sample("aer", "zz", method, seed, value, 0.01, None, 1.0, 1000, 1, 0.1, False)
        >>> samples = [sample("raw", seed, 0.8 + 0.01 * seed) for seed in range(5)]
        >>> samples += [sample("zne", seed, 0.98 + 0.01 * seed) for seed in range(5)]
        >>> raw, zne = study(samples)
        >>> round(zne.reduction, 1), zne.worth
        (12.8, 'reduces the error')
    """
    groups: dict[tuple[str, str, str], dict[int, Sample]] = {}
    for item in samples:
        groups.setdefault((item.backend, item.observable, item.method), {})[item.seed] = item
    return [
        _finding(list(group.values()), groups.get((backend, observable, "raw"), {}), confidence)
        for (backend, observable, _), group in groups.items()
    ]


def _finding(group: list[Sample], raw: dict[int, Sample], confidence: float) -> Finding:
    first, own = group[0], np.array([item.error for item in group])
    beside = np.array([raw[item.seed].error if item.seed in raw else np.nan for item in group])
    reduction, low, high = _reduction(own, beside, confidence, derive_seed(len(group), first.method))
    values = np.array([item.value for item in group])
    shots = [raw[item.seed].shots for item in group if item.seed in raw]
    return Finding(
        backend=first.backend,
        observable=first.observable,
        method=first.method,
        seeds=len(group),
        error=_rms(own),
        reduction=reduction,
        reduction_interval=(low, high),
        bias=float(own.mean()),
        bias_interval=_mean_interval(own, confidence),
        spread=float(values.std(ddof=1)) if len(values) > 1 else float("nan"),
        spread_interval=_spread_interval(values, confidence),
        stderr=_rms(np.array([item.stderr for item in group])),
        shots=first.shots,
        shots_of_raw=float(np.mean([item.shots for item in group]) / np.mean(shots)) if shots else float("nan"),
        circuits=first.circuits,
        seconds=float(np.mean([item.seconds for item in group])),
        flagged=float(np.mean([item.flagged for item in group])),
        worth=_worth(first.method, low, high),
    )


def _reduction(
    own: NDArray[np.float64], raw: NDArray[np.float64], confidence: float, seed: int
) -> tuple[float, float, float]:
    """The ratio of root mean square errors, and its interval; not numbers where an error is not known."""
    if np.isnan(own).any() or np.isnan(raw).any():
        return (float("nan"),) * 3
    drawn = np.random.default_rng(seed).integers(0, len(own), (RESAMPLES, len(own)))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.sqrt(np.mean(raw[drawn] ** 2, axis=1) / np.mean(own[drawn] ** 2, axis=1))
        ratio = float(np.sqrt(np.mean(raw**2) / np.mean(own**2)))
    if len(own) < 2:
        return ratio, float("nan"), float("nan")
    low, high = np.nanquantile(ratios, [(1 - confidence) / 2, (1 + confidence) / 2])
    return ratio, float(low), float(high)


def _mean_interval(errors: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    if len(errors) < 2:
        return float("nan"), float("nan")
    from scipy import stats

    reach = stats.t(len(errors) - 1).ppf((1 + confidence) / 2) * errors.std(ddof=1) / len(errors) ** 0.5
    return float(errors.mean() - reach), float(errors.mean() + reach)


def _spread_interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    free = len(values) - 1
    if free < 1:
        return float("nan"), float("nan")
    from scipy import stats

    squares = free * values.var(ddof=1)
    low, high = (float(np.sqrt(squares / stats.chi2(free).ppf((1 + sign * confidence) / 2))) for sign in (1, -1))
    return low, high


def _worth(method: str, low: float, high: float) -> Worth:
    if np.isnan(low) or method == "raw":
        return "not known"
    return "reduces the error" if low > 1 else "increases the error" if high < 1 else "no difference shown"


def _rms(values: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _known(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_known(item) for item in value]
    return None if isinstance(value, float) and not np.isfinite(value) else value
