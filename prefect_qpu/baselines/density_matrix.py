"""Ground states as matrix product states, by the density matrix renormalization group.

White 1992 (https://doi.org/10.1103/PhysRevLett.69.2863), two sites at a time. The energy of any state is an upper
bound; its variance tells how far some eigenvalue is from it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import Any

import numpy as np
from scipy.linalg import eigh_tridiagonal, svd

from prefect_qpu.baselines.matrix_product_operators import Tensor

Sites = list[Any]
"""Left bond, spin, right bond of each site."""

_BONDS = (8, 16, 32, 64, 128)
_SWEEPS = 2
"""At each number of bonds."""
_KRYLOV = 10
_CUT = 1e-11
_EXHAUSTED = 1e-8
"""Length of a rest that is only rounding."""
_CONVERGED = 1e-8


@dataclass(frozen=True)
class Found:
    """The state of the lowest energy that was found."""

    energy: float
    deviation: float
    """Root of the variance of the energy: some eigenvalue is so near."""
    bond: int
    sweeps: int


def ground_state(
    operator: Sequence[Tensor], seed: int, left: Callable[[], float] = lambda: inf, *, most_bonds: int = _BONDS[-1]
) -> Found:
    """The lowest energy, with more and more bonds until it changes no more or the time is up.

    Args:
        operator: Tensors of `prefect_qpu.baselines.matrix_product_operators.product_operator`.
        seed: Of the state with which it begins.
        left: Seconds that are left; a sweep under way then ends.
        most_bonds: At most so many bonds.

    Example:
        >>> from prefect_qpu.baselines.matrix_product_operators import product_operator
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> chain = SparsePauliOp.from_sparse_list([("ZZ", [i, i + 1], -1.0) for i in range(30)], 31)
        >>> round(ground_state(product_operator(chain, range(31)), seed=1).energy, 9)
        -30.0
    """
    state = _Sweeper(operator, seed)
    energy, sweeps, bond = inf, 0, _BONDS[0]
    for bonds in _BONDS:
        before = energy
        if bonds > most_bonds:
            break
        for _ in range(_SWEEPS):
            energy, sweeps, bond = state.sweep(bonds, left), sweeps + 1, bonds
            if left() <= 0:
                break
        if left() <= 0 or abs(before - energy) < _CONVERGED * max(1.0, abs(energy)):
            break
    value, square = _expectation(state.sites, operator), _square(state.sites, operator)
    return Found(value, sqrt(max(0.0, square - value * value)), bond, sweeps)


class _Sweeper:
    """A state in canonical form, with the environments of each bond."""

    def __init__(self, operator: Sequence[Tensor], seed: int) -> None:
        self.operator = operator
        self.sites = _random_state(len(operator), np.random.default_rng(seed))
        edge: Any = np.ones((1, 1, 1))
        self._lefts = [edge] * (len(operator) + 1)
        self._rights = [edge] * (len(operator) + 1)
        for site in range(len(operator) - 1, 1, -1):
            self._rights[site] = _from_right(self._rights[site + 1], self.sites[site], operator[site])

    def sweep(self, bonds: int, left: Callable[[], float]) -> float:
        """The energy after passing over all pairs of neighbours there and back, as far as the time reaches."""
        energy, last = inf, len(self.sites) - 2
        for site in range(last):
            if left() <= 0:
                return energy
            energy = self._improve(site, bonds)
            self._lefts[site + 1] = _from_left(self._lefts[site], self.sites[site], self.operator[site])
        for site in range(last, -1, -1):
            if left() <= 0:
                return energy
            energy = self._improve(site, bonds, backwards=True)
            self._rights[site + 1] = _from_right(self._rights[site + 2], self.sites[site + 1], self.operator[site + 1])
        return energy

    def _improve(self, site: int, bonds: int, *, backwards: bool = False) -> float:
        """The energy after the best change of a pair, which is split with the centre on the side of the next pair."""
        pair = np.tensordot(self.sites[site], self.sites[site + 1], (2, 0))
        surroundings = (self._lefts[site], self.operator[site], self.operator[site + 1], self._rights[site + 2])
        energy, pair = _lowest(lambda x: _applied(x, *surroundings), pair)
        first, values, second = svd(pair.reshape(pair.shape[0] * 2, -1), full_matrices=False, check_finite=False)
        kept = min(bonds, int(np.count_nonzero(values > _CUT * values[0])))
        first, second = first[:, :kept], second[:kept]
        values = values[:kept] / np.linalg.norm(values[:kept])
        first, second = (first * values, second) if backwards else (first, values[:, None] * second)
        self.sites[site] = first.reshape(-1, 2, kept)
        self.sites[site + 1] = second.reshape(kept, 2, -1)
        return energy


def _lowest(apply: Callable[[Any], Any], start: Any) -> tuple[float, Any]:
    """The lowest energy and its vector in the Krylov space of a start (Lanczos 1950)."""
    basis = [start / np.linalg.norm(start)]
    diagonal: list[float] = []
    beside: list[float] = []
    for step in range(_KRYLOV):
        image = apply(basis[-1])
        diagonal.append(float(np.vdot(basis[-1], image)))
        for vector in [*basis, *basis]:  # once is not enough where little is left
            image = image - np.vdot(vector, image) * vector
        norm = float(np.linalg.norm(image))
        if step == _KRYLOV - 1 or norm < _EXHAUSTED:
            break
        beside.append(norm)
        basis.append(image / norm)
    levels, vectors = eigh_tridiagonal(diagonal, beside[: len(diagonal) - 1])
    weights = vectors[:, 0]
    lowest = sum(weight * vector for weight, vector in zip(weights, basis, strict=False))
    return float(levels[0]), np.asarray(lowest)


def _applied(pair: Any, left: Any, first: Tensor, second: Tensor, right: Any) -> Any:
    """The Hamiltonian's action on a pair, between its surroundings."""
    found = np.tensordot(left, pair, (2, 0))
    found = np.tensordot(found, first, ([1, 2], [0, 3]))
    found = np.tensordot(found, second, ([3, 1], [0, 3]))
    return np.tensordot(found, right, ([1, 3], [2, 1]))


