"""Observables as sparse matrices on some of the basis states: those with a conserved number of ones."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse import coo_matrix, csr_matrix

States = NDArray[np.uint64]
"""Basis states in ascending order; bit ``i`` is qubit ``i``."""
_TINY = 1e-12
_CONSERVED = 1e-9


@dataclass(frozen=True)
class Sector:
    """Basis states with given numbers of ones on given sets of qubits."""

    qubits: int
    ones: tuple[tuple[tuple[int, ...], int], ...] = ()
    """Sets of qubits, disjoint, and how many of each are 1; none of them means all states."""

    @property
    def size(self) -> int:
        """Number of states."""
        fixed = sum(len(group) for group, _ in self.ones)
        size = 1 << (self.qubits - fixed)
        for group, count in self.ones:
            size *= comb(len(group), count)
        return size

    def states(self) -> States:
        """The states.

        Example:
            >>> Sector(3, (((0, 1, 2), 1),)).states().tolist()
            [1, 2, 4]
        """
        found = np.zeros(1, dtype=np.uint64)
        free = set(range(self.qubits)) - {qubit for group, _ in self.ones for qubit in group}
        for group, count in self.ones:
            found = (found[:, None] | _choices(group, count)).ravel()
        for qubit in sorted(free):
            found = np.concatenate([found, found | np.uint64(1 << qubit)])
        return np.sort(found)


def restricted(operator: SparsePauliOp, states: States) -> csr_matrix:
    """The observable's matrix on these states, real where it can be.

    Raises:
        ValueError: it leads out of them.

    Example:
        >>> hop = SparsePauliOp(["XX", "YY"])
        >>> restricted(hop, Sector(2, (((0, 1), 1),)).states()).toarray().tolist()
        [[0.0, 2.0], [2.0, 0.0]]
    """
    rows, columns, values = [], [], []
    numbers = np.arange(len(states))
    for flips, amplitudes in _by_flips(operator, states).items():
        kept = np.flatnonzero(abs(amplitudes) > _TINY)
        targets = states[kept] ^ np.uint64(flips)
        places = np.minimum(np.searchsorted(states, targets), len(states) - 1)
        if not np.array_equal(states[places], targets):
            raise ValueError("the observable does not conserve the numbers of ones of these states")
        rows.append(places)
        columns.append(numbers[kept])
        values.append(amplitudes[kept])
    joined = np.concatenate(values) if values else np.zeros(0)
    entries = joined.real if not np.any(joined.imag) else joined
    size = len(states)
    return coo_matrix((entries, (_joined(rows), _joined(columns))), shape=(size, size)).tocsr()


def conserves(operator: SparsePauliOp, group: Sequence[int]) -> bool:
    """Whether the observable commutes with the number of ones on these qubits.

    Example:
        >>> conserves(SparsePauliOp(["XX", "YY"]), (0, 1)), conserves(SparsePauliOp(["XX", "YY"]), (0,))
        (True, False)
    """
    number = SparsePauliOp.from_sparse_list([("Z", [qubit], 1.0) for qubit in group], operator.num_qubits)
    left_over = (operator @ number - number @ operator).simplify(atol=1e-10)
    return not np.any(abs(left_over.coeffs) > _CONSERVED)


def flips_of(operator: SparsePauliOp) -> int:
    """Number of different sets of qubits that terms flip: entries in a row of the matrix, at most."""
    return len(np.unique(operator.paulis.x, axis=0))


def _by_flips(operator: SparsePauliOp, states: States) -> dict[int, NDArray[np.complex128]]:
    """The amplitude of each state, by the bits that change with it."""
    found: dict[int, NDArray[np.complex128]] = defaultdict(lambda: np.zeros(len(states), dtype=complex))
    for x, z, weight in zip(operator.paulis.x, operator.paulis.z, operator.coeffs, strict=True):
        signs = 1.0 - 2.0 * (np.bitwise_count(states & np.uint64(_mask(z))) & 1)
        found[_mask(x)] += weight * 1j ** int((x & z).sum()) * signs
    return found


def _mask(bits: Sequence[bool] | NDArray[np.bool_]) -> int:
    return sum(1 << qubit for qubit, bit in enumerate(bits) if bit)


def _choices(group: Sequence[int], count: int) -> States:
    """All ways to set so many of these qubits."""
    found: dict[int, list[int]] = {0: [0]}
    for qubit in group:
        for ones in sorted(found, reverse=True):
            if ones < count:
                found.setdefault(ones + 1, []).extend(state | 1 << qubit for state in found[ones])
    return np.array(found.get(count, []), dtype=np.uint64)


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)
