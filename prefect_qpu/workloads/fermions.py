"""Electrons as qubits: the Jordan-Wigner transform of Hamiltonians and excitations.

Spin orbitals alternate: qubit ``2 p`` is orbital ``p`` with spin up, ``2 p + 1`` with spin down; 1 is occupied.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import PauliList, SparsePauliOp

Bits = tuple[int, int]
"""The flipped qubits and the qubits with a sign, as masks: ``X**x Z**z`` in this order."""
Sum = dict[Bits, complex]
Ladder = tuple[int, bool]
"""A spin orbital, and whether an electron is created in it."""

_TINY = 1e-12


def ladder(orbital: int, *, creates: bool) -> Sum:
    """A creation or annihilation operator: ``Z...Z (X -+ iY) / 2``."""
    before, here = (1 << orbital) - 1, 1 << orbital
    # Y = i X Z, so that (X - iY) / 2 = (X + XZ) / 2, which creates.
    return {(here, before): 0.5, (here, before | here): 0.5 if creates else -0.5}


def multiplied(first: Sum, second: Sum) -> Sum:
    """The product; to bring ``Z**z`` past ``X**x`` costs a sign for each common qubit."""
    found: Sum = defaultdict(complex)
    for ((x, z), a), ((other_x, other_z), b) in product(first.items(), second.items()):
        sign = -1 if (z & other_x).bit_count() % 2 else 1
        found[x ^ other_x, z ^ other_z] += sign * a * b
    return found


def ordered_product(ladders: Iterable[Ladder]) -> Sum:
    """The product of ladder operators, the leftmost first."""
    found: Sum = {(0, 0): 1.0}
    for orbital, creates in ladders:
        found = multiplied(found, ladder(orbital, creates=creates))
    return found


def as_operator(terms: Sum, qubits: int) -> SparsePauliOp:
    """The sum as an observable; its weights must be real."""
    kept = [(x, z, weight) for (x, z), weight in sorted(terms.items()) if abs(weight) > _TINY]
    flips = np.array([[x >> qubit & 1 for qubit in range(qubits)] for x, _, _ in kept], dtype=bool)
    signs = np.array([[z >> qubit & 1 for qubit in range(qubits)] for _, z, _ in kept], dtype=bool)
    # X Z = -i Y
    weights = [weight * (-1j) ** (x & z).bit_count() for x, z, weight in kept]
    return SparsePauliOp(PauliList.from_symplectic(signs, flips), np.real(weights))


def electronic_hamiltonian(
    one_body: NDArray[np.float64], two_body: NDArray[np.float64], constant: float
) -> SparsePauliOp:
    """``constant + sum h_pq a_p+ a_q + sum (pq|rs) a_p+ a_r+ a_s a_q / 2`` over orbitals and spins.

    Args:
        one_body: ``h``, shape ``(orbitals, orbitals)``.
        two_body: ``(pq|rs)`` in chemists' order, shape ``(orbitals,) * 4``.
        constant: Energy of the nuclei and of frozen electrons.

    Example:
        >>> electronic_hamiltonian(np.array([[-1.0]]), np.array([[[[0.5]]]]), 0.25).to_list()
        [('II', (-0.625+0j)), ('IZ', (0.375+0j)), ('ZI', (0.375+0j)), ('ZZ', (0.125+0j))]
    """
    orbitals = len(one_body)
    found: Sum = defaultdict(complex)
    found[0, 0] += constant
    for p, q in zip(*np.nonzero(abs(one_body) > _TINY), strict=True):
        for spin in (0, 1):
            _add(found, float(one_body[p, q]), [(2 * p + spin, True), (2 * q + spin, False)])
    for p, q, r, s in zip(*np.nonzero(abs(two_body) > _TINY), strict=True):
        for first, second in product((0, 1), (0, 1)):
            outer, inner = (2 * p + first, 2 * q + first), (2 * r + second, 2 * s + second)
            if outer[0] != inner[0] and outer[1] != inner[1]:
                order = [(outer[0], True), (inner[0], True), (inner[1], False), (outer[1], False)]
                _add(found, float(two_body[p, q, r, s]) / 2, order)
    return as_operator(found, 2 * orbitals)


def excitation_rotations(source: Sequence[int], target: Sequence[int]) -> list[tuple[str, list[int], float]]:
    """The Paulis ``P`` of ``exp(angle (T - T+)) = product of exp(-i angle w P)``, with their weights ``w``.

    ``T`` moves electrons from spin orbitals to others. The Paulis of one excitation commute.

    Example:
        >>> excitation_rotations([0], [1])
        [('YX', [0, 1], -0.5), ('XY', [0, 1], 0.5)]
    """
    move = [(int(orbital), True) for orbital in target] + [(int(orbital), False) for orbital in reversed(source)]
    back = [(orbital, not creates) for orbital, creates in reversed(move)]
    found: Sum = defaultdict(complex)
    _add(found, 1j, move)
    _add(found, -1j, back)
    operator = as_operator(found, max(*source, *target) + 1)
    return [(letters, qubits, float(weight.real)) for letters, qubits, weight in operator.to_sparse_list()]


def _add(found: Sum, weight: complex, order: Sequence[Any]) -> None:
    for bits, part in ordered_product(order).items():
        found[bits] += weight * part
