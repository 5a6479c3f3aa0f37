"""Shot allocation: a total budget split over circuits, evenly or so that the variance of a weighted sum is least."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.acquisition import AcquisitionOptions
from prefect_qpu.mitigation.outcomes import outcomes
from prefect_qpu.mitigation.prediction import calibration_deviations, readout_factor
from prefect_qpu.mitigation.readout import Uncorrected
from prefect_qpu.mitigation.types import Measurement, PlanContext, Values

PILOT_PART, LEAST_PILOT = 0.05, 100
"""Part of the shots that a pilot takes of each measured circuit, and the least number."""
FLOOR = 0.1
"""Least part of an even share that a circuit gets, so that its variance can be told at all."""


def even(total: int, circuits: int) -> list[int]:
    """Equal shots, the first ones with one more where the total does not divide.

    Example:
        >>> even(10, 3)
        [4, 3, 3]
    """
    return _whole(np.full(circuits, total / circuits), total)


def neyman(weights: ArrayLike, total: int, *, floor: float = FLOOR) -> list[int]:
    """Shots in proportion to the weights, which makes the variance of the weighted sum least.

    Source: J. Neyman, J. Royal Stat. Soc. 97, 558 (1934).

    Args:
        weights: Coefficient times standard deviation of one shot, of each circuit.
        total: Shots of all circuits together.
        floor: Least part of an even share that a circuit gets.

    Raises:
        MitigationRefusedError: there are fewer shots than circuits.

    Example:
        >>> neyman([3.0, 1.0], 1000), neyman([1.0, 0.0], 1000)
        ([750, 250], [950, 50])
    """
    sizes = np.abs(np.asarray(weights, dtype=float))
    if total < len(sizes):
        raise MitigationRefusedError(f"{total} shots cannot be split over {len(sizes)} circuits")
    least = max(1.0, floor * total / len(sizes))
    wanted = np.full(len(sizes), total / len(sizes)) if not sizes.any() else total * sizes / sizes.sum()
    for _ in range(len(sizes)):
        low = wanted < least
        rest = wanted[~low].sum()
        if not low.any() or rest == 0:
            break
        wanted = np.where(low, least, wanted * (total - least * low.sum()) / rest)
        if not (wanted < least * (1 - 1e-12)).any():
            break
    return _whole(wanted, total)


def predicted_variance(weights: ArrayLike, shots: Sequence[int]) -> float:
    """Variance of the weighted sum under an allocation.

    Example:
        >>> [round(predicted_variance([3.0, 1.0], split), 6) for split in ([500, 500], [750, 250])]
        [0.02, 0.016]
    """
    return float(np.sum(np.asarray(weights, dtype=float) ** 2 / np.asarray(shots)))


def group_deviations(measurement: Measurement) -> Values:
    """Deviation of one shot in each group where nothing was measured yet: all terms independent and of mean 0.

    Observables count relative to their own size, so that one with large weights does not take all shots.
    """
    squares = np.zeros(len(measurement.groups))
    for name in measurement.observables:
        parts = np.array(
            [sum(t.weight**2 for t in group.terms if t.observable == name) for group in measurement.groups]
        )
        squares += parts / parts.sum() if parts.sum() else parts
    return np.sqrt(squares) if squares.any() else np.ones(len(measurement.groups))


def piloted_deviations(measurement: Measurement, pilot: Sequence[BitArray]) -> Values:
    """Deviation of one shot in each group, from the counts of a pilot job: one bit array for each group."""
    squares = np.zeros(len(measurement.groups))
    for name in measurement.observables:
        parts = np.zeros(len(measurement.groups))
        for place, (group, bits) in enumerate(zip(measurement.groups, pilot, strict=True)):
            table = outcomes(bits)
            terms = [term for term in group.terms if term.observable == name]
            corrected = Uncorrected().correct(table, terms)
            parts[place] = table.variance(corrected.sample, corrected.bound) * table.total if terms else 0.0
        squares += parts / parts.sum() if parts.sum() else parts
    return np.sqrt(squares)


def pilot_shots(shots: int) -> int:
    """Shots of each measured circuit in a pilot.

    Example:
        >>> pilot_shots(4000), pilot_shots(500)
        (200, 100)
    """
    return max(LEAST_PILOT, round(PILOT_PART * shots))


@dataclass(frozen=True)
class Split:
    """How a method's shots are split."""

    settings: tuple[tuple[int, ...], ...]
    """Shots of each group in each setting."""
    calibration: int
    """Shots of each calibration circuit; of all together where readout is twirled."""


