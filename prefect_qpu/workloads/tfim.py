"""The workload ``tfim``: Ising spins in a transverse field, on a chain or another lattice."""

from functools import cached_property
from math import atan2, pi
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fixed_angles import Angles
from prefect_qpu.workloads.lattice import MOST_SITES, Lattice, lattice_from, named_lattice
from prefect_qpu.workloads.protocol import Encoding
from prefect_qpu.workloads.qaoa import Radians
from prefect_qpu.workloads.spin_model import ENERGY, Part, SpinModel, Strengths, values_of


class TimeSpec(Definition):
    """How long each layer evolves under the couplings (``gamma``) and under the fields (``beta``)."""

    gamma: Radians
    beta: Radians


class TfimWorkload(SpinModel):
    """The energy of ``H = -sum J Z_i Z_j - sum h X_i`` in a state that is prepared layer by layer, or its evolution.

    The state begins with all spins along the field; each layer evolves under the couplings, then under the fields: the
    Hamiltonian variational ansatz (Wecker, Hastings and Troyer 2015, https://arxiv.org/abs/1507.08969). An evolution
    begins with all spins up.

    Example:
        >>> workload = TfimWorkload(sites=6, coupling=1.0, field=0.8)
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (6, Objective(observable='energy', sense='minimize'))
    """

    kind: Literal["tfim"] = "tfim"
    sites: Annotated[int, Field(ge=2, le=MOST_SITES)] | None = None
    """Length of an open chain; or ``lattice``."""
    lattice: Annotated[Lattice | None, BeforeValidator(lattice_from, json_schema_input_type=dict[str, Any] | None)] = (
        None
    )
    """``{lattice: ladder, rungs: 4}``, a chain, square or heavy_hex, or ``{sites, bonds}``."""
    field: Strengths = 1.0
    """``h``; a list has one for each site."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    angles: TimeSpec | None = None
    """None takes the best ones for a single layer of a chain, for the mean absolute coupling and field."""

    _angles: Angles | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.sites is None) == (self.lattice is None):
            raise WorkloadError("sites", given=self.sites, expected="either sites, of a chain, or lattice")
        _ = self.couplings, self.fields
        if self.evolution is None:
            self._angles = self._closed_form() if self.angles is None else self._given(self.angles)
        elif self.angles is not None or self.layers != 1:
            raise WorkloadError("angles", given=self.angles, expected="either layers and angles, or evolution")
        return self

    @cached_property
    def shape(self) -> Lattice:
        """The lattice."""
        return self.lattice or named_lattice({"lattice": "chain", "sites": self.sites})

    def _given(self, given: TimeSpec) -> Angles:
        for name, values in (("gamma", given.gamma), ("beta", given.beta)):
            if len(values) != self.layers:
                expected = f"one value for each of the {self.layers} layers"
                raise WorkloadError(f"angles.{name}", given=list(values), expected=expected)
        return Angles(given.gamma, given.beta)

    def _closed_form(self) -> Angles:
        """The best angles of one layer where a bond sees no end of a chain; on other lattices a start.

        There a bond has ``<ZZ> = sin(4 gamma J) sin(4 beta h) / 2`` and a site ``<X> = cos(2 gamma J)**2``, so that
        ``4 beta h = pi / 2`` and ``tan(4 gamma J) = J / h``.
        """
        if self.layers > 1:
            raise WorkloadError("angles", given=None, expected=f"gamma and beta of {self.layers} values each")
        coupling, strength = (float(np.mean(np.abs(values))) for values in (self.couplings, self.fields))
        if min(coupling, strength) == 0:
            raise WorkloadError("angles", given=None, expected="angles, as the couplings or the fields are all 0")
        return Angles((atan2(coupling, strength) / 4 / coupling,), (pi / 8 / strength,))

    def document(self) -> dict[str, Any]:
        """The lattice and the angles themselves."""
        where = {"sites": self.sites} if self.lattice is None else {"lattice": self.lattice.document()}
        document = {"kind": self.kind, **where, "coupling": list(self.couplings), "field": list(self.fields)}
        if self.evolution is not None:
            return document | {"evolution": self.evolution.model_dump()}
        assert self._angles is not None
        angles = {"gamma": [*map(float, self._angles.gamma)], "beta": [*map(float, self._angles.beta)]}
        return document | {"layers": self.layers, "angles": angles}

    def hamiltonian(self) -> SparsePauliOp:
        """``H``; qubit ``i`` is site ``i``."""
        terms = [("ZZ", list(bond), -value) for bond, value in zip(self.shape.bonds, self.couplings, strict=True)]
        terms += [("X", [site], -value) for site, value in enumerate(self.fields)]
        return SparsePauliOp.from_sparse_list(terms, num_qubits=self.shape.sites)

    def parts(self) -> list[Part]:
        """The couplings, then the fields."""
        return [self._append_couplings, self._append_fields]

    def _append_couplings(self, circuit: QuantumCircuit, time: Any) -> None:
        """``exp(i time sum J ZZ)``, on bonds without a common site at once."""
        for colour in self.shape.colours:
            for number in colour:
                circuit.rzz(-2 * self.couplings[number] * time, *self.shape.bonds[number])

    def _append_fields(self, circuit: QuantumCircuit, time: Any) -> None:
        """``exp(i time sum h X)``."""
        for site, value in enumerate(self.fields):
            circuit.rx(-2 * value * time, site)

    def start(self) -> QuantumCircuit:
        """All spins along the field; all spins up before an evolution."""
        circuit = QuantumCircuit(self.shape.sites)
        for site, value in enumerate(self.fields if self.evolution is None else ()):
            if value < 0:
                circuit.x(site)
            circuit.h(site)
        return circuit

    def charges(self) -> None:
        """No number of spins is conserved."""

    def variational(self) -> Encoding:
        """The state with the free parameters ``gamma[i]`` and ``beta[i]``, and the observable ``energy``."""
        assert self._angles is not None
        gamma, beta = ParameterVector("gamma", self.layers), ParameterVector("beta", self.layers)
        circuit = self.start()
        for layer in range(self.layers):
            self._append_couplings(circuit, gamma[layer])
            self._append_fields(circuit, beta[layer])
        values = values_of("gamma", self._angles.gamma) | values_of("beta", self._angles.beta)
        return Encoding(circuit, {ENERGY: self.hamiltonian()}, values)
