"""The plan of an experiment: its job, and of every method what it takes and how exact it is predicted to be."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from math import ceil, inf, sqrt
from typing import Any

from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.choosing import compiled
from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import Experiment, Promotion
from prefect_qpu.mitigation import Batch, Measurement, MethodShare, PlanContext, plan_batch
from prefect_qpu.observables import group_terms
from prefect_qpu.planning.usage import Usage, usage_of
from prefect_qpu.planning.variances import Expected, moments_of
from prefect_qpu.preflight import preflight
from prefect_qpu.prices import Price, PriceTable
from prefect_qpu.providers import Limits, Provider
from prefect_qpu.selection import predicted_success
from prefect_qpu.statistics import Demand, shots_for_equivalence


@dataclass(frozen=True)
class Precision:
    """How exact an estimate of one observable is predicted to be."""

    observable: str
    stderr: float
    shots_needed: int | None
    """Of the method's circuits together, with which tolerance and power are met; none if no number would do."""
    shots_setting: int | None
    """What ``shots`` of the experiment would give them."""

    def document(self) -> dict[str, Any]:
        """The precision as JSON data."""
        return asdict(self)


@dataclass(frozen=True)
class MethodForecast:
    """What one method would take and give; where it refuses the circuits, why."""

    label: str
    refused: str = ""
    usage: Usage | None = None
    """As if it ran alone: circuits that methods have in common are run once."""
    variance_multiplier: float | None = None
    precisions: tuple[Precision, ...] = ()

    @property
    def shots_setting(self) -> int | None:
        """What ``shots`` of the experiment would have to be for every observable; none if no number would do."""
        settings = [item.shots_setting for item in self.precisions]
        return None if not settings or None in settings else max(item for item in settings if item is not None)

    def document(self) -> dict[str, Any]:
        """The forecast as JSON data."""
        return {
            "label": self.label,
            "refused": self.refused or None,
            "usage": self.usage.document() if self.usage else None,
            "variance_multiplier": self.variance_multiplier,
            "shots_setting": self.shots_setting,
            "precisions": [item.document() for item in self.precisions],
        }


@dataclass(frozen=True)
class ExperimentPlan:
    """All that can be told before anything runs."""

    experiment: str
    hash: str
    backend: str
    simulator: bool
    """A simulator charges nothing: its QPU seconds are those that the device would take."""
    demand: Demand
    tolerance: float
    success: float
    """Probability that the transpiled circuit meets no error, by the target's error rates."""
    expected: Mapping[str, Expected]
    smoke_test_shots: int | None
    """Shots of each circuit with which the ideal simulation of a correct circuit passes the gate."""
    methods: tuple[MethodForecast, ...]
    job: Usage
    """Of all methods together."""
    price: Price | None = None
    """What the backend charges, if that is known."""
    currency: str = ""
    """Of the experiment's price table."""
    findings: tuple[str, ...] = field(default=())
    """What of the job goes beyond the backend's limits."""

    def document(self) -> dict[str, Any]:
        """The plan as JSON data."""
        return {
            "experiment": self.experiment,
            "hash": self.hash,
            "backend": self.backend,
            "simulator": self.simulator,
            "demand": {"tolerance": self.tolerance, **asdict(self.demand)},
            "predicted_success": self.success,
            "expected": {name: asdict(item) for name, item in self.expected.items()},
            "smoke_test_shots": self.smoke_test_shots,
            "methods": [method.document() for method in self.methods],
            "job": self.job.document(),
            "price": self.price.model_dump() if self.price else None,
            "currency": self.currency or None,
            "findings": list(self.findings),
        }


