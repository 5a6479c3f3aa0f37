"""What a workload is: a problem that encodes itself as a circuit with observables."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition
from prefect_qpu.errors import CertificateError
from prefect_qpu.hashing import content_hash

if TYPE_CHECKING:
    from prefect_qpu.baselines.protocol import Baseline, BaselineReport

Sense = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Encoding:
    """A problem as a state preparation and the observables of its final state."""

    circuit: QuantumCircuit
    """State preparation without measurements and classical bits; may have free parameters."""
    observables: Mapping[str, SparsePauliOp]
    parameters: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    """Values of each free parameter by its name; all of one shape, ``()`` for a single point."""
    expected: Mapping[str, float] = field(default_factory=dict)
    """Expectation values that the user knows, by observable."""
    reduction: Mapping[str, Any] = field(default_factory=dict)
    """What a classical reduction left out before the encoding and what it cost, as JSON data; empty without one."""


@dataclass(frozen=True)
class Objective:
    """The observable whose expectation value is to be made large or small."""

    observable: str
    sense: Sense


@dataclass(frozen=True)
class Answer:
    """A solution of an optimisation problem, read from counts."""

    value: float
    """The objective's value of this solution, counted again from the problem itself."""
    solution: str
    """One character for each variable, variable 0 first."""
    source: str
    """How the solution was chosen."""
    sampled: float | None = None
    """Where classical search improved it: the best value that was sampled before."""
    control: float | None = None
    """The value that the same classical search reaches from as many random solutions."""
    seconds: float = 0.0
    """Wall time of that search."""


class Workload(Definition, ABC):
    """A problem; its subclasses are the kinds of problems.

    Two workloads are equal if their documents are: how they were given (a path, a text) does not count.
    """

    kind: str

    @abstractmethod
    def document(self) -> dict[str, Any]:
        """The problem as JSON data that needs no file; validating it again gives an equal workload."""

    @abstractmethod
    def encode(self) -> Encoding:
        """The circuit, its observables and its parameter values."""

    @abstractmethod
    def observable_names(self) -> set[str]:
        """Names of the observables of `encode`."""

    def objective(self) -> Objective | None:
        """What is optimised; none where observables are only estimated."""
        return None

    def decode(self, bits: BitArray) -> Answer | None:  # noqa: ARG002
        """The best solution among the shots (bit ``i`` is qubit ``i``); none where nothing is optimised."""
        return None

    def sample_values(self, bits: BitArray) -> NDArray[np.float64] | None:  # noqa: ARG002
        """The objective's value of each shot, in any order; none where a shot has none."""
        return None

    def baselines(self, time_limit: float, seed: int) -> "BaselineReport | None":  # noqa: ARG002
        """Classical answers by solvers of the workload's own, within wall seconds; none leaves it to this package."""
        return None

    def check(self, baseline: "Baseline") -> None:
        """Return if the certificate of one of its own `baselines` proves the value; it must not trust the solver.

        Raises:
            CertificateError: it does not.
        """
        kind = baseline.certificate.get("kind")
        raise CertificateError(f"a certificate of the kind {kind!r} proves nothing about a {self.kind} workload")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Workload) and self.document() == other.document()

    def __hash__(self) -> int:
        return hash(content_hash(self.document()))
