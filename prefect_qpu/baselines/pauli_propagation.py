"""Expectation values by carrying the observable back through the circuit, with a bound on what was left out.

A rotation leaves a Pauli string that commutes with it, and splits another one in two (Begusic, Gray and Chan 2024,
https://doi.org/10.1126/sciadv.adk4321). Rotations of Clifford gates split nothing, so that circuits of Clifford gates
have exact values at any size (Gottesman 1998, https://arxiv.org/abs/quant-ph/9807006). Small coefficients are left out
where there are too many; each changes the value by its size or less, whatever comes after it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import cos, inf, sin

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.rotations import Rotation

METHOD = "pauli propagation"
_WORD = 64
_EXCESS = 1.25
"""Times the most strings: how many there may be until the small ones go."""
_NEGLIGIBLE = 1e-15
"""Relative to the largest coefficients of the observable."""
_EXPONENTS = np.array(
    # Exponent of i in the product of a letter of the rotation (row) and one of the string; I, X, Z, Y.
    [[0, 0, 0, 0], [0, 0, 3, 1], [0, 1, 0, 3], [0, 3, 1, 0]],
    dtype=np.uint8,
)
_CODES = {"X": 1, "Z": 2, "Y": 3}

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Propagated:
    """An expectation value."""

    value: float
    error: float
    """Bound on the difference to the exact value, besides rounding; 0 if nothing was left out."""
    strings: int
    """The most Pauli strings that there were at once."""


def propagate(
    observable: SparsePauliOp,
    turns: Sequence[Rotation],
    *,
    most_strings: int,
    left: Callable[[], float] = lambda: inf,
) -> Propagated | None:
    """The expectation value in the state that the rotations make from all qubits in 0; none if time ran out.

    Args:
        observable: With real coefficients.
        turns: The circuit.
        most_strings: About how many Pauli strings are kept.
        left: Seconds that are left.

    Example:
        >>> turns = [Rotation((0,), "X", 0.3), Rotation((1,), "X", 0.3), Rotation((0, 1), "ZZ", 0.8)]
        >>> found = propagate(SparsePauliOp("IY"), turns, most_strings=100)
        >>> round(found.value, 6), found.error
        (-0.205891, 0.0)
    """
    strings = _Strings(observable)
    for turn in reversed(turns):
        strings.turn(turn)
        if strings.count > _EXCESS * most_strings:
            strings.keep(most_strings)
        if left() <= 0:
            return None
    return Propagated(strings.value(), strings.lost, strings.most)


class _Strings:
    """Pauli strings with coefficients: bit ``q`` of the words tells whether qubit ``q`` has an X part, or a Z part."""

    def __init__(self, observable: SparsePauliOp) -> None:
        simple = observable.simplify()
        self._x, self._z = _packed(simple.paulis.x), _packed(simple.paulis.z)
        self._coefficients: NDArray[np.float64] = np.real(simple.coeffs).astype(float)
        self._least = _NEGLIGIBLE * float(abs(self._coefficients).max(initial=0.0))
        self._random = np.random.default_rng(0)
        self._odd = self._odd_numbers()
        self.lost, self.most = 0.0, self.count

    @property
    def count(self) -> int:
        return len(self._coefficients)

    def value(self) -> float:
        """The expectation value in all qubits 0: strings with an X part have none."""
        return float(self._coefficients[~self._x.any(axis=1)].sum())

    def turn(self, turn: Rotation) -> None:
        """Carry all strings back through one rotation: ``Q`` becomes ``cos Q + sin i P Q`` if it anticommutes."""
        exponents = self._exponents(turn)
        touched = np.flatnonzero(exponents & 1)
        if not len(touched):
            return
        signs = np.where(exponents[touched] == 3, 1.0, -1.0)
        if turn.clifford:
            self._turn_fully(turn, touched, signs)
        else:
            self._split(turn, touched, signs)
        self.most = max(self.most, self.count)

    def keep(self, strings: int) -> None:
        """Leave out all but the largest coefficients."""
        order = np.argpartition(-abs(self._coefficients), strings)
        self.lost += float(abs(self._coefficients[order[strings:]]).sum())
        self._take(np.sort(order[:strings]))

    def _exponents(self, turn: Rotation) -> NDArray[np.uint8]:
        """Exponent of i in the product of the rotation's string with each string; odd if they anticommute."""
        total = np.zeros(self.count, dtype=np.uint8)
        for qubit, letter in zip(turn.qubits, turn.letters, strict=True):
            word, bit = divmod(qubit, _WORD)
            x, z = (self._x[:, word] >> np.uint64(bit)) & 1, (self._z[:, word] >> np.uint64(bit)) & 1
            total += _EXPONENTS[_CODES[letter]][x | z << np.uint64(1)]
        return total & np.uint8(3)

    def _turn_fully(self, turn: Rotation, touched: NDArray[np.int64], signs: NDArray[np.float64]) -> None:
        """By a multiple of a right angle, which keeps the number of strings, and keeps them different."""
        if round(cos(turn.angle)):
            self._coefficients[touched] *= round(cos(turn.angle))
            return
        x, z = self._mask(turn)
        self._x[touched] ^= x
        self._z[touched] ^= z
        self._coefficients[touched] *= signs * round(sin(turn.angle))

    def _split(self, turn: Rotation, touched: NDArray[np.int64], signs: NDArray[np.float64]) -> None:
        x, z = self._mask(turn)
        new = self._coefficients[touched] * signs * sin(turn.angle)
        self._coefficients[touched] *= cos(turn.angle)
        same = np.ones(self.count, dtype=bool)
        same[touched] = False
        merged = self._merged(
            np.vstack([self._x[touched], self._x[touched] ^ x]),
            np.vstack([self._z[touched], self._z[touched] ^ z]),
            np.concatenate([self._coefficients[touched], new]),
        )
        self._x, self._z = np.vstack([self._x[same], merged[0]]), np.vstack([self._z[same], merged[1]])
        self._coefficients = np.concatenate([self._coefficients[same], merged[2]])
        self._forget()

    def _forget(self) -> None:
        large = abs(self._coefficients) > self._least
        if not large.all():
            self.lost += float(abs(self._coefficients[~large]).sum())
            self._take(np.flatnonzero(large))

    def _take(self, rows: NDArray[np.int64]) -> None:
        self._x, self._z, self._coefficients = self._x[rows], self._z[rows], self._coefficients[rows]

    def _merged(
        self, x: Words, z: Words, coefficients: NDArray[np.float64]
    ) -> tuple[Words, Words, NDArray[np.float64]]:
        """Each string once, with the sum of its coefficients. Strings are sorted by a hash, then compared."""
        both = np.hstack([x, z])
        while True:
            hashes = _mixed(both, self._odd)
            order = np.argsort(hashes, kind="stable")
            hashes, both_sorted = hashes[order], both[order]
            different = np.concatenate([[True], hashes[1:] != hashes[:-1]])
            repeated = np.flatnonzero(~different)
            if (both_sorted[repeated] == both_sorted[repeated - 1]).all():
                break
            self._odd = self._odd_numbers()
        starts = np.flatnonzero(different)
        rows = order[starts]
        return x[rows], z[rows], np.add.reduceat(coefficients[order], starts)

    def _odd_numbers(self) -> Words:
        numbers: Words = self._random.integers(2**63, size=(2, 2 * self._x.shape[1]), dtype=np.uint64) * np.uint64(2)
        return numbers + np.uint64(1)

    def _mask(self, turn: Rotation) -> tuple[Words, Words]:
        x, z = np.zeros((2, self._x.shape[1]), dtype=np.uint64)
        for qubit, letter in zip(turn.qubits, turn.letters, strict=True):
            word, bit = divmod(qubit, _WORD)
            x[word] |= np.uint64((_CODES[letter] & 1) << bit)
            z[word] |= np.uint64((_CODES[letter] >> 1) << bit)
        return x, z


def _mixed(words: Words, odd: Words) -> Words:
    """A hash of each row; without the shift, the highest bits of two words would cancel."""
    mixed = words * odd[0]
    mixed ^= mixed >> np.uint64(32)
    hashes: Words = (mixed * odd[1]).sum(axis=1, dtype=np.uint64)
    return hashes


def _packed(bits: NDArray[np.bool_]) -> Words:
    """Words of 64 bits, shape ``(strings, words)``."""
    strings, qubits = bits.shape
    padded = np.zeros((strings, -(-qubits // _WORD) * _WORD), dtype=bool)
    padded[:, :qubits] = bits
    return np.packbits(padded, axis=1, bitorder="little").view("<u8").astype(np.uint64)
