"""Readout errors undone on counts: factorised by qubit, in the subspace of the outcomes (M3), or by twirling (TREX).

Each correction turns a group's terms into one number for each outcome, whose mean over the shots is the corrected
expectation value, and tells how that mean moves with the calibration.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from qiskit.primitives.containers import BitArray

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.outcomes import Outcomes, parity, points, support
from prefect_qpu.mitigation.types import Values
from prefect_qpu.mitigation.uncertain import Uncertain
from prefect_qpu.observables import Term

LEAST_CONTRAST = 0.1
"""Part of a parity's signal that the readout must leave, so that dividing by it can be trusted."""


@dataclass(frozen=True)
class Corrected:
    """A sum of terms, corrected outcome by outcome."""

    sample: Values
    """One number for each outcome."""
    bound: float
    """Largest absolute number that an outcome could have."""
    shared: Values
    """Deviation of the mean for each independent cause in the calibration."""


class Correction(Protocol):
    """How a readout error is undone."""

    @property
    def causes(self) -> int:
        """Number of independent causes of error in the calibration."""

    def correct(self, table: Outcomes, terms: Sequence[Term]) -> Corrected:
        """The terms on each outcome."""


def expectation(bits: BitArray, terms: Sequence[Term], correction: Correction) -> Uncertain:
    """The corrected mean of the weighted sum of terms, at each point of a bit array."""
    corrected = [(table, correction.correct(table, terms)) for table in points(bits)]
    return Uncertain(
        np.reshape([table.mean(item.sample) for table, item in corrected], bits.shape),
        np.reshape([table.variance(item.sample, item.bound) for table, item in corrected], bits.shape),
        np.reshape([item.shared for _, item in corrected], (*bits.shape, correction.causes)),
    )


@dataclass(frozen=True)
class Uncorrected:
    """The outcomes as they were read."""

    causes: int = 0

    def correct(self, table: Outcomes, terms: Sequence[Term]) -> Corrected:
        """Weighted parities."""
        sample = sum((term.weight * parity(table, support(term)) for term in terms), np.zeros(len(table.shots)))
        return Corrected(sample, sum(abs(term.weight) for term in terms), np.zeros(0))


@dataclass(frozen=True)
class Factorised:
    """Each qubit errs by itself: a measured sign is shifted and shrunk, which is undone factor by factor.

    With ``p01`` the chance to read 1 for 0 and ``p10`` to read 0 for 1, the sign ``s`` of a qubit stands for
    ``(s - p10 + p01) / (1 - p01 - p10)``, whose mean is the true one; the product over a term's qubits is unbiased.

    Source: S. Bravyi et al., Phys. Rev. A 103, 042605 (2021), section III (tensor product noise).
    """

    p01: Values
    p10: Values
    deviations: NDArray[np.float64]
    """Rows: ``p01`` then ``p10`` of each qubit; columns: what each independent cause adds to them."""

    @property
    def causes(self) -> int:
        """Number of independent causes of error in the calibration."""
        return int(self.deviations.shape[1])

    @classmethod
    def calibrated(cls, zeros: Outcomes, ones: Outcomes) -> "Factorised":
        """The rates from the counts of all qubits prepared in 0, and in 1.

        Raises:
            MitigationRefusedError: a qubit's outcome hardly depends on its state.
        """
        p01, cov01 = _rates(zeros)
        p10, cov10 = _rates(ones.flipped([1] * ones.bits.shape[1]))
        contrast = 1 - p01 - p10
        if contrast.min() < LEAST_CONTRAST:
            raise MitigationRefusedError(
                f"bit {contrast.argmin()} is read right hardly more often than wrong: contrast {contrast.min():.2f}"
            )
        blank = np.zeros_like(cov01)
        return cls(p01, p10, np.block([[_factor(cov01), blank], [blank, _factor(cov10)]]))

    def correct(self, table: Outcomes, terms: Sequence[Term]) -> Corrected:
        """Products of corrected signs."""
        signs = self._signs(table)
        sample, bound, gradient = np.zeros(len(table.shots)), 0.0, np.zeros((2, len(self.p01)))
        for term in terms:
            qubits = support(term)
            factors = signs[:, qubits]
            sample += term.weight * factors.prod(axis=1)
            bound += abs(term.weight) * float(self._largest()[qubits].prod())
            gradient[:, qubits] += term.weight * self._slopes(table, factors, qubits)
        return Corrected(sample, bound, gradient.ravel() @ self.deviations)

    def _signs(self, table: Outcomes) -> Values:
        signs: Values = (1.0 - 2.0 * table.bits - self.p10 + self.p01) / (1 - self.p01 - self.p10)
        return signs

    def _largest(self) -> Values:
        largest: Values = (1 + np.abs(self.p01 - self.p10)) / (1 - self.p01 - self.p10)
        return largest

    def _slopes(self, table: Outcomes, factors: Values, qubits: Sequence[int]) -> Values:
        """Derivatives of the term's mean by ``p01`` and ``p10`` of each of its qubits."""
        others = _products_of_others(factors)
        weights = table.shots / table.total
        contrast = (1 - self.p01 - self.p10)[qubits]
        return np.stack([weights @ (others * (factors + sign)) / contrast for sign in (1, -1)])


