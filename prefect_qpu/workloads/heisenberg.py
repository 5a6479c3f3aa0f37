"""The workload ``heisenberg``: spins whose neighbours want to be opposite in all directions."""

from functools import partial
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.lattice import Lattice, lattice_from
from prefect_qpu.workloads.protocol import Encoding
from prefect_qpu.workloads.spin_model import ENERGY, Part, SpinModel, values_of


class HeisenbergWorkload(SpinModel):
    """``H = sum J (X_i X_j + Y_i Y_j + D Z_i Z_j) - sum h Z_i`` over the bonds and sites of a lattice.

    Either the ground energy, by layers of evolution under the bonds of each colour in turn, from singlets: the
    Hamiltonian variational ansatz (Wecker, Hastings and Troyer 2015, https://arxiv.org/abs/1507.08969). Or, with
    ``evolution``, observables after some time.

    Example:
        >>> workload = HeisenbergWorkload(lattice={"lattice": "chain", "sites": 6}, angles=[[0.3, 0.2]])
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (6, Objective(observable='energy', sense='minimize'))
    """

    kind: Literal["heisenberg"] = "heisenberg"
    lattice: Annotated[Lattice, BeforeValidator(lattice_from, json_schema_input_type=dict[str, Any])]
    """``{lattice: chain, sites: 8}``, a ladder, square or heavy_hex, or ``{sites, bonds}``."""
    anisotropy: float = 1.0
    """``D``."""
    angles: list[list[float]] | None = None
    """Times of evolution, one list for each layer with one number for each colour of bonds, the first colour last."""
    initial: str | None = None
    """``singlets``, ``neel``, or one character 0 or 1 for each site; none means singlets, and neel for an evolution."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        _ = self.couplings, self.fields
        if (self.angles is None) == (self.evolution is None):
            raise WorkloadError(
                "angles", given=self.angles, expected="either angles, for the ground energy, or evolution"
            )
        colours = len(self.shape.colours)
        for index, layer in enumerate(self.angles or []):
            if len(layer) != colours:
                raise WorkloadError(
                    f"angles.{index}", given=layer, expected=f"one number for each of {colours} colours"
                )
        self._check_initial()
        return self

    def _check_initial(self) -> None:
        if self.initial in {None, "neel", "singlets"}:
            return
        if len(str(self.initial)) != self.shape.sites or not set(str(self.initial)) <= {"0", "1"}:
            expected = f"singlets, neel, or {self.shape.sites} characters 0 or 1"
            raise WorkloadError("initial", given=self.initial, expected=expected)

    @property
    def shape(self) -> Lattice:
        """The lattice."""
        return self.lattice

    def document(self) -> dict[str, Any]:
        """The lattice, the strengths, and how the state is made."""
        return {
            "kind": self.kind,
            "lattice": self.lattice.document(),
            "coupling": list(self.couplings),
            "anisotropy": self.anisotropy,
            "field": list(self.fields),
            "angles": self.angles,
            "evolution": self.evolution.model_dump() if self.evolution else None,
            "initial": self._initial,
        }

    @property
    def _initial(self) -> str:
        return self.initial or ("singlets" if self.evolution is None else "neel")

    def hamiltonian(self) -> SparsePauliOp:
        """``H``; qubit ``i`` is site ``i``."""
        terms: list[tuple[str, list[int], float]] = []
        for bond, coupling in zip(self.shape.bonds, self.couplings, strict=True):
            strengths = (("XX", coupling), ("YY", coupling), ("ZZ", coupling * self.anisotropy))
            terms += [(letters, list(bond), strength) for letters, strength in strengths if strength]
        terms += [("Z", [site], -field) for site, field in enumerate(self.fields) if field]
        return SparsePauliOp.from_sparse_list(terms, num_qubits=self.shape.sites)

    def parts(self) -> list[Part]:
        """The bonds of each colour, then the fields."""
        parts: list[Part] = [partial(self._append_bonds, colour) for colour in self.shape.colours]
        return [*parts, self._append_fields] if any(self.fields) else parts

    def _append_bonds(self, bonds: tuple[int, ...], circuit: QuantumCircuit, time: Any) -> None:
        for number in bonds:
            angle = 2 * self.couplings[number] * time
            circuit.rxx(angle, *self.shape.bonds[number])
            circuit.ryy(angle, *self.shape.bonds[number])
            if self.anisotropy:
                circuit.rzz(self.anisotropy * angle, *self.shape.bonds[number])

    def _append_fields(self, circuit: QuantumCircuit, time: Any) -> None:
        for site, field in enumerate(self.fields):
            if field:
                circuit.rz(-2 * field * time, site)

    def start(self) -> QuantumCircuit:
        """The initial state; singlets stand on the bonds of the first colour, other sites are up."""
        circuit = QuantumCircuit(self.shape.sites)
        if self._initial == "singlets":
            for number in self.shape.colours[0]:
                first, second = self.shape.bonds[number]
                circuit.x([first, second])
                circuit.h(first)
                circuit.cx(first, second)
            return circuit
        down = self.shape.sides if self._initial == "neel" else [int(bit) for bit in self._initial]
        for site, bit in enumerate(down):
            if bit:
                circuit.x(site)
        return circuit

    def charges(self) -> tuple[int, ...]:
        """The numbers of spins down that must be looked at.

        Without fields, states of opposite magnetisation have the same energies; with all directions alike too, every
        energy is found in the smallest magnetisation.
        """
        sites = self.shape.sites
        if any(self.fields):
            return tuple(range(sites + 1))
        return (sites // 2,) if self.anisotropy == 1 else tuple(range(sites // 2 + 1))

    def variational(self) -> Encoding:
        """The state with the free parameters ``theta[i]``, layer by layer and colour by colour.

        The first colour comes last in a layer: it has the singlets, which it does not change.
        """
        layers, colours = self.angles or [], (*self.shape.colours[1:], self.shape.colours[0])
        theta = ParameterVector("theta", len(layers) * len(colours))
        circuit = self.start()
        for index, angle in enumerate(theta):
            self._append_bonds(colours[index % len(colours)], circuit, angle)
        return Encoding(circuit, {ENERGY: self.hamiltonian()}, values_of("theta", np.ravel(layers).tolist()))
