"""From the values at several amounts of noise to the value at none, with what the choice of a curve leaves open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.fits import Damping, Extrapolation, Fit, along, extrapolate, model_error, order_of
from prefect_qpu.mitigation.types import Values
from prefect_qpu.mitigation.uncertain import Uncertain, weighted_sum
from prefect_qpu.observables import Estimate, constant_of

LEAST_SIGNAL = 3.0
"""Distance from the asymptote in standard errors from which on an exponential is fitted."""


@dataclass(frozen=True)
class Model:
    """What is known of one observable before its values are."""

    fits: tuple[Fit, ...]
    scales: Values
    asymptote: float
    damping: Damping | None
    """What the target's errors predict."""


def model_of(manifest: Mapping[str, Any], name: str, operator: SparsePauliOp) -> Model:
    """What a plan knows of an observable; where no decay is predicted, the noise scales are those of all gates."""
    asymptote = constant_of(operator) if manifest["asymptote"] is None else manifest["asymptote"]
    known = manifest.get("decays", {}).get(name)
    if known is None:
        return Model(tuple(manifest["fits"]), np.asarray(manifest["scales"]), asymptote, None)
    damping = Damping(known["rate"], known["spread"])
    return Model(tuple(manifest["fits"]), np.asarray(known["scales"]), asymptote, damping)


@dataclass(frozen=True)
class _Point:
    """The extrapolations of one observable at one point, in the order in which they were asked for."""

    values: Values
    stderr: Values
    """Of each value's own shots."""
    fitted: Mapping[Fit, Extrapolation]
    refused: Mapping[str, str]
    """Why fits that come before the answering one do not answer."""
    bounds: tuple[Extrapolation, Extrapolation] | None = None
    """The predicted decay without any bend, and with all that its paths tell."""

    @property
    def answering(self) -> Fit:
        """The first fit that describes the values."""
        return next(iter(self.fitted))

    @property
    def first(self) -> Extrapolation:
        return self.fitted[self.answering]

    @property
    def systematic(self) -> float:
        """The largest error that another curve leaves possible.

        A straight line is a predicted decay of rate 0, which the prediction itself excludes. Points that scatter about
        the answering curve by more than their errors tell less of the others, by that factor.

        Source: R. T. Birge, Phys. Rev. 40, 207 (1932), for the factor.
        """
        stderr = self.stderr * max(1.0, self.residual)
        excluded = {"linear"} if self.answering == "predicted" else set()
        others = [(self.first, item) for fit, item in self.fitted.items() if fit not in excluded]
        return max(model_error(one, other, stderr) for one, other in [*others, *([self.bounds] if self.bounds else [])])

    @property
    def residual(self) -> float:
        """Root mean square distance of the values from the curve, in standard errors; 0 if it has to meet them all."""
        free = len(self.values) - order_of(self.answering, self.values.tolist()) - 1
        squares = float(np.sum(((self.values - self.first.fitted) / self.stderr) ** 2))
        return (squares / free) ** 0.5 if free else 0.0


def extrapolated(values: Sequence[Uncertain], model: Model, shots: int) -> Estimate:
    """The value at zero noise, with its statistical and systematic error.

    Args:
        values: One for each scale.
        model: What is known of the observable.
        shots: All that were spent.

    Raises:
        MitigationRefusedError: no fit describes the values.
    """
    measured = np.stack([item.value for item in values])
    columns = measured.reshape(len(values), -1).T
    own = np.sqrt([np.ravel(item.variance) for item in values]).T
    found = [
        _point(model, column, deviations, float(total))
        for column, deviations, total in zip(columns, own, np.ravel(values[0].stderr), strict=True)
    ]
    weights = np.stack([item.first.weights for item in found], axis=-1).reshape(measured.shape)
    shape = measured.shape[1:]
    return Estimate(
        np.reshape([item.first.value for item in found], shape),
        weighted_sum(weights, values).stderr,
        shots,
        _metadata(model, found, values),
        systematic=np.reshape([item.systematic for item in found], shape) if _is_open(model) else None,
    )


def _is_open(model: Model) -> bool:
    """Whether there is more than one curve."""
    return len(model.fits) > 1 or model.fits[0] == "predicted"


def _point(model: Model, values: Values, own: Values, total: float) -> _Point:
    """All fits that describe the values; an exponential needs a signal that could decay.

    Args:
        model: What is known.
        values: One for each scale.
        own: Standard error of each value's own shots.
        total: Standard error of the first value, calibration included.

    Raises:
        MitigationRefusedError: none does.
    """
    fitted: dict[Fit, Extrapolation] = {}
    refused: dict[str, str] = {}
    for fit in model.fits:
        try:
            fitted[fit] = _possible(fit, model, values, total)
        except MitigationRefusedError as error:
            if not fitted:
                refused[fit] = str(error)
    if not fitted:
        raise MitigationRefusedError("; ".join(f"{fit}: {reason}" for fit, reason in refused.items()))
    return _Point(values, own, fitted, refused, _bounds(model, values) if "predicted" in fitted else None)


def _bounds(model: Model, values: Values) -> tuple[Extrapolation, Extrapolation] | None:
    if model.damping is None:
        return None
    return along(model.damping.left(model.scales, 0.0), values), along(model.damping.left(model.scales, 1.0), values)


def _possible(fit: Fit, model: Model, values: Values, total: float) -> Extrapolation:
    if fit == "exponential" and abs(values[0] - model.asymptote) < LEAST_SIGNAL * total:
        raise MitigationRefusedError(f"the value is within {LEAST_SIGNAL:g} standard errors of the asymptote")
    return extrapolate(fit, model.scales.tolist(), values, model.asymptote, model.damping)


def _metadata(model: Model, found: Sequence[_Point], values: Sequence[Uncertain]) -> dict[str, Any]:
    """Which fit answers at each point, why others do not, and, for a single point, what the figure needs."""
    answering = [item.answering for item in found]
    metadata: dict[str, Any] = {"fit": answering if len(set(answering)) > 1 else answering[0]}
    refused = {fit: reason for item in found for fit, reason in item.refused.items()}
    if refused:
        metadata["refused fits"] = refused
    metadata["scales"] = model.scales.tolist()
    metadata["residual"] = max(item.residual for item in found)
    if values[0].value.shape == ():
        metadata["measured"] = [[float(item.value), float(item.stderr)] for item in values]
        metadata["fits"] = {
            fit: {"value": item.value, "curve": list(item.curve)} for fit, item in found[0].fitted.items()
        }
    return metadata
