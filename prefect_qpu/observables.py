"""Observables: parsing, qubit-wise commuting groups, and expectation values from counts."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import PauliList, SparsePauliOp

from prefect_qpu.errors import ObservableError
from prefect_qpu.statistics.means import Mean

_PAULI = re.compile(r"[IXYZ]+")


def parse_observable(name: str, given: str | Mapping[str, float], num_qubits: int) -> SparsePauliOp:
    """An observable from a Pauli string or a weighted sum of them, in Qiskit's label order (last letter is qubit 0).

    Raises:
        ObservableError: a letter other than I, X, Y, Z, another width than the circuit's, or a weight that is no
            finite number; the message names the term.

    Example:
        >>> parse_observable("energy", {"ZZ": 1.0, "XI": -0.5}, 2).to_list()
        [('XI', (-0.5+0j)), ('ZZ', (1+0j))]
    """
    terms = {given: 1.0} if isinstance(given, str) else given
    if not terms:
        raise ObservableError(f"observables.{name}", given=given, expected="at least one Pauli string")
    for pauli, weight in terms.items():
        _check_term(f"observables.{name}", pauli, weight, num_qubits)
    return SparsePauliOp.from_list(sorted((pauli, float(weight)) for pauli, weight in terms.items()))


@dataclass(frozen=True)
class Term:
    """One Pauli of one observable, measured in a group."""

    observable: str
    pauli: str
    weight: float


@dataclass(frozen=True)
class Group:
    """Pauli terms that one measured circuit serves: they commute qubit by qubit."""

    basis: str
    """One letter X, Y or Z for each qubit, in Qiskit's label order; qubits that no term needs are measured in Z."""
    terms: tuple[Term, ...]

    def document(self) -> dict[str, Any]:
        """The group as JSON data."""
        return {"basis": self.basis, "terms": [[term.observable, term.pauli, term.weight] for term in self.terms]}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Group":
        """The group of a `document`."""
        return cls(document["basis"], tuple(Term(*term) for term in document["terms"]))


