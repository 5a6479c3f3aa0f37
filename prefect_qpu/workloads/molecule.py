"""The workload ``molecule``: the ground energy of a Hamiltonian of Pauli terms, from a file or from a geometry."""

import itertools
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, PrivateAttr, ValidationInfo, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.circuit_files import parse_qasm
from prefect_qpu.definition import Definition, base_folder
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.chemistry import Geometry, molecule_of
from prefect_qpu.workloads.circuit import Value, parameter_values
from prefect_qpu.workloads.fermions import excitation_rotations
from prefect_qpu.workloads.pauli_files import hamiltonian_of, read_hamiltonian
from prefect_qpu.workloads.preparation import state_preparation
from prefect_qpu.workloads.protocol import Encoding, Objective, Workload
from prefect_qpu.workloads.quadratic_files import read_text

if TYPE_CHECKING:
    from prefect_qpu.baselines.protocol import Baseline, BaselineReport

ENERGY = "energy"


class Excitation(Definition):
    """A rotation ``exp(angle (T - T+))``, where ``T`` moves electrons from spin orbitals to others."""

    source: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=2)]
    target: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=2)]
    angle: float


class Ansatz(Definition):
    """A circuit of the user's that begins with the occupied orbitals' state."""

    qasm: str
    """OpenQASM 2 or 3; a path where it has no line break."""
    parameters: dict[str, Value] = Field(default_factory=dict)
    """Value of each free parameter by name."""


def operator_from(value: Any, info: ValidationInfo) -> SparsePauliOp | None:
    """The Hamiltonian of a path or of JSON data; none stays none."""
    field = info.field_name or "hamiltonian"
    if value is None or isinstance(value, SparsePauliOp):
        return value
    if isinstance(value, str):
        return read_hamiltonian(base_folder(info) / value, field)
    return hamiltonian_of(value, field)