def allocated(context: PlanContext, weights: Sequence[float], options: AcquisitionOptions) -> Split:
    """The shots of all circuits of a method, all together as many as in an even split.

    Calibration circuits take part, unless the options fix their shots. With ``pilot`` the deviation of a shot in each
    group comes from the pilot's counts, whose shots the settings have less; before the pilot has run, all terms are
    taken for independent and of mean 0, as for ``neyman``.

    Args:
        context: Its shots are those of an even split.
        weights: Coefficient of each setting in the estimate.
        options: How readout is corrected and shots are allocated.
    """
    groups, fixed = len(context.circuits), options.calibration_shots or context.shots
    if options.allocation == "even":
        return Split(((context.shots,) * groups,) * len(weights), fixed)
    measured = _sizes(context, weights, options)
    calibrated = [] if options.calibration_shots else _calibration_sizes(context, weights, options)
    total = context.shots * (measured.size + len(calibrated)) - _pilot_total(context, options.allocation)
    split = neyman([*measured.ravel(), *calibrated], max(total, measured.size + len(calibrated)))
    rows = np.reshape(split[: measured.size], measured.shape)
    return Split(tuple(tuple(map(int, row)) for row in rows), split[-1] if calibrated else fixed)


def variance_multiplier(
    context: PlanContext, weights: Sequence[float], split: Split, total: int, options: AcquisitionOptions
) -> float:
    """Predicted variance of an estimate relative to raw counts, evenly split, at the same total shots.

    Args:
        context: What is planned from.
        weights: Coefficient of each setting in the estimate.
        split: Shots of each circuit.
        total: All shots, those of calibrations included; those of a pilot are added here.
        options: How readout is corrected; and with ``pilot``, that its counts tell of the groups.
    """
    deviations = _deviations(context, options.allocation)
    variance = predicted_variance(_sizes(context, weights, options).ravel(), np.ravel(split.settings).tolist())
    calibrated = _calibration_sizes(context, weights, options)
    variance += predicted_variance(calibrated, [split.calibration] * len(calibrated))
    total += _pilot_total(context, options.allocation)
    return float(variance * total / (len(context.circuits) * np.sum(deviations**2)))


def _sizes(context: PlanContext, weights: Sequence[float], options: AcquisitionOptions) -> Values:
    """Deviation that one shot makes in the estimate, for each setting and group."""
    grown = readout_factor(context, options) ** 0.5
    sizes: Values = np.outer(np.abs(weights), _deviations(context, options.allocation)) * grown
    return sizes


def _calibration_sizes(context: PlanContext, weights: Sequence[float], options: AcquisitionOptions) -> list[float]:
    """The same of each calibration circuit, whose error is that of all settings at once."""
    return [abs(sum(weights)) * size for size in calibration_deviations(context, options)]


def _pilot_total(context: PlanContext, allocation: str) -> int:
    return pilot_shots(context.shots) * len(context.circuits) if allocation == "pilot" else 0


def _deviations(context: PlanContext, allocation: str) -> Values:
    if allocation == "pilot" and context.pilot is not None:
        return piloted_deviations(context.measurement, context.pilot)
    return group_deviations(context.measurement)


def _whole(wanted: Values, total: int) -> list[int]:
    """Whole numbers near the wanted ones, with the same total: the largest remainders are rounded up."""
    down = np.floor(wanted + 1e-9).astype(int)
    for place in np.argsort(-(wanted - down), kind="stable")[: total - int(down.sum())]:
        down[place] += 1
    return [int(item) for item in down]