@dataclass(frozen=True)
class Subspace:
    """The factorised model inverted in the subspace of the outcomes that were seen, by mthree.

    Source: P. D. Nation et al., PRX Quantum 2, 040326 (2021).
    """

    model: Factorised

    @property
    def causes(self) -> int:
        """Number of independent causes of error in the calibration."""
        return self.model.causes

    def correct(self, table: Outcomes, terms: Sequence[Term]) -> Corrected:
        """The transposed inverse of the reduced assignment matrix on the terms."""
        near = self.model.correct(table, terms)
        plain = Uncorrected().correct(table, terms)
        matrix, order = self._reduced(table)
        sample = np.empty_like(plain.sample)
        sample[order] = np.linalg.solve(matrix.T, plain.sample[order])
        return Corrected(sample, near.bound, near.shared)

    def _reduced(self, table: Outcomes) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """The matrix between the outcomes, and the place of its rows among the outcomes."""
        from prefect_qpu.mitigation.subspace import reduced_matrix

        return reduced_matrix(self.model.p01, self.model.p10, table)


@dataclass(frozen=True)
class Twirled:
    """Readout twirled by random X gates: each term shrinks by one factor, measured on the state 0 (TREX).

    Holds also where the errors of qubits depend on one another.

    Source: E. van den Berg, Z. Minev, K. Temme, Phys. Rev. A 105, 032620 (2022).
    """

    calibration: Outcomes
    """The state 0 under all masks, with the masks taken out again."""

    @property
    def causes(self) -> int:
        """Number of independent causes of error in the calibration."""
        return len(self.calibration.shots) + 1

    def correct(self, table: Outcomes, terms: Sequence[Term]) -> Corrected:
        """Parities divided by their factors."""
        sample, bound, shared = np.zeros(len(table.shots)), 0.0, np.zeros(self.causes)
        for term in terms:
            seen = parity(table, support(term))
            factor, deviations = self._factor(term)
            sample += term.weight * seen / factor
            bound += abs(term.weight) / factor
            shared -= term.weight * table.mean(seen) / factor**2 * deviations
        return Corrected(sample, bound, shared)

    def _factor(self, term: Term) -> tuple[float, Values]:
        signs = parity(self.calibration, support(term))
        total, factor = self.calibration.total, self.calibration.mean(signs)
        if factor < LEAST_CONTRAST:
            raise MitigationRefusedError(f"the readout leaves {factor:.2f} of {term.pauli}: too little to divide by")
        deviations = np.sqrt(self.calibration.shots) * (signs - factor) / total
        return factor, np.append(deviations, 1.0 / total)


def _rates(table: Outcomes) -> tuple[Values, NDArray[np.float64]]:
    """The rate of ones of each bit, and the covariance of these means; half a count is added to each variance."""
    shots = table.total
    rates: Values = table.shots @ table.bits / shots
    apart = table.bits - rates
    covariance = (apart * table.shots[:, None]).T @ apart / shots**2
    return rates, covariance + np.eye(len(rates)) * 0.5 / shots**2


def _factor(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    root: NDArray[np.float64] = vectors * np.sqrt(np.maximum(values, 0.0))
    return root


def _products_of_others(factors: Values) -> Values:
    """For each column the product of all other columns, without a division."""
    ones: Values = np.ones((len(factors), 1))
    before = np.cumprod(np.hstack([ones, factors[:, :-1]]), axis=1)
    after = np.cumprod(np.hstack([ones, factors[:, :0:-1]]), axis=1)[:, ::-1]
    return np.asarray(before * after, dtype=np.float64)
