"""Expectation values by a matrix product state, with a bound on what its truncations change.

Vidal 2003 (https://doi.org/10.1103/PhysRevLett.91.147902). Every truncation is made at the centre of orthogonality,
where the discarded Schmidt values are the distance to the state before: so the distances of all truncations together
bound that of the states, which a simulator that truncates anywhere cannot say of itself.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from scipy.linalg import LinAlgError, svd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

METHOD = "matrix product state"
_NOISE = 1e-13
"""Schmidt values that are rounding errors."""
_SWAP = np.array([[1, 0, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=complex)
_PAULIS = {
    "X": np.array([[0, 1], [1, 0]], dtype=complex),
    "Y": np.array([[0, -1j], [1j, 0]]),
    "Z": np.array([[1, 0], [0, -1]], dtype=complex),
}

Matrix = NDArray[np.complex128]


@dataclass(frozen=True)
class Truncated:
    """Expectation values in a truncated state."""

    values: dict[str, float]
    errors: dict[str, float]
    """Bound on the difference to each exact value, besides rounding."""
    distance: float
    """Bound on the trace distance to the exact state."""
    bond: int
    """Largest bond dimension."""


def evolve(
    circuit: QuantumCircuit,
    observables: Mapping[str, SparsePauliOp],
    *,
    most_bonds: int,
    left: Callable[[], float] = lambda: inf,
) -> Truncated | None:
    """Expectation values in the circuit's final state; none if time ran out.

    Args:
        circuit: Without free parameters, of gates on one or two qubits.
        observables: With real coefficients, by name.
        most_bonds: Largest bond dimension that is kept.
        left: Seconds that are left.

    Example:
        >>> chain = QuantumCircuit(40)
        >>> _ = chain.h(0)
        >>> for qubit in range(39):
        ...     _ = chain.cx(qubit, qubit + 1)
        >>> found = evolve(chain, {"ends": SparsePauliOp.from_sparse_list([("ZZ", [0, 39], 1.0)], 40)}, most_bonds=4)
        >>> round(found.values["ends"], 9), found.distance < 1e-9
        (1.0, True)
    """
    state = _State(circuit, most_bonds)
    for qubits, matrix in _scheduled(circuit, state):
        if left() <= 0:
            return None
        state.apply(qubits, matrix)
    values = {name: state.expectation(operator) for name, operator in observables.items()}
    distance = min(state.distance, 1.0)
    errors = {name: 2 * distance * spread(operator) for name, operator in observables.items()}
    return Truncated(values, errors, distance, state.bond)


class _State:
    """A matrix product state whose tensors have the axes left bond, qubit, right bond."""

    def __init__(self, circuit: QuantumCircuit, most_bonds: int) -> None:
        zero = np.array([1, 0], dtype=complex).reshape(1, 2, 1)
        self._tensors = [zero.copy() for _ in range(circuit.num_qubits)]
        self._order = _narrow_order(circuit)
        self.place = {qubit: place for place, qubit in enumerate(self._order)}
        self._most_bonds = most_bonds
        self.centre = 0
        self.distance, self.bond = 0.0, 1

    def apply(self, qubits: Sequence[int], matrix: Matrix) -> None:
        """Apply a gate; the first of its qubits is the least significant of the matrix, as in Qiskit."""
        if len(qubits) == 1:
            place = self.place[qubits[0]]
            self._tensors[place] = np.einsum("ij,ljr->lir", matrix, self._tensors[place], optimize=True)
            return
        first, second = (self.place[qubit] for qubit in qubits)
        for place in range(max(first, second), min(first, second) + 1, -1):
            self._apply_pair(place - 1, _SWAP)
            self._exchange(place - 1)
        low = min(first, second)
        if first < second:
            matrix = _SWAP @ matrix @ _SWAP
        self._apply_pair(low, matrix)

    def expectation(self, observable: SparsePauliOp) -> float:
        """The expectation value, term by term, each from its first qubit to its last."""
        total = 0.0
        terms = []
        for letters, qubits, coefficient in observable.simplify().to_sparse_list():
            sites = {self.place[qubit]: _PAULIS[letter] for letter, qubit in zip(letters, qubits, strict=True)}
            terms.append((sites, float(coefficient.real)))
        for sites, coefficient in sorted(terms, key=lambda term: min(term[0], default=-1)):
            total += coefficient * (self._term(sites) if sites else 1.0)
        return total

    def _term(self, sites: dict[int, Matrix]) -> float:
        first, last = min(sites), max(sites)
        self._move(first)
        side = np.eye(self._tensors[first].shape[0], dtype=complex)
        for place in range(first, last + 1):
            tensor = self._tensors[place]
            acted = np.einsum("ij,ljr->lir", sites[place], tensor) if place in sites else tensor
            side = np.tensordot(tensor.conj(), np.tensordot(side, acted, (1, 0)), ((0, 1), (0, 1)))
        return float(np.trace(side).real / np.linalg.norm(self._tensors[first]) ** 2)

    def _apply_pair(self, place: int, matrix: Matrix) -> None:
        """Apply a gate to a place and the next; the left one is the more significant of the matrix."""
        self._move(place if self.centre <= place else place + 1)
        left, right = self._tensors[place], self._tensors[place + 1]
        pair = np.tensordot(left, right, (2, 0))
        pair = np.tensordot(matrix.reshape(2, 2, 2, 2), pair, ((2, 3), (1, 2))).transpose(2, 0, 1, 3)
        rows, columns = 2 * left.shape[0], 2 * right.shape[2]
        u, values, v = _decomposed(pair.reshape(rows, columns))
        kept = self._kept(values)
        values = values[:kept] / np.linalg.norm(values[:kept])
        self.bond = max(self.bond, kept)
        from_left = self.centre <= place
        u, v = (u[:, :kept], values[:, None] * v[:kept]) if from_left else (u[:, :kept] * values, v[:kept])
        self._tensors[place] = u.reshape(-1, 2, kept)
        self._tensors[place + 1] = v.reshape(kept, 2, -1)
        self.centre = place + 1 if from_left else place

    def _kept(self, values: NDArray[np.float64]) -> int:
        """How many Schmidt values stay; the others add to the distance."""
        norm = float(np.linalg.norm(values))
        kept = max(1, min(self._most_bonds, int((values > _NOISE * norm).sum())))
        self.distance += float(np.linalg.norm(values[kept:])) / norm
        return kept

    def _move(self, place: int) -> None:
        """Bring the centre of orthogonality to a place."""
        while self.centre < place:
            tensor = self._tensors[self.centre]
            q, r = np.linalg.qr(tensor.reshape(-1, tensor.shape[2]))
            self._tensors[self.centre] = q.reshape(tensor.shape[0], 2, -1)
            self._tensors[self.centre + 1] = np.tensordot(r, self._tensors[self.centre + 1], (1, 0))
            self.centre += 1
        while self.centre > place:
            tensor = self._tensors[self.centre]
            q, r = np.linalg.qr(tensor.reshape(tensor.shape[0], -1).T)
            self._tensors[self.centre] = q.T.reshape(-1, 2, tensor.shape[2])
            self._tensors[self.centre - 1] = np.tensordot(self._tensors[self.centre - 1], r.T, (2, 0))
            self.centre -= 1

    def _exchange(self, place: int) -> None:
        first, second = self._order[place], self._order[place + 1]
        self._order[place], self._order[place + 1] = second, first
        self.place[first], self.place[second] = place + 1, place


def _scheduled(circuit: QuantumCircuit, state: _State) -> Iterator[tuple[list[int], Matrix]]:
    """The gates in an order that the circuit allows, each as near to the centre as can be."""
    gates: list[tuple[list[int], Matrix]] = []
    waiting: dict[int, deque[int]] = defaultdict(deque)
    for instruction in circuit.data:
        if instruction.operation.name == "barrier":
            continue
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        for qubit in qubits:
            waiting[qubit].append(len(gates))
        gates.append((qubits, np.asarray(instruction.operation.to_matrix(), dtype=complex)))
    ready = {queue[0] for queue in waiting.values() if _is_first(gates[queue[0]][0], waiting)}
    while ready:
        number = min(ready, key=lambda gate: (len(gates[gate][0]), _way(gates[gate][0], state), gate))
        ready.remove(number)
        qubits, matrix = gates[number]
        yield qubits, matrix
        for qubit in qubits:
            waiting[qubit].popleft()
        nexts = (waiting[qubit][0] for qubit in qubits if waiting[qubit])
        ready.update(gate for gate in nexts if _is_first(gates[gate][0], waiting))


def _is_first(qubits: Sequence[int], waiting: Mapping[int, deque[int]]) -> bool:
    """Whether all qubits of a gate wait for the same gate."""
    return len({waiting[qubit][0] for qubit in qubits}) == 1


def _way(qubits: Sequence[int], state: _State) -> float:
    return abs(sum(state.place[qubit] for qubit in qubits) / len(qubits) - state.centre)


def _narrow_order(circuit: QuantumCircuit) -> list[int]:
    """The qubits in an order in which gates join qubits that are near to each other."""
    pairs = {
        tuple(sorted(circuit.find_bit(qubit).index for qubit in instruction.qubits))
        for instruction in circuit.data
        if len(instruction.qubits) == 2
    }
    qubits = circuit.num_qubits
    if all(second - first == 1 for first, second in pairs):
        return list(range(qubits))
    first, second = np.array(sorted(pairs)).T
    joined = coo_matrix((np.ones(len(pairs)), (first, second)), shape=(qubits, qubits)).tocsr()
    return [int(qubit) for qubit in reverse_cuthill_mckee(joined + joined.T, symmetric_mode=True)]


def spread(observable: SparsePauliOp) -> float:
    """The sum of the absolute coefficients of all terms but a constant one."""
    simple = observable.simplify()
    changing = simple.paulis.x.any(axis=1) | simple.paulis.z.any(axis=1)
    return float(abs(simple.coeffs[changing]).sum())


def _decomposed(matrix: NDArray[Any]) -> tuple[Matrix, NDArray[np.float64], Matrix]:
    try:
        return svd(matrix, full_matrices=False, check_finite=False)  # type: ignore[no-any-return]
    except LinAlgError:
        return svd(matrix, full_matrices=False, lapack_driver="gesvd")  # type: ignore[no-any-return]
