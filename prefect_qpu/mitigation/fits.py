"""Extrapolation to zero noise: along a predicted decay, and by linear, polynomial, Richardson and exponential fits.

All fits are ordinary least squares, so that their weights are known before anything is measured; mitiq's, which has all
but the first, give the same values.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.types import Values

Fit = Literal["predicted", "exponential", "linear", "quadratic", "richardson"]
_STEPS, _PRECISION = 100, 1e-12
_STRAIGHT = 1e-9
"""Bend of a decay below which it is an exponential."""


@dataclass(frozen=True)
class Extrapolation:
    """A value at zero noise."""

    value: float
    weights: Values
    """Derivative of the value by each measured value."""
    curve: tuple[float, ...]
    """Polynomial coefficients from the constant on; asymptote, amplitude and rate of an exponential; these and the
    spread of the rate of a predicted decay."""
    fitted: Values
    """The curve at the scales of the measured values."""


@dataclass(frozen=True)
class Damping:
    """How noise damps an observable, as far as it is predicted."""

    rate: float
    """Mean damping at scale 1."""
    spread: float
    """Variance of the damping of the observable's parts, relative to the square of its mean."""

    def left(self, scales: ArrayLike, share: float = 0.5) -> Values:
        """Part of the signal that is left, if its parts differ by a share of the spread.

        The parts' rates are taken to follow a gamma distribution, whose mean decay is a power of the scale; it is an
        exponential where they do not differ.

        Example:
            >>> Damping(0.2, 0.5).left([0, 1, 2], share=1.0).round(4).tolist()
            [1.0, 0.8264, 0.6944]
        """
        noise = self.rate * np.asarray(scales, dtype=float)
        bend = share * self.spread
        left: Values = np.exp(-noise if bend * noise.max() < _STRAIGHT else -np.log1p(bend * noise) / bend)
        return left


def polynomial_weights(scales: Sequence[float], order: int) -> Values:
    """Weights with which the values at the scales give the value of a fitted polynomial at zero.

    Example:
        >>> polynomial_weights([1, 3, 5], 1).round(3).tolist()
        [1.083, 0.333, -0.417]
    """
    weights: Values = np.linalg.pinv(np.vander(np.asarray(scales, dtype=float), order + 1, increasing=True))[0]
    return weights


def order_of(fit: Fit, scales: Sequence[float]) -> int:
    """The order of a polynomial fit; exponentials are linear to first order."""
    return {"quadratic": 2, "richardson": len(scales) - 1}.get(fit, 1)


def check_scales(fit: Fit, scales: Sequence[float]) -> None:
    """Refuse a fit with more parameters than scales.

    Raises:
        MitigationRefusedError: says how many are needed.
    """
    needed = order_of(fit, scales) + 1
    if len(scales) < needed:
        raise MitigationRefusedError(f"a {fit} fit needs {needed} noise scales, got {len(scales)}")


def extrapolate(
    fit: Fit, scales: Sequence[float], values: Values, asymptote: float, damping: Damping | None = None
) -> Extrapolation:
    """The value at zero noise.

    An exponential takes the value at infinite noise as known and its rate from the values; a predicted decay takes the
    rate as known and the value at infinite noise from the values: relaxation leads elsewhere than to the mixed state.
    Parts of an observable may cancel, so that the decay bends between not at all and as its paths tell; half of that is
    taken.

    Args:
        fit: Kind of the curve.
        scales: Noise of each value, relative to the circuit's own.
        values: One for each scale.
        asymptote: Value at infinite noise, for the exponential.
        damping: For the predicted decay.

    Raises:
        MitigationRefusedError: an exponential does not describe the values, or no decay is predicted.

    Example:
        >>> extrapolate("linear", [1, 3, 5], np.array([0.8, 0.6, 0.4]), 0.0).value.__round__(6)
        0.9
        >>> extrapolate("exponential", [1, 3], np.exp([-0.1, -0.3]), 0.0).value.__round__(6)
        1.0
        >>> values = 0.2 + 0.6 * np.exp([-0.1, -0.3, -0.5])
        >>> extrapolate("predicted", [1, 3, 5], values, 0.0, Damping(0.1, 0.0)).value.__round__(6)
        0.8
    """
    if fit == "predicted":
        if damping is None:
            raise MitigationRefusedError("the target's errors predict no decay of the observable")
        found = along(damping.left(scales), values)
        return replace(found, curve=(*found.curve, damping.rate, damping.spread / 2))
    if fit == "exponential":
        return _exponential(np.asarray(scales, dtype=float), np.asarray(values, dtype=float), asymptote)
    order = order_of(fit, scales)
    powers = np.vander(np.asarray(scales, dtype=float), order + 1, increasing=True)
    matrix = np.linalg.pinv(powers)
    coefficients = matrix @ values
    return Extrapolation(float(coefficients[0]), matrix[0], tuple(coefficients.tolist()), powers @ coefficients)