class MoleculeWorkload(Workload):
    """The energy of a Hamiltonian in a variational state, in its own unit; Hartree, where PySCF makes it.

    Example:
        >>> workload = MoleculeWorkload(hamiltonian={"Z0": -0.4, "Z1": -0.4, "X0 X1": 0.2}, occupied="00")
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (2, Objective(observable='energy', sense='minimize'))
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    kind: Literal["molecule"] = "molecule"
    hamiltonian: Annotated[
        SparsePauliOp | None,
        BeforeValidator(operator_from, json_schema_input_type=Any),
        PlainSerializer(lambda operator: None if operator is None else _terms(operator), return_type=Any),
    ] = None
    """Path of a file, or weights by label."""
    molecule: Geometry | None = None
    """Atoms, from which PySCF makes the Hamiltonian."""
    occupied: str | None = None
    """The state before the excitations or the circuit, one character for each qubit, qubit 0 first; none takes the
    Hartree-Fock state of a molecule, and zeros else. Its numbers of electrons are those whose ground state is asked."""
    excitations: list[Excitation] = Field(default_factory=list)
    """Unitary coupled clusters, one after the other; Jordan-Wigner, spins alternate."""
    circuit: Ansatz | None = None
    """Instead of excitations."""

    _operator: SparsePauliOp = PrivateAttr()
    _occupied: str = PrivateAttr()
    _ansatz: QuantumCircuit | None = PrivateAttr(default=None)
    _qasm: str | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _load(self, info: ValidationInfo) -> Self:
        self._operator, occupied = self._problem()
        self._occupied = self.occupied or occupied
        qubits = self._operator.num_qubits
        if len(self._occupied) != qubits or not set(self._occupied) <= {"0", "1"}:
            raise WorkloadError("occupied", given=self._occupied, expected=f"{qubits} characters 0 or 1")
        self._check_excitations(qubits)
        if self.circuit is not None:
            self._read_circuit(self.circuit, base_folder(info))
        return self

    def _problem(self) -> tuple[SparsePauliOp, str]:
        if (self.hamiltonian is None) == (self.molecule is None):
            given = "both" if self.hamiltonian is not None else None
            raise WorkloadError("hamiltonian", given=given, expected="either hamiltonian or molecule")
        if self.molecule is not None:
            made = molecule_of(self.molecule)
            return made.hamiltonian, made.occupied
        assert self.hamiltonian is not None
        return self.hamiltonian, "0" * self.hamiltonian.num_qubits

    def _check_excitations(self, qubits: int) -> None:
        if self.excitations and self.circuit is not None:
            raise WorkloadError("circuit", given="both", expected="either excitations or circuit")
        for index, item in enumerate(self.excitations):
            orbitals = [*item.source, *item.target]
            if len(item.source) != len(item.target) or len(set(orbitals)) < len(orbitals) or max(orbitals) >= qubits:
                expected = f"as many sources as targets, all different and below {qubits}"
                raise WorkloadError(f"excitations.{index}", given=[item.source, item.target], expected=expected)

    def _read_circuit(self, ansatz: Ansatz, base: Path) -> None:
        text = (
            ansatz.qasm if "\n" in ansatz.qasm or ";" in ansatz.qasm else read_text(base / ansatz.qasm, "circuit.qasm")
        )
        circuit = state_preparation(parse_qasm(text, field="circuit.qasm"), "circuit.qasm")
        if circuit.num_qubits != self._operator.num_qubits:
            expected = f"a circuit of {self._operator.num_qubits} qubits, as the Hamiltonian has"
            raise WorkloadError("circuit.qasm", given=f"{circuit.num_qubits} qubits", expected=expected)
        parameter_values(circuit, ansatz.parameters)
        self._ansatz, self._qasm = circuit, text

    def document(self) -> dict[str, Any]:
        """The Hamiltonian term by term, and how the state is prepared."""
        terms = _terms(self._operator)
        document: dict[str, Any] = {"kind": self.kind, "hamiltonian": terms, "occupied": self._occupied}
        if self.circuit is not None:
            return document | {
                "circuit": {"qasm": self._qasm, "parameters": dict(sorted(self.circuit.parameters.items()))}
            }
        return document | {"excitations": [item.model_dump() for item in self.excitations]}

    @property
    def operator(self) -> SparsePauliOp:
        """The Hamiltonian."""
        return self._operator

    @cached_property
    def reference(self) -> str:
        """The occupied orbitals, qubit 0 first."""
        return self._occupied

    def encode(self) -> Encoding:
        """The state with its free parameters, ``theta[i]`` for excitation ``i``, and the observable ``energy``."""
        circuit = QuantumCircuit(self._operator.num_qubits)
        for qubit, bit in enumerate(self._occupied):
            if bit == "1":
                circuit.x(qubit)
        if self._ansatz is not None and self.circuit is not None:
            circuit.compose(self._ansatz, inplace=True)
            values = parameter_values(self._ansatz, self.circuit.parameters)
        else:
            theta = ParameterVector("theta", len(self.excitations))
            for item, angle in zip(self.excitations, theta, strict=True):
                _append_excitation(circuit, item, angle)
            values = {angle.name: item.angle for item, angle in zip(self.excitations, theta, strict=True)}
        return Encoding(circuit, {ENERGY: self._operator}, {name: np.asarray(value) for name, value in values.items()})

    def observable_names(self) -> set[str]:
        """``energy``."""
        return {ENERGY}

    def objective(self) -> Objective:
        """The energy is to be small."""
        return Objective(ENERGY, "minimize")

    def baselines(self, time_limit: float, seed: int) -> "BaselineReport | None":
        """Diagonalisation in the sector of the occupied orbitals; for a geometry, what chemistry has for it too."""
        from prefect_qpu.baselines.molecules import answers

        return answers(self, time_limit, seed)

    def check(self, baseline: "Baseline") -> None:
        """Enclose the energy again."""
        from prefect_qpu.baselines.molecules import check

        check(self, baseline)


def _terms(operator: SparsePauliOp) -> list[list[Any]]:
    return sorted([label, float(weight.real)] for label, weight in operator.to_list())


def _append_excitation(circuit: QuantumCircuit, item: Excitation, angle: Parameter) -> None:
    """Each Pauli is turned to products of Z, whose parity a chain of CNOTs gathers."""
    for letters, qubits, weight in excitation_rotations(item.source, item.target):
        basis = QuantumCircuit(circuit.num_qubits)
        for letter, qubit in zip(letters, qubits, strict=True):
            if letter == "Y":
                basis.sdg(qubit)
            if letter in "XY":
                basis.h(qubit)
        for first, second in itertools.pairwise(qubits):
            basis.cx(first, second)
        circuit.compose(basis, inplace=True)
        circuit.rz(2 * weight * angle, qubits[-1])
        circuit.compose(basis.inverse(), inplace=True)
