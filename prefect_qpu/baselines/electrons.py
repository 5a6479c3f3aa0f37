"""Hamiltonians of electrons, read back from their qubits: integrals over spin orbitals, and over orbitals."""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.sectors import Sector, restricted

Array = NDArray[np.float64]
_ROUNDING = 1e-8
"""Hartree; by how much integrals of both spins may differ and still count as the same."""
_MOST_MAJORANAS = 4


@dataclass(frozen=True)
class Electrons:
    """``constant + sum h_pq a_p+ a_q + sum <pq||rs> a_p+ a_q+ a_s a_r / 4`` over spin orbitals."""

    constant: float
    one_body: Array
    """``h``, shape ``(spin orbitals,) * 2``."""
    two_body: Array
    """``<pq||rs>``, antisymmetric in both pairs, shape ``(spin orbitals,) * 4``."""

    def turned(self, orbitals: Array) -> "Electrons":
        """The same Hamiltonian in other spin orbitals, the columns of an orthogonal matrix."""
        two_body: Array = self.two_body
        for _ in range(4):
            two_body = np.asarray(np.tensordot(two_body, orbitals, axes=(0, 0)), dtype=np.float64)
        return Electrons(self.constant, orbitals.T @ self.one_body @ orbitals, two_body)

    def fock(self, occupied: slice) -> Array:
        """``h_pq + sum <pi||qi>`` over the occupied spin orbitals."""
        found: Array = self.one_body + np.einsum("piqi->pq", self.two_body[:, occupied, :, occupied])
        return found

    def energy(self, occupied: slice) -> float:
        """Of the determinant of the occupied spin orbitals."""
        own, pairs = self.one_body[occupied, occupied], self.two_body[occupied, occupied, occupied, occupied]
        return self.constant + float(np.trace(own) + np.einsum("ijij->", pairs) / 2)

    def spatial(self, up: tuple[int, ...], down: tuple[int, ...]) -> tuple[Array, Array] | None:
        """``h_pq`` and ``(pq|rs)`` over orbitals, if they are the same for both spins and real orbitals have them.

        Args:
            up: Spin orbitals with spin up, by orbital.
            down: Those with spin down, in the same order.
        """
        one_body = self.one_body[np.ix_(up, up)]
        two_body = self.two_body[np.ix_(up, down, up, down)].transpose(0, 2, 1, 3)
        again = _spin_orbitals(one_body, two_body, up, down)
        same = np.allclose(again[0], self.one_body, atol=_ROUNDING) and np.allclose(
            again[1], self.two_body, atol=_ROUNDING
        )
        real = np.allclose(two_body, two_body.transpose(1, 0, 2, 3), atol=_ROUNDING)
        return (one_body, two_body) if same and real else None


def electrons_of(operator: SparsePauliOp) -> Electrons | None:
    """The integrals of a Hamiltonian in the encoding of Jordan and Wigner; none if it is not of this form.

    A product of Paulis is one of Majorana operators; with four of them at most, and where the number of electrons is
    conserved, all follows from the states of none, one and two electrons. The integrals must be real.

    Example:
        >>> found = electrons_of(SparsePauliOp(["II", "IZ", "ZI", "ZZ"], [-0.625, 0.375, 0.375, 0.125]))
        >>> found.constant, found.one_body.tolist(), float(found.two_body[0, 1, 0, 1])
        (0.25, [[-1.0, 0.0], [0.0, -1.0]], 0.5)
    """
    if majoranas(operator).max(initial=0) > _MOST_MAJORANAS:
        return None
    qubits = operator.num_qubits
    everyone = tuple(range(qubits))
    try:
        none, one, two = (
            restricted(operator, Sector(qubits, ((everyone, count),)).states()).toarray() for count in (0, 1, 2)
        )
    except ValueError:
        return None
    if any(np.iscomplexobj(matrix) for matrix in (none, one, two)):
        return None
    constant = float(none[0, 0])
    one_body = one - constant * np.eye(qubits)
    return Electrons(constant, one_body, _pairs(two - constant * np.eye(len(two)), one_body))


def majoranas(operator: SparsePauliOp) -> NDArray[np.int64]:
    """How many Majorana operators each term is a product of.

    Example:
        >>> majoranas(SparsePauliOp(["II", "IZ", "XI", "XX", "ZZ"])).tolist()
        [0, 2, 3, 2, 4]
    """
    flips, signs = operator.paulis.x, operator.paulis.z
    # Each X or Y brings the tail Z...Z on all qubits before it.
    above = np.cumsum(flips[:, ::-1], axis=1)[:, ::-1] - flips
    pairs = ~flips & (signs ^ (above % 2 == 1))
    counted: NDArray[np.int64] = flips.sum(axis=1) + 2 * pairs.sum(axis=1)
    return counted


def _pairs(matrix: Array, one_body: Array) -> Array:
    """``<pq||rs>`` from the matrix of all states of two electrons, in ascending order of their bits."""
    size = len(one_body)
    states = sorted(combinations(range(size), 2), key=lambda pair: 1 << pair[0] | 1 << pair[1])
    p, q = np.array(states, dtype=int).reshape(-1, 2).T
    found: Array = np.zeros((size,) * 4)
    found[p[:, None], q[:, None], p, q] = matrix
    found = found - found.transpose(1, 0, 2, 3)
    found = found - found.transpose(0, 1, 3, 2)
    direct: Array = np.einsum("pr,qs->pqrs", one_body, np.eye(size))
    direct = direct + direct.transpose(1, 0, 3, 2)
    pairs: Array = found - (direct - direct.transpose(0, 1, 3, 2))
    return pairs


def _spin_orbitals(one_body: Array, two_body: Array, up: tuple[int, ...], down: tuple[int, ...]) -> tuple[Array, Array]:
    size = len(up) + len(down)
    single, direct = np.zeros((size,) * 2), np.zeros((size,) * 4)
    for spin in (up, down):
        single[np.ix_(spin, spin)] = one_body
        for other in (up, down):
            direct[np.ix_(spin, other, spin, other)] = two_body.transpose(0, 2, 1, 3)
    return single, direct - direct.transpose(0, 1, 3, 2)