def along(left: Values, values: Values) -> Extrapolation:
    """The value at zero noise if what noise does not take of the signal is known, and the signal and its end are not.

    Args:
        left: Part of the signal that is left at each value's noise.
        values: One for each.

    Example:
        >>> along(np.array([0.9, 0.7, 0.6]), 0.1 + 0.5 * np.array([0.9, 0.7, 0.6])).value.__round__(6)
        0.6
    """
    columns = np.stack([np.ones_like(left), left - 1], axis=1)
    matrix = np.linalg.pinv(columns)
    start, amplitude = matrix @ values
    curve = (float(start - amplitude), float(amplitude))
    return Extrapolation(float(start), matrix[0], curve, columns @ np.array([start, amplitude]))


def model_error(answer: Extrapolation, other: Extrapolation, stderr: Values) -> float:
    """Standard deviation of what the choice between two curves leaves open.

    The value without noise is taken to lie within half the distance ``d`` of the two extrapolations, equally likely
    everywhere: a variance of ``d**2 / 12``. The points narrow this as far as they tell the two curves apart, like a
    measurement of where between them the truth lies.

    Source: JCGM 100:2008 (GUM), 4.3.7, for the rectangular distribution.

    Args:
        answer: The curve that gives the value.
        other: Another one through the same points.
        stderr: Standard error of each point; larger where the points scatter about the answering curve by more.

    Example:
        >>> scales, values = [1.0, 3.0, 5.0], np.exp([-0.1, -0.3, -0.5])
        >>> fits = [extrapolate(fit, scales, values, 0.0) for fit in ("exponential", "linear")]
        >>> [round(model_error(*fits, np.full(3, stderr)), 4) for stderr in (0.1, 0.01, 0.001)]
        [0.0074, 0.007, 0.002]
    """
    told = float(np.sum(((answer.fitted - other.fitted) / stderr) ** 2))
    return float(abs(answer.value - other.value) / np.sqrt(12.0 + told))


def _exponential(scales: Values, values: Values, asymptote: float) -> Extrapolation:
    """Least squares of ``asymptote + amplitude * exp(-rate * scale)`` by damped Newton steps."""
    signal = values - asymptote
    amplitude, rate = _first_guess(scales, signal)
    cost, damping = _cost(scales, signal, amplitude, rate), 1e-3
    for _ in range(_STEPS):
        jacobian, residual = _linearised(scales, signal, amplitude, rate)
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-300), jacobian.T @ residual)
        trial = _cost(scales, signal, amplitude + step[0], rate + step[1])
        if trial <= cost:
            amplitude, rate, damping = amplitude + step[0], rate + step[1], damping / 10
            if cost - trial <= _PRECISION * cost or np.abs(step).max() < _PRECISION:
                break
            cost = trial
        else:
            damping *= 10
    return _described(scales, signal, asymptote, amplitude, rate)


def _described(scales: Values, signal: Values, asymptote: float, amplitude: float, rate: float) -> Extrapolation:
    jacobian, residual = _linearised(scales, signal, amplitude, rate)
    decay = np.exp(-rate * scales)
    curvature = np.array(
        [
            [0.0, -(residual @ (scales * decay))],
            [-(residual @ (scales * decay)), amplitude * (residual @ (scales**2 * decay))],
        ]
    )
    hessian = jacobian.T @ jacobian - curvature
    if not np.all(np.isfinite(hessian)) or np.linalg.det(hessian) <= 0 or abs(rate) * scales.min() > 3:
        raise MitigationRefusedError("an exponential does not describe how the values change with the noise")
    weights = np.linalg.solve(hessian, jacobian.T)[0]
    curve = (asymptote, float(amplitude), float(rate))
    return Extrapolation(asymptote + float(amplitude), weights, curve, asymptote + amplitude * decay)


def _linearised(scales: Values, signal: Values, amplitude: float, rate: float) -> tuple[Values, Values]:
    decay = np.exp(-rate * scales)
    return np.stack([decay, -amplitude * scales * decay], axis=1), signal - amplitude * decay


def _cost(scales: Values, signal: Values, amplitude: float, rate: float) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        cost = float(np.sum((signal - amplitude * np.exp(-rate * scales)) ** 2))
    return cost if np.isfinite(cost) else np.inf


def _first_guess(scales: Values, signal: Values) -> tuple[float, float]:
    """From a straight line through the logarithms of the values that have the sign of the first."""
    same = signal * np.sign(signal[0]) > 0
    if signal[0] == 0 or same.sum() < 2:
        raise MitigationRefusedError("an exponential does not describe the values: they change their sign")
    logarithms = np.log(np.abs(signal[same]))
    slope, start = np.polyfit(scales[same], logarithms, 1, w=np.abs(signal[same]))
    return float(np.sign(signal[0]) * np.exp(start)), float(-slope)
