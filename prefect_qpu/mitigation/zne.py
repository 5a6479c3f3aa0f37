"""Zero-noise extrapolation: the circuits at several amounts of noise, and what they would give at none."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.mitigation.acquisition import AcquisitionOptions, Readout, Setting, acquire, parsed, read
from prefect_qpu.mitigation.fits import Extrapolation, Fit, check_scales, extrapolate, model_error, order_of
from prefect_qpu.mitigation.folding import achieved_scale, check_signal, fold, noise_weight
from prefect_qpu.mitigation.prediction import readout_factor
from prefect_qpu.mitigation.shots import allocated, variance_multiplier
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, Values
from prefect_qpu.mitigation.uncertain import Uncertain, weighted_sum
from prefect_qpu.observables import Estimate, constant_of

LEAST_SIGNAL = 3.0
"""Distance from the asymptote in standard errors from which on an exponential is fitted."""
LEAST_SPREAD = 1.2
"""Least ratio of the largest to the smallest noise that was really achieved."""
_DECAYS = 9
"""Decays over which the weights of an exponential are averaged."""


def _as_tuple(value: object) -> object:
    return tuple(value) if isinstance(value, list) else (value,) if isinstance(value, str) else value


def _scales(scales: tuple[float, ...]) -> tuple[float, ...]:
    if list(scales) != sorted(set(scales)):
        raise ValueError("different scales in ascending order")
    return scales


def _distinct(fits: tuple[Fit, ...]) -> tuple[Fit, ...]:
    if len(set(fits)) < len(fits):
        raise ValueError("each fit once")
    return fits


Scales = tuple[Annotated[float, Field(ge=1, le=25)], ...]


class ZneOptions(AcquisitionOptions):
    """Options of `zne`."""

    readout: Readout = "factorised"
    scales: Annotated[Scales, BeforeValidator(_as_tuple), AfterValidator(_scales), Field(min_length=2)] = (
        1.0,
        3.0,
        5.0,
    )
    """Number of two-qubit gates relative to the circuit."""
    fit: Annotated[tuple[Fit, ...], BeforeValidator(_as_tuple), AfterValidator(_distinct), Field(min_length=1)] = (
        "exponential",
        "linear",
    )
    """Curves; the first gives the value, its distance to the others the systematic error."""
    asymptote: float | None = None
    """Value at infinite noise for the exponential; none means that of the fully mixed state."""


class Zne:
    """Zero-noise extrapolation by folding the native two-qubit gates."""

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have."""
        parsed(ZneOptions, options, field)

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """One setting for each scale; the amounts of noise are those that the target's errors tell."""
        chosen = parsed(ZneOptions, options, "options")
        for circuit in context.circuits:
            check_signal(circuit, context.target)
        for fit in chosen.fit:
            check_scales(fit, chosen.scales)
        seed = derive_seed(context.seed, "folding")
        folded = [
            tuple(fold(item, scale, context.target, seed) for item in context.circuits) for scale in chosen.scales
        ]
        achieved = [_achieved(circuits, context) for circuits in folded]
        if achieved[-1] < LEAST_SPREAD * achieved[0]:
            raise MitigationRefusedError(f"folding reaches noise scales {achieved[0]:.2f} to {achieved[-1]:.2f} only")
        weights = _expected_weights(chosen.fit[0], achieved, context)
        shots = allocated(context, weights.tolist(), chosen.allocation)
        settings = [
            Setting(circuits, part, f"fold {scale:g}")
            for circuits, part, scale in zip(folded, shots, chosen.scales, strict=True)
        ]
        acquired = acquire(settings, context, chosen)
        spent = sum(planned.shots for planned in acquired.circuits)
        variance = variance_multiplier(context, weights, shots, spent, chosen.allocation)
        manifest = {
            **acquired.manifest,
            "scales": achieved,
            "nominal": list(chosen.scales),
            "fits": list(chosen.fit),
            "asymptote": chosen.asymptote,
        }
        return MethodPlan(acquired.circuits, manifest, variance * readout_factor(context, chosen))

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The extrapolated values."""
        settings = read(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        return {
            name: _estimate([setting[name] for setting in settings], manifest, constant_of(operator), shots)
            for name, operator in measurement.observables.items()
        }


def _achieved(folded: Sequence[Any], context: PlanContext) -> float:
    scales = [
        achieved_scale(after, before, context.target) for after, before in zip(folded, context.circuits, strict=True)
    ]
    return float(np.mean(scales))


def _expected_weights(fit: Fit, scales: Sequence[float], context: PlanContext) -> Values:
    """Weights of the settings in the value, as far as they are known before anything is measured.

    Those of an exponential depend on the decay. An observable sees only a part of the noise of all gates, so that any
    decay up to that of all of them may come; the root mean square over these makes the expected variance right.
    """
    if fit != "exponential":
        return extrapolate(fit, scales, np.ones(len(scales)), 0.0).weights
    fastest = min(max(noise_weight(circuit, context.target) for circuit in context.circuits), 1.0)
    decays = [np.exp(-rate * np.asarray(scales)) for rate in np.linspace(0, fastest, _DECAYS)]
    squares = [extrapolate(fit, scales, decay, 0.0).weights ** 2 for decay in decays]
    return np.asarray(np.sqrt(np.mean(squares, axis=0)), dtype=np.float64)


@dataclass(frozen=True)
class _Point:
    """The extrapolations of one observable at one point, in the order in which they were asked for."""

    values: Values
    stderr: Values
    """Of each value's own shots."""
    fitted: Mapping[Fit, Extrapolation]
    refused: Mapping[str, str]

    @property
    def answering(self) -> Fit:
        """The first fit that describes the values."""
        return next(iter(self.fitted))

    @property
    def first(self) -> Extrapolation:
        return self.fitted[self.answering]

    @property
    def systematic(self) -> float:
        """The largest error that another fit leaves possible."""
        return max(model_error(self.first, item, self.stderr) for item in self.fitted.values())

    @property
    def residual(self) -> float:
        """Root mean square distance of the values from the curve, in standard errors; 0 if it has to meet them all."""
        free = len(self.values) - order_of(self.answering, self.values.tolist()) - 1
        squares = float(np.sum(((self.values - self.first.fitted) / self.stderr) ** 2))
        return (squares / free) ** 0.5 if free else 0.0


