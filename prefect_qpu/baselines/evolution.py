"""Exact evolution of a state in time, by two methods of which one checks the other."""

from collections.abc import Callable
from math import ceil

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import expm_multiply
from scipy.special import jv

from prefect_qpu.baselines.sectors import Sector, flips_of, restricted

State = NDArray[np.complex128]
Evolve = Callable[[csr_matrix, State, float], State]

MOST_QUBITS = 18
_SECONDS_PER_ENTRY = 2e-8
"""Of one product of a matrix and a state, for each entry of the matrix."""


def predicted_seconds(operator: SparsePauliOp, time: float) -> float:
    """Predicted wall time of an evolution."""
    products = 20 + 4 * float(abs(operator.coeffs).sum()) * time
    return float(2.0**operator.num_qubits * flips_of(operator) * products * _SECONDS_PER_ENTRY)


def evolved_values(
    hamiltonian: SparsePauliOp, start: State, time: float, observables: dict[str, SparsePauliOp], evolve: Evolve
) -> dict[str, float]:
    """Expectation values after ``exp(-i time H)``.

    Args:
        hamiltonian: ``H``.
        start: The state at time 0, qubit 0 the lowest bit.
        time: In units of one over the energy.
        observables: By name.
        evolve: `by_taylor` or `by_chebyshev`.

    Example:
        >>> up = np.array([1.0, 0.0])
        >>> found = evolved_values(SparsePauliOp("X"), up, 0.3, {"z": SparsePauliOp("Z")}, by_chebyshev)
        >>> bool(abs(found["z"] - np.cos(0.6)) < 1e-12)
        True
    """
    states = Sector(hamiltonian.num_qubits).states()
    state = evolve(restricted(hamiltonian, states), np.asarray(start, dtype=complex), time)
    return {
        name: float(np.vdot(state, restricted(operator, states) @ state).real) for name, operator in observables.items()
    }


def by_taylor(matrix: csr_matrix, state: State, time: float) -> State:
    """``exp(-i time H) state`` by truncated Taylor series, as SciPy has it (Al-Mohy and Higham 2011)."""
    found: State = expm_multiply(-1j * time * matrix, state, traceA=-1j * time * matrix.diagonal().sum())
    return found


def by_chebyshev(matrix: csr_matrix, state: State, time: float) -> State:
    """The same by Chebyshev polynomials (Tal-Ezer and Kosloff 1984, https://doi.org/10.1063/1.448136)."""
    reach = float(abs(matrix).sum(axis=1).max()) or 1.0
    degree = ceil(1.2 * reach * abs(time) + 40)
    before, now = state, matrix @ state / reach
    found = jv(0, reach * time) * before - 2j * jv(1, reach * time) * now
    for order in range(2, degree + 1):
        before, now = now, 2 * (matrix @ now) / reach - before
        found = found + 2 * (-1j) ** order * jv(order, reach * time) * now
    return found  # type: ignore[no-any-return]
