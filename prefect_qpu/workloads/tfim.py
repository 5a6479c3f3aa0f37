"""The workload ``tfim``: the ground energy of an open Ising chain in a transverse field."""

from functools import cached_property
from math import atan2, pi
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, Field, PrivateAttr, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition, as_tuple
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fixed_angles import Angles
from prefect_qpu.workloads.protocol import Encoding, Objective, Workload

ENERGY = "energy"
MOST_SITES = 1000

Radians = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]
Strengths = Annotated[float | list[float], Field(union_mode="left_to_right")]


class TimeSpec(Definition):
    """How long each layer evolves under the couplings (``gamma``) and under the fields (``beta``)."""

    gamma: Radians
    beta: Radians


class TfimWorkload(Workload):
    """The energy of ``H = -sum J Z_i Z_(i+1) - sum h X_i`` in a state that is prepared layer by layer.

    The state begins with all spins along the field; each layer evolves under the couplings, then under the fields: the
    Hamiltonian variational ansatz (Wecker, Hastings and Troyer 2015, https://arxiv.org/abs/1507.08969).

    Example:
        >>> workload = TfimWorkload(sites=6, coupling=1.0, field=0.8)
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (6, Objective(observable='energy', sense='minimize'))
    """

    kind: Literal["tfim"] = "tfim"
    sites: Annotated[int, Field(ge=2, le=MOST_SITES)]
    coupling: Strengths = 1.0
    """``J``; a list has one for each pair of neighbours."""
    field: Strengths = 1.0
    """``h``; a list has one for each site."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    angles: TimeSpec | None = None
    """None takes the best ones for a single layer, for the mean absolute coupling and field."""

    _angles: Angles = PrivateAttr()

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, values, needed in (("coupling", self.couplings, self.sites - 1), ("field", self.fields, self.sites)):
            if len(values) != needed:
                raise WorkloadError(name, given=f"{len(values)} values", expected=f"one number, or {needed} numbers")
        self._angles = self._closed_form() if self.angles is None else self._given(self.angles)
        return self

    @cached_property
    def couplings(self) -> tuple[float, ...]:
        """``J`` of each pair of neighbours."""
        return _each(self.coupling, self.sites - 1)

    @cached_property
    def fields(self) -> tuple[float, ...]:
        """``h`` of each site."""
        return _each(self.field, self.sites)

    def _given(self, given: TimeSpec) -> Angles:
        for name, values in (("gamma", given.gamma), ("beta", given.beta)):
            if len(values) != self.layers:
                expected = f"one value for each of the {self.layers} layers"
                raise WorkloadError(f"angles.{name}", given=list(values), expected=expected)
        return Angles(given.gamma, given.beta)

    def _closed_form(self) -> Angles:
        """The best angles of one layer where a bond sees no end of the chain.

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
        """The chain and the angles themselves."""
        return {
            "kind": self.kind,
            "sites": self.sites,
            "coupling": list(self.couplings),
            "field": list(self.fields),
            "layers": self.layers,
            "angles": {"gamma": [*map(float, self._angles.gamma)], "beta": [*map(float, self._angles.beta)]},
        }

    def hamiltonian(self) -> SparsePauliOp:
        """``H``; qubit ``i`` is site ``i``."""
        terms = [("ZZ", [site, site + 1], -value) for site, value in enumerate(self.couplings)]
        terms += [("X", [site], -value) for site, value in enumerate(self.fields)]
        return SparsePauliOp.from_sparse_list(terms, num_qubits=self.sites)

    def encode(self) -> Encoding:
        """The state with the free parameters ``gamma[i]`` and ``beta[i]``, and the observable ``energy``."""
        values = {f"gamma[{layer}]": value for layer, value in enumerate(self._angles.gamma)}
        values |= {f"beta[{layer}]": value for layer, value in enumerate(self._angles.beta)}
        return Encoding(
            circuit=self._circuit(),
            observables={ENERGY: self.hamiltonian()},
            parameters={name: np.asarray(value, dtype=float) for name, value in values.items()},
        )

    def observable_names(self) -> set[str]:
        """``energy``."""
        return {ENERGY}

    def objective(self) -> Objective:
        """The energy is to be small."""
        return Objective(ENERGY, "minimize")

    def _circuit(self) -> QuantumCircuit:
        """``exp(i gamma sum J ZZ)``, first on even bonds, then on odd ones; then ``exp(i beta sum h X)``."""
        gamma, beta = ParameterVector("gamma", self.layers), ParameterVector("beta", self.layers)
        circuit = QuantumCircuit(self.sites)
        for site, value in enumerate(self.fields):
            if value < 0:
                circuit.x(site)
            circuit.h(site)
        for layer in range(self.layers):
            for site in [*range(0, self.sites - 1, 2), *range(1, self.sites - 1, 2)]:
                circuit.rzz(-2 * self.couplings[site] * gamma[layer], site, site + 1)
            for site, value in enumerate(self.fields):
                circuit.rx(-2 * value * beta[layer], site)
        return circuit


def _each(strength: float | list[float], number: int) -> tuple[float, ...]:
    return tuple(map(float, strength)) if isinstance(strength, list) else (float(strength),) * number
