"""The plan: what is bought, in which jobs, and what that takes; complete before anything is sent, and stored."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from prefect_qpu.mitigation import Measurement, MethodShare
from prefect_qpu.prices import Price
from prefect_qpu.sweeps.points import Floats
from prefect_qpu.sweeps.splitting import Entry, Part, Unit


@dataclass(frozen=True)
class PlannedBackend:
    """Where some of the points are measured."""

    run_id: str
    """The run under which its jobs are bought."""
    name: str
    setting: Mapping[str, Any]
    """The experiment's setting that names it."""
    charged: bool
    """Whether its jobs cost QPU time."""
    limits: Mapping[str, Any]
    least_jobs: int
    """No packing has fewer jobs."""
    price: Mapping[str, float] | None = None
    """What it charges, by the experiment's prices."""


@dataclass(frozen=True)
class PlannedGroup:
    """Points that share their circuits, and how one of them is measured."""

    backend: int
    settings: Mapping[str, Any]
    circuit: str
    """Hash of the logical circuit."""
    measurement: int
    """Place among the plan's measurements."""
    units: tuple[Unit, ...]
    """The circuits of a point."""
    parts: tuple[Part, ...]
    """Their PUBs, by the jobs that one point needs."""
    replicated: bool
    """Whether the circuits have no parameters, so that each point is PUBs of its own."""
    shares: tuple[Mapping[str, Any], ...]
    """Which method needs which unit."""
    refused: Mapping[str, str]
    first: int
    """Place of its first point among those that are bought."""
    points: int

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "PlannedGroup":
        """The group of JSON data."""
        units = tuple(Unit(**unit) for unit in document["units"])
        parts = tuple(tuple(Entry(*entry) for entry in part) for part in document["parts"])
        return cls(**{**document, "units": units, "parts": parts, "shares": tuple(document["shares"])})

    @property
    def executions(self) -> int:
        """Shots of one point, without those that points share."""
        return sum(unit.shots for unit in self.units if unit.bound or self.replicated)

    def methods(self) -> list[MethodShare]:
        """The shares of the methods."""
        return [MethodShare.from_document(share) for share in self.shares]


@dataclass(frozen=True)
class Piece:
    """Some points of a group in one job; they are numbered in their group."""

    job: int
    group: int
    part: int
    start: int
    stop: int
    values: str | None
    """The arrays of their parameter values in the store."""


@dataclass(frozen=True)
class PlannedJob:
    """One job, as the provider will get it."""

    role: str
    backend: int
    points: int
    pubs: int
    executions: int
    payload_bytes: int
    seconds: float
    """Estimated: of the QPU where it is charged, of the simulation else."""
    seed: int
    """Of the sampling; only simulators honour it."""


