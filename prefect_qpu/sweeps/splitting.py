"""The circuits of one point as parts that fit a job: one part wherever that is possible."""

from collections.abc import Sequence
from dataclasses import dataclass

from prefect_qpu.errors import ExperimentError
from prefect_qpu.mitigation.shots import even
from prefect_qpu.sweeps.packing import Caps


@dataclass(frozen=True)
class Unit:
    """One circuit of a point, as its methods planned it."""

    circuit: str
    """Hash of the stored circuit."""
    shots: int
    bound: bool
    """Whether it has parameters; otherwise one PUB serves all points of a job, unless points are replicates only."""
    payload_bytes: int
    """Without parameter values."""
    value_bytes: int = 0
    """Of the parameter values of one point."""


@dataclass(frozen=True)
class Entry:
    """One PUB of a part: a circuit of the point by its place, and the shots of it that this PUB takes."""

    unit: int
    shots: int


Part = tuple[Entry, ...]


def parts(units: Sequence[Unit], caps: Caps, max_shots: int | None) -> tuple[Part, ...]:
    """The PUBs of one point, in as few parts as the limits allow; all shots of each circuit, once.

    A circuit with more shots than one circuit may have becomes several PUBs. A point that is too large for one job is
    cut: each part but the last is filled to the brim.

    Args:
        units: The circuits of a point.
        caps: What one job may hold.
        max_shots: Most shots of one circuit; none for no limit.

    Raises:
        ExperimentError: a circuit alone is too large.

    Example:
        >>> parts([Unit("c", 25, True, 100)], Caps(executions=20), max_shots=10)
        ((Entry(unit=0, shots=9), Entry(unit=0, shots=8), Entry(unit=0, shots=3)), (Entry(unit=0, shots=5),))
    """
    wanted = [
        Entry(place, shots)
        for place, unit in enumerate(units)
        for shots in even(unit.shots, -(-unit.shots // (max_shots or unit.shots)))
    ]
    made: list[list[Entry]] = [[]]
    room = _Room(caps)
    while wanted:
        entry = wanted.pop(0)
        payload = units[entry.unit].payload_bytes + units[entry.unit].value_bytes
        fitting = room.fitting(entry.shots, payload)
        if not fitting:
            if not made[-1]:
                raise ExperimentError(
                    "axes", given=f"a circuit of {payload} bytes", expected="a circuit that fits a job"
                )
            made.append([])
            room = _Room(caps)
            wanted.insert(0, entry)
            continue
        made[-1].append(Entry(entry.unit, fitting))
        room.take(fitting, payload)
        if fitting < entry.shots:
            wanted.insert(0, Entry(entry.unit, entry.shots - fitting))
    return tuple(tuple(part) for part in made)


class _Room:
    """What is left of a job."""

    def __init__(self, caps: Caps) -> None:
        self._pubs, self._executions, self._bytes = caps.pubs, caps.executions, caps.payload_bytes

    def fitting(self, shots: int, payload: int) -> int:
        """How many of the shots of a circuit fit."""
        if self._pubs == 0 or (self._bytes is not None and payload > self._bytes):
            return 0
        return shots if self._executions is None else min(shots, self._executions)

    def take(self, shots: int, payload: int) -> None:
        self._pubs = None if self._pubs is None else self._pubs - 1
        self._executions = None if self._executions is None else self._executions - shots
        self._bytes = None if self._bytes is None else self._bytes - payload
