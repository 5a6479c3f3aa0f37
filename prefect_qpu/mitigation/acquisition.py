"""How expectation values are taken, under any method: readout correction, twirling and decoupling as options.

A method asks for *settings* (one circuit for each group, for example all folded by 3). Each setting is measured by one
circuit for each group, or by several where something is randomised; calibration circuits serve all settings. What comes
back is one `Uncertain` value of each observable for each setting.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
from pydantic import AfterValidator, Field, ValidationError
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray

from prefect_qpu.definition import Definition, Shots, explain
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.mitigation.calibration_circuits import flipped, measured_qubits, prepared
from prefect_qpu.mitigation.decoupling import Pulses, decoupled
from prefect_qpu.mitigation.masks import balanced_masks, shares
from prefect_qpu.mitigation.outcomes import outcomes, pooled
from prefect_qpu.mitigation.readout import Correction, Factorised, Subspace, Twirled, Uncorrected, expectation
from prefect_qpu.mitigation.subspace import check_mthree
from prefect_qpu.mitigation.twirling import twirled
from prefect_qpu.mitigation.types import Measurement, PlanContext, PlannedCircuit
from prefect_qpu.mitigation.uncertain import Uncertain, stack, weighted_sum
from prefect_qpu.observables import Group, constant_of

Readout = Literal["none", "factorised", "mthree", "trex"]
Allocation = Literal["even", "neyman", "pilot"]
Readings = dict[str, Uncertain]
"""One value for each observable."""


def _power_of_two(count: int) -> int:
    if count & (count - 1):
        raise ValueError("a power of 2")
    return count


class AcquisitionOptions(Definition):
    """Options that every method but ``raw`` has."""

    readout: Readout = "none"
    """How readout errors are corrected."""
    calibration_shots: Shots | None = None
    """Shots of each calibration circuit, of all together for ``trex``; none means the experiment's."""
    masks: Annotated[int, Field(ge=4, le=1024), AfterValidator(_power_of_two)] = 16
    """Masks of X gates before the measurement, for ``trex``."""
    twirl: Annotated[int, Field(ge=0, le=1000)] = 0
    """Random Pauli twirls over which each circuit's shots are split; 0 for none."""
    decouple: Pulses | None = None
    """Pulses in the gaps of the schedule."""
    allocation: Allocation = "even"
    """How the shots are split over the circuits: equally, so that the predicted variance is least (``neyman``), or the
    same with the deviations that a small job before tells (``pilot``)."""

    def check(self, field: str) -> None:
        """Refuse what is not installed.

        Raises:
            ExperimentError: says what to install.
        """
        if self.readout == "mthree":
            check_mthree(f"{field}.readout")


Options = TypeVar("Options", bound=AcquisitionOptions)


def parsed(model: type[Options], options: Mapping[str, Any], field: str) -> Options:
    """The options of a method, checked.

    Raises:
        ExperimentError: an option is unknown or has no valid value.
    """
    try:
        made = model.model_validate(options)
    except ValidationError as error:
        raise explain(error, field) from error
    made.check(field)
    return made


@dataclass(frozen=True)
class Setting:
    """One circuit for each group, and its shots."""

    circuits: tuple[QuantumCircuit | None, ...]
    """None where the setting is about other groups only."""
    shots: tuple[int, ...]
    role: str


@dataclass(frozen=True)
class Acquisition:
    """Planned circuits, and the manifest by which `read` finds them."""

    circuits: tuple[PlannedCircuit, ...]
    manifest: Mapping[str, Any]


def acquire(
    settings: Sequence[Setting],
    context: PlanContext,
    options: AcquisitionOptions,
    calibration_shots: int | None = None,
) -> Acquisition:
    """The circuits that measure all settings, calibration included.

    Args:
        settings: What is measured.
        context: What is planned from.
        options: How it is measured.
        calibration_shots: Where they are allocated; none means those of the options, or the experiment's.

    Raises:
        MitigationRefusedError: the circuits cannot be twirled, decoupled or calibrated, or have fewer shots than
            random variants.
    """
    bits = context.circuits[0].num_clbits
    masks = _masks(bits, context, options)
    planned: list[PlannedCircuit] = []
    places = [
        [_measure(setting, group, context, options, masks, planned) for group in range(len(setting.circuits))]
        for setting in settings
    ]
    shots = calibration_shots or options.calibration_shots or context.shots
    calibration = _calibrate(context, options, masks, shots, planned)
    manifest = {"readout": options.readout, "settings": places, "calibration": calibration, "masks": masks}
    if calibration:
        manifest["qubits"] = list(measured_qubits(context.circuits[0]))
    return Acquisition(tuple(planned), manifest)


def read(manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement) -> list[Readings]:
    """The value of every observable in each setting.

    Raises:
        MitigationRefusedError: the calibration leaves too little signal to divide by.
    """
    settings = read_groups(manifest, counts, measurement)
    return [total(groups, measurement) for groups in settings]


def read_groups(
    manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
) -> list[list[Readings]]:
    """The part of every observable, without its constant, that each group gives in each setting.

    A group that a setting leaves out gives nothing.

    Raises:
        MitigationRefusedError: the calibration leaves too little signal to divide by.
    """
    correction = _correction(manifest, counts)
    masks = manifest["masks"] if manifest["readout"] == "trex" else [[0] * counts[0].num_bits]
    names = list(measurement.observables)
    return [
        [
            _group(
                group,
                [_flipped(counts[index], masks[place % len(masks)]) for place, index in enumerate(indices)],
                correction,
                names if indices else (),
            )
            for group, indices in zip(measurement.groups, places, strict=True)
        ]
        for places in manifest["settings"]
    ]


