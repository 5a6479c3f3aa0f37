"""What a method costs before it runs: the variance of its estimates relative to raw counts."""

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.acquisition import AcquisitionOptions
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.outcomes import support
from prefect_qpu.mitigation.subspace import MOST_OUTCOMES
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, PlannedCircuit, Values
from prefect_qpu.observables import Term

USELESS = 0.5
"""Predicted standard error, relative to the largest possible deviation of an observable, that makes shots useless."""
_START, _A_SHOT, _A_VALUE, _A_STEP = 0.5, 1e-5, 0.02, 1e-7
"""Seconds to start, for each shot, for each value of an observable in a circuit, and for each step of arithmetic."""
_IMPORT = 30.0
"""Seconds to import mthree."""


def readout_factor(context: PlanContext, options: AcquisitionOptions) -> float:
    """Predicted variance after the readout correction relative to that before, of the worst observable.

    A term's signal, divided by the contrast of each of its qubits, has its variance divided by their squares.
    """
    if options.readout == "none":
        return 1.0
    contrast = _contrasts(context)
    factors = []
    for name in context.measurement.observables:
        terms = [term for group in context.measurement.groups for term in group.terms if term.observable == name]
        grown = sum(term.weight**2 / prod(contrast[qubit] for qubit in support(term)) ** 2 for term in terms)
        factors.append(grown / sum(term.weight**2 for term in terms) if terms else 1.0)
    return max(factors)


def calibration_deviations(context: PlanContext, options: AcquisitionOptions) -> list[float]:
    """Deviation that one shot of each calibration circuit makes in the estimates, as `group_deviations` counts it.

    A misread of qubit ``q`` moves each term on it by up to its size. Where readout is twirled, the calibration is one
    circuit, whose shots all masks share, and moves a term by the deviation of its parity.

    Args:
        context: What is planned from; the rates of misreading are those that its target reports.
        options: How readout is corrected.
    """
    if options.readout == "none":
        return []
    contrast = np.array(_contrasts(context))
    squares = 0.0
    for name in context.measurement.observables:
        terms = [term for group in context.measurement.groups for term in group.terms if term.observable == name]
        if options.readout == "trex":
            moved = sum(t.weight**2 * (1 / contrast[support(t)].prod() ** 2 - 1) for t in terms)
        else:
            sizes = sum((abs(t.weight) * _on(t, len(contrast)) for t in terms), np.zeros(len(contrast)))
            moved = float(np.sum((sizes / contrast) ** 2 * (1 - contrast**2) / 4))
        squares += moved / (sum(t.weight**2 for t in terms) or 1.0)
    return [squares**0.5] if options.readout == "trex" else [squares**0.5] * 2


def _on(term: Term, qubits: int) -> Values:
    """1 on the qubits of a term."""
    places = np.zeros(qubits)
    places[support(term)] = 1.0
    return places


def check_worth(method: str, plan: MethodPlan) -> None:
    """Refuse a plan whose predicted standard error is as large as the signal itself.

    Raises:
        MitigationRefusedError: says the multiplier, the shots, and how many shots would do.
    """
    check_variance(method, plan.variance_multiplier, sum(planned.shots for planned in plan.circuits))


def check_variance(method: str, multiplier: float, shots: int) -> None:
    """Refuse a variance multiplier that leaves nothing to see.

    Raises:
        MitigationRefusedError: says the multiplier, the shots, and how many shots would do.
    """
    predicted = (multiplier / shots) ** 0.5
    if predicted > USELESS:
        needed = multiplier / USELESS**2
        raise MitigationRefusedError(
            f"{method} multiplies the variance by {multiplier:.3g}: with {shots} shots the standard "
            f"error would be about {predicted:.2g} of the whole range; it takes at least {needed:.2g} shots"
        )


def combine_at_most(circuits: Sequence[PlannedCircuit], manifest: Mapping[str, Any], measurement: Measurement) -> float:
    """An upper bound of the seconds that combining takes at one point of a parameter array.

    It counts the steps of the worst case, in which all outcomes differ, at a tenth of the speed of a common processor.

    Args:
        circuits: What the method planned.
        manifest: Its manifest, for the readout correction.
        measurement: What is estimated.
    """
    bits = circuits[0].circuit.num_clbits
    rows = [min(item.shots, 2 ** min(bits, 62)) for item in circuits]
    touched = sum(bits + sum(len(support(term)) + 2 for term in group.terms) for group in measurement.groups)
    values = len(circuits) * len(measurement.observables)
    steps = sum(rows) * touched
    readout = manifest.get("readout")
    if readout == "trex":
        steps += sum(rows) * touched * len(circuits)
    if readout == "mthree":
        steps += sum(count**2 * (bits + count // 100) for count in (min(row, MOST_OUTCOMES) for row in rows))
    start = _START + (_IMPORT if readout == "mthree" else 0.0)
    return float(start + _A_SHOT * sum(item.shots for item in circuits) + _A_VALUE * values + _A_STEP * steps)


def _contrasts(context: PlanContext) -> list[float]:
    reported = context.target.get("measure", {})
    found = []
    for qubit in measured_qubits(context.circuits[0]):
        properties = (reported or {}).get((qubit,))
        error = getattr(properties, "error", None) or 0.0
        found.append(max(1 - 2 * error, 1e-3))
    return found
