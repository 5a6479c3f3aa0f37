"""The workload ``circuit``: a circuit of the user's, and the observables to estimate in its final state."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field, PrivateAttr, ValidationInfo, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVectorElement
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.circuit_files import call_entry_point, decode_qpy, parse_qasm, read_circuit
from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import CircuitError, WorkloadError
from prefect_qpu.observables import constant_of, norm_of, parse_observable
from prefect_qpu.workloads.preparation import state_preparation
from prefect_qpu.workloads.protocol import Encoding, Workload

Observable = Annotated[str | dict[str, float], Field(union_mode="left_to_right")]
Value = Annotated[float | list[float], Field(union_mode="left_to_right")]

_ROUNDING = 1e-9


class CircuitWorkload(Workload):
    """Expectation values of observables in the state that a circuit prepares.

    Example:
        >>> bell = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
        >>> workload = CircuitWorkload(qasm=bell, observables={"zz": "ZZ", "field": {"ZI": 0.5, "IZ": 0.5}})
        >>> workload.encode().circuit.num_qubits, sorted(workload.observable_names())
        (2, ['field', 'zz'])
    """

    sources: ClassVar[tuple[str, ...]] = ("file", "python", "qasm", "qpy", "circuit")

    kind: Literal["circuit"] = "circuit"
    file: str | None = None
    """Path of an OpenQASM 2, OpenQASM 3 or QPY file, relative to the definition's folder."""
    python: str | None = None
    """``module:function`` that returns the circuit."""
    qasm: str | None = None
    """OpenQASM 2 or 3 text."""
    qpy: str | None = None
    """QPY data in base64."""
    circuit: str | None = None
    """Hash of a stored circuit."""
    observables: dict[str, Observable] = Field(default_factory=dict)
    """Pauli string, or weight of each Pauli string, by name; the last letter is qubit 0."""
    parameters: dict[str, Value] = Field(default_factory=dict)
    """Value of each free parameter by name; a list fills ``name[0]``, ``name[1]``, ..."""
    expected: dict[str, float] = Field(default_factory=dict)
    """Expectation values that are known, by observable."""

    _preparation: QuantumCircuit = PrivateAttr()
    _operators: dict[str, SparsePauliOp] = PrivateAttr()
    _values: dict[str, float] = PrivateAttr()

    @model_validator(mode="after")
    def _load(self, info: ValidationInfo) -> Self:
        source = self._source()
        circuit = self._read(source, info.context or {})
        self._preparation = state_preparation(circuit, source)
        self._operators = self._parse_observables()
        self._check_expected()
        self._values = parameter_values(self._preparation, self.parameters)
        return self

    def document(self) -> dict[str, Any]:
        """The circuit's hash, and the rest in canonical form; a store must keep the encoded circuit under the hash."""
        return {
            "kind": self.kind,
            "circuit": self.preparation_hash,
            "observables": {name: _weights(operator) for name, operator in sorted(self._operators.items())},
            "parameters": dict(sorted(self._values.items())),
            "expected": {name: float(value) for name, value in sorted(self.expected.items())},
        }

    @cached_property
    def preparation_hash(self) -> str:
        """Hash of the circuit without its final measurements."""
        return circuit_hash(self._preparation)

    def encode(self) -> Encoding:
        """The circuit without its final measurements; qubits that carry no gate stay."""
        return Encoding(
            circuit=self._preparation.copy(),
            observables=dict(self._operators),
            parameters={name: np.asarray(value) for name, value in self._values.items()},
            expected=dict(self.expected),
        )

    def observable_names(self) -> set[str]:
        """Names of the observables."""
        return set(self.observables)

    def _source(self) -> str:
        given = [name for name in self.sources if getattr(self, name) is not None]
        if len(given) != 1:
            raise WorkloadError("", given=given or None, expected=f"exactly one of the keys {', '.join(self.sources)}")
        return given[0]

    def _read(self, source: str, context: Mapping[str, Any]) -> QuantumCircuit:
        value = getattr(self, source)
        match source:
            case "file":
                return read_circuit(Path(context.get("base") or ".") / value, source)
            case "python":
                return call_entry_point(value, source)
            case "qasm":
                return parse_qasm(value, field=source)
            case "qpy":
                return decode_qpy(value, source)
        return _stored(value, context)

    def _parse_observables(self) -> dict[str, SparsePauliOp]:
        width = self._preparation.num_qubits
        if not self.observables:
            example = "Z" * min(width, 20)
            raise WorkloadError(
                "observables",
                given=None,
                expected=f"at least one observable of the circuit's {width} qubits",
                hint=f"Name what to estimate in the circuit's state, for example observables: {{z: {example}}}.",
            )
        for name in self.observables:
            if not name.strip() or not name.isprintable():
                raise WorkloadError("observables", given=name, expected="a name in one line of text")
        return {name: parse_observable(name, given, width) for name, given in self.observables.items()}

    def _check_expected(self) -> None:
        for name, value in self.expected.items():
            if name not in self._operators:
                known = ", ".join(sorted(self._operators))
                raise WorkloadError(f"expected.{name}", given=name, expected=f"the name of an observable ({known})")
            constant, norm = constant_of(self._operators[name]), norm_of(self._operators[name])
            if abs(value - constant) > norm + _ROUNDING * (1 + abs(constant) + norm):
                bounds = f"a value from {constant - norm:.12g} to {constant + norm:.12g}, as the weights allow"
                raise WorkloadError(f"expected.{name}", given=value, expected=bounds)


