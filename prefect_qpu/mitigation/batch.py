"""All circuits of all requested methods as one batch, without duplicates; and all their estimates from its counts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import ArrayLike
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation.raw import Raw
from prefect_qpu.mitigation.types import Measurement, Method, PlanContext
from prefect_qpu.observables import Estimate

METHODS: Mapping[str, Method] = {"raw": Raw()}


@dataclass(frozen=True)
class MethodShare:
    """What one method has in a batch."""

    label: str
    method: str
    pubs: tuple[int, ...]
    """Indices into the batch, in the order that the method planned."""
    manifest: Mapping[str, Any]
    variance_multiplier: float

    def document(self) -> dict[str, Any]:
        """The share as JSON data."""
        return {
            "label": self.label,
            "method": self.method,
            "pubs": list(self.pubs),
            "manifest": dict(self.manifest),
            "variance_multiplier": self.variance_multiplier,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "MethodShare":
        """The share of a `document`."""
        return cls(**{**document, "pubs": tuple(document["pubs"])})


@dataclass(frozen=True)
class Batch:
    """PUBs of one job, and which method needs which."""

    pubs: tuple[SamplerPub, ...]
    shares: tuple[MethodShare, ...]


def check_methods(methods: Sequence[MethodSpec]) -> None:
    """Refuse unknown and repeated methods, and options that they do not have.

    Raises:
        ExperimentError: names the entry and the known methods.
    """
    seen: set[str] = set()
    for index, spec in enumerate(methods):
        if spec.method not in METHODS:
            raise ExperimentError(
                f"mitigation.{index}", given=spec.method, expected=f"one of {', '.join(sorted(METHODS))}"
            )
        if spec.label in seen:
            raise ExperimentError(f"mitigation.{index}", given=spec.label, expected="each method once")
        seen.add(spec.label)
        METHODS[spec.method].check(spec.options, f"mitigation.{index}.options")


def plan_batch(
    methods: Sequence[MethodSpec], context: PlanContext, parameters: Mapping[str, ArrayLike] | None = None
) -> Batch:
    """The batch that serves all methods: equal circuits with equal shots are in it once.

    Args:
        methods: Methods and options.
        context: The measured circuits.
        parameters: Values of the circuits' free parameters, by name.

    Raises:
        ExperimentError: a method is unknown.
        MitigationRefusedError: a method refuses the circuits.
    """
    check_methods(methods)
    pubs: list[SamplerPub] = []
    places: dict[tuple[str, int], int] = {}
    shares = []
    for spec in methods:
        plan = METHODS[spec.method].plan(context, spec.options)
        indices = []
        for planned in plan.circuits:
            place = (circuit_hash(planned.circuit), planned.shots)
            if place not in places:
                places[place] = len(pubs)
                pubs.append(make_pub(planned.circuit, planned.shots, parameters or {}))
            indices.append(places[place])
        shares.append(MethodShare(spec.label, spec.method, tuple(indices), plan.manifest, plan.variance_multiplier))
    return Batch(tuple(pubs), tuple(shares))


def combine_batch(
    shares: Sequence[MethodShare], counts: Sequence[BitArray], measurement: Measurement
) -> dict[str, dict[str, Estimate]]:
    """The estimates by method label and observable, from the counts of the batch's PUBs."""
    return {
        share.label: METHODS[share.method].combine(share.manifest, [counts[pub] for pub in share.pubs], measurement)
        for share in shares
    }


def make_pub(circuit: Any, shots: int, parameters: Mapping[str, ArrayLike]) -> SamplerPub:
    """A PUB with the values of the parameters that the circuit has."""
    values = {parameter: parameters[parameter.name] for parameter in circuit.parameters}
    return SamplerPub.coerce((circuit, values, shots) if values else (circuit, None, shots))
