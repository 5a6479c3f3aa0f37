"""The workload ``number_partition``: part numbers in two groups whose sums are as equal as can be.

A complete workload outside of prefect-qpu: definition, circuit, observable, decoder, and a classical opponent with a
certificate. Its only tie is the entry point in pyproject.toml.
"""

import time
from itertools import combinations
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines import Baseline, BaselineReport
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Answer, Encoding, Objective, Workload

IMBALANCE = "imbalance"
MOST_COUNTED = 22


class NumberPartition(Workload):
    """One layer of QAOA for the squared difference of the two sums; qubit ``i`` tells the group of number ``i``.

    Example:
        >>> workload = NumberPartition(numbers=[3, 1, 1, 2, 2, 1])
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (6, Objective(observable='imbalance', sense='minimize'))
    """

    kind: Literal["number_partition"] = "number_partition"
    numbers: Annotated[list[Annotated[int, Field(gt=0)]], Field(min_length=2, max_length=60)]
    gamma: float = 0.15
    """Angle of the cost, in radians over the mean square of the numbers."""
    beta: float = -0.3
    """Angle of the mixer, in radians."""

    def document(self) -> dict[str, Any]:
        """The problem itself: the hash of an experiment is made of it."""
        return {"kind": self.kind, "numbers": list(self.numbers), "gamma": self.gamma, "beta": self.beta}

    def encode(self) -> Encoding:
        """The state and its observable ``(sum a_i Z_i)**2``."""
        gamma, beta = Parameter("gamma"), Parameter("beta")
        unit = float(np.mean(np.square(self.numbers)))
        circuit = QuantumCircuit(len(self.numbers))
        circuit.h(circuit.qubits)
        for (i, a), (j, b) in combinations(enumerate(self.numbers), 2):
            circuit.rzz(2 * gamma * a * b / unit, i, j)
        circuit.rx(2 * beta, circuit.qubits)
        values = {"gamma": np.asarray(self.gamma), "beta": np.asarray(self.beta)}
        return Encoding(circuit, {IMBALANCE: self._operator()}, values)

    def observable_names(self) -> set[str]:
        """``imbalance``."""
        return {IMBALANCE}

    def objective(self) -> Objective:
        """The imbalance is to be small."""
        return Objective(IMBALANCE, "minimize")

    def decode(self, bits: BitArray) -> Answer | None:
        """The most equal groups among the shots, counted again from the numbers."""
        seen = {text[::-1] for text in bits.get_counts()}  # bit 0 stands last in a text of counts
        if not seen:
            return None
        best = min(sorted(seen), key=self.imbalance)
        return Answer(self.imbalance(best), best, "best of the sampled solutions")

    def imbalance(self, groups: str) -> float:
        """The squared difference of the sums; one character 0 or 1 for each number."""
        signed = (a if group == "0" else -a for a, group in zip(self.numbers, groups, strict=True))
        return float(sum(signed) ** 2)

    def baselines(self, time_limit: float, seed: int) -> BaselineReport:  # noqa: ARG002
        """The optimum, from all sums that a group can have: an integer whose bit ``s`` tells whether ``s`` is one."""
        started = time.perf_counter()
        groups = self._most_equal()
        value = self.imbalance(groups)
        found = Baseline(
            method="dynamic programming",
            observable=IMBALANCE,
            value=value,
            bound=value,
            exact=True,
            certificate={"kind": "groups", "groups": groups, "numbers": list(self.numbers)},
            seconds=time.perf_counter() - started,
        )
        return BaselineReport((found,))

    def check(self, baseline: Baseline) -> None:
        """Recount the groups; count all others, where there are not too many, by another program."""
        groups = baseline.certificate.get("groups")
        if baseline.certificate.get("numbers") != list(self.numbers) or not isinstance(groups, str):
            raise CertificateError("the certificate is not about these numbers")
        if len(groups) != len(self.numbers) or self.imbalance(groups) != baseline.value:
            raise CertificateError(f"the groups {groups} do not have the imbalance {baseline.value}")
        if len(self.numbers) <= MOST_COUNTED and baseline.bound != self._counted():
            raise CertificateError(f"the smallest imbalance is {self._counted()}, not {baseline.bound}")

    def _operator(self) -> SparsePauliOp:
        pairs = combinations(enumerate(self.numbers), 2)
        terms: list[tuple[str, list[int], float]] = [("", [], float(np.square(self.numbers).sum()))]
        terms += [("ZZ", [i, j], 2.0 * a * b) for (i, a), (j, b) in pairs]
        return SparsePauliOp.from_sparse_list(terms, num_qubits=len(self.numbers))

    def _most_equal(self) -> str:
        sums = [1]
        for number in self.numbers:
            sums.append(sums[-1] | sums[-1] << number)
        half = sum(self.numbers) // 2
        left = (sums[-1] & ((1 << half + 1) - 1)).bit_length() - 1
        groups = []
        for number, before in zip(reversed(self.numbers), reversed(sums[:-1]), strict=True):
            taken = not before >> left & 1
            groups.append("1" if taken else "0")
            left -= number if taken else 0
        return "".join(reversed(groups))

    def _counted(self) -> float:
        sums = np.zeros(1, dtype=np.int64)
        for number in self.numbers:
            sums = np.concatenate([sums + number, sums - number])
        return float(abs(sums).min()) ** 2