def _estimate(values: Sequence[Uncertain], manifest: Mapping[str, Any], constant: float, shots: int) -> Estimate:
    asymptote = constant if manifest["asymptote"] is None else manifest["asymptote"]
    measured = np.stack([item.value for item in values])
    columns = measured.reshape(len(values), -1).T
    own = np.sqrt([np.ravel(item.variance) for item in values]).T
    found = [
        _extrapolated(manifest, column, deviations, asymptote, float(total))
        for column, deviations, total in zip(columns, own, np.ravel(values[0].stderr), strict=True)
    ]
    weights = np.stack([item.first.weights for item in found], axis=-1).reshape(measured.shape)
    shape = measured.shape[1:]
    return Estimate(
        np.reshape([item.first.value for item in found], shape),
        weighted_sum(weights, values).stderr,
        shots,
        _metadata(manifest, found, values),
        systematic=np.reshape([item.systematic for item in found], shape) if len(manifest["fits"]) > 1 else None,
    )


def _extrapolated(manifest: Mapping[str, Any], values: Values, own: Values, asymptote: float, total: float) -> _Point:
    """All fits that describe the values; an exponential needs a signal that could decay.

    Args:
        manifest: What was planned.
        values: One for each scale.
        own: Standard error of each value's own shots.
        asymptote: Value at infinite noise.
        total: Standard error of the first value, calibration included.

    Raises:
        MitigationRefusedError: none does.
    """
    fitted: dict[Fit, Extrapolation] = {}
    refused: dict[str, str] = {}
    for fit in manifest["fits"]:
        if fit == "exponential" and abs(values[0] - asymptote) < LEAST_SIGNAL * total:
            refused[fit] = f"the value is within {LEAST_SIGNAL:g} standard errors of the asymptote"
            continue
        try:
            fitted[fit] = extrapolate(fit, manifest["scales"], values, asymptote)
        except MitigationRefusedError as error:
            refused[fit] = str(error)
    if not fitted:
        raise MitigationRefusedError("; ".join(f"{fit}: {reason}" for fit, reason in refused.items()))
    return _Point(values, own, fitted, refused)


def _metadata(manifest: Mapping[str, Any], found: Sequence[_Point], values: Sequence[Uncertain]) -> dict[str, Any]:
    """Which fit answers at each point, why others do not, and, for a single point, what the figure needs."""
    answering = [item.answering for item in found]
    metadata: dict[str, Any] = {"fit": answering if len(set(answering)) > 1 else answering[0]}
    refused = {fit: reason for item in found for fit, reason in item.refused.items()}
    if refused:
        metadata["refused fits"] = refused
    metadata["scales"] = manifest["scales"]
    metadata["residual"] = max(item.residual for item in found)
    if values[0].value.shape == ():
        metadata["measured"] = [[float(item.value), float(item.stderr)] for item in values]
        metadata["fits"] = {
            fit: {"value": item.value, "curve": list(item.curve)} for fit, item in found[0].fitted.items()
        }
    return metadata
