"""Packing: which points travel in which job, so that there are as few jobs as the limits allow. Pure functions.

Points that are alike make a *family*. A job that holds any points of a family also holds what they share (calibration
circuits, the bytes of their circuits), so the question is a bin packing with divisible items that cost something to
open. A first-fit answer is compared with a lower bound; where the two differ and the question is small, an integer
programme decides.
"""

from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from math import inf
from operator import add

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.errors import ExperimentError

_MOST_VARIABLES = 2_000
_SECONDS = 1.0
"""Longest search of the integer programme for one number of jobs."""
_ROUNDING = 1e-9


@dataclass(frozen=True)
class Cost:
    """What points, or what they share, take of a job."""

    points: int = 0
    pubs: int = 0
    executions: int = 0
    payload_bytes: int = 0
    seconds: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(*map(add, astuple(self), astuple(other)))

    def __mul__(self, number: int) -> "Cost":
        return Cost(*(value * number for value in astuple(self)))


@dataclass(frozen=True)
class Caps:
    """What one job may hold; none means no limit."""

    points: int | None = None
    pubs: int | None = None
    executions: int | None = None
    payload_bytes: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class Family:
    """Points that are alike."""

    points: int
    each: Cost
    """Of each point."""
    fixed: Cost = Cost()
    """Of each job that holds any of the points."""


@dataclass(frozen=True)
class Slice:
    """Points of one family in one job, by their places in the family."""

    family: int
    start: int
    stop: int


@dataclass(frozen=True)
class Packed:
    """Jobs in the order in which they are sent."""

    jobs: tuple[tuple[Slice, ...], ...]
    least: int
    """No packing has fewer jobs."""

    @property
    def proven(self) -> bool:
        """Whether there are provably as few jobs as the limits allow."""
        return len(self.jobs) == self.least


def pack(families: Sequence[Family], caps: Caps) -> Packed:
    """As few jobs as the limits allow; each point of each family in exactly one of them.

    Raises:
        ExperimentError: one point alone does not fit a job.

    Example:
        >>> family = Family(250, each=Cost(executions=1000), fixed=Cost(pubs=1))
        >>> [[(item.start, item.stop) for item in job] for job in pack([family], Caps(executions=100_000)).jobs]
        [[(0, 100)], [(100, 200)], [(200, 250)]]
    """
    problem = _Problem.of(families, caps)
    problem.check()
    if not problem.total:
        return Packed((), 0)
    least = problem.lower_bound()
    best = min((problem.first_fit(order) for order in problem.orders()), key=len)
    while len(best) > least:
        found, certain = problem.search(len(best) - 1)
        if found is None:
            least = len(best) if certain else least
            break
        best = found
    return Packed(_slices(best), least)


