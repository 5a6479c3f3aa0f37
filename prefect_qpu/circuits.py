"""The canonical form of a circuit, its hash, its metrics, and its stored form (QPY)."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Barrier, CircuitInstruction, Clbit, ControlFlowOp, ControlledGate, ForLoopOp, Operation
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.hashing import canonical_json, content_hash

QPY_VERSION = 17


@dataclass(frozen=True)
class CircuitMetrics:
    """Size of a circuit."""

    width: int
    """Qubits that carry an instruction other than a barrier."""
    depth: int
    """Longest path of instructions, barriers not counted."""
    two_qubit_gates: int
    """Gates on exactly two qubits, at the top level."""
    size: int
    """Instructions, barriers not counted."""
    payload_bytes: int
    """Bytes of the QPY form, before compression."""


def circuit_hash(circuit: QuantumCircuit) -> str:
    """SHA-256 of the structure of a circuit: instructions, operands, parameters; not its names, metadata or layout.

    Custom gates count by their definition, so two files that name the same gate differently agree.

    Example:
        >>> first, second = QuantumCircuit(2, name="a"), QuantumCircuit(2, name="b")
        >>> _, _ = first.h(0), second.h(0)
        >>> circuit_hash(first) == circuit_hash(second)
        True
        >>> _ = second.h(1)
        >>> circuit_hash(first) == circuit_hash(second)
        False
    """
    # As text, instruction by instruction: lists of all of them would keep the search for garbage busy.
    head = canonical_json(_size(circuit))[:-1]
    return content_hash(f"{head},[{','.join(map(canonical_json, _instructions(circuit)))}]]".encode())


def canonical_form(circuit: QuantumCircuit) -> list[Any]:
    """Structure of a circuit as JSON data: ``[qubits, clbits, global phase, instructions]``."""
    return [*_size(circuit), list(_instructions(circuit))]


def circuit_metrics(circuit: QuantumCircuit) -> CircuitMetrics:
    """Width, depth, two-qubit gates, size and payload of a circuit.

    Example:
        >>> bell = QuantumCircuit(3)
        >>> _, _ = bell.h(0), bell.cx(0, 1)
        >>> metrics = circuit_metrics(bell)
        >>> metrics.width, metrics.depth, metrics.two_qubit_gates
        (2, 2, 1)
    """
    operations = [instruction for instruction in circuit.data if instruction.operation.name != "barrier"]
    return CircuitMetrics(
        width=len({qubit for instruction in operations for qubit in instruction.qubits}),
        depth=circuit.depth(lambda instruction: instruction.operation.name != "barrier"),
        two_qubit_gates=sum(is_two_qubit_gate(instruction) for instruction in operations),
        size=len(operations),
        payload_bytes=len(to_qpy(circuit)),
    )


def is_two_qubit_gate(instruction: CircuitInstruction) -> bool:
    """Whether an instruction is a gate on two qubits (not a barrier, not classically controlled flow)."""
    return (
        len(instruction.qubits) == 2
        and not instruction.clbits
        and instruction.operation.name != "barrier"
        and not isinstance(instruction.operation, ControlFlowOp)
    )


def active_qubits(circuit: QuantumCircuit) -> list[int]:
    """Indices of the qubits that carry an instruction other than a barrier, in ascending order."""
    used = {
        qubit for instruction in circuit.data if instruction.operation.name != "barrier" for qubit in instruction.qubits
    }
    return sorted(circuit.find_bit(qubit).index for qubit in used)


def to_qpy(circuit: QuantumCircuit) -> bytes:
    """QPY form of a circuit; keeps parameters and layout."""
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer, version=QPY_VERSION)
    return buffer.getvalue()


def pub_bytes(pub: SamplerPub) -> int:
    """Bytes of a PUB's circuit and parameter values, before compression."""
    return len(to_qpy(pub.circuit)) + 8 * int(pub.parameter_values.size) * int(pub.parameter_values.num_parameters)


def from_qpy(raw: bytes) -> QuantumCircuit:
    """The circuit of a QPY form that `to_qpy` made."""
    (circuit,) = qpy.load(io.BytesIO(raw))
    return circuit


@cache
def _standard_gates() -> dict[str, type]:
    return {name: gate.base_class for name, gate in get_standard_gate_name_mapping().items()}


@cache
def _control_states() -> dict[str, int | None]:
    """The control state of each standard gate as it is when nothing else was asked for."""
    return {name: _control_state(gate) for name, gate in get_standard_gate_name_mapping().items()}


def _size(circuit: QuantumCircuit) -> list[Any]:
    return [circuit.num_qubits, circuit.num_clbits, _parameter(circuit.global_phase)]


@cache
def _barrier() -> list[Any]:
    return _operation(QuantumCircuit(), Barrier(1))


def _instructions(circuit: QuantumCircuit) -> Iterator[list[Any]]:
    control = _control_states()
    places = {bit: place for bits in (circuit.qubits, circuit.clbits) for place, bit in enumerate(bits)}
    for item in circuit.data:
        name = item.name
        # Objects of standard gates and barriers are not made: that would take most of the time.
        if name in control and item.is_standard_gate():
            operation = [name, list(map(_parameter, item.params)), control[name]]
        else:
            operation = _barrier() if name == "barrier" else _operation(circuit, item.operation)
        yield [operation, [places[bit] for bit in item.qubits], [places[bit] for bit in item.clbits]]


def _operation(circuit: QuantumCircuit, operation: Operation) -> list[Any]:
    if isinstance(operation, ControlFlowOp):
        return [operation.name, *_control_flow(circuit, operation)]
    params = [_parameter(param) for param in getattr(operation, "params", ())]
    if _standard_gates().get(operation.name) is getattr(operation, "base_class", None):
        return [operation.name, params, _control_state(operation)]
    definition = getattr(operation, "definition", None)
    if definition is not None and operation.name not in _BUILT_IN:
        return ["definition", canonical_form(definition), _control_state(operation)]
    return [operation.name, params, getattr(operation, "unit", None)]


_BUILT_IN = {"barrier", "measure", "reset", "delay", "initialize", "unitary"}


def _control_state(operation: Operation) -> int | None:
    return operation.ctrl_state if isinstance(operation, ControlledGate) else None


def _control_flow(circuit: QuantumCircuit, operation: ControlFlowOp) -> Iterator[Any]:
    yield _condition(circuit, getattr(operation, "condition", None) or getattr(operation, "target", None))
    if isinstance(operation, ForLoopOp):
        indices, parameter, _ = operation.params
        yield [list(indices), str(parameter)]
    if hasattr(operation, "cases_specifier"):
        yield [[str(value) for value in values] for values, _ in operation.cases_specifier()]
    yield [canonical_form(block) for block in operation.blocks]


def _condition(circuit: QuantumCircuit, condition: Any) -> Any:
    if condition is None:
        return None
    if isinstance(condition, tuple):
        operand, value = condition
        return [_condition(circuit, operand), int(value)]
    if isinstance(condition, Clbit):
        return [circuit.find_bit(condition).index]
    if hasattr(condition, "__iter__"):
        return [circuit.find_bit(clbit).index for clbit in condition]
    return repr(condition)


def _parameter(value: Any) -> Any:
    if isinstance(value, float):
        return value.hex()
    if isinstance(value, np.ndarray):
        return ["array", list(value.shape), content_hash(np.ascontiguousarray(value, dtype=complex).tobytes())]
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, int | np.integer | np.floating):
        return float(value).hex()
    if isinstance(value, complex | np.complexfloating):
        return [float(value.real).hex(), float(value.imag).hex()]
    return str(value)
