"""From counts to a solution, with optional classical improvement that is told apart and charged."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.protocol import Answer, Sense

Rows = NDArray[np.uint8]
"""Zeros and ones, one row for each solution, variable 0 first."""

MOST_IMPROVED = 100
"""Solutions that are improved: the best of the different ones."""
_CONTROL_SEED = 20_110  # any fixed number: the control must not be drawn again until it suits
_MOST_CONTROLS = 100_000


@dataclass(frozen=True)
class Search:
    """How the solutions of one problem are valued and improved."""

    sense: Sense
    values: Callable[[Rows], NDArray[np.float64]]
    count: Callable[[str], float]
    """Value of one solution, counted again from the problem."""
    climb: Callable[[Rows], Rows] | None = None
    """Each solution after single flips that gain, until none gains; none leaves the samples as they are."""
    lift: Callable[[Rows], Rows] = lambda rows: rows
    """Solutions of the whole problem from those of the encoded one."""
    canonical: Callable[[Rows], Rows] = lambda rows: rows
    """One of several solutions that mean the same."""


def best_answer(bits: BitArray, variables: int, search: Search) -> Answer | None:
    """The best solution among the shots, of equal ones the first in order of text; none without shots.

    With `Search.climb` the best samples are improved by local search first. The answer then tells the best value that
    was sampled, the seconds of the improvement, and as a control what the same improvement makes of the same number of
    shots of a fair coin for each variable: where that is as good, the samples have added nothing.

    Raises:
        WorkloadError: the counts have another width than the problem.
    """
    if bits.num_bits != variables:
        raise WorkloadError(
            "counts", given=f"{bits.num_bits} bits", expected=f"{variables} bits, one for each variable"
        )
    sampled = search.canonical(search.lift(distinct(bits)))
    if not len(sampled):
        return None
    best = _best(sampled, search)
    value = search.count(best)
    if search.climb is None:
        return Answer(value, best, "best of the sampled solutions")
    started = time.perf_counter()
    improved = _best(search.canonical(search.climb(_ranked(sampled, search))), search)
    seconds = time.perf_counter() - started
    return Answer(
        search.count(improved),
        improved,
        "sampled solutions after classical local search",
        sampled=value,
        control=_control(min(bits.num_shots, _MOST_CONTROLS), variables, search),
        seconds=seconds,
    )


def distinct(bits: BitArray) -> Rows:
    """The different sampled solutions."""
    rows = np.unique(bits.array.reshape(-1, bits.array.shape[-1]), axis=0)
    unpacked: Rows = np.unpackbits(rows, axis=-1)[:, ::-1][:, : bits.num_bits]
    return unpacked


def shot_values(bits: BitArray, values: Callable[[Rows], NDArray[np.float64]]) -> NDArray[np.float64]:
    """The value of each shot."""
    packed = bits.array.reshape(-1, bits.array.shape[-1])
    different, which = np.unique(packed, axis=0, return_inverse=True)
    unpacked: Rows = np.unpackbits(different, axis=-1)[:, ::-1][:, : bits.num_bits]
    found: NDArray[np.float64] = values(unpacked)[which.ravel()]
    return found


def _best(rows: Rows, search: Search) -> str:
    gains = _gains(rows, search)
    best = rows[np.isclose(gains, gains.max(), rtol=1e-12)]
    return min("".join(map(str, row)) for row in best)


def _ranked(rows: Rows, search: Search) -> Rows:
    order = np.argsort(-_gains(rows, search), kind="stable")
    return rows[order[:MOST_IMPROVED]]


def _gains(rows: Rows, search: Search) -> NDArray[np.float64]:
    values = search.values(rows)
    return values if search.sense == "maximize" else -values


def _control(shots: int, variables: int, search: Search) -> float:
    """The value that the same improvement reaches from random solutions."""
    if search.climb is None or not shots:
        return -inf
    tossed = np.random.default_rng(_CONTROL_SEED).integers(0, 2, (shots, variables), dtype=np.uint8)
    rows = search.canonical(search.lift(np.unique(tossed, axis=0)))
    return search.count(_best(search.climb(_ranked(rows, search)), search))
