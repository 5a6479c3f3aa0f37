"""The workload ``ghz``: a device check with a known answer at any size, all qubits in one superposition."""

from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Seed
from prefect_qpu.workloads.bit_strings import equal_bits
from prefect_qpu.workloads.protocol import Encoding, Workload

POPULATION, COHERENCE, FIDELITY_BOUND = "population", "coherence", "fidelity_bound"


class GhzWorkload(Workload):
    """The state ``(|0...0> + |1...1>) / sqrt(2)``, and how much of it arrives.

    ``population`` is the probability that all bits are equal, ``coherence`` is ``<X...X>``; both are 1 in the state.
    ``fidelity_bound = population + (coherence - 1) / 2`` is never above the fidelity; above 1/2, all qubits are
    entangled (Toth and Guehne 2005, https://arxiv.org/abs/quant-ph/0405165).

    Example:
        >>> encoding = GhzWorkload(qubits=100).encode()
        >>> encoding.circuit.num_qubits, sorted(encoding.observables), encoding.expected["fidelity_bound"]
        (100, ['coherence', 'fidelity_bound', 'population'], 1.0)
    """

    kind: Literal["ghz"] = "ghz"
    qubits: Annotated[int, Field(ge=2, le=1000)]
    preparation: Literal["chain", "tree"] = "chain"
    """CNOTs from neighbour to neighbour, or from all entangled qubits at once, in logarithmic depth."""
    seed: Seed = 1
    """Draws the products of Z that stand for the population of more than nine qubits."""

    def document(self) -> dict[str, Any]:
        """Size, preparation, seed."""
        return {"kind": self.kind, "qubits": self.qubits, "preparation": self.preparation, "seed": self.seed}

    def encode(self) -> Encoding:
        """The state, its three observables, and their values of 1."""
        population = equal_bits(self.qubits, Random(self.seed))  # noqa: S311 - drawn again from the seed
        coherence = SparsePauliOp("X" * self.qubits)
        half = SparsePauliOp("I" * self.qubits, -0.5)
        observables = {
            POPULATION: population,
            COHERENCE: coherence,
            FIDELITY_BOUND: (population + coherence / 2 + half).simplify(),
        }
        return Encoding(self._circuit(), observables, expected=dict.fromkeys(observables, 1.0))

    def observable_names(self) -> set[str]:
        """The two measured quantities and the bound that follows from them."""
        return {POPULATION, COHERENCE, FIDELITY_BOUND}

    def _circuit(self) -> QuantumCircuit:
        circuit = QuantumCircuit(self.qubits)
        circuit.h(0)
        for target in range(1, self.qubits):
            source = target - 1 if self.preparation == "chain" else target - (1 << (target.bit_length() - 1))
            circuit.cx(source, target)
        return circuit
