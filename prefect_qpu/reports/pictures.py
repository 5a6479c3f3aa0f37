"""The page's figures: drawn, described in words for those who do not see them, and placed."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from prefect_qpu.reports.figures import (
    circuit_figure,
    confusion_figure,
    counts_figure,
    extrapolation_figure,
    observable_figure,
    timeline_figure,
)
from prefect_qpu.reports.figures.counts import Outcomes
from prefect_qpu.reports.mitigated import Extrapolated, confusion, extrapolations
from prefect_qpu.reports.readings import Compared, Reading
from prefect_qpu.reports.style import NARROW, WIDE, data_uri, size_of
from prefect_qpu.reports.units import concise, count, number, seconds
from prefect_qpu.summary import AnswerSource, RunSummary

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

MOST_OBSERVABLES, MOST_BASES, MOST_EXTRAPOLATIONS = 8, 4, 8
_ALONE = 6.4
"""Width in inches of a panel that has the page to itself."""


Item = TypeVar("Item")


@dataclass(frozen=True)
class Picture:
    """One image of the page."""

    uri: str
    alt: str
    width: int
    """Natural width in CSS pixels."""
    height: int
    narrow: str = ""
    """Another drawing for narrow screens."""

    @classmethod
    def of(cls, svg: str, alt: str, narrow: str | None = None) -> "Picture":
        """The image of an SVG."""
        return cls(data_uri(svg), alt, *size_of(svg), data_uri(narrow) if narrow else "")


def observable_pictures(observables: list[Compared]) -> list[Picture]:
    """One picture for each observable, up to eight."""
    return _panels(observables[:MOST_OBSERVABLES], observable_figure, _observable_in_words)


def counts_pictures(summary: RunSummary) -> list[Picture]:
    """One picture for each measured basis, up to four."""
    return _panels(list(outcomes(summary))[:MOST_BASES], counts_figure, _counts_in_words)


def extrapolation_pictures(summary: RunSummary) -> list[Picture]:
    """One picture for each extrapolation to zero noise, up to eight."""
    return _panels(extrapolations(summary)[:MOST_EXTRAPOLATIONS], extrapolation_figure, _extrapolation_in_words)


def confusion_picture(summary: RunSummary) -> Picture | None:
    """The heat map of the readout errors, drawn for wide and for narrow screens."""
    known = confusion(summary)
    if known is None:
        return None
    wrong = zip(known.qubits, known.reads_one, known.reads_zero, strict=True)
    words = "; ".join(f"qubit {qubit}: {one:.2%} and {zero:.2%}" for qubit, one, zero in wrong)
    svg, narrow = confusion_figure(known, WIDE), confusion_figure(known, NARROW)
    return Picture.of(svg, f"Chance to read 1 for 0, and 0 for 1: {words}", narrow)


def timeline_picture(summary: RunSummary) -> Picture | None:
    """The time line, drawn for wide and for narrow screens."""
    svg = timeline_figure(summary.spans, WIDE)
    if svg is None:
        return None
    stages = "; ".join(f"{span.stage} ({span.source}) {seconds(span.seconds)}" for span in summary.spans[:30])
    return Picture.of(svg, f"Time line of the stages: {stages}", timeline_figure(summary.spans, NARROW))


def circuit_picture(circuit: "QuantumCircuit", what: str) -> Picture | None:
    """The drawing of a circuit; none if it is too large to be read."""
    svg = circuit_figure(circuit)
    gates = ", ".join(f"{times} {name}" for name, times in circuit.count_ops().items())
    return Picture.of(svg, f"{what}: {circuit.num_qubits} qubits; {gates}") if svg else None


def outcomes(summary: RunSummary) -> Iterator[Outcomes]:
    """The counts of each measured basis beside the ideal ones."""
    for basis, measured in summary.counts.items():
        yield Outcomes(basis, measured, summary.ideal_counts.get(basis, {}), counted(summary))


def counted(summary: RunSummary) -> AnswerSource:
    """Where the counts come from."""
    on_backend = any(item.role == "primary" and item.state == "done" for item in summary.submissions)
    return "quantum" if on_backend else summary.source or "quantum"


def _panels(
    items: Sequence[Item], draw: Callable[[Item, float], str | None], words: Callable[[Item], str]
) -> list[Picture]:
    """Panels side by side; one alone is drawn for the whole width, and again for narrow screens."""
    if len(items) != 1:
        drawn = ((item, draw(item, NARROW)) for item in items)
        return [Picture.of(svg, words(item)) for item, svg in drawn if svg]
    svg = draw(items[0], _ALONE)
    return [Picture.of(svg, words(items[0]), draw(items[0], NARROW))] if svg else []


def _observable_in_words(item: Compared) -> str:
    values = "; ".join(_reading_in_words(reading) for reading in item.readings if isfinite(reading.value))
    exact = "" if item.exact is None else f"; exact value {number(item.exact)}"
    return f"{item.title}: {values}{exact}"


def _reading_in_words(reading: Reading) -> str:
    return f"{reading.method}, {reading.source}: {concise(reading.value, reading.stderr)}"


def _extrapolation_in_words(item: Extrapolated) -> str:
    points = "; ".join(
        f"at {number(scale, 3)}: {concise(*point)}" for scale, point in zip(item.scales, item.measured, strict=True)
    )
    curves = ", ".join(f"{curve.fit} {number(curve.value, 5)}" for curve in item.curves)
    exact = "" if item.exact is None else f"; exact value {number(item.exact)}"
    return f"{item.title}: {concise(item.value, item.stderr)} at no noise; measured {points}; fits {curves}{exact}"


def _counts_in_words(item: Outcomes) -> str:
    top = "; ".join(
        f"{name} {_times(measured)} measured" + (f", {_times(ideal)} ideal" if item.ideal_shots else "")
        for name, measured, ideal in item.rows()[:4]
    )
    return f"Outcomes measured in {item.basis}, {count(item.shots)} shots: {top}; and so on"


def _times(value: int | None) -> str:
    return "rarely" if value is None else count(value)
