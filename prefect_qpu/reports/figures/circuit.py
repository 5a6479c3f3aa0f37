"""A circuit as it would be drawn on paper, if it is small enough to be read."""

import warnings
from typing import TYPE_CHECKING

from prefect_qpu.reports.style import INK, drawing, new_figure, to_svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from qiskit import QuantumCircuit

MOST_QUBITS, MOST_INSTRUCTIONS = 12, 120
MOST_DRAWN = 48
"""Instructions of a drawing; each costs about ten milliseconds, so that a longer circuit is written in characters."""
FOLD = 18
"""Layers in one row of the drawing."""
_UNIT = 0.42
"""Inches of one layer."""
_STYLE = {
    "name": "bw",
    "gatefacecolor": "#EDF1F5",
    "edgecolor": INK,
    "linecolor": INK,
    "barrierfacecolor": "#D9DDE2",
    "subfontsize": 9.5,
    "margin": [1.4, 0.1, 0.1, 0.1],
}


def readable(circuit: "QuantumCircuit") -> bool:
    """Whether a picture of this circuit can be read: at most 12 qubits that do something, and 120 instructions."""
    used = {qubit for instruction in circuit.data for qubit in instruction.qubits}
    return 0 < len(used) <= MOST_QUBITS and len(circuit.data) <= MOST_INSTRUCTIONS


def circuit_figure(circuit: "QuantumCircuit", *, fold: int = FOLD) -> str | None:
    """The circuit as an SVG, qubits that do nothing left out; none if it is too large or the drawer cannot draw it."""
    from qiskit.exceptions import QiskitError

    if not readable(circuit) or len(circuit.data) > MOST_DRAWN:
        return None
    plain = circuit.copy()
    plain.global_phase = 0
    try:
        with drawing(**{"text.parse_math": True}), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            width, height = _extent(plain, fold)
            return to_svg(_drawn(plain, fold, width * _UNIT, height * _UNIT), tight=True)
    except (QiskitError, ValueError):
        return None


def circuit_text(circuit: "QuantumCircuit", *, fold: int = 110) -> str:
    """The circuit in box-drawing characters."""
    return str(circuit.draw("text", fold=fold, idle_wires=False))


def _extent(circuit: "QuantumCircuit", fold: int) -> tuple[float, float]:
    """Width and height in layers; the drawer knows them only when it has drawn."""
    (axes,) = _drawn(circuit, fold, 1.0, 1.0).axes
    left, right = axes.get_xlim()
    bottom, top = axes.get_ylim()
    return right - left, top - bottom


def _drawn(circuit: "QuantumCircuit", fold: int, width: float, height: float) -> "Figure":
    """A figure whose text has the same size whatever the circuit's: the drawer scales it with the axes given."""
    figure = new_figure(width, height)
    axes = figure.add_axes((0, 0, 1, 1))
    circuit.draw("mpl", ax=axes, fold=fold, style=dict(_STYLE), idle_wires=False)
    return figure
