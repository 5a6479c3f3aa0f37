"""Layerwise Richardson extrapolation: the noise of each layer scaled by itself."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray

from prefect_qpu.mitigation.acquisition import AcquisitionOptions, Readout, Setting, acquire, parsed, read
from prefect_qpu.mitigation.folding import check_signal, fold_gates, two_qubit_places
from prefect_qpu.mitigation.quasi_probability import check_mitiq, layer_scales
from prefect_qpu.mitigation.shots import allocated, variance_multiplier
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext
from prefect_qpu.mitigation.uncertain import weighted_sum
from prefect_qpu.observables import Estimate


class LreOptions(AcquisitionOptions):
    """Options of `lre`."""

    readout: Readout = "factorised"
    layers: Annotated[int, Field(ge=1, le=20)] = 4
    """Parts of the circuit, by the order of its two-qubit gates, that are scaled by themselves."""
    degree: Annotated[int, Field(ge=1, le=4)] = 1
    """Degree of the polynomial in the layers' scales."""
    multiplier: Annotated[int, Field(ge=1, le=5)] = 1
    """Pairs by which a layer is folded at least."""

    def check(self, field: str) -> None:
        """Refuse what is not installed."""
        super().check(field)
        check_mitiq(field)


class Lre:
    """Layerwise Richardson extrapolation; the coefficients are known before anything runs."""

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have."""
        parsed(LreOptions, options, field)

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """One setting for each combination of layer scales."""
        chosen = parsed(LreOptions, options, "options")
        for circuit in context.circuits:
            check_signal(circuit, context.target)
        layers = min(chosen.layers, *(len(two_qubit_places(circuit)) for circuit in context.circuits))
        scales, coefficients = layer_scales(layers, chosen.degree, chosen.multiplier)
        split = allocated(context, coefficients, chosen)
        settings = [
            Setting(
                tuple(fold_layers(circuit, vector, context) for circuit in context.circuits),
                part,
                f"fold layers {'-'.join(map(str, vector))}",
            )
            for vector, part in zip(scales, split.settings, strict=True)
        ]
        acquired = acquire(settings, context, chosen, split.calibration)
        spent = sum(planned.shots for planned in acquired.circuits)
        variance = variance_multiplier(context, coefficients, split, spent, chosen)
        manifest = {**acquired.manifest, "coefficients": coefficients}
        return MethodPlan(acquired.circuits, manifest, variance)

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The weighted sum of all settings."""
        settings = read(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        found = {
            name: weighted_sum(manifest["coefficients"], [setting[name] for setting in settings])
            for name in measurement.observables
        }
        return {name: Estimate(item.value, item.stderr, shots) for name, item in found.items()}


def fold_layers(circuit: QuantumCircuit, scales: Sequence[int], context: PlanContext) -> QuantumCircuit:
    """The circuit with the two-qubit gates of each layer repeated by the odd scale of the layer."""
    places = two_qubit_places(circuit)
    parts = np.array_split(places, len(scales))
    pairs = {int(place): (scale - 1) // 2 for part, scale in zip(parts, scales, strict=True) for place in part}
    return fold_gates(circuit, pairs, context.target)
