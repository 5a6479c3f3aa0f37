"""All circuits of all requested methods as one batch, without duplicates; and all their estimates from its counts."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import ExperimentError, MitigationRefusedError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.hashing import content_hash
from prefect_qpu.mitigation.acquisition import confusion
from prefect_qpu.mitigation.cdr import Cdr
from prefect_qpu.mitigation.direct import DecouplingOptions, Direct, ReadoutOptions, TwirlingOptions
from prefect_qpu.mitigation.lre import Lre
from prefect_qpu.mitigation.pec import Pec
from prefect_qpu.mitigation.prediction import check_worth, combine_at_most
from prefect_qpu.mitigation.provider_side import (
    ESTIMATOR_ONLY,
    IbmDecouplingOptions,
    IbmTwirlingOptions,
    ProviderSide,
)
from prefect_qpu.mitigation.raw import Raw
from prefect_qpu.mitigation.trust import flagged
from prefect_qpu.mitigation.types import Measurement, Method, MethodPlan, PlanContext, PlannedCircuit
from prefect_qpu.mitigation.zne import Zne
from prefect_qpu.observables import Estimate

METHODS: Mapping[str, Method] = {
    "raw": Raw(),
    "readout": Direct(ReadoutOptions),
    "twirling": Direct(TwirlingOptions),
    "decoupling": Direct(DecouplingOptions),
    "zne": Zne(),
    "pec": Pec(),
    "cdr": Cdr(),
    "lre": Lre(),
    "ibm_dd": ProviderSide(IbmDecouplingOptions),
    "ibm_twirling": ProviderSide(IbmTwirlingOptions),
}

_ONLY_ESTIMATOR = (
    "Resilience is an option of IBM's estimator, which returns no counts; here readout with readout: trex, zne and pec "
    "do the same on counts."
)

Place = tuple[str, int, int]
"""Hash of a circuit, its shots, and which of one method's equal circuits it is."""


