"""What is compared: every value of an observable that a run holds, in one order for table and figure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from prefect_qpu.reports.labels import short_source, source
from prefect_qpu.reports.units import settled
from prefect_qpu.statistics import interval
from prefect_qpu.summary import RunSummary

Kind = Literal["quantum", "cached", "simulator", "classical", "noisy", "ideal", "baseline"]


@dataclass(frozen=True)
class Reading:
    """One value of an observable."""

    label: str
    """Method and source, short: ``raw, aer-manila``."""
    method: str
    kind: Kind
    source: str
    """Source in full."""
    value: float
    stderr: float | None = None
    systematic: float | None = None
    bound: float | None = None
    """Proven bound of a classical value."""
    shots: int | None = None
    variance_multiplier: float | None = None
    flags: tuple[str, ...] = ()
    """What the estimate itself says against it."""
    cost: Mapping[str, float] = field(default_factory=dict)
    """Circuits, shots and seconds of the method."""
    solution: bool = False
    """Whether it is the value of one solution, classical or sampled, and not an expectation value."""

    @property
    def interval(self) -> tuple[float, float] | None:
        """The statistical 95 % interval, or none if there is no statistical error."""
        if self.stderr is None or not isfinite(self.stderr):
            return None
        return interval(self.value, self.stderr)


@dataclass(frozen=True)
class Compared:
    """All values of one observable at one point of the parameter array."""

    observable: str
    point: int
    readings: tuple[Reading, ...]
    exact: float | None = None

    @property
    def title(self) -> str:
        """The observable, with its point if it is not the first."""
        return f"{self.observable}, point {self.point}" if self.point else self.observable


def compared(summary: RunSummary) -> list[Compared]:
    """What a run says of each observable and point, in order of first appearance."""
    return [
        Compared(name, point, tuple(_readings(summary, name, point)), _exact(summary, name, point))
        for name, point in _keys(summary)
    ]


def _keys(summary: RunSummary) -> list[tuple[str, int]]:
    estimated = [(item.observable, item.point) for item in summary.estimates]
    simulated = [(name, 0) for values in summary.simulations.values() for name in values]
    classical = [(item.observable, 0) for item in summary.baselines]
    return list(dict.fromkeys(estimated + simulated + classical))


def _readings(summary: RunSummary, name: str, point: int) -> Iterator[Reading]:
    for item in summary.estimates:
        if (item.observable, item.point) == (name, point):
            yield Reading(
                label=f"{item.method}, {short_source(summary, item.source)}",
                method=item.method,
                kind=item.source,
                source=source(summary, item.source),
                value=item.value,
                stderr=item.stderr,
                systematic=item.systematic,
                shots=item.shots,
                variance_multiplier=item.variance_multiplier,
                flags=tuple(item.details.get("flags", ())),
                cost=item.details.get("cost", {}),
            )
    if point == 0:
        yield from _simulated(summary, name)
        yield from _sampled(summary, name)
        yield from _classical(summary, name)


def _simulated(summary: RunSummary, name: str) -> Iterator[Reading]:
    kinds: tuple[tuple[Kind, str, str], ...] = (
        ("noisy", "noise simulation", "noise simulation before the job"),
        ("ideal", "ideal simulation", "ideal simulation before the job"),
    )
    for kind, label, words in kinds:
        found = summary.simulations.get(kind, {}).get(name)
        if found is not None and "value" in found:
            shots = found.get("shots")
            yield Reading(
                label,
                "raw",
                kind,
                words,
                found["value"],
                found.get("stderr"),
                shots=None if shots is None else int(shots),
            )


def _sampled(summary: RunSummary, name: str) -> Iterator[Reading]:
    """The best solution among the shots; it compares with a classical solution, as no expectation value does."""
    best = (summary.answer or {}).get("value")
    if best is not None and summary.source is not None and name == (summary.comparison or {}).get("observable"):
        where = source(summary, summary.source)
        label = f"best shot, {short_source(summary, summary.source)}"
        yield Reading(label, "best shot", summary.source, where, float(best), solution=True)


def _classical(summary: RunSummary, name: str) -> Iterator[Reading]:
    for item in summary.baselines or ([summary.baseline] if summary.baseline else []):
        if item.observable == name:
            kind = "exact classical" if item.exact else "classical"
            label = f"{item.method}, classical"
            where = f"{kind} baseline"
            yield Reading(label, item.method, "baseline", where, settled(item.value), bound=item.bound, solution=True)


def _exact(summary: RunSummary, name: str, point: int) -> float | None:
    known = [item.exact for item in summary.estimates if (item.observable, item.point) == (name, point)]
    return next((settled(value) for value in known if value is not None), None)
