"""Hamiltonians as matrix product operators: one sparse step for each site."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

Tensor = NDArray[np.float64]
"""Left bond, right bond, bra, ket."""
Suffix = tuple[tuple[int, str], ...]
"""What is still to come of a term: places and letters."""
State = str | Suffix

_LETTERS = {
    "I": np.eye(2),
    "X": np.array([[0.0, 1.0], [1.0, 0.0]]),
    "Z": np.diag([1.0, -1.0]),
    "Y": np.array([[0.0, 1.0], [-1.0, 0.0]]),  # times i, so that all is real
}


def product_operator(operator: SparsePauliOp, order: Sequence[int]) -> list[Tensor] | None:
    """The operator's tensors along an order of the qubits; none if it is not real.

    A bond's states are: nothing yet, all done, and what is still to come of the terms under way; terms with the same
    rest share a state.

    Example:
        >>> tensors = product_operator(SparsePauliOp(["ZZI", "IZZ", "IXI"], [1.0, 1.0, 0.5]), [0, 1, 2])
        >>> [tensor.shape[:2] for tensor in tensors]
        [(1, 3), (3, 3), (3, 1)]
    """
    place = {qubit: number for number, qubit in enumerate(order)}
    terms: list[tuple[Suffix, float]] = []
    constant = 0.0
    for letters, qubits, weight in operator.to_sparse_list():
        ys = letters.count("Y")
        if ys % 2 or abs(weight.imag) > 0:
            return None
        sign = (-1.0) ** (ys // 2)
        ordered = tuple(sorted((place[qubit], letter) for qubit, letter in zip(qubits, letters, strict=True)))
        if ordered:
            terms.append((ordered, sign * float(weight.real)))
        else:
            constant += float(weight.real)
    return _tensors(terms, constant, len(order))


def _tensors(terms: Sequence[tuple[Suffix, float]], constant: float, sites: int) -> list[Tensor]:
    begins: dict[int, list[tuple[Suffix, float]]] = {}
    for term, weight in terms:
        begins.setdefault(term[0][0], []).append((term, weight))
    tensors: list[Tensor] = []
    states: list[State] = ["nothing"]
    for site in range(sites):
        steps = _steps(site, states, begins.get(site, []), sites)
        after = sorted({step[1] for step in steps}, key=str)
        tensor = np.zeros((len(states), len(after), 2, 2))
        for before, then, matrix in steps:
            tensor[states.index(before), after.index(then)] += matrix
        if site == 0 and constant:
            tensor[0, after.index("done" if "done" in after else after[0])] += constant * _LETTERS["I"]
        tensors.append(tensor)
        states = after
    return tensors


def _steps(
    site: int, states: Sequence[State], begins: Sequence[tuple[Suffix, float]], sites: int
) -> list[tuple[State, State, NDArray[np.float64]]]:
    """From state to state, with the site's matrix."""
    last = site == sites - 1
    steps: list[tuple[State, State, NDArray[np.float64]]] = []
    for state in states:
        if state == "nothing":
            if not last:
                steps.append((state, state, _LETTERS["I"]))
                steps.append((state, "done", np.zeros((2, 2))))
            steps += [(state, term[1:] or "done", weight * _LETTERS[term[0][1]]) for term, weight in begins]
            if last and not begins:
                steps.append((state, "done", np.zeros((2, 2))))
        elif state == "done":
            steps.append((state, state, _LETTERS["I"]))
        elif isinstance(state, tuple):
            here = state[0][0] == site
            rest: State = (state[1:] or "done") if here else state
            steps.append((state, rest, _LETTERS[state[0][1]] if here else _LETTERS["I"]))
    return steps
