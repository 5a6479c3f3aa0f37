"""Circuits that measure known states, to learn how the readout errs; and X gates before a measurement."""

from collections.abc import Sequence
from math import pi

from qiskit import QuantumCircuit
from qiskit.circuit import Instruction
from qiskit.circuit.library import RXGate, SXGate, XGate
from qiskit.transpiler import Target

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.native import is_native


def measured_qubits(circuit: QuantumCircuit) -> tuple[int, ...]:
    """The physical qubit that each classical bit reads, at the end of a circuit.

    Raises:
        MitigationRefusedError: a bit is read twice or never, or a measured qubit is used afterwards.
    """
    read: dict[int, int] = {}
    seen: set[int] = set()
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        if instruction.operation.name != "barrier" and not seen.isdisjoint(qubits):
            raise MitigationRefusedError(
                "a qubit is used after its measurement: only final measurements can be mitigated"
            )
        if instruction.operation.name == "measure":
            read[circuit.find_bit(instruction.clbits[0]).index] = qubits[0]
            seen.add(qubits[0])
    if sorted(read) != list(range(circuit.num_clbits)) or len(seen) < len(read):
        raise MitigationRefusedError("each classical bit must be the final measurement of one qubit")
    return tuple(read[clbit] for clbit in sorted(read))


def prepared(template: QuantumCircuit, mask: Sequence[int], target: Target) -> QuantumCircuit:
    """A circuit that prepares 1 where the mask is 1, else 0, and measures as the template does.

    Args:
        template: A measured ISA circuit; its registers and layout are kept.
        mask: One bit for each classical bit.
        target: What the circuit must run on.
    """
    circuit = template.copy_empty_like(name=f"calibrate-{''.join(map(str, reversed(mask)))}")
    circuit.global_phase = 0
    qubits = measured_qubits(template)
    for clbit, qubit in enumerate(qubits):
        if mask[clbit]:
            _flip(circuit, qubit, target)
    circuit.barrier(qubits)
    circuit.measure(list(qubits), list(range(len(qubits))))
    return circuit


def flipped(circuit: QuantumCircuit, mask: Sequence[int], target: Target) -> QuantumCircuit:
    """The circuit with an X before each final measurement whose bit is 1 in the mask."""
    out = circuit.copy_empty_like()
    for instruction in circuit.data:
        if instruction.operation.name == "measure" and mask[circuit.find_bit(instruction.clbits[0]).index]:
            _flip(out, circuit.find_bit(instruction.qubits[0]).index, target)
        out.append(instruction)
    return out


def flip_gates(target: Target, qubit: int) -> list[Instruction]:
    """Native gates that together make an X.

    Raises:
        MitigationRefusedError: the target has none of X, SX and RX.
    """
    if is_native(target, "x", (qubit,)):
        return [XGate()]
    if is_native(target, "sx", (qubit,)):
        return [SXGate(), SXGate()]
    if is_native(target, "rx", (qubit,), [pi]):
        return [RXGate(pi)]
    raise MitigationRefusedError(f"the target has no X gate on qubit {qubit} (nor SX nor RX) to calibrate with")


def _flip(circuit: QuantumCircuit, qubit: int, target: Target) -> None:
    for gate in flip_gates(target, qubit):
        circuit.append(gate, [qubit])
