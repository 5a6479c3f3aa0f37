"""Coupled clusters of singles and doubles with perturbative triples, CCSD(T), over spin orbitals.

Amplitudes by the equations of Stanton, Gauss, Watts and Bartlett 1991 (https://doi.org/10.1063/1.460620), triples by
Raghavachari, Trucks, Pople and Head-Gordon 1989 (https://doi.org/10.1016/S0009-2614(89)87395-6).
Indices: ``i j m n`` are occupied, ``a b e f`` empty.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.electrons import Electrons

Array = NDArray[np.float64]
_CONVERGED = 1e-9
_DIVERGED = 1e6
_MOST_ROUNDS = 200
_KEPT = 8


@dataclass(frozen=True)
class Energies:
    """What coupled clusters add to the energy of the determinant, in Hartree."""

    determinant: float
    doubles: float
    triples: float

    @property
    def total(self) -> float:
        """The energy of CCSD(T)."""
        return self.determinant + self.doubles + self.triples


def energies(electrons: Electrons, occupied: int) -> Energies | None:
    """CCSD(T) about the determinant of the first spin orbitals; none where the amplitudes do not converge.

    Args:
        electrons: The Hamiltonian in canonical orbitals: the Fock matrix is diagonal.
        occupied: So many spin orbitals are occupied.

    Example:
        >>> from prefect_qpu.baselines.electrons import electrons_of
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> levels = electrons_of(SparsePauliOp(["ZI", "IZ"], [-0.5, 0.5]))
        >>> energies(levels, 1).total
        -1.0
    """
    if not 0 < occupied < len(electrons.one_body):
        return Energies(electrons.energy(slice(occupied)), 0.0, 0.0)
    equations = _Equations(electrons, occupied)
    amplitudes = _solved(equations)
    if amplitudes is None:
        return None
    determinant = electrons.energy(slice(occupied))
    return Energies(determinant, equations.energy(*amplitudes), equations.triples(*amplitudes))


def _solved(equations: "_Equations") -> tuple[Array, Array] | None:
    """The fixed point of the amplitudes, by direct inversion in the iterative subspace (Pulay 1980)."""
    amplitudes = equations.start()
    points: list[Array] = []
    errors: list[Array] = []
    for _ in range(_MOST_ROUNDS):
        updated = equations.updated(*amplitudes)
        point = _flat(updated)
        error = point - _flat(amplitudes)
        if not np.linalg.norm(error) < _DIVERGED:
            return None
        if np.linalg.norm(error) < _CONVERGED:
            return updated
        points, errors = [*points, point][-_KEPT:], [*errors, error][-_KEPT:]
        amplitudes = _shaped(_extrapolated(points, errors), amplitudes)
    return None


def _extrapolated(points: list[Array], errors: list[Array]) -> Array:
    """The mean of the points, weighted so that the errors cancel as far as they can."""
    products = np.array([[first @ second for second in errors] for first in errors])
    size, scale = len(errors), products.max() or 1.0
    matrix = np.ones((size + 1, size + 1))
    matrix[:size, :size], matrix[size, size] = products / scale, 0.0
    weights = np.linalg.lstsq(matrix, np.append(np.zeros(size), 1.0), rcond=None)[0][:size]
    return np.asarray(weights @ np.array(points))


def _flat(amplitudes: tuple[Array, Array]) -> Array:
    return np.concatenate([part.ravel() for part in amplitudes])


def _shaped(flat: Array, like: tuple[Array, Array]) -> tuple[Array, Array]:
    singles, doubles = like
    return flat[: singles.size].reshape(singles.shape), flat[singles.size :].reshape(doubles.shape)


def _product(indices: str, *factors: Array) -> Array:
    found: Array = np.einsum(indices, *factors, optimize=True)
    return found


def _antisymmetric(array: Array, axes: tuple[int, ...]) -> Array:
    return array - array.transpose(axes)


_ROWS, _COLUMNS = (1, 0, 2, 3), (0, 1, 3, 2)
"""Of doubles ``ijab``, exchanged: occupied, empty."""


class _Equations:
    """The equations of one molecule."""

    def __init__(self, electrons: Electrons, occupied: int) -> None:
        self._o, self._v = slice(occupied), slice(occupied, None)
        self._pairs = electrons.two_body
        fock = electrons.fock(self._o)
        levels = np.diag(fock)
        self._coupling = fock[self._o, self._v]
        self._rest = fock - np.diag(levels)
        self._low, self._high = levels[self._o], levels[self._v]
        self._singly = self._low[:, None] - self._high
        self._doubly = self._singly[:, None, :, None] + self._singly[None, :, None, :]

    def _block(self, kinds: str) -> Array:
        found: Array = self._pairs[tuple(self._o if kind == "o" else self._v for kind in kinds)]
        return found

    def start(self) -> tuple[Array, Array]:
        """No singles, and the doubles of second-order perturbation theory."""
        return np.zeros_like(self._singly), self._block("oovv") / self._doubly

    def energy(self, singles: Array, doubles: Array) -> float:
        pairs = self._block("oovv")
        linear = _product("ia,ia->", self._coupling, singles) + _product("ijab,ijab->", pairs, doubles) / 4
        return float(linear + _product("ijab,ia,jb->", pairs, singles, singles) / 2)

    def updated(self, t: Array, d: Array) -> tuple[Array, Array]:
        """The next singles ``t`` and doubles ``d``."""
        both = _product("ia,jb->ijab", t, t)
        both = both - both.transpose(_COLUMNS)
        near, full = d + both / 2, d + both
        empty, filled, mixed = self._dressed(t, near)
        return self._singles(t, d, empty, filled, mixed), self._doubles(t, d, full, (empty, filled, mixed))

    def _dressed(self, t: Array, near: Array) -> tuple[Array, Array, Array]:
        """Fock matrices that singles and doubles have changed: between empty, between occupied, and across."""
        pairs, rest = self._block("oovv"), self._rest
        mixed = self._coupling + _product("nf,mnef->me", t, pairs)
        empty = rest[self._v, self._v] - _product("me,ma->ae", self._coupling, t) / 2
        empty = empty + _product("mf,mafe->ae", t, self._block("ovvv")) - _product("mnaf,mnef->ae", near, pairs) / 2
        filled = rest[self._o, self._o] + _product("ie,me->mi", t, self._coupling) / 2
        filled = filled + _product("ne,mnie->mi", t, self._block("ooov")) + _product("inef,mnef->mi", near, pairs) / 2
        return empty, filled, mixed

    def _singles(self, t: Array, d: Array, empty: Array, filled: Array, mixed: Array) -> Array:
        found = self._coupling + _product("ie,ae->ia", t, empty) - _product("ma,mi->ia", t, filled)
        found = found + _product("imae,me->ia", d, mixed) - _product("nf,naif->ia", t, self._block("ovov"))
        found = found - _product("imef,maef->ia", d, self._block("ovvv")) / 2
        return (found - _product("mnae,nmei->ia", d, self._block("oovo")) / 2) / self._singly

    def _doubles(self, t: Array, d: Array, full: Array, dressed: tuple[Array, Array, Array]) -> Array:
        empty, filled, mixed = dressed
        found = self._block("oovv") + self._ladders(t, full)
        lines = _product("ijae,be->ijab", d, empty - _product("mb,me->be", t, mixed) / 2)
        lines = lines - _product("ma,mbij->ijab", t, self._block("ovoo"))
        found = found + _antisymmetric(lines, _COLUMNS)
        lines = _product("ie,abej->ijab", t, self._block("vvvo"))
        lines = lines - _product("imab,mj->ijab", d, filled + _product("je,me->mj", t, mixed) / 2)
        found = found + _antisymmetric(lines, _ROWS)
        rings = _product("imae,mbej->ijab", d, self._rings(t, d))
        rings = rings - _product("ie,ma,mbej->ijab", t, t, self._block("ovvo"))
        return (found + _antisymmetric(_antisymmetric(rings, _ROWS), _COLUMNS)) / self._doubly

    def _ladders(self, t: Array, full: Array) -> Array:
        """Two electrons that scatter on each other, before or behind."""
        pairs = self._block("oovv")
        crossed = _product("je,mnie->mnij", t, self._block("ooov"))
        inside = self._block("oooo") + _antisymmetric(crossed, _COLUMNS) + _product("ijef,mnef->mnij", full, pairs) / 4
        crossed = _product("mb,amef->abef", t, self._block("vovv"))
        outside = self._block("vvvv") - _antisymmetric(crossed, _ROWS) + _product("mnab,mnef->abef", full, pairs) / 4
        return (_product("mnab,mnij->ijab", full, inside) + _product("ijef,abef->ijab", full, outside)) / 2

    def _rings(self, t: Array, d: Array) -> Array:
        pairs = self._block("oovv")
        found = self._block("ovvo") + _product("jf,mbef->mbej", t, self._block("ovvv"))
        found = found - _product("nb,mnej->mbej", t, self._block("oovo"))
        return found - _product("jnfb,mnef->mbej", d / 2 + _product("jf,nb->jnfb", t, t), pairs)

    def triples(self, t: Array, d: Array) -> float:
        """The energy of connected and disconnected triples, one set of occupied spin orbitals after the other."""
        scattered, pairs = self._block("vovv"), self._block("oovv")
        bound = self._block("ovoo")
        high = self._high[:, None, None] + self._high[:, None] + self._high
        total = 0.0
        for chosen in combinations(range(len(self._low)), 3):
            connected, loose = np.zeros_like(high), np.zeros_like(high)
            for (i, j, k), sign in _exchanges(chosen):
                loose += sign * np.multiply.outer(t[i], pairs[j, k])
                connected += sign * np.tensordot(d[j, k], scattered[:, i], axes=(1, 0))
                connected -= sign * np.tensordot(bound[:, :, j, k], d[i], axes=(0, 0))
            connected, loose = _exchanged(connected), _exchanged(loose)
            gaps = self._low[list(chosen)].sum() - high
            total += float((connected * (connected + loose) / gaps).sum()) / 6
        return total


def _exchanges(chosen: tuple[int, ...]) -> list[tuple[tuple[int, int, int], int]]:
    """The first of three with each, and the signs."""
    i, j, k = chosen
    return [((i, j, k), 1), ((j, i, k), -1), ((k, j, i), -1)]


def _exchanged(array: Array) -> Array:
    """The same of the three axes of an array."""
    return array - array.transpose(1, 0, 2) - array.transpose(2, 1, 0)
