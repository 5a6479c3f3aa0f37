"""A method in two stages: plan circuits before the job, combine counts after it, perhaps in another process."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from prefect_qpu.observables import Estimate, Group


@dataclass(frozen=True)
class Measurement:
    """What is to be estimated, and how it is measured; enough to combine counts without any circuit."""

    observables: Mapping[str, SparsePauliOp]
    groups: tuple[Group, ...]

    def document(self) -> dict[str, Any]:
        """The measurement as JSON data."""
        return {
            "observables": {
                name: {pauli: weight.real for pauli, weight in operator.to_list()}
                for name, operator in self.observables.items()
            },
            "groups": [group.document() for group in self.groups],
        }

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Measurement":
        """The measurement of a `document`, term by term in the same order."""
        observables = {
            name: SparsePauliOp.from_list(list(terms.items())) for name, terms in document["observables"].items()
        }
        return cls(observables, tuple(Group.from_document(group) for group in document["groups"]))


@dataclass(frozen=True)
class PlanContext:
    """What a method may use to plan."""

    circuits: tuple[QuantumCircuit, ...]
    """Measured ISA circuits, one for each group of the measurement."""
    measurement: Measurement
    target: Target
    shots: int
    """Shots of each measured circuit, as the experiment says."""
    seed: int
    pilot: tuple[BitArray, ...] | None = None
    """Counts of a small job of the measured circuits, where one came first."""
    provider: str = ""
    """Kind of the provider that executes the circuits."""


@dataclass(frozen=True)
class PlannedCircuit:
    """One ISA circuit of a method, with its shots."""

    circuit: QuantumCircuit
    shots: int
    role: str
    """What it is for, for people: ``measure ZZ``, ``calibrate 0``, ``fold 3``."""


@dataclass(frozen=True)
class MethodPlan:
    """What a method wants to run, and what it needs to combine the counts."""

    circuits: tuple[PlannedCircuit, ...]
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """JSON data for `Method.combine`."""
    variance_multiplier: float = 1.0
    """Predicted variance of the estimate relative to raw counts at the same total shots."""


class Method(Protocol):
    """A mitigation method."""

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have.

        Args:
            options: The options of the experiment.
            field: Their place in the experiment, for the message.

        Raises:
            ExperimentError: an option is unknown or has no valid value.
        """

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """The circuits to run.

        Raises:
            MitigationRefusedError: the answer could not be trusted.
        """

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The estimate of each observable, from the counts of the planned circuits in their order."""


Values = NDArray[np.float64]
