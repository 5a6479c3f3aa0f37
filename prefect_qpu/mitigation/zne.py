"""Zero-noise extrapolation: the circuits at several amounts of noise, and what they would give at none."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import AfterValidator, BeforeValidator, Field
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.mitigation.acquisition import AcquisitionOptions, Readout, Setting, acquire, parsed, read
from prefect_qpu.mitigation.extrapolating import extrapolated, model_of
from prefect_qpu.mitigation.fits import Damping, Fit, check_scales, extrapolate
from prefect_qpu.mitigation.folding import achieved_scales, check_signal, fold_gates, noise_weight, repetitions
from prefect_qpu.mitigation.pauli_paths import Decay, predicted_decays
from prefect_qpu.mitigation.shots import allocated, variance_multiplier
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, Values
from prefect_qpu.observables import Estimate

LEAST_SPREAD = 1.2
"""Least ratio of the largest to the smallest noise that was really achieved."""


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
        "predicted",
        "exponential",
        "linear",
    )
    """Curves; the first that can gives the value, its distance to the others the systematic error."""
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
        pairs = _pairs(context, chosen.scales)
        folded = [_folded(context, pairs, number) for number in range(len(chosen.scales))]
        achieved = _achieved(folded, context)
        if achieved[-1] < LEAST_SPREAD * achieved[0]:
            raise MitigationRefusedError(f"folding reaches noise scales {achieved[0]:.2f} to {achieved[-1]:.2f} only")
        decays = _decays(context, pairs)
        weights = _expected_weights(chosen.fit, achieved, decays, context).tolist()
        split = allocated(context, weights, chosen)
        settings = [
            Setting(circuits, part, f"fold {scale:g}")
            for circuits, part, scale in zip(folded, split.settings, chosen.scales, strict=True)
        ]
        acquired = acquire(settings, context, chosen, split.calibration)
        spent = sum(planned.shots for planned in acquired.circuits)
        variance = variance_multiplier(context, weights, split, spent, chosen)
        manifest = {
            **acquired.manifest,
            "scales": achieved,
            "nominal": list(chosen.scales),
            "fits": list(chosen.fit),
            "asymptote": chosen.asymptote,
            "decays": {name: _document(decay) for name, decay in decays.items()},
        }
        return MethodPlan(acquired.circuits, manifest, variance)

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The extrapolated values."""
        settings = read(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        return {
            name: extrapolated([setting[name] for setting in settings], model_of(manifest, name, operator), shots)
            for name, operator in measurement.observables.items()
        }


def _pairs(context: PlanContext, scales: Sequence[float]) -> list[list[dict[int, int]]]:
    """For each group, for each scale, the pairs that follow each instruction."""
    seed = derive_seed(context.seed, "folding")
    return [[repetitions(circuit, scale, seed) for scale in scales] for circuit in context.circuits]


def _folded(
    context: PlanContext, pairs: Sequence[Sequence[Mapping[int, int]]], scale: int
) -> tuple[QuantumCircuit, ...]:
    """The circuits of all groups at the scale of a number."""
    return tuple(
        fold_gates(circuit, group[scale], context.target)
        for circuit, group in zip(context.circuits, pairs, strict=True)
    )


def _achieved(folded: Sequence[Sequence[QuantumCircuit]], context: PlanContext) -> list[float]:
    """The mean over the groups of the noise at each scale."""
    scales = [
        achieved_scales([circuits[number] for circuits in folded], circuit, context.target)
        for number, circuit in enumerate(context.circuits)
    ]
    return [float(scale) for scale in np.mean(scales, axis=0)]


def _decays(context: PlanContext, pairs: Sequence[Sequence[Mapping[int, int]]]) -> dict[str, Decay]:
    """The decays of the observables whose noise the folds change; none where the circuit cannot be followed."""
    seed = derive_seed(context.seed, "paths")
    try:
        decays = predicted_decays(context.circuits, pairs, context.measurement, context.target, seed)
    except MitigationRefusedError:
        return {}
    return {name: decay for name, decay in decays.items() if decay.scales[-1] >= LEAST_SPREAD}


def _document(decay: Decay) -> dict[str, Any]:
    return {"rate": decay.own, "spread": decay.spread, "scales": decay.scales.tolist()}


def _expected_weights(
    fits: Sequence[Fit], achieved: Sequence[float], decays: Mapping[str, Decay], context: PlanContext
) -> Values:
    """Weights of the settings in the value, as far as they are known before anything is measured.

    Those of an exponential depend on the decay, for which the predicted one is taken. The root mean square over the
    observables makes their expected variance right.
    """
    fit = next((item for item in fits if item != "predicted" or decays), fits[0])
    known = [(item.scales, Damping(item.own, item.spread)) for item in decays.values()]
    if not known:
        heaviest = max(noise_weight(circuit, context.target) for circuit in context.circuits)
        known = [(np.asarray(achieved), Damping(min(heaviest, 1.0), 0.0))]
    squares = [
        extrapolate(fit, scales.tolist(), damping.left(scales), 0.0, damping if decays else None).weights ** 2
        for scales, damping in known
    ]
    return np.asarray(np.sqrt(np.mean(squares, axis=0)), dtype=np.float64)
