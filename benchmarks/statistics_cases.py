"""Simulated experiments for `benchmarks.statistics`: estimates of Paulis and of sums, and distributions."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from math import sqrt

import numpy as np
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.observables import Estimate, Group, estimate_from_counts, group_terms
from prefect_qpu.statistics import Mean


@cache
def pauli_estimate(flips: int, shots: int) -> Estimate:
    """What `estimate_from_counts` gives for one Pauli with so many shots of -1."""
    mean = Mean.of_pauli(1 - 2 * flips / shots, shots)
    stderr = sqrt((shots * mean.variance + 1 + mean.value**2) / (shots * (shots + 1)))
    return Estimate(np.asarray(mean.value), np.asarray(stderr), shots, means=(mean,))


@dataclass(frozen=True)
class Sum:
    """An observable of several groups, and outcomes of each with their probabilities."""

    operator: SparsePauliOp
    outcomes: tuple[dict[str, float], ...]
    """For each group, in the order of `group_terms`."""
    tolerance: float

    @property
    def groups(self) -> list[Group]:
        """The measured groups."""
        return group_terms({"o": self.operator})

    @property
    def value(self) -> float:
        """The true value."""
        total = 0.0
        for group, chances in zip(self.groups, self.outcomes, strict=True):
            for term in group.terms:
                for bits, chance in chances.items():
                    odd = sum(bit == "1" for bit, letter in zip(bits, term.pauli, strict=True) if letter != "I") % 2
                    total += term.weight * chance * (-1 if odd else 1)
        return total


def _flat(error: float) -> dict[str, float]:
    """All zeros, but one of the two qubits flipped now and then."""
    return {"00": 1 - error, "01": error / 2, "10": error / 2}


SUMS = {
    "ZZ + XX at 2": Sum(SparsePauliOp.from_list([("ZZ", 1), ("XX", 1)]), (_flat(0.0), _flat(0.0)), 0.2),
    "ZZ + XX at 1.98": Sum(SparsePauliOp.from_list([("ZZ", 1), ("XX", 1)]), (_flat(0.005), _flat(0.005)), 0.2),
    "ZZ + XX at 1, one group at 1, one at 0": Sum(
        SparsePauliOp.from_list([("ZZ", 1), ("XX", 1)]), (_flat(0.0), _flat(0.5)), 0.3
    ),
    "ZZ + 0.5 XX + 0.1 YY at 1.4": Sum(
        SparsePauliOp.from_list([("ZZ", 1), ("XX", 0.5), ("YY", 0.1)]), (_flat(0.05), _flat(0.05), _flat(0.25)), 0.2
    ),
    "ZI + IZ + ZZ (one group) at 2.96": Sum(
        SparsePauliOp.from_list([("ZI", 1), ("IZ", 1), ("ZZ", 1)]), (_flat(0.01),), 0.3
    ),
    "ZI + IZ (one group), rare double flips, at 1.92": Sum(
        SparsePauliOp.from_list([("ZI", 1), ("IZ", 1)]), ({"00": 0.98, "11": 0.02},), 0.2
    ),
    "ZI + IZ (one group) at 0": Sum(
        SparsePauliOp.from_list([("ZI", 1), ("IZ", 1)]), ({"00": 0.4, "11": 0.4, "01": 0.1, "10": 0.1},), 0.4
    ),
}


def sum_estimate(item: Sum, shots: int, random: np.random.Generator) -> Estimate:
    """The estimate from counts that are drawn for each group."""
    counts = []
    for chances in item.outcomes:
        drawn = random.multinomial(shots, list(chances.values()))
        table = {bits: int(number) for bits, number in zip(chances, drawn, strict=True) if number}
        counts.append(BitArray.from_counts(table, 2))
    return estimate_from_counts({"o": item.operator}, item.groups, counts)["o"]


def distance_cases() -> Iterator[tuple[str, np.ndarray, np.ndarray, int]]:
    """Name, reference, true distribution, shots."""
    for number, shots in ((2, 500), (8, 500), (32, 4000)):
        flat, tilt = np.full(number, 1 / number), np.where(np.arange(number) % 2, 2.0, 0.0) / number
        peaks = np.zeros(number)
        peaks[[0, -1]] = 0.5
        for name, reference, other in (("flat", flat, tilt), ("two peaks", peaks, flat)):
            for share in (0.0, 0.05, 0.3):
                if number > 2 or name == "flat":
                    yield f"{name}, {share:.0%} of another", reference, (1 - share) * reference + share * other, shots