def _from_left(left: Any, site: Any, step: Tensor) -> Any:
    found = np.tensordot(np.tensordot(left, site, (2, 0)), step, ([1, 2], [0, 3]))
    return np.tensordot(site, found, ([0, 1], [0, 3])).transpose(0, 2, 1)


def _from_right(right: Any, site: Any, step: Tensor) -> Any:
    found = np.tensordot(step, np.tensordot(site, right, (2, 2)), ([1, 3], [3, 1]))
    return np.tensordot(site, found, ([1, 2], [1, 3]))


def _expectation(sites: Sites, operator: Sequence[Tensor]) -> float:
    left: Any = np.ones((1, 1, 1))
    for site, step in zip(sites, operator, strict=True):
        left = _from_left(left, site, step)
    return float(left[0, 0, 0])


def _square(sites: Sites, operator: Sequence[Tensor]) -> float:
    """The expectation value of the square."""
    left: Any = np.ones((1, 1, 1, 1))
    for site, step in zip(sites, operator, strict=True):
        found = np.tensordot(np.tensordot(left, site, (3, 0)), step, ([2, 3], [0, 3]))
        found = np.tensordot(found, step, ([1, 4], [0, 3]))
        left = np.tensordot(site, found, ([0, 1], [0, 4])).transpose(0, 3, 2, 1)
    return float(left[0, 0, 0, 0])


def _random_state(count: int, random: np.random.Generator) -> Sites:
    """A random state of few bonds, with its centre on the first site."""
    widths = [min(2**place, 2 ** (count - place), _BONDS[0]) for place in range(count + 1)]
    sites: Sites = [random.normal(size=(widths[place], 2, widths[place + 1])) for place in range(count)]
    for place in range(count - 1, 0, -1):
        width = sites[place].shape[0]
        q, r = np.linalg.qr(sites[place].reshape(width, -1).T)
        sites[place] = q.T.reshape(-1, 2, sites[place].shape[2])
        sites[place - 1] = np.tensordot(sites[place - 1], r.T, (2, 0))
    sites[0] /= np.linalg.norm(sites[0])
    return sites
