"""What all models of spins on a lattice share: evolution in steps, variational layers, and what is observed."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.lattice import Lattice
from prefect_qpu.workloads.protocol import Encoding, Objective, Workload

if TYPE_CHECKING:
    from prefect_qpu.baselines.protocol import Baseline, BaselineReport

ENERGY, MAGNETIZATION, STAGGERED, CORRELATION = "energy", "magnetization", "staggered_magnetization", "correlation"

Part = Callable[[QuantumCircuit, Any], None]
"""Appends ``exp(-i time H_k)`` of one part of the Hamiltonian, exactly."""
Strengths = Annotated[float | list[float], Field(union_mode="left_to_right")]


class EvolutionSpec(Definition):
    """Evolution in time by a product formula (Trotter 1959, Suzuki 1976)."""

    time: Annotated[float, Field(gt=0)]
    """In units of one over the energy."""
    steps: Annotated[int, Field(ge=1, le=1000)]
    order: Literal[1, 2] = 2
    """Of the product formula; the error falls with this power of the number of steps."""


class SpinModel(Workload):
    """Spins on a lattice: either the ground energy is asked for, or observables after some time."""

    coupling: Strengths = 1.0
    """``J``; a list has one for each bond."""
    field: Strengths = 0.0
    """``h``; a list has one for each site."""
    evolution: EvolutionSpec | None = None
    """How the initial state evolves; none asks for the ground energy, by variational layers."""

    @cached_property
    @abstractmethod
    def shape(self) -> Lattice:
        """The lattice."""

    @cached_property
    def couplings(self) -> tuple[float, ...]:
        """``J`` of each bond."""
        return each(self.coupling, len(self.shape.bonds), "coupling")

    @cached_property
    def fields(self) -> tuple[float, ...]:
        """``h`` of each site."""
        return each(self.field, self.shape.sites, "field")

    @abstractmethod
    def hamiltonian(self) -> SparsePauliOp:
        """``H``; qubit ``i`` is site ``i``."""

    @abstractmethod
    def parts(self) -> list[Part]:
        """The parts that add up to the Hamiltonian."""

    @abstractmethod
    def start(self) -> QuantumCircuit:
        """The state before evolution, or before the layers."""

    @abstractmethod
    def charges(self) -> tuple[int, ...] | None:
        """The numbers of spins down among whose states a ground state is; none if the number is not conserved."""

    @abstractmethod
    def variational(self) -> Encoding:
        """The state of the layers, with the observable ``energy``."""

    def observable_names(self) -> set[str]:
        """The energy; after an evolution magnetisations and correlations too."""
        return {ENERGY} if self.evolution is None else {ENERGY, MAGNETIZATION, STAGGERED, CORRELATION}

    def objective(self) -> Objective | None:
        """The energy is to be small, unless it is observed after some time."""
        return Objective(ENERGY, "minimize") if self.evolution is None else None

    def encode(self) -> Encoding:
        """The state and its observables."""
        if self.evolution is None:
            return self.variational()
        return Encoding(self.evolved(self.evolution), self.observables())

    def evolved(self, spec: EvolutionSpec) -> QuantumCircuit:
        """The initial state after the product formula."""
        circuit = self.start()
        for _ in range(spec.steps):
            append_step(circuit, self.parts(), spec.time / spec.steps, spec.order)
        return circuit

    def observables(self) -> dict[str, SparsePauliOp]:
        """What is observed after an evolution: energy, means over sites of Z, means over bonds of ZZ."""
        sites, bonds = self.shape.sites, self.shape.bonds
        signs = [1.0 - 2.0 * side for side in self.shape.sides]
        return {
            ENERGY: self.hamiltonian(),
            MAGNETIZATION: _mean([("Z", [site], 1.0) for site in range(sites)], sites),
            STAGGERED: _mean([("Z", [site], sign) for site, sign in enumerate(signs)], sites),
            CORRELATION: _mean([("ZZ", list(bond), 1.0) for bond in bonds], sites),
        }

    def baselines(self, time_limit: float, seed: int) -> "BaselineReport | None":
        """The ground energy by diagonalisation, or the exact evolution without the error of the steps."""
        from prefect_qpu.baselines.spin_models import answers

        return answers(self, time_limit, seed)

    def check(self, baseline: "Baseline") -> None:
        """Enclose the ground energy again, or evolve again in another way."""
        from prefect_qpu.baselines.spin_models import check

        check(self, baseline)


def append_step(circuit: QuantumCircuit, parts: Sequence[Part], time: Any, order: int) -> None:
    """One step of the product formula: parts in turn, or half steps forwards and backwards."""
    if order == 1:
        for part in parts:
            part(circuit, time)
        return
    for part in parts[:-1]:
        part(circuit, time / 2)
    parts[-1](circuit, time)
    for part in reversed(parts[:-1]):
        part(circuit, time / 2)


def each(strength: float | Sequence[float], number: int, field: str) -> tuple[float, ...]:
    """One strength for each site or bond.

    Raises:
        WorkloadError: there is another number of them.
    """
    values = (float(strength),) * number if isinstance(strength, int | float) else tuple(map(float, strength))
    if len(values) != number:
        raise WorkloadError(field, given=f"{len(values)} values", expected=f"one number, or {number} numbers")
    return values


def values_of(name: str, numbers: Sequence[float]) -> dict[str, Any]:
    """The value of each element of a parameter vector."""
    return {f"{name}[{index}]": np.asarray(number, dtype=float) for index, number in enumerate(numbers)}


def _mean(terms: Sequence[tuple[str, list[int], float]], sites: int) -> SparsePauliOp:
    shared = [(letters, touched, weight / len(terms)) for letters, touched, weight in terms]
    return SparsePauliOp.from_sparse_list(shared, num_qubits=sites)