def parameter_values(circuit: QuantumCircuit, given: Mapping[str, float | Sequence[float]]) -> dict[str, float]:
    """The value of each free parameter of a circuit, by its name.

    Args:
        circuit: A circuit with free parameters.
        given: Values by name; a list fills the elements of a parameter vector.

    Raises:
        WorkloadError: a parameter has no value or two, or a value belongs to no parameter.

    Example:
        >>> from qiskit.circuit import ParameterVector
        >>> circuit = QuantumCircuit(1)
        >>> for angle in ParameterVector("theta", 2):
        ...     _ = circuit.rx(angle, 0)
        >>> parameter_values(circuit, {"theta": [0.1, 0.2]})
        {'theta[0]': 0.1, 'theta[1]': 0.2}
    """
    values: dict[str, float] = {}
    for name, value in _single_values(given):
        if name in values:
            raise WorkloadError(f"parameters.{name}", given="two values", expected="one value")
        values[name] = float(value)
    needed = [parameter.name for parameter in circuit.parameters]
    unknown = sorted(values.keys() - needed - _unused_elements(circuit))
    if unknown:
        raise WorkloadError("parameters", given=unknown, expected=_names("the circuit's free parameters", needed))
    missing = [name for name in needed if name not in values]
    if missing:
        raise WorkloadError(
            "parameters",
            given=sorted(values) or None,
            expected=_names("a value for each free parameter", needed),
            hint=f"Missing: {', '.join(missing)}.",
        )
    return {name: values[name] for name in needed}


def _single_values(given: Mapping[str, float | Sequence[float]]) -> Iterator[tuple[str, float]]:
    for name, value in given.items():
        if isinstance(value, Sequence):
            yield from ((f"{name}[{index}]", element) for index, element in enumerate(value))
        else:
            yield name, value


def _unused_elements(circuit: QuantumCircuit) -> set[str]:
    """Elements of the circuit's parameter vectors; a list of values may cover some that no gate uses."""
    return {
        element.name
        for parameter in circuit.parameters
        if isinstance(parameter, ParameterVectorElement)
        for element in parameter.vector
    }


def _names(what: str, names: Sequence[str]) -> str:
    return f"{what} ({', '.join(names) or 'it has none'})"


def _weights(operator: SparsePauliOp) -> dict[str, float]:
    return {pauli: float(weight.real) for pauli, weight in operator.to_list()}


def _stored(given: str, context: Mapping[str, Any]) -> QuantumCircuit:
    lookup = context.get("circuits")
    if lookup is None:
        raise CircuitError(
            "circuit",
            given=given,
            expected="a record store that holds the circuit",
            hint="Give the circuit itself with file, python, qasm or qpy.",
        )
    circuit: QuantumCircuit = lookup(given)
    if circuit_hash(circuit) != given:
        raise CircuitError("circuit", given=given, expected="the hash of the stored circuit, which is another")
    return circuit
