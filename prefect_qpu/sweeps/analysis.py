"""What the counts say of each point: estimates of all methods, and the exact values beside them, as stored arrays."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.baselines.arrays import exact_over_arrays
from prefect_qpu.jobs import counts as counts_of_role
from prefect_qpu.records.sweeps import FAILED
from prefect_qpu.sweeps.combining import Combined, chained, combined_points, joined, stacked
from prefect_qpu.sweeps.plan import AnalysisUnit, PlannedGroup

if TYPE_CHECKING:
    from prefect_qpu.sweeps.running import Execution

Arrays = Mapping[str, NDArray[Any]]


def analyse_ready(execution: "Execution", job: int | None = None) -> list[str]:
    """The names of the units whose points are analysed and stored now: those all of whose jobs have ended.

    Points of one job that was given up, but may still give counts, are left for the day when it does.

    Args:
        execution: The execution.
        job: Only units with points in this job; none means all units.
    """
    units = [unit for unit in execution.plan.units if job is None or job in _jobs(execution, unit)]
    counts = _Counts(execution)
    ended = ended_jobs(execution, {number for unit in units for number in _jobs(execution, unit)})
    out = out_jobs(execution)
    made = []
    for unit in units:
        jobs = _jobs(execution, unit)
        if len(jobs) == 1 and jobs <= out:
            continue
        if jobs <= ended.keys() and execution.group_run(unit.group).stage(unit.name) is None:
            failed = {number: reason for number in jobs if (reason := ended[number]) is not None}
            analyse(execution, unit, failed, counts)
            made.append(unit.name)
    return made


def out_jobs(execution: "Execution") -> set[int]:
    """The jobs that may still give counts, given up or not."""
    out = execution.store.sweeps.out([run.id for run in execution.runs])
    return {number for number, job in enumerate(execution.plan.jobs) if (execution.job_run(number).id, job.role) in out}


def _jobs(execution: "Execution", unit: AnalysisUnit) -> set[int]:
    return {execution.plan.pieces[number].job for number in unit.pieces}


def ended_jobs(execution: "Execution", jobs: Collection[int]) -> dict[int, str | None]:
    """The jobs that have ended: why a job gave no counts, or none for one whose counts are stored."""
    ended: dict[int, str | None] = {}
    states = {run.id: run.store.submissions.states(run.id) for run in execution.runs}
    for number in jobs:
        run, role = execution.job_run(number), execution.plan.jobs[number].role
        if states[run.id].get(role) == "done":
            ended[number] = None
        elif (failure := run.stage(f"{FAILED}{role}")) is not None:
            ended[number] = failure["reason"]
    return ended


def analyse(execution: "Execution", unit: AnalysisUnit, failed: Mapping[int, str], counts: "_Counts") -> dict[str, Any]:
    """The estimates of a unit's points, stored once.

    Args:
        execution: The execution.
        unit: What is analysed.
        failed: Why a job of the unit gave no counts; points that need it are left out.
        counts: The counts of the jobs.
    """
    run, group = execution.group_run(unit.group), execution.plan.groups[unit.group]
    reason = "; ".join(dict.fromkeys(failed.values()))

    def work() -> dict[str, Any]:
        bits, there = counts.of(unit, failed)
        points = int(np.count_nonzero(there))
        if not points:
            return {"rows": [], "observables": [], "arrays": None, "refused": {}, "failed": reason}
        measurement = execution.plan.measurement(group)
        kept = [item if item.shape == () or there.all() else item[there] for item in bits]
        combined = combined_points(group.methods(), kept, measurement, points, replicated=group.replicated)
        arrays = _spread(combined, there) | _exact(execution, unit, group)
        return {
            "rows": [[*row, shots] for row, shots in zip(combined.rows, combined.shots, strict=True)],
            "observables": list(measurement.observables),
            "arrays": run.store.submissions.add_parameters(arrays),
            "refused": {**group.refused, **combined.refused},
            "failed": reason,
        }

    return run.once(unit.name, work)


def _spread(combined: Combined, there: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
    """The arrays of a unit with rows for all its points; not a number for those without counts."""
    arrays: dict[str, NDArray[Any]] = {"there": there.astype(np.uint8)}
    for name in ("value", "stderr", "systematic"):
        values = getattr(combined, name)
        if name == "systematic" and np.isnan(values).all():
            continue
        arrays[name] = np.full((len(there), values.shape[1]), np.nan)
        arrays[name][there] = values
    return arrays


def _exact(execution: "Execution", unit: AnalysisUnit, group: PlannedGroup) -> dict[str, NDArray[Any]]:
    circuit = execution.store.circuits.get(group.circuit)
    measurement = execution.plan.measurement(group)
    values = values_of(execution, unit)
    if {item.name for item in circuit.parameters} - set(values):
        return {}
    found = exact_over_arrays(circuit, measurement.observables, values)
    if found is None:
        return {}
    points = unit.stop - unit.start
    return {"exact": np.stack([np.broadcast_to(found[name], (points,)) for name in measurement.observables], axis=-1)}


def values_of(execution: "Execution", unit: AnalysisUnit) -> dict[str, NDArray[np.float64]]:
    """The parameter values at the points of a unit."""
    pieces = sorted(
        (execution.plan.pieces[number] for number in unit.pieces if execution.plan.pieces[number].part == 0),
        key=lambda piece: piece.start,
    )
    stored = [execution.store.submissions.parameters(piece.values) for piece in pieces if piece.values]
    return {name: np.concatenate([values[name] for values in stored]) for name in stored[0]} if stored else {}


class _Counts:
    """The counts of an execution's jobs; the last ones stay in memory, for many units may be in one job."""

    def __init__(self, execution: "Execution") -> None:
        self._execution, self._plan = execution, execution.plan
        self._results = lru_cache(maxsize=2)(self._read)

    def of(self, unit: AnalysisUnit, failed: Mapping[int, str]) -> tuple[list[BitArray], NDArray[np.bool_]]:
        """The counts of each circuit over the unit's points, and which of the points have all of theirs."""
        group = self._plan.groups[unit.group]
        points = unit.stop - unit.start
        there = np.ones(points, dtype=bool)
        found: dict[int, list[tuple[int, int, BitArray]]] = {place: [] for place in range(len(group.units))}
        for number in unit.pieces:
            piece = self._plan.pieces[number]
            start, stop = piece.start - unit.start, piece.stop - unit.start
            if piece.job in failed:
                there[start:stop] = False
                continue
            for place, bits in self._of_piece(number):
                found[place].append((start, stop, bits))
        return ([_assembled(items, points) for items in found.values()] if there.any() else []), there

    def _of_piece(self, number: int) -> list[tuple[int, BitArray]]:
        """The unit's place and the counts of each PUB of a piece; of replicates, over the points."""
        piece = self._plan.pieces[number]
        group = self._plan.groups[piece.group]
        part, offset = group.parts[piece.part], self._offset(number)
        bits = self._results(piece.job)[offset : offset + self._pubs(number)]
        if not group.replicated:
            return [
                (entry.unit, _over_points(item) if group.units[entry.unit].bound else item)
                for entry, item in zip(part, bits, strict=True)
            ]
        return [(entry.unit, stacked(bits[place :: len(part)])) for place, entry in enumerate(part)]

    def _pubs(self, number: int) -> int:
        piece = self._plan.pieces[number]
        group = self._plan.groups[piece.group]
        return len(group.parts[piece.part]) * (piece.stop - piece.start if group.replicated else 1)

    def _offset(self, number: int) -> int:
        """How many PUBs of the job come before a piece."""
        pieces = self._plan.pieces_of[self._plan.pieces[number].job]
        return sum(self._pubs(other) for other in pieces[: pieces.index(number)])

    def _read(self, job: int) -> list[BitArray]:
        return counts_of_role(self._execution.job_run(job), self._plan.jobs[job].role)


