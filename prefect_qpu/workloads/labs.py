"""The workload ``labs``: binary sequences that resemble no shifted copy of themselves."""

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, PrivateAttr, model_validator
from qiskit.primitives.containers import BitArray

from prefect_qpu.workloads.decoding import Rows, Search, best_answer, shot_values
from prefect_qpu.workloads.fixed_angles import Angles
from prefect_qpu.workloads.protocol import Answer, Encoding, Objective, Workload
from prefect_qpu.workloads.qaoa import (
    AngleSpec,
    ZTerm,
    angle_values,
    angles_document,
    checked_angles,
    diagonal_operator,
    qaoa_state,
    ramp_angles,
)

if TYPE_CHECKING:
    from prefect_qpu.baselines.protocol import Baseline, BaselineReport

ENERGY = "energy"
MOST_LENGTH = 66
RAMP = (0.3, 0.2)
"""Slopes of the ramp; terms of four spins want smaller angles than pairs."""


class LabsWorkload(Workload):
    """The smallest sidelobe energy ``sum over k of (sum_i s_i s_(i+k))**2`` of a sequence of +1 and -1, by QAOA.

    Low-autocorrelation binary sequences: an instance is its length, optima are known up to 66, and no method is known
    that is much better than search (Packebusch and Mertens 2016, https://arxiv.org/abs/1512.02475; by QAOA: Shaydulin
    et al. 2024, https://arxiv.org/abs/2308.02342). Qubit ``i`` is element ``i``, and the character 0 is +1.

    Example:
        >>> workload = LabsWorkload(length=5)
        >>> workload.encode().circuit.num_qubits, workload.energy("00010"), workload.objective()
        (5, 2.0, Objective(observable='energy', sense='minimize'))
    """

    kind: Literal["labs"] = "labs"
    length: Annotated[int, Field(ge=3, le=MOST_LENGTH)]
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    angles: AngleSpec | None = None
    """None takes a linear ramp."""
    improve: bool = False
    """Whether classical local search improves the sampled sequences; the comparison charges and labels it."""

    _angles: Angles = PrivateAttr()

    @model_validator(mode="after")
    def _choose_angles(self) -> Self:
        ramp = ramp_angles(self._gains, self.layers, RAMP)
        self._angles = checked_angles(self.angles, self.layers) if self.angles else ramp
        return self

    def document(self) -> dict[str, Any]:
        """The length and the angles themselves."""
        return {
            "kind": self.kind,
            "length": self.length,
            "layers": self.layers,
            "angles": angles_document(self._angles),
            "improve": self.improve,
        }

    @cached_property
    def terms(self) -> tuple[float, list[ZTerm]]:
        """The energy as a constant and products of two and four spins."""
        constant, found = 0.0, defaultdict[tuple[int, ...], float](float)
        for shift in range(1, self.length):
            pairs = [(element, element + shift) for element in range(self.length - shift)]
            constant += len(pairs)
            for number, first in enumerate(pairs):
                for second in pairs[:number]:
                    found[tuple(sorted(set(first) ^ set(second)))] += 2.0  # the square of a spin is 1
        return constant, sorted(found.items())

    @property
    def _gains(self) -> list[ZTerm]:
        return [(touched, -weight) for touched, weight in self.terms[1]]

    def encode(self) -> Encoding:
        """The QAOA circuit with the free parameters ``gamma[i]`` and ``beta[i]``, and the observable ``energy``."""
        constant, terms = self.terms
        return Encoding(
            circuit=qaoa_state(self.length, self._gains, self.layers),
            observables={ENERGY: diagonal_operator(self.length, terms, constant)},
            parameters=angle_values(self._angles),
        )

    def observable_names(self) -> set[str]:
        """``energy``."""
        return {ENERGY}

    def objective(self) -> Objective:
        """The energy is to be small."""
        return Objective(ENERGY, "minimize")

    def energy(self, sequence: str) -> float:
        """The sidelobe energy of a sequence, counted shift by shift."""
        spins = [1 - 2 * int(character) for character in sequence]
        correlations = (
            sum(a * b for a, b in zip(spins, spins[shift:], strict=False)) for shift in range(1, len(spins))
        )
        return float(sum(correlation**2 for correlation in correlations))

    def decode(self, bits: BitArray) -> Answer | None:
        """The sampled sequence of the smallest energy, improved by single flips if the workload says so."""
        return best_answer(bits, self.length, Search("minimize", energies, self.energy, self._climb))

    def sample_values(self, bits: BitArray) -> NDArray[np.float64]:
        """The value of each shot."""
        return shot_values(bits, energies)

    @property
    def _climb(self) -> Any:
        if not self.improve:
            return None
        from prefect_qpu.baselines.sequences import descend

        return descend

    def baselines(self, time_limit: float, seed: int) -> "BaselineReport":
        """All sequences for a short one, else tabu search."""
        from prefect_qpu.baselines.sequences import best_sequence

        return best_sequence(self, time_limit, seed)

    def check(self, baseline: "Baseline") -> None:
        """Recount the sequence; for a short one, count all others."""
        from prefect_qpu.baselines.sequences import check_sequence

        check_sequence(self, baseline)


def energies(rows: Rows) -> NDArray[np.float64]:
    """The sidelobe energy of each row of zeros and ones."""
    spins = 1.0 - 2.0 * rows
    length = rows.shape[1]
    found = np.zeros(len(rows))
    for shift in range(1, length):
        found += (spins[:, : length - shift] * spins[:, shift:]).sum(axis=1) ** 2
    return found
