"""Probabilities of single bit strings as observables: averages of products of Z, all of them or a drawn sample."""

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from math import prod
from random import Random

from qiskit.quantum_info import SparsePauliOp

MOST_TERMS = 256
"""Products of Z of one observable; where there are more of them, so many are drawn.

In a state that is right all of them are 1, so the drawn average is exact there. In a wrong one it differs from the
whole average by about ``1 / sqrt(256) = 0.06`` or less (Flammia and Liu 2011, https://arxiv.org/abs/1104.4695).
"""

Subset = tuple[int, ...]


def success_probability(bits: str, random: Random) -> SparsePauliOp:
    """The probability of one outcome: the average of all signed products of Z.

    Args:
        bits: The outcome, qubit 0 first.
        random: Draws products where there are more than `MOST_TERMS`.

    Example:
        >>> success_probability("01", Random(1)).simplify().to_list()
        [('II', (0.25+0j)), ('IZ', (0.25+0j)), ('ZI', (-0.25+0j)), ('ZZ', (-0.25+0j))]
    """
    return _signed(bits, _weighted(len(bits), 0.5, random))


def polarization(bits: str, random: Random) -> SparsePauliOp:
    """The effective polarization of one outcome: 1 if it is certain, 0 in the fully mixed state.

    ``S = sum over k of (-1/2)**k h_k`` with the probability ``h_k`` of ``k`` wrong bits, rescaled as
    ``(4**n S - 1) / (4**n - 1)`` (Proctor et al. 2022, https://arxiv.org/abs/2112.09853). A factor ``1`` or ``-1/2`` of
    a bit is ``1/4 + 3/4 Z``, so ``S`` is an average over products in which each qubit is with probability 3/4.
    """
    qubits = len(bits)
    scale = 4.0**qubits
    operator = _signed(bits, _weighted(qubits, 0.75, random)) * (scale / (scale - 1))
    return (operator + SparsePauliOp("I" * qubits, -1 / (scale - 1))).simplify()


def right_bits(bits: str) -> SparsePauliOp:
    """The mean share of right bits, from 0 to 1."""
    qubits = len(bits)
    terms: list[tuple[str, list[int], float]] = [("", [], 0.5)]
    terms += [("Z", [qubit], (0.5 - int(bit)) / qubits) for qubit, bit in enumerate(bits)]
    return SparsePauliOp.from_sparse_list(terms, qubits)


def equal_bits(qubits: int, random: Random) -> SparsePauliOp:
    """The probability that all bits are equal: the average of the products of Z on an even number of qubits.

    Example:
        >>> equal_bits(2, Random(1)).to_list()
        [('II', (0.5+0j)), ('ZZ', (0.5+0j))]
    """
    halves = dict(_weighted(qubits - 1, 0.5, random))
    even = {(*subset, qubits - 1) if len(subset) % 2 else subset: weight for subset, weight in halves.items()}
    return _signed("0" * qubits, even.items())


def _weighted(qubits: int, share: float, random: Random) -> Iterator[tuple[Subset, float]]:
    """Subsets that hold each qubit with this probability, with their weights."""
    if 2**qubits <= MOST_TERMS:
        for taken in product((False, True), repeat=qubits):
            weight = prod(share if is_in else 1 - share for is_in in taken)
            yield tuple(qubit for qubit, is_in in enumerate(taken) if is_in), weight
        return
    drawn = (tuple(qubit for qubit in range(qubits) if random.random() < share) for _ in range(MOST_TERMS))
    for subset, count in Counter(drawn).items():
        yield subset, count / MOST_TERMS


def _signed(bits: str, weighted: Iterable[tuple[Subset, float]]) -> SparsePauliOp:
    terms = [
        ("Z" * len(subset), list(subset), weight * (-1.0) ** sum(bits[qubit] == "1" for qubit in subset))
        for subset, weight in weighted
    ]
    return SparsePauliOp.from_sparse_list(sorted(terms, key=lambda term: (len(term[1]), term[1])), len(bits))