@dataclass(frozen=True)
class MethodShare:
    """What one method has in a batch."""

    label: str
    method: str
    pubs: tuple[int, ...]
    """Indices into the batch, in the order that the method planned."""
    manifest: Mapping[str, Any]
    variance_multiplier: float
    shots: int = 0
    """Shots of all its circuits at one point."""
    seconds: float = 0.0
    """What planning took."""
    at_most: float | None = None
    """Seconds that combining takes at most, predicted."""

    def document(self) -> dict[str, Any]:
        """The share as JSON data."""
        return {
            "label": self.label,
            "method": self.method,
            "pubs": list(self.pubs),
            "manifest": dict(self.manifest),
            "variance_multiplier": self.variance_multiplier,
            "shots": self.shots,
            "seconds": self.seconds,
            "at_most": self.at_most,
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "MethodShare":
        """The share of a `document`."""
        return cls(**{**document, "pubs": tuple(document["pubs"])})

    @property
    def cost(self) -> dict[str, Any]:
        """What the method's estimates cost, as JSON data."""
        return {
            "circuits": len(set(self.pubs)),
            "shots": self.shots,
            "plan_seconds": self.seconds,
            "combine_seconds_at_most": self.at_most,
        }


@dataclass(frozen=True)
class Batch:
    """PUBs of one job, and which method needs which."""

    pubs: tuple[SamplerPub, ...]
    shares: tuple[MethodShare, ...]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why a method is not in the batch, by its label."""


@dataclass(frozen=True)
class Combined:
    """Estimates by method label and observable."""

    estimates: Mapping[str, Mapping[str, Estimate]]
    refused: Mapping[str, str] = field(default_factory=dict)
    """Why a method gave no estimates, by its label."""


def check_methods(methods: Sequence[MethodSpec]) -> None:
    """Refuse unknown and repeated methods, and options that they do not have.

    Raises:
        ExperimentError: names the entry and the known methods.
    """
    seen: set[str] = set()
    for index, spec in enumerate(methods):
        if spec.method not in METHODS:
            raise ExperimentError(
                f"mitigation.{index}",
                given=spec.method,
                expected=f"one of {', '.join(sorted(METHODS))}",
                hint=_ONLY_ESTIMATOR if spec.method in ESTIMATOR_ONLY else "",
            )
        if spec.label in seen:
            raise ExperimentError(
                f"mitigation.{index}",
                given=spec.label,
                expected="each method once",
                hint="The same method with other options is another one.",
            )
        seen.add(spec.label)
        METHODS[spec.method].check(spec.options, f"mitigation.{index}.options")


def plan_batch(
    methods: Sequence[MethodSpec],
    context: PlanContext,
    parameters: Mapping[str, ArrayLike] | None = None,
    clock: Callable[[], float] = time.perf_counter,
    *,
    raw: bool = True,
) -> Batch:
    """The batch that serves all methods: equal circuits with equal shots are in it once.

    The method ``raw`` is always in it, and first: its counts also show the outcomes and the best solution. Where one
    method wants the same circuit twice, it wants independent shots, and gets them. A method that refuses the circuits
    is left out, with its reason.

    Args:
        methods: Methods and options.
        context: The measured circuits.
        parameters: Values of the circuits' free parameters, by name.
        clock: Source of the seconds that planning took.
        raw: Whether the method ``raw`` is added where it was not requested.

    Raises:
        ExperimentError: a method is unknown.
    """
    check_methods(methods)
    pubs: dict[Place, SamplerPub] = {}
    points = max((np.size(values) for values in (parameters or {}).values()), default=1)
    shares, refused = [], {}
    for spec in with_raw(methods) if raw else methods:
        started = clock()
        try:
            plan = plan_method(spec, context)
        except MitigationRefusedError as error:
            refused[spec.label] = str(error)
            continue
        # A circuit under options of its own is not the same circuit.
        options = provider_options(spec)
        places = places_of(plan)
        if options:
            places = [(content_hash([options, key]), shots, number) for key, shots, number in places]
        for place, planned in zip(places, plan.circuits, strict=True):
            if place not in pubs:
                pubs[place] = make_pub(planned.circuit, planned.shots, parameters or {})
        order = {place: index for index, place in enumerate(pubs)}
        share = share_of(spec, plan, [order[place] for place in places], context.measurement, points)
        shares.append(replace(share, seconds=clock() - started))
    return Batch(tuple(pubs.values()), tuple(shares), refused)


def with_raw(methods: Sequence[MethodSpec]) -> list[MethodSpec]:
    """The methods with ``raw`` first, added if it was not requested."""
    raw = [spec for spec in methods if spec.method == "raw"] or [MethodSpec(method="raw")]
    return [*raw, *(spec for spec in methods if spec.method != "raw")]


def plan_method(spec: MethodSpec, context: PlanContext) -> MethodPlan:
    """The plan of one method, if its predicted error leaves something to see.

    Raises:
        MitigationRefusedError: the method cannot be trusted on the circuits, or needs more shots.
    """
    plan = METHODS[spec.method].plan(context, spec.options)
    check_worth(spec.label, plan)
    return plan


def places_of(plan: MethodPlan) -> list[Place]:
    """Where each circuit of a plan belongs: equal places of different methods are one PUB."""
    seen: Counter[tuple[str, int]] = Counter()
    return [_place(planned, seen) for planned in plan.circuits]


def share_of(
    spec: MethodSpec, plan: MethodPlan, pubs: Sequence[int], measurement: Measurement, points: int = 1
) -> MethodShare:
    """The share of a planned method whose circuits are these PUBs, at so many points of a parameter array."""
    shots = sum(planned.shots for planned in plan.circuits)
    at_most = points * combine_at_most(plan.circuits, plan.manifest, measurement)
    return MethodShare(
        spec.label, spec.method, tuple(pubs), plan.manifest, plan.variance_multiplier, shots, at_most=at_most
    )


def combine_batch(
    shares: Sequence[MethodShare],
    counts: Sequence[BitArray],
    measurement: Measurement,
    clock: Callable[[], float] = time.perf_counter,
    *,
    raw: Mapping[str, Estimate] | None = None,
) -> Combined:
    """The estimates of every method from the counts of the batch's PUBs, and the reasons of those that refuse.

    Args:
        shares: What each method has in the batch.
        counts: One bit array for each PUB.
        measurement: What is estimated.
        clock: Source of the seconds that combining took.
        raw: Raw estimates that the others are held against; none takes those of the batch itself.
    """
    estimates, refused = {}, {}
    for share in shares:
        started = clock()
        own = [counts[pub] for pub in share.pubs]
        try:
            found = METHODS[share.method].combine(share.manifest, own, measurement)
        except MitigationRefusedError as error:
            refused[share.label] = str(error)
            continue
        told = {"cost": share.cost | {"combine_seconds": clock() - started}}
        if known := confusion(share.manifest, own):
            told["confusion"] = known
        estimates[share.label] = {
            name: replace(item, metadata={**item.metadata, **told}) for name, item in found.items()
        }
    return Combined(_flagged(estimates, raw or _raw(estimates, shares), measurement), refused)


def provider_options(spec: MethodSpec) -> dict[str, Any]:
    """Options that the job of a method needs; methods with the same ones, mostly none, share a job.

    Example:
        >>> provider_options(MethodSpec(method="zne"))
        {}
        >>> provider_options(MethodSpec(method="ibm_dd"))["dynamical_decoupling"]["sequence_type"]
        'XX'
    """
    method = METHODS[spec.method]
    return method.provider_options(spec.options) if isinstance(method, ProviderSide) else {}


def _raw(
    estimates: Mapping[str, Mapping[str, Estimate]], shares: Sequence[MethodShare]
) -> Mapping[str, Estimate] | None:
    return next((estimates[share.label] for share in shares if share.method == "raw"), None)


def _flagged(
    estimates: Mapping[str, Mapping[str, Estimate]], raw: Mapping[str, Estimate] | None, measurement: Measurement
) -> dict[str, dict[str, Estimate]]:
    """The estimates, each but raw with what it says against itself, where raw values are known."""
    if raw is None:
        return {label: dict(found) for label, found in estimates.items()}
    return {
        label: {
            name: item if found is raw else flagged(item, raw[name], measurement.observables[name])
            for name, item in found.items()
        }
        for label, found in estimates.items()
    }


def make_pub(circuit: Any, shots: int, parameters: Mapping[str, ArrayLike]) -> SamplerPub:
    """A PUB with the values of the parameters that the circuit has."""
    values = {parameter: parameters[parameter.name] for parameter in circuit.parameters}
    return SamplerPub.coerce((circuit, values, shots) if values else (circuit, None, shots))


def _place(planned: PlannedCircuit, seen: Counter[tuple[str, int]]) -> Place:
    key = (circuit_hash(planned.circuit), planned.shots)
    seen[key] += 1
    return (*key, seen[key])