@dataclass(frozen=True)
class _Problem:
    """Costs as rows of one family each, in the columns of the limits that there are."""

    points: NDArray[np.int64]
    each: NDArray[np.float64]
    fixed: NDArray[np.float64]
    caps: NDArray[np.float64]
    names: tuple[str, ...]

    @classmethod
    def of(cls, families: Sequence[Family], caps: Caps) -> "_Problem":
        limits = [item.name for item in fields(Caps) if getattr(caps, item.name) is not None]
        columns = [index for index, item in enumerate(fields(Cost)) if item.name in limits]
        shape = len(families), len(fields(Cost))
        each = np.array([astuple(item.each) for item in families], dtype=float).reshape(shape)
        fixed = np.array([astuple(item.fixed) for item in families], dtype=float).reshape(shape)
        return cls(
            np.array([item.points for item in families], dtype=np.int64),
            each[:, columns],
            fixed[:, columns],
            np.array([getattr(caps, name) for name in limits], dtype=float),
            tuple(limits),
        )

    @property
    def total(self) -> int:
        return int(self.points.sum())

    def check(self) -> None:
        over = (self.each + self.fixed) > self.caps + _ROUNDING
        if self.total and over.any():
            family, limit = np.argwhere(over)[0]
            name = self.names[limit].replace("_", " ")
            raise ExperimentError(
                "axes",
                given=f"a point of {self.each[family, limit] + self.fixed[family, limit]:g} {name}",
                expected=f"at most {self.caps[limit]:g} {name} in one job",
            )

    def lower_bound(self) -> int:
        """Jobs that every packing has: by each limit alone, with what is shared counted as rarely as possible."""
        room = self._most_alone()
        visits = np.where(np.isinf(room), 1.0, np.ceil(self.points / np.maximum(room, 1.0)))
        taken = self.each * self.points[:, None] + self.fixed * visits[:, None]
        by_limit = np.ceil(taken.sum(axis=0) / self.caps - _ROUNDING)
        return max(1, int(by_limit.max(initial=1)), int(visits.max(initial=1)))

    def _most_alone(self) -> NDArray[np.float64]:
        """Points of each family that fit a job of their own."""
        return np.array([_fitting(self.caps - fixed, each) for fixed, each in zip(self.fixed, self.each, strict=True)])

    def orders(self) -> list[NDArray[np.int64]]:
        """Orders in which families are packed: as they come, the largest points first, the largest families first."""
        shares = np.max(np.divide(self.each, self.caps), axis=1, initial=0.0)
        opening = np.max(np.divide(self.each + self.fixed, self.caps), axis=1, initial=0.0)
        whole = shares * self.points
        given = np.arange(len(self.points))
        return [given, *(np.argsort(-size, kind="stable") for size in (shares, opening, whole))]

    def first_fit(self, order: NDArray[np.int64]) -> list[dict[int, int]]:
        """Points of each family in each job: as many as fit the jobs that are open, the rest in new ones."""
        jobs: list[dict[int, int]] = []
        room = np.zeros((0, len(self.caps)))
        for family in order.tolist():
            left = int(self.points[family])
            spare = room - self.fixed[family]
            fits = np.flatnonzero(np.all(spare + _ROUNDING >= self.each[family], axis=1))
            for job in fits.tolist():
                taken = int(min(left, _fitting(spare[job], self.each[family])))
                if taken:
                    jobs[job][family] = taken
                    room[job] = spare[job] - taken * self.each[family]
                    left -= taken
                if not left:
                    break
            fresh = self.caps - self.fixed[family]
            while left:
                taken = int(min(left, _fitting(fresh, self.each[family])))
                jobs.append({family: taken})
                room = np.vstack([room, fresh - taken * self.each[family]])
                left -= taken
        return jobs

    def search(self, number: int) -> tuple[list[dict[int, int]] | None, bool]:
        """A packing into so many jobs, or none; and whether it is certain that there is none."""
        families = len(self.points)
        if 2 * families * number > _MOST_VARIABLES:
            return None, False
        from scipy.optimize import Bounds, LinearConstraint, milp
        from scipy.sparse import block_diag, csr_array, eye_array, hstack, kron

        # Variables: points of each family in each job, then whether the job holds any of them; job by job.
        ones = np.ones((1, number))
        all_points = hstack([kron(ones, eye_array(families)), csr_array((families, families * number))])
        weights = hstack([block_diag([self.each.T] * number), block_diag([self.fixed.T] * number)])
        opened = hstack([eye_array(families * number), -block_diag([np.diag(self.points)] * number)])
        answer = milp(
            np.concatenate([np.zeros(families * number), np.ones(families * number)]),
            integrality=np.ones(2 * families * number),
            bounds=Bounds(0, np.concatenate([np.tile(self.points, number), np.ones(families * number)])),
            constraints=[
                LinearConstraint(all_points.tocsr(), self.points, self.points),
                LinearConstraint(weights.tocsr(), -inf, np.tile(self.caps, number)),
                LinearConstraint(opened.tocsr(), -inf, 0),
            ],
            options={"time_limit": _SECONDS, "mip_rel_gap": inf},
        )
        if answer.x is None:
            return None, answer.status == 2
        counts = np.rint(answer.x[: families * number]).astype(int).reshape(number, families)
        jobs = [{family: int(row[family]) for family in np.flatnonzero(row).tolist()} for row in counts]
        held = [job for job in jobs if job]
        return (held, False) if self._holds(held) else (None, False)

    def _holds(self, jobs: Sequence[dict[int, int]]) -> bool:
        """Whether a packing keeps the limits exactly; a solver works with tolerances."""
        for job in jobs:
            taken = sum(self.fixed[family] + count * self.each[family] for family, count in job.items())
            if np.any(taken > self.caps + _ROUNDING):
                return False
        totals = [sum(job.get(family, 0) for job in jobs) for family in range(len(self.points))]
        return bool(np.array_equal(totals, self.points))


def _fitting(spare: NDArray[np.float64], each: NDArray[np.float64]) -> float:
    """How many points fit; infinitely many where they cost nothing that is limited."""
    costly = each > 0
    if np.any(spare < -_ROUNDING):
        return 0
    return float(np.floor(np.min(spare[costly] / each[costly] + _ROUNDING, initial=inf)))


def _slices(jobs: Sequence[dict[int, int]]) -> tuple[tuple[Slice, ...], ...]:
    """The jobs with the places of their points: each family is cut in the order of the jobs."""
    cut: dict[int, int] = {}
    made = []
    for job in jobs:
        slices = []
        for family, count in sorted(job.items()):
            start = cut.get(family, 0)
            cut[family] = start + count
            slices.append(Slice(family, start, start + count))
        made.append(tuple(slices))
    return tuple(sorted(made, key=lambda job: (job[0].family, job[0].start)))
