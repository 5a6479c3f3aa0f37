"""The state preparation in a circuit: the circuit without its final measurements."""

from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate, Operation, Qubit
from qiskit.circuit.library import Initialize

from prefect_qpu.errors import CircuitError
from prefect_qpu.validation import preparation_findings


def state_preparation(circuit: QuantumCircuit, field: str = "circuit") -> QuantumCircuit:
    """A copy without measurements, classical bits and final barriers; qubits keep their number and order.

    Raises:
        CircuitError: the circuit has no qubit, or its final state is not one vector: it measures, resets or branches
            on the way.

    Example:
        >>> bell = QuantumCircuit(2)
        >>> _, _ = bell.h(0), bell.cx(0, 1)
        >>> bell.measure_all()
        >>> dict(state_preparation(bell).count_ops()) == {"h": 1, "cx": 1}
        True
    """
    if circuit.num_qubits == 0:
        raise CircuitError(field, given="a circuit without qubits", expected="at least one qubit")
    reasons = [finding.message for finding in preparation_findings(circuit)] + _opaque_gates(circuit)
    if reasons:
        raise CircuitError(
            field,
            given=reasons[0],
            expected="gates that are defined, and measurements only at the end of a qubit",
            hint="The observables are measured in the state at the end of the circuit.",
        )
    prepared = QuantumCircuit(circuit.num_qubits, global_phase=circuit.global_phase)
    for instruction in _without_end(circuit):
        qubits = [prepared.qubits[circuit.find_bit(qubit).index] for qubit in instruction.qubits]
        prepared.append(_unitary(instruction.operation), qubits)
    return prepared


def _without_end(circuit: QuantumCircuit) -> list[CircuitInstruction]:
    """Instructions up to the measurements and final barriers of each qubit; measurements are final already."""
    kept: list[CircuitInstruction] = []
    busy: set[Qubit] = set()
    for instruction in reversed(circuit.data):
        name = instruction.operation.name
        if name == "measure" or (name == "barrier" and busy.isdisjoint(instruction.qubits)):
            continue
        busy.update(instruction.qubits)
        kept.append(instruction)
    return kept[::-1]


def _opaque_gates(circuit: QuantumCircuit) -> list[str]:
    """Gates that only have a name: no simulator and no transpiler knows what they do."""
    return [
        f"{instruction.operation.name} at instruction {index}, a gate without a definition"
        for index, instruction in enumerate(circuit.data)
        if type(instruction.operation) is Gate and instruction.operation.definition is None
    ]


def _unitary(operation: Operation) -> Operation:
    """The gate in an initialisation, which resets qubits that are in the ground state anyway."""
    if not isinstance(operation, Initialize):
        return operation
    return next(part.operation for part in operation.definition if part.operation.name != "reset")
