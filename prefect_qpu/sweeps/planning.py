"""Making a plan: from points to circuits, from circuits to PUBs, from PUBs to jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from prefect_qpu.experiment import Experiment
from prefect_qpu.hashing import content_hash, derive_seed
from prefect_qpu.prices import PriceTable
from prefect_qpu.providers import Provider
from prefect_qpu.providers.forecast import charged_seconds
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.compiling import Wanted, compiled
from prefect_qpu.sweeps.definition import PARAMETERS, Sweep
from prefect_qpu.sweeps.members import Member, backend_key, caps_for, member_of
from prefect_qpu.sweeps.packing import Cost, Family, pack
from prefect_qpu.sweeps.plan import Piece, Plan, PlannedBackend, PlannedGroup, PlannedJob, piece_values
from prefect_qpu.sweeps.points import Floats, Group, Integers, Points


@dataclass(frozen=True)
class Place:
    """A backend, and the run under which its jobs are bought."""

    provider: Provider
    run_id: str
    setting: Mapping[str, Any]

    @property
    def charged(self) -> bool:
        """Whether its jobs cost QPU time."""
        return self.provider.durable


def make_plan(
    store: RecordStore,
    sweep: Sweep,
    points: Points,
    bought: Sequence[Integers],
    places: Mapping[str, Place],
    seeds: Mapping[str, int],
) -> tuple[Plan, Integers]:
    """The plan, and the places in the sweep of the bought points, in the order in which they are bought.

    Circuits are compiled and stored for it, and parameter values stored; nothing is sent.

    Args:
        store: The record store.
        sweep: The sweep.
        points: Its points.
        bought: The points of each group that are to be bought, by their places in the group.
        places: Where each backend setting leads, by `backend_key`.
        seeds: Seeds of the run, for groups without a seed.

    Raises:
        InputError: a circuit does not fit its backend, or a point no job.
    """
    order = {key: number for number, key in enumerate(places)}
    chosen = [(group, some) for group, some in zip(points.groups, bought, strict=True) if len(some)]
    wanted = [_wanted(group, places, seeds) for group, _ in chosen]
    documents = compiled(store, wanted)
    members = [
        member_of(store, group, some, order, item, document, sweep)
        for (group, some), item, document in zip(chosen, wanted, documents, strict=True)
    ]
    first = np.concatenate([[0], np.cumsum([len(member.bought) for member in members], dtype=np.int64)])
    buys = [member.group.indices[member.bought] for member in members]
    jobs, pieces, least = _jobs(store, sweep, members, list(places.values()), points, seeds)
    measurements = {id(member.group.problem): member.group.problem.measurement for member in members}
    numbers = {key: number for number, key in enumerate(measurements)}
    plan = Plan(
        count=len(points),
        reused=len(points) - int(first[-1]),
        backends=tuple(
            PlannedBackend(
                place.run_id,
                place.provider.name,
                place.setting,
                place.charged,
                asdict(place.provider.limits()),
                least[number],
                price_at(sweep.experiment, place.provider),
            )
            for number, place in enumerate(places.values())
        ),
        groups=tuple(
            _planned(member, numbers[id(member.group.problem)], int(start))
            for member, start in zip(members, first[:-1], strict=True)
        ),
        measurements=tuple(measurement.document() for measurement in measurements.values()),
        pieces=tuple(pieces),
        jobs=tuple(jobs),
        axes={
            key: None if key.startswith(PARAMETERS) else list(column.levels) for key, column in points.columns.items()
        },
        currency=sweep.experiment.prices.currency if isinstance(sweep.experiment.prices, PriceTable) else "USD",
    )
    return plan, np.concatenate(buys) if buys else np.zeros(0, dtype=np.int64)


def price_at(experiment: Experiment, provider: Provider) -> dict[str, float] | None:
    """What a provider charges by the experiment's prices; none if they do not tell."""
    if not isinstance(experiment.prices, PriceTable):
        return None
    price = experiment.prices.price_of(provider.name, provider.kind)
    return None if price is None else price.model_dump()


def _wanted(group: Group, places: Mapping[str, Place], seeds: Mapping[str, int]) -> Wanted:
    experiment = group.experiment
    provider = places[backend_key(experiment.document()["backend"])].provider
    own = experiment.seed if experiment.transpile.seed is None else experiment.transpile.seed
    return Wanted(group.problem, provider, experiment.transpile, seeds["transpile"] if own is None else own)


def _planned(member: Member, measurement: int, first: int) -> PlannedGroup:
    return PlannedGroup(
        backend=member.place,
        settings=member.group.settings,
        circuit=member.group.problem.circuit_hash,
        measurement=measurement,
        units=member.units,
        parts=member.parts,
        replicated=member.replicated,
        shares=tuple(share.document() for share in member.batch.shares),
        refused=member.batch.refused,
        first=first,
        points=len(member.bought),
    )


def _jobs(
    store: RecordStore,
    sweep: Sweep,
    members: Sequence[Member],
    places: Sequence[Place],
    points: Points,
    seeds: Mapping[str, int],
) -> tuple[list[PlannedJob], list[Piece], list[int]]:
    """The jobs of all backends, the pieces in them, and the least number of jobs at each backend."""
    jobs: list[PlannedJob] = []
    pieces: list[Piece] = []
    least: list[int] = []
    values: list[dict[str, Floats]] = []
    for number, place in enumerate(places):
        own = [
            (index, part)
            for index, member in enumerate(members)
            if member.place == number
            for part in range(len(member.parts))
        ]
        families = [members[index].family(part) for index, part in own]
        packed = pack(families, caps_for(place.provider, sweep, families))
        least.append(packed.least)
        for slices in packed.jobs:
            held = [(*own[item.family], item.start, item.stop) for item in slices]
            cost = _total([families[item.family] for item in slices], [item.stop - item.start for item in slices])
            address = [
                [points.keys[members[index].group.indices[members[index].bought[start:stop]]].tobytes().hex(), part]
                for index, part, start, stop in held
            ]
            jobs.append(_job(len(jobs), number, place, cost, derive_seed(_seed(members, held, seeds), _text(address))))
            for index, part, start, stop in held:
                pieces.append(Piece(len(jobs) - 1, index, part, start, stop, None))
                values.append(piece_values(members[index].parameters, start, stop))
    return jobs, _with_values(store, pieces, values), least


def _text(address: object) -> str:
    return f"job {content_hash(address)}"


def _seed(members: Sequence[Member], held: Sequence[tuple[int, int, int, int]], seeds: Mapping[str, int]) -> int:
    own = members[held[0][0]].group.experiment.seed
    return seeds["execute"] if own is None else own


def _job(number: int, backend: int, place: Place, cost: Cost, seed: int) -> PlannedJob:
    seconds = charged_seconds(cost.executions) if place.charged else cost.seconds
    return PlannedJob(
        f"job-{number + 1:04d}",
        backend,
        cost.points,
        cost.pubs,
        cost.executions,
        cost.payload_bytes,
        round(seconds, 3),
        seed,
    )


def _with_values(store: RecordStore, pieces: Sequence[Piece], values: Sequence[dict[str, Floats]]) -> list[Piece]:
    stored = store.submissions.add_many_parameters([item for item in values if item])
    hashes = iter(stored)
    return [
        Piece(piece.job, piece.group, piece.part, piece.start, piece.stop, next(hashes) if item else None)
        for piece, item in zip(pieces, values, strict=True)
    ]


def _total(families: Sequence[Family], counts: Sequence[int]) -> Cost:
    costs = (family.each * number + family.fixed for family, number in zip(families, counts, strict=True))
    return sum(costs, start=Cost())