@dataclass(frozen=True)
class Estimate:
    """Expectation values with standard errors, over an array of parameter values.

    ``value`` and ``stderr`` have the shape of the PUB's parameter array, ``()`` for a single point.
    """

    value: NDArray[np.float64]
    stderr: NDArray[np.float64]
    shots: int
    """Shots that entered each value, summed over the groups."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    systematic: NDArray[np.float64] | None = None
    """Standard deviation of what the choice of a model leaves open; none where there is one model."""
    means: tuple[Mean, ...] = ()
    """The mean of each group, where the value is a constant and their sum; known of plain counts at a single point."""


def group_terms(observables: Mapping[str, SparsePauliOp]) -> list[Group]:
    """Groups of qubit-wise commuting terms that together hold every non-identity term of the observables.

    Example:
        >>> groups = group_terms({"a": SparsePauliOp(["ZZ", "XX"]), "b": SparsePauliOp(["IZ"])})
        >>> [(group.basis, len(group.terms)) for group in groups]
        [('ZZ', 2), ('XX', 1)]
    """
    terms = [
        Term(name, pauli, float(weight.real))
        for name, operator in observables.items()
        for pauli, weight in operator.to_list()
        if set(pauli) != {"I"}
    ]
    if not terms:
        width = next(iter(observables.values())).num_qubits
        return [Group("Z" * width, ())]
    distinct = sorted({term.pauli for term in terms}, key=lambda pauli: (pauli.count("I"), pauli))
    groups = [_group(family, terms) for family in _families(distinct)]
    return sorted(groups, key=lambda group: group.basis, reverse=True)


def _families(distinct: Sequence[str]) -> list[set[str]]:
    """Sets of Paulis that commute qubit by qubit; objectives are one, found without comparing all pairs."""
    if all(set(pauli) <= {"I", "Z"} for pauli in distinct):
        return [set(distinct)]
    return [{str(pauli) for pauli in family} for family in PauliList(distinct).group_commuting(qubit_wise=True)]


def constant_of(observable: SparsePauliOp) -> float:
    """Weight of the identity: the expectation value in the fully mixed state."""
    return float(sum(weight.real for pauli, weight in observable.to_list() if set(pauli) == {"I"}))


def norm_of(observable: SparsePauliOp) -> float:
    """Sum of the absolute weights without the identity: bounds the distance from the mixed value."""
    return float(sum(abs(weight) for pauli, weight in observable.to_list() if set(pauli) != {"I"}))


def estimate_from_counts(
    observables: Mapping[str, SparsePauliOp], groups: Sequence[Group], counts: Sequence[BitArray]
) -> dict[str, Estimate]:
    """Expectation value and standard error of each observable from the counts of each group's circuit.

    The value is the mean over shots of the weighted parities; the variance of a group counts the covariance of its
    terms. The standard error includes one pseudo-shot spread over the two extreme outcomes (Jeffreys' prior for a
    single Pauli), so that equal outcomes never claim certainty.

    Args:
        observables: The observables by name.
        groups: The groups that `group_terms` made.
        counts: One bit array for each group, of any common shape; bit ``i`` is qubit ``i``.

    Example:
        >>> zz = {"zz": SparsePauliOp("ZZ")}
        >>> bits = BitArray.from_counts({"00": 50, "11": 50}, 2)
        >>> estimate = estimate_from_counts(zz, group_terms(zz), [bits])["zz"]
        >>> float(estimate.value), round(float(estimate.stderr), 4)
        (1.0, 0.0141)
    """
    shape = counts[0].shape
    values = {name: np.full(shape, constant_of(operator)) for name, operator in observables.items()}
    variances = {name: np.zeros(shape) for name in observables}
    shots = dict.fromkeys(observables, 0)
    means: dict[str, tuple[Mean, ...]] = dict.fromkeys(observables, ())
    for group, bits in zip(groups, counts, strict=True):
        parities = _Parities(bits)
        for name in {term.observable: None for term in group.terms}:
            moments = parities.moments([term for term in group.terms if term.observable == name])
            values[name] += moments.mean
            variances[name] += moments.variance
            shots[name] += bits.num_shots
            means[name] += () if shape else (moments.single(),)
    return {
        name: Estimate(values[name], np.sqrt(variances[name]), shots[name], means=means[name]) for name in observables
    }


@dataclass(frozen=True)
class _Moments:
    """Of a weighted sum of parities over the shots."""

    mean: NDArray[np.float64]
    squares: NDArray[np.float64]
    """Sum of the squared deviations of the shots."""
    bound: float
    """Sum of the absolute weights."""
    shots: int

    @property
    def variance(self) -> NDArray[np.float64]:
        """Of the mean, with one pseudo-shot."""
        pseudo = ((self.bound - self.mean) ** 2 + (self.bound + self.mean) ** 2) / 2
        variance: NDArray[np.float64] = (self.squares + pseudo) / (self.shots * (self.shots + 1))
        return variance

    def single(self) -> Mean:
        """The mean at the only point."""
        return Mean(float(self.mean), float(self.squares) / self.shots, self.shots, -self.bound, self.bound)


class _Parities:
    """Moments of sums of parities over the shots of one bit array."""

    def __init__(self, bits: BitArray) -> None:
        self.shots = bits.num_shots
        self.width = bits.num_bits
        unpacked = np.unpackbits(bits.array, axis=-1)
        self.bits = unpacked[..., unpacked.shape[-1] - self.width :]

    def moments(self, terms: Sequence[Term]) -> _Moments:
        sample = sum(term.weight * self._parity(term.pauli) for term in terms)
        mean = np.mean(sample, axis=-1)
        squares = np.sum((sample - mean[..., None]) ** 2, axis=-1)
        return _Moments(mean, squares, sum(abs(term.weight) for term in terms), self.shots)

    def _parity(self, pauli: str) -> NDArray[np.float64]:
        support = [index for index, letter in enumerate(pauli) if letter != "I"]
        odd = np.bitwise_xor.reduce(self.bits[..., support], axis=-1)
        parity: NDArray[np.float64] = np.asarray(1.0 - 2.0 * odd, dtype=np.float64)
        return parity


def _group(family: set[str], terms: Sequence[Term]) -> Group:
    columns = zip(*sorted(family), strict=True)
    basis = "".join(next((letter for letter in column if letter != "I"), "Z") for column in columns)
    return Group(basis, tuple(term for term in terms if term.pauli in family))


def _check_term(where: str, pauli: Any, weight: Any, num_qubits: int) -> None:
    if not isinstance(pauli, str) or not _PAULI.fullmatch(pauli):
        raise ObservableError(where, given=pauli, expected="a Pauli string of the letters I, X, Y, Z")
    if len(pauli) != num_qubits:
        raise ObservableError(
            where,
            given=f"{pauli} of {len(pauli)} letters",
            expected=f"one letter for each of the circuit's {num_qubits} qubits",
            hint="The last letter belongs to qubit 0.",
        )
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight):
        raise ObservableError(f"{where}.{pauli}", given=weight, expected="a finite real number")
