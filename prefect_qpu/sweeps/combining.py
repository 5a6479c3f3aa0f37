"""From the counts of jobs to estimates of points, over arrays; a method refuses points, not whole arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.mitigation import Measurement, MethodShare, combine_batch
from prefect_qpu.observables import Estimate
from prefect_qpu.sweeps.points import Floats

Row = tuple[str, str]
"""Method and observable."""


@dataclass(frozen=True)
class Combined:
    """Estimates of some points; not a number where a method refused a point."""

    rows: tuple[Row, ...]
    shots: tuple[int, ...]
    """That entered each value, by row."""
    value: Floats
    """Shape ``(points, rows)``, as all others."""
    stderr: Floats
    systematic: Floats
    refused: Mapping[str, str]
    """Why a method refused some points, by its label."""


def joined(pieces: Sequence[BitArray]) -> BitArray:
    """The shots of the same circuit at the same points, from several PUBs, as one bit array."""
    if len(pieces) == 1:
        return pieces[0]
    return BitArray(np.concatenate([bits.array for bits in pieces], axis=-2), pieces[0].num_bits)


def stacked(points: Sequence[BitArray]) -> BitArray:
    """Bit arrays of single points as one with an axis over the points."""
    return BitArray(np.stack([bits.array for bits in points]), points[0].num_bits)


def chained(slices: Sequence[BitArray]) -> BitArray:
    """Bit arrays over some points each as one over all of them."""
    if len(slices) == 1:
        return slices[0]
    return BitArray(np.concatenate([bits.array for bits in slices], axis=0), slices[0].num_bits)


def combined_points(
    shares: Sequence[MethodShare],
    counts: Sequence[BitArray],
    measurement: Measurement,
    points: int,
    *,
    replicated: bool = False,
) -> Combined:
    """The estimates of all methods at all points.

    Args:
        shares: The methods.
        counts: One bit array for each circuit of a point: over the points, or of no axis where all points share it.
        measurement: What is estimated.
        points: How many points there are.
        replicated: Whether each point has calibration circuits of its own.
    """
    rows = tuple((share.label, name) for share in shares for name in measurement.observables)
    shape = points, len(rows)
    value, stderr, systematic = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan)
    shots: dict[Row, int] = {}
    refused: dict[str, str] = {}
    for share in shares:
        if replicated and share.method != "raw":
            found = _one_by_one(share, counts, measurement, points, refused)
        else:
            found = _halved(share, counts, measurement, 0, points, refused)
        for start, stop, estimates in found:
            for name, estimate in estimates.items():
                column = rows.index((share.label, name))
                shots[share.label, name] = estimate.shots
                value[start:stop, column] = _over(estimate.value, stop - start)
                stderr[start:stop, column] = _over(estimate.stderr, stop - start)
                if estimate.systematic is not None:
                    systematic[start:stop, column] = _over(estimate.systematic, stop - start)
    return Combined(rows, tuple(shots.get(row, 0) for row in rows), value, stderr, systematic, refused)


def _halved(
    share: MethodShare,
    counts: Sequence[BitArray],
    measurement: Measurement,
    start: int,
    stop: int,
    refused: dict[str, str],
) -> list[tuple[int, int, Mapping[str, Estimate]]]:
    """The estimates of a method over slices of the points; slices that are refused are halved down to single points."""
    if start == stop:
        return []
    own = [bits if bits.shape == () else bits[start:stop] for bits in counts]
    found = combine_batch([share], own, measurement)
    if not found.refused:
        return [(start, stop, found.estimates[share.label])]
    if stop - start == 1:
        refused.setdefault(share.label, next(iter(found.refused.values())))
        return []
    middle = (start + stop) // 2
    halves = [(start, middle), (middle, stop)]
    return [item for half in halves for item in _halved(share, counts, measurement, *half, refused)]


def _one_by_one(
    share: MethodShare, counts: Sequence[BitArray], measurement: Measurement, points: int, refused: dict[str, str]
) -> list[tuple[int, int, Mapping[str, Estimate]]]:
    """The estimates of a method at each point from the circuits of that point alone."""
    found = []
    for point in range(points):
        combined = combine_batch([share], [bits[point] for bits in counts], measurement)
        if combined.refused:
            refused.setdefault(share.label, combined.refused[share.label])
        else:
            found.append((point, point + 1, combined.estimates[share.label]))
    return found


def _over(values: NDArray[np.float64], points: int) -> NDArray[np.float64]:
    return np.broadcast_to(np.ravel(values), (points,))