def plan_experiment(experiment: Experiment, provider: Provider, *, price: float | None = None) -> ExperimentPlan:
    """What the experiment's tolerance and power need and what every method would take; nothing runs, nothing is stored.

    The circuits are transpiled for the target as it is now, with the experiment's seed (0 where a run would draw one),
    and all methods planned on them as a run does it. The standard errors count chance alone: what a method's model
    misses is not known before it is measured.

    Args:
        experiment: What is to run, its policy resolved.
        provider: Where, pinned to one backend.
        price: Of one QPU second, in any currency; none takes the experiment's own prices.

    Raises:
        InputError: the experiment cannot start, or the price is negative.

    Example:
        >>> bell = {"kind": "circuit", "observables": {"zz": "ZZ"},
        ...         "qasm": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'}
        >>> experiment = Experiment.parse({"name": "bell", "workload": bell, "seed": 1, "shots": 400,
        ...                                "mitigation": ["raw", {"method": "twirling", "options": {"twirl": 500}}]})
        >>> from prefect_qpu.providers.aer import AerProvider
        >>> plan = plan_experiment(experiment, AerProvider(experiment.backend))
        >>> [(method.label, method.refused) for method in plan.methods]
        [('raw', ''), ('twirling(twirl=500)', '400 shots cannot be split over 500 random variants')]
    """
    charged, currency = _price(experiment, provider, price)
    if not isinstance(experiment.promotion, Promotion):
        raise TypeError("the policy's block is not resolved")
    preflight(experiment, provider)
    encoding, target, policy = experiment.workload.encode(), provider.target(), experiment.promotion
    measurement = Measurement(encoding.observables, tuple(group_terms(encoding.observables)))
    circuits = tuple(compiled(experiment, target))
    context = PlanContext(circuits, measurement, target, experiment.shots, experiment.seed or 0, provider=provider.kind)
    batch = plan_batch(experiment.mitigation, context, encoding.parameters)
    success = predicted_success(circuits, target).success
    demand = Demand(policy.confidence, policy.power, policy.looks, len(encoding.observables))
    moments = moments_of(encoding, measurement)
    expected, ideal = (moments.expected(left) for left in (success**2, 1.0))
    job = usage_of(batch.pubs, target, charged)
    forecasts = _Forecasts(experiment, batch, target, charged, expected, len(circuits), policy.tolerance, demand)
    return ExperimentPlan(
        experiment.name,
        experiment.hash,
        provider.name,
        provider.simulator,
        demand,
        policy.tolerance,
        success,
        expected,
        _largest([_needed(item.variance, item.norm, policy.tolerance, demand) for item in ideal.values()]),
        forecasts.all(),
        job,
        charged,
        currency,
        tuple(_beyond(job, provider.limits())),
    )


@dataclass(frozen=True)
class _Forecasts:
    experiment: Experiment
    batch: Batch
    target: Target
    price: Price | None
    expected: Mapping[str, Expected]
    groups: int
    tolerance: float
    demand: Demand

    def all(self) -> tuple[MethodForecast, ...]:
        refused = [MethodForecast(label, reason) for label, reason in self.batch.refused.items()]
        return (*map(self._of, self.batch.shares), *refused)

    def _of(self, share: MethodShare) -> MethodForecast:
        pubs = [self.batch.pubs[index] for index in dict.fromkeys(share.pubs)]
        return MethodForecast(
            share.label,
            usage=usage_of(pubs, self.target, self.price),
            variance_multiplier=share.variance_multiplier,
            precisions=tuple(self._precision(name, item, share, pubs) for name, item in self.expected.items()),
        )

    def _precision(self, name: str, item: Expected, share: MethodShare, pubs: Sequence[SamplerPub]) -> Precision:
        """Of one shot of all the method's circuits: raw counts spread them over the groups."""
        shots = sum(pub.shots for pub in pubs)
        variance = share.variance_multiplier * self.groups * item.variance
        norm = item.norm * max(1.0, sqrt(share.variance_multiplier)) * self.groups
        needed = _needed(variance, norm, self.tolerance, self.demand)
        setting = None if needed is None else ceil(needed * self.experiment.shots / shots)
        return Precision(name, sqrt(variance / shots), needed, setting)


def _price(experiment: Experiment, provider: Provider, price: float | None) -> tuple[Price | None, str]:
    """What the backend charges, and in which currency if that is told."""
    if price is not None:
        if not 0 <= price < inf:
            raise ExperimentError("price", given=price, expected="a finite number from 0")
        return Price(per_qpu_second=price), ""
    if not isinstance(experiment.prices, PriceTable):
        return None, ""
    return experiment.prices.price_of(provider.name, provider.kind), experiment.prices.currency


def _needed(variance: float, norm: float, tolerance: float, demand: Demand) -> int | None:
    return shots_for_equivalence(
        variance, tolerance, norm=norm or 1.0, confidence=demand.passing, power=demand.power_of_each
    )


def _largest(numbers: Sequence[int | None]) -> int | None:
    return None if None in numbers else max((number for number in numbers if number is not None), default=0)


def _beyond(job: Usage, limits: Limits) -> list[str]:
    """The limits that one job of all methods exceeds."""
    allowed = {
        "circuits": (job.circuits, limits.max_pubs),
        "executions": (job.shots, limits.max_executions),
        "bytes": (job.payload_bytes, limits.max_payload_bytes),
    }
    return [
        f"the job has {number} {what}, the backend takes {most}"
        for what, (number, most) in allowed.items()
        if most is not None and number > most
    ]
