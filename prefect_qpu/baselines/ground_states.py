"""The smallest eigenvalue of a sparse Hamiltonian, enclosed between two numbers where that can be proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse import csr_matrix, diags
from scipy.sparse.csgraph import breadth_first_order, connected_components
from scipy.sparse.linalg import eigsh

from prefect_qpu.baselines.sectors import Sector, flips_of, restricted

ALL_EIGENVALUES = "all eigenvalues"
POSITIVE_VECTOR = "positive vector"
"""What proves a lower bound."""
GOOD = 1e-9
"""Distance of value and bound, relative to the value if that is above 1, below which the value counts as exact."""
MOST_ENTRIES = 12_000_000
"""Of the matrix of one sector; so many need about a gigabyte."""
_MOST_DENSE, _MOST_DENSE_OTHERWISE = 300, 2500
_SECONDS_PER_ENTRY = 2e-6
"""Of building and diagonalising a matrix, on one core."""
_SMOOTHING = 400
_LEAST = 1e-30
"""Least entry of a positive vector; states that the lowest one does not reach have it."""
_EPS = float(np.finfo(float).eps)


@dataclass(frozen=True)
class Enclosure:
    """What is known of the smallest eigenvalue."""

    value: float
    """The energy of a state: no ground energy is above it."""
    bound: float | None
    """What the ground energy is not below; none if nothing proves any."""
    residual: float
    """Some eigenvalue is so near to the value."""
    proof: str
    """`ALL_EIGENVALUES`, `POSITIVE_VECTOR`, or empty."""
    states: int
    """Size of the largest matrix."""


def predicted_seconds(operator: SparsePauliOp, sectors: Sequence[Sector]) -> float:
    """Predicted wall time of `lowest_energy`; infinite where a matrix would be too large."""
    entries = [sector.size * flips_of(operator) for sector in sectors]
    return inf if max(entries) > MOST_ENTRIES else sum(entries) * _SECONDS_PER_ENTRY


def lowest_energy(operator: SparsePauliOp, sectors: Sequence[Sector], seed: int = 0) -> Enclosure:
    """The smallest eigenvalue over all sectors.

    A small matrix is diagonalised. Of a large one Lanczos' method finds a state, whose energy is an upper bound. Where
    the signs of its amplitudes make all off-diagonal entries negative or zero (as Perron and Frobenius have it of
    Ising models in a transverse field, and Marshall 1955 of antiferromagnets on bipartite lattices,
    https://doi.org/10.1098/rspa.1955.0200), a lower bound follows from any positive vector ``u``: the smallest of
    ``(H u)_i / u_i`` (Collatz 1942, https://doi.org/10.1007/BF01180013). That proves the energy without trust in the
    method that found it, rounding included.

    Args:
        operator: The Hamiltonian; it conserves the numbers of ones of the sectors.
        sectors: Where a ground state may be.
        seed: Of the vector with which the method begins.

    Example:
        >>> pair = SparsePauliOp(["XX", "YY", "ZZ"])
        >>> found = lowest_energy(pair, [Sector(2)])
        >>> round(found.value, 9), round(found.bound, 9)
        (-3.0, -3.0)
    """
    found = [_of_matrix(restricted(operator, sector.states()), seed) for sector in sectors]
    lowest = min(found, key=lambda item: item.value)
    bounds = [item.bound for item in found]
    bound = None if any(item is None for item in bounds) else min(item for item in bounds if item is not None)
    proofs = sorted({item.proof for item in found})
    proof = " and ".join(proofs) if bound is not None else ""
    return Enclosure(lowest.value, bound, lowest.residual, proof, max(item.states for item in found))


def _of_matrix(matrix: csr_matrix, seed: int) -> Enclosure:
    size = matrix.shape[0]
    if size <= _MOST_DENSE:
        return _diagonalised(matrix)
    start = np.random.default_rng(seed).normal(size=size)
    _, vectors = eigsh(matrix, k=1, which="SA", v0=start, tol=1e-12, maxiter=size)
    vector = vectors[:, 0] / np.linalg.norm(vectors[:, 0])
    value, residual = _rayleigh(matrix, vector)
    bound = positive_bound(matrix, vector, enough=value - GOOD * max(1.0, abs(value)))
    if bound is None and size <= _MOST_DENSE_OTHERWISE:
        return _diagonalised(matrix)
    return Enclosure(value, bound, residual, POSITIVE_VECTOR if bound is not None else "", size)


def _diagonalised(matrix: csr_matrix) -> Enclosure:
    size = matrix.shape[0]
    value = float(np.linalg.eigvalsh(matrix.toarray())[0])
    rounding = 8 * size * _EPS * float(abs(matrix).sum(axis=1).max())
    return Enclosure(value, value - rounding, rounding, ALL_EIGENVALUES, size)


def _rayleigh(matrix: csr_matrix, vector: NDArray[np.float64]) -> tuple[float, float]:
    image = matrix @ vector
    value = float(np.vdot(vector, image).real)
    return value, float(np.linalg.norm(image - value * vector))


def positive_bound(matrix: csr_matrix, vector: NDArray[np.float64], enough: float = inf) -> float | None:
    """A proven lower bound on all eigenvalues of a symmetric matrix; none where signs do not allow the proof.

    Args:
        matrix: The matrix.
        vector: Nearly its lowest eigenvector; only the sizes of its entries are used, after some smoothing.
        enough: A bound above which no better one is looked for.
    """
    signs = _signs(matrix) if np.isrealobj(matrix.data) else None
    if signs is None:
        return None
    turned = diags(signs) @ matrix @ diags(signs)
    shift = float(turned.diagonal().max())
    terms = int(np.diff(turned.indptr).max()) + 2
    sizes = np.maximum(abs(vector), _LEAST)
    best = -inf
    for _ in range(_SMOOTHING):
        image = shift * sizes - turned @ sizes  # all of its terms are positive: no digits cancel
        bound = shift - float((image / sizes).max()) * (1 + terms * _EPS) - 4 * _EPS * abs(shift)
        best, sizes = max(best, bound), np.maximum(image / np.linalg.norm(image), _LEAST)
        if best >= enough:
            break
    return best


def _signs(matrix: csr_matrix) -> NDArray[np.float64] | None:
    """Signs of the basis states with which no off-diagonal entry is positive; none where there are none."""
    links = matrix - diags(matrix.diagonal())
    links.eliminate_zeros()
    signs = np.ones(links.shape[0])
    _, labels = connected_components(links, directed=False)
    _, roots, sizes = np.unique(labels, return_index=True, return_counts=True)
    for root in roots[sizes > 1]:
        order, before = breadth_first_order(links, root, directed=False)
        flips = np.asarray(links[order[1:], before[order[1:]]]).ravel() > 0
        for state, parent, flip in zip(order[1:].tolist(), before[order[1:]].tolist(), flips.tolist(), strict=True):
            signs[state] = -signs[parent] if flip else signs[parent]
    turned = links.tocoo()
    return None if np.any(turned.data * signs[turned.row] * signs[turned.col] > 0) else signs