def confusion(manifest: Mapping[str, Any], counts: Sequence[BitArray]) -> dict[str, Any] | None:
    """How often each qubit was read wrong, as JSON data; none where readout is not corrected by qubit."""
    if manifest.get("readout") not in {"factorised", "mthree"}:
        return None
    model = Factorised.calibrated(*(outcomes(counts[place]) for place in manifest["calibration"]))
    return {"qubits": manifest.get("qubits"), "p01": model.p01.tolist(), "p10": model.p10.tolist()}


def total(groups: Sequence[Readings], measurement: Measurement) -> Readings:
    """Every observable from the parts that its groups give."""
    sample = next(iter(groups[0].values()))
    shape, causes = sample.value.shape, sample.shared.shape[-1]
    found = {}
    for name, operator in measurement.observables.items():
        found[name] = Uncertain.constant(constant_of(operator), shape, causes)
        for readings in groups:
            found[name] = found[name] + readings[name]
    return found


def _masks(bits: int, context: PlanContext, options: AcquisitionOptions) -> list[list[int]]:
    if options.readout == "trex":
        return balanced_masks(bits, options.masks, derive_seed(context.seed, "readout masks"))
    return [] if options.readout == "none" else [[0] * bits, [1] * bits]


def _measure(
    setting: Setting,
    group: int,
    context: PlanContext,
    options: AcquisitionOptions,
    masks: Sequence[Sequence[int]],
    planned: list[PlannedCircuit],
) -> list[int]:
    """Plan the variants of one circuit; their places among the planned circuits."""
    circuit = setting.circuits[group]
    if circuit is None:
        return []
    variants = max(1, options.twirl)
    if options.readout == "trex":
        variants = -(-variants // len(masks)) * len(masks)
    shots, basis = setting.shots[group], context.measurement.groups[group].basis
    if shots < variants:
        raise MitigationRefusedError(f"{shots} shots cannot be split over {variants} random variants")
    start = len(planned)
    for variant, part in enumerate(shares(shots, variants)):
        made = _variant(circuit, variant, context, options, masks)
        planned.append(PlannedCircuit(made, part, f"{setting.role} {basis}"))
    return list(range(start, len(planned)))


def _variant(
    circuit: QuantumCircuit,
    variant: int,
    context: PlanContext,
    options: AcquisitionOptions,
    masks: Sequence[Sequence[int]],
) -> QuantumCircuit:
    if options.twirl:
        circuit = twirled(circuit, context.target, derive_seed(context.seed, f"twirl {variant % options.twirl}"))
    if options.readout == "trex":
        circuit = flipped(circuit, masks[variant % len(masks)], context.target)
    return decoupled(circuit, context.target, options.decouple) if options.decouple else circuit


def _calibrate(
    context: PlanContext,
    options: AcquisitionOptions,
    masks: Sequence[Sequence[int]],
    shots: int,
    planned: list[PlannedCircuit],
) -> list[int]:
    if options.readout == "none":
        return []
    if len({measured_qubits(circuit) for circuit in context.circuits}) > 1:
        raise MitigationRefusedError("the groups measure different qubits, so that no calibration serves them all")
    start = len(planned)
    split = shares(shots, len(masks)) if options.readout == "trex" else [shots] * len(masks)
    for mask, part in zip(masks, split, strict=True):
        role = f"calibrate {''.join(map(str, reversed(mask)))}"
        planned.append(PlannedCircuit(prepared(context.circuits[0], mask, context.target), part, role))
    if min(split) < 1:
        raise MitigationRefusedError(f"{shots} calibration shots cannot be split over {len(masks)} masks")
    return list(range(start, len(planned)))


def _correction(manifest: Mapping[str, Any], counts: Sequence[BitArray]) -> Correction:
    tables = [outcomes(counts[place]) for place in manifest["calibration"]]
    if manifest["readout"] == "none":
        return Uncorrected()
    if manifest["readout"] == "trex":
        untwisted = [table.flipped(mask) for table, mask in zip(tables, manifest["masks"], strict=True)]
        return Twirled(pooled(untwisted))
    model = Factorised.calibrated(*tables)
    return Subspace(model) if manifest["readout"] == "mthree" else model


def _group(group: Group, bits: Sequence[BitArray], correction: Correction, names: Sequence[str]) -> Readings:
    """The part of each observable that a group measures, as the mean over the variants."""
    return {
        name: _mean(
            [expectation(item, [term for term in group.terms if term.observable == name], correction) for item in bits]
        )
        for name in names
    }


def _mean(variants: Sequence[Uncertain]) -> Uncertain:
    """The mean over variants; where they scatter more than their shots explain, the excess is an error too."""
    number = len(variants)
    mean = weighted_sum(np.full(number, 1 / number), variants)
    if number == 1:
        return mean
    values, within = stack(variants)
    excess = np.maximum(0.0, values.var(axis=0, ddof=1) - within.mean(axis=0)) / number
    return Uncertain(mean.value, mean.variance + excess, mean.shared)


def _flipped(bits: BitArray, mask: Sequence[int]) -> BitArray:
    if not any(mask):
        return bits
    number = sum(bit << place for place, bit in enumerate(mask))
    row = np.frombuffer(number.to_bytes(bits.array.shape[-1], "big"), dtype=np.uint8)
    return BitArray(bits.array ^ row, bits.num_bits)