@dataclass(frozen=True)
class AnalysisUnit:
    """Points that are analysed together: those of a piece, or of a whole group if a point takes several jobs."""

    name: str
    group: int
    start: int
    stop: int
    pieces: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """All that a sweep is going to buy."""

    count: int
    """Points of the sweep."""
    reused: int
    """Points that somebody has bought already."""
    backends: tuple[PlannedBackend, ...] = ()
    groups: tuple[PlannedGroup, ...] = ()
    measurements: tuple[Mapping[str, Any], ...] = ()
    pieces: tuple[Piece, ...] = ()
    jobs: tuple[PlannedJob, ...] = ()
    axes: Mapping[str, Any] = field(default_factory=dict)
    """Levels of each axis that is no circuit parameter; none for the circuit parameters, in the order of the axes."""
    currency: str = "USD"
    """Of the prices."""

    @property
    def bought(self) -> int:
        """Points to buy."""
        return sum(group.points for group in self.groups)

    @property
    def parameters(self) -> list[str]:
        """The axes that are circuit parameters."""
        return [key for key, levels in self.axes.items() if levels is None]

    def total(self, name: str, *, charged: bool | None = None) -> Any:
        """A sum over the jobs: of ``pubs``, ``executions``, ``payload_bytes`` or ``seconds``.

        Args:
            name: What is summed.
            charged: Only jobs that cost QPU time, or only the others.
        """
        return sum(
            getattr(job, name) for job in self.jobs if charged is None or self.backends[job.backend].charged is charged
        )

    def unpriced(self) -> list[str]:
        """The backends that charge, but nobody has told what."""
        charging = {job.backend for job in self.jobs if self.backends[job.backend].charged}
        return [self.backends[place].name for place in sorted(charging) if self.backends[place].price is None]

    def cost(self) -> float | None:
        """Estimated money for the jobs that cost QPU time; none if a backend has no price."""
        if self.unpriced():
            return None
        priced = [(job, self.backends[job.backend]) for job in self.jobs]
        return sum(
            Price(**backend.price).of(jobs=1, shots=job.executions, qpu_seconds=job.seconds)
            for job, backend in priced
            if backend.charged and backend.price is not None
        )

    @cached_property
    def units(self) -> tuple[AnalysisUnit, ...]:
        """What is analysed together, in the order of the jobs."""
        return tuple(self._units())

    def _units(self) -> Iterator[AnalysisUnit]:
        several: dict[int, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            if len(self.groups[piece.group].parts) == 1:
                yield AnalysisUnit(f"points-{number:05d}", piece.group, piece.start, piece.stop, (number,))
            else:
                several.setdefault(piece.group, []).append(number)
        for group, pieces in several.items():
            yield AnalysisUnit(f"points-of-{group:05d}", group, 0, self.groups[group].points, tuple(pieces))

    @cached_property
    def pieces_of(self) -> Mapping[int, tuple[int, ...]]:
        """The pieces of each job, in the order of its PUBs."""
        found: dict[int, list[int]] = {}
        for number, piece in enumerate(self.pieces):
            found.setdefault(piece.job, []).append(number)
        return {job: tuple(pieces) for job, pieces in found.items()}

    def measurement(self, group: PlannedGroup) -> Measurement:
        """What is estimated in a group."""
        return Measurement.from_document(self.measurements[group.measurement])

    def document(self) -> dict[str, Any]:
        """The plan as JSON data."""
        document = asdict(self)
        for group in document["groups"]:
            group["parts"] = [[[entry["unit"], entry["shots"]] for entry in part] for part in group["parts"]]
        # The order of the axes is that of the user's; JSON objects are stored with sorted keys.
        return document | {"axes": [[key, levels] for key, levels in self.axes.items()]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Plan":
        """The plan of a `document`."""
        return cls(
            count=document["count"],
            reused=document["reused"],
            backends=tuple(PlannedBackend(**item) for item in document["backends"]),
            groups=tuple(PlannedGroup.from_document(item) for item in document["groups"]),
            measurements=tuple(document["measurements"]),
            pieces=tuple(Piece(**item) for item in document["pieces"]),
            jobs=tuple(PlannedJob(**item) for item in document["jobs"]),
            axes=dict(document["axes"]),
            currency=document.get("currency", "USD"),
        )


def piece_values(parameters: Mapping[str, Floats], start: int, stop: int) -> dict[str, Floats]:
    """The values of some points, as a submission stores them."""
    return {name: np.ascontiguousarray(values[start:stop]) for name, values in parameters.items()}


def summary_rows(plan: Plan) -> Sequence[tuple[str, str]]:
    """The plan in a few lines: what, and how much of it."""
    charged, cost = plan.total("seconds", charged=True), plan.cost()
    rows = [
        ("points", f"{plan.count:,}"),
        ("measured before", f"{plan.reused:,}"),
        ("to be bought", f"{plan.bought:,}"),
        ("jobs", f"{len(plan.jobs):,}"),
        ("PUBs", f"{plan.total('pubs'):,}"),
        ("executions (shots)", f"{plan.total('executions'):,}"),
        ("payload", f"{plan.total('payload_bytes'):,} bytes"),
        ("estimated QPU time", f"{charged:,.1f} s"),
        ("estimated simulation", f"{plan.total('seconds', charged=False):,.1f} s"),
    ]
    if charged:
        unknown = f"unknown: the experiment's prices have none for {', '.join(plan.unpriced())}"
        rows.append(("estimated cost", unknown if cost is None else f"{cost:,.2f} {plan.currency}"))
    return rows
