"""What a method costs before it runs: the variance of its estimates relative to raw counts."""

from math import prod

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.acquisition import AcquisitionOptions
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.outcomes import support
from prefect_qpu.mitigation.types import MethodPlan, PlanContext

USELESS = 0.5
"""Predicted standard error, relative to the largest possible deviation of an observable, that makes shots useless."""


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


def _contrasts(context: PlanContext) -> list[float]:
    reported = context.target.get("measure", {})
    found = []
    for qubit in measured_qubits(context.circuits[0]):
        properties = (reported or {}).get((qubit,))
        error = getattr(properties, "error", None) or 0.0
        found.append(max(1 - 2 * error, 1e-3))
    return found
