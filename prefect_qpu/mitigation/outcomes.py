"""Measured outcomes, each once with its number of shots, and means over them with their variances."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.mitigation.types import Values
from prefect_qpu.observables import Term


@dataclass(frozen=True)
class Outcomes:
    """Distinct outcomes of one circuit at one point."""

    bits: NDArray[np.uint8]
    """Shape ``(outcomes, bits)``; column ``i`` is classical bit ``i``."""
    shots: NDArray[np.int64]

    @property
    def total(self) -> int:
        """All shots."""
        return int(self.shots.sum())

    def flipped(self, mask: Sequence[int]) -> "Outcomes":
        """The outcomes with the bits inverted where the mask is 1."""
        return Outcomes(self.bits ^ np.asarray(mask, dtype=np.uint8), self.shots)

    def mean(self, sample: Values) -> float:
        """Mean over the shots of a quantity that is given for each outcome."""
        return float(self.shots @ sample) / self.total

    def variance(self, sample: Values, bound: float) -> float:
        """Variance of that mean, with one pseudo-shot spread over ``-bound`` and ``bound``.

        Equal outcomes thus never claim certainty, as in `prefect_qpu.observables.estimate_from_counts`.
        """
        mean, shots = self.mean(sample), self.total
        squares = float(self.shots @ (sample - mean) ** 2)
        return (squares + bound**2 + mean**2) / (shots * (shots + 1))


def outcomes(bits: BitArray) -> Outcomes:
    """The distinct outcomes of a bit array of one point.

    Example:
        >>> table = outcomes(BitArray.from_counts({"01": 3, "10": 1}, 2))
        >>> table.bits.tolist(), table.shots.tolist()
        ([[1, 0], [0, 1]], [3, 1])
    """
    rows, shots = np.unique(bits.array.reshape(bits.num_shots, -1), axis=0, return_counts=True)
    unpacked = np.unpackbits(rows, axis=-1)
    return Outcomes(unpacked[:, unpacked.shape[-1] - bits.num_bits :][:, ::-1], shots.astype(np.int64))


def points(bits: BitArray) -> Iterator[Outcomes]:
    """The outcomes of each point of a bit array, in the order of the flattened parameter array."""
    for index in np.ndindex(bits.shape):
        yield outcomes(bits[index])


def pooled(tables: Sequence[Outcomes]) -> Outcomes:
    """The shots of several circuits as one."""
    return Outcomes(np.concatenate([table.bits for table in tables]), np.concatenate([table.shots for table in tables]))


def support(term: Term) -> list[int]:
    """The qubits on which a term is not the identity."""
    return [qubit for qubit, letter in enumerate(reversed(term.pauli)) if letter != "I"]


def parity(table: Outcomes, qubits: Sequence[int]) -> Values:
    """1 or -1 for each outcome: the product of the measured signs of some qubits."""
    signs: Values = 1.0 - 2.0 * (table.bits[:, list(qubits)].sum(axis=1) % 2)
    return signs
