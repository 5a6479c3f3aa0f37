"""What mitigation did, read from a summary: extrapolations, the readout's confusion, and what each method cost."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Any

from prefect_qpu.reports.tables import Cell, Table, table
from prefect_qpu.reports.units import number, seconds
from prefect_qpu.summary import EstimateSummary, RunSummary


@dataclass(frozen=True)
class Curve:
    """One fit through the points."""

    fit: str
    value: float
    """At zero noise."""
    parameters: tuple[float, ...]
    """Polynomial coefficients from the constant on; or asymptote, amplitude and rate of an exponential."""


@dataclass(frozen=True)
class Extrapolated:
    """An extrapolation to zero noise: what was measured, what was fitted, and what came out."""

    title: str
    scales: tuple[float, ...]
    measured: tuple[tuple[float, float], ...]
    """Value and standard error at each scale."""
    curves: tuple[Curve, ...]
    """The first one gives the value."""
    value: float
    stderr: float
    systematic: float | None
    exact: float | None


@dataclass(frozen=True)
class Confusion:
    """How often each qubit was read wrong, in the calibration of a job."""

    qubits: tuple[int, ...]
    """Physical qubit of each classical bit."""
    reads_one: tuple[float, ...]
    """Chance to read 1 where 0 was prepared."""
    reads_zero: tuple[float, ...]
    """Chance to read 0 where 1 was prepared."""


def extrapolations(summary: RunSummary) -> list[Extrapolated]:
    """Every extrapolation of a run whose points are known, in the order of the estimates."""
    return [made for item in summary.estimates if (made := _extrapolated(item)) is not None]


def confusion(summary: RunSummary) -> Confusion | None:
    """The readout errors that the run's methods corrected; none if none of them did it by qubit."""
    known = next((item.details["confusion"] for item in summary.estimates if item.details.get("confusion")), None)
    if known is None:
        return None
    return Confusion(tuple(known["qubits"]), tuple(known["p01"]), tuple(known["p10"]))


def methods_table(summary: RunSummary) -> Table:
    """What each method cost: circuits, shots, variance, and seconds."""
    rows = [
        (
            Cell(item.method, whole=True),
            number(cost["circuits"]),
            number(cost["shots"]),
            "" if item.variance_multiplier is None else f"× {number(item.variance_multiplier, 3)}",  # noqa: RUF001
            seconds(cost["plan_seconds"]),
            seconds(cost["combine_seconds"]),
            "" if cost.get("combine_seconds_at_most") is None else seconds(cost["combine_seconds_at_most"]),
        )
        for item, cost in _costs(summary)
    ]
    columns = ("Method", "#Circuits", "#Shots", "#Variance", "#To plan", "#To combine", "#Predicted at most")
    note = "Methods share circuits: their sum is more than was executed." if len(rows) > 1 else ""
    return table("Cost by method", columns, rows, note)


def refused_table(summary: RunSummary) -> Table:
    """The requested methods that gave no estimates, with their reasons."""
    rows = [(Cell(label, whole=True), reason) for label, reason in summary.refused.items()]
    return table("Refused methods", ("Method", "Reason"), rows)


def _costs(summary: RunSummary) -> Iterator[tuple[EstimateSummary, Mapping[str, Any]]]:
    seen: set[str] = set()
    for item in summary.estimates:
        cost = item.details.get("cost")
        if cost and item.method not in seen:
            seen.add(item.method)
            yield item, cost


def _extrapolated(item: EstimateSummary) -> Extrapolated | None:
    details = item.details
    if "measured" not in details or not details.get("fits"):
        return None
    first = details["fit"]
    order = sorted(details["fits"], key=lambda fit: fit != first)
    made = Extrapolated(
        f"{item.observable}, {item.method}",
        tuple(details["scales"]),
        tuple((value, stderr) for value, stderr in details["measured"]),
        tuple(Curve(fit, details["fits"][fit]["value"], tuple(details["fits"][fit]["curve"])) for fit in order),
        item.value,
        item.stderr,
        item.systematic,
        item.exact,
    )
    numbers = [made.value, made.stderr, *(value for point in made.measured for value in point)]
    return made if all(map(isfinite, numbers)) else None
