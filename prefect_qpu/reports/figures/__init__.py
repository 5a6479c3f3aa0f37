"""Figures of a run as SVG text: one module for each, one look for all."""

from prefect_qpu.reports.figures.circuit import circuit_figure
from prefect_qpu.reports.figures.comparison import comparison_figure, observable_figure
from prefect_qpu.reports.figures.confusion import confusion_figure
from prefect_qpu.reports.figures.counts import counts_figure
from prefect_qpu.reports.figures.extrapolation import extrapolation_figure
from prefect_qpu.reports.figures.timeline import timeline_figure

__all__ = [
    "circuit_figure",
    "comparison_figure",
    "confusion_figure",
    "counts_figure",
    "extrapolation_figure",
    "observable_figure",
    "timeline_figure",
]
