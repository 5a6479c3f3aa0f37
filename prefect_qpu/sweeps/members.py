"""Members of a plan: a group of points at a backend, with the circuits of one of them and what those take."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import to_qpy
from prefect_qpu.hashing import canonical_json
from prefect_qpu.mitigation import Batch, PlanContext, make_pub, plan_batch
from prefect_qpu.providers import Provider
from prefect_qpu.providers.simulation import Simulation
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.compiling import Wanted
from prefect_qpu.sweeps.definition import Sweep
from prefect_qpu.sweeps.packing import Caps, Cost, Family
from prefect_qpu.sweeps.points import Floats, Group, Integers
from prefect_qpu.sweeps.splitting import Part, Unit, parts

POINTS_OF_A_SIMULATION = 2_500
VALUE_BYTES = 8


def backend_key(setting: Mapping[str, Any]) -> str:
    """One text for each backend setting."""
    return canonical_json(setting)


@dataclass(frozen=True)
class Member:
    """A group, those of its points that are bought, and how one of them is measured."""

    group: Group
    bought: Integers
    """Places in the group."""
    place: int
    batch: Batch
    units: tuple[Unit, ...]
    parts: tuple[Part, ...]
    seconds: tuple[float, ...]
    """Of the simulation of each unit at one point."""

    @property
    def replicated(self) -> bool:
        """Whether its circuits have no parameters, so that each point is PUBs of its own."""
        return not any(unit.bound for unit in self.units)

    @property
    def parameters(self) -> dict[str, Floats]:
        """The bought values of the parameters."""
        return {name: values[self.bought] for name, values in self.group.parameters.items()}

    def family(self, part: int) -> Family:
        """The bought points, as far as a part of their circuits goes."""
        each, fixed = Cost(points=1), Cost()
        for entry in self.parts[part]:
            unit = self.units[entry.unit]
            share = entry.shots / unit.shots * self.seconds[entry.unit]
            pub = Cost(0, 1, entry.shots, unit.payload_bytes, share)
            if self.replicated:
                each += pub
            elif unit.bound:
                each += Cost(0, 0, entry.shots, unit.value_bytes, share)
                fixed += Cost(0, 1, 0, unit.payload_bytes, 0.0)
            else:
                fixed += pub
        return Family(len(self.bought), each, fixed)


def member_of(
    store: RecordStore,
    group: Group,
    bought: Integers,
    order: Mapping[str, int],
    wanted: Wanted,
    document: Mapping[str, Any],
    sweep: Sweep,
) -> Member:
    """A group with its batch of one point, in parts that fit a job.

    Args:
        store: The record store, which gets the circuits.
        group: Points that share their circuits.
        bought: Which of them are bought, by their places in the group.
        order: Number of each backend setting, by `backend_key`.
        wanted: What was compiled for it.
        document: The transpilation.
        sweep: The sweep.
    """
    circuits = tuple(store.circuits.get_many([item["hash"] for item in document["circuits"]]))
    experiment = group.experiment
    seed = wanted.seed if experiment.seed is None else experiment.seed
    context = PlanContext(circuits, group.problem.measurement, wanted.provider.target(), experiment.shots, seed)
    one = {name: values[bought[:1]] for name, values in group.parameters.items()}
    batch = plan_batch(experiment.mitigation, context, one)
    units = tuple(_unit(store, pub) for pub in batch.pubs)
    limits = wanted.provider.limits()
    caps = caps_for(wanted.provider, sweep, ())
    place = order[backend_key(experiment.document()["backend"])]
    seconds = tuple(_simulated(pub, wanted.provider) for pub in batch.pubs)
    return Member(group, bought, place, batch, units, parts(units, caps, limits.max_shots), seconds)


def _unit(store: RecordStore, pub: SamplerPub) -> Unit:
    parameters = int(pub.parameter_values.num_parameters)
    return Unit(
        store.circuits.add(pub.circuit),
        int(pub.shots),
        bool(parameters),
        len(to_qpy(pub.circuit)),
        VALUE_BYTES * parameters,
    )


def _simulated(pub: SamplerPub, provider: Provider) -> float:
    """Predicted seconds of one point; none where nothing is simulated here."""
    if provider.durable:
        return 0.0
    if not pub.parameter_values.num_parameters:
        return Simulation((pub,), provider.calibration(), None).predicted_seconds()
    values = pub.parameter_values.as_array(pub.circuit.parameters).reshape(1, -1)
    named = {item.name: np.repeat(values[:, index], 2) for index, item in enumerate(pub.circuit.parameters)}
    # Two points, for one point alone is simulated in a way that arrays are not.
    return Simulation((make_pub(pub.circuit, pub.shots, named),), provider.calibration(), None).predicted_seconds() / 2


def caps_for(provider: Provider, sweep: Sweep, families: Sequence[Family]) -> Caps:
    """What one job may hold: what the backend allows, and what the sweep wants."""
    limits, wanted = provider.limits(), sweep.packing.points_per_job
    if wanted is None and not provider.durable and families:
        wanted = POINTS_OF_A_SIMULATION
    return Caps(wanted, limits.max_pubs, limits.max_executions, limits.max_payload_bytes)