def _over_points(bits: BitArray) -> BitArray:
    """With an axis over the points: Qiskit drops that of a single one."""
    return bits.reshape(1) if bits.shape == () else bits


def _assembled(items: Sequence[tuple[int, int, BitArray]], points: int) -> BitArray:
    """The counts of one circuit: shots of the same points joined, slices of points chained."""
    shared = [bits for _, _, bits in items if bits.shape == ()]
    if shared:
        return joined(shared)
    shots: dict[tuple[int, int], list[BitArray]] = {}
    for start, stop, bits in items:
        shots.setdefault((start, stop), []).append(bits)
    if len(shots) == 1 and next(iter(shots)) == (0, points):
        return joined(next(iter(shots.values())))
    return _laid_out(shots, points)


def _laid_out(shots: Mapping[tuple[int, int], Sequence[BitArray]], points: int) -> BitArray:
    """Slices of different lengths laid side by side: the shots of each point are those of all slices that hold it."""
    by_point: list[list[BitArray]] = [[] for _ in range(points)]
    for (start, stop), pieces in shots.items():
        for place in range(start, stop):
            by_point[place] += [bits[place - start : place - start + 1] for bits in pieces]
    whole = max((sum(bits.num_shots for bits in item) for item in by_point), default=0)
    width = next(iter(shots.values()))[0]
    blank = BitArray(np.zeros((1, whole, width.array.shape[-1]), dtype=np.uint8), width.num_bits)
    rows = [joined(item) if sum(bits.num_shots for bits in item) == whole else blank for item in by_point]
    return chained(rows)
