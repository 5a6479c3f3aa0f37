"""Static validation of a circuit, before anything runs: alone, and against a target."""

from dataclasses import dataclass

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Gate, Instruction, Operation, Qubit
from qiskit.circuit.library import Initialize
from qiskit.transpiler import Target

_SHOWN = 5
_NOT_ACTING = {"barrier", "delay"}


@dataclass(frozen=True)
class Finding:
    """One reason why a circuit cannot run."""

    rule: str
    """``width``, ``basis``, ``coupling``, ``mid-circuit measurement``, ``not a gate`` or ``missing measurement``."""
    message: str


def preparation_findings(circuit: QuantumCircuit) -> list[Finding]:
    """What keeps a circuit from being a state preparation whose observables can be measured.

    Final measurements are allowed (they are replaced by those of the observables); a measurement, reset or classical
    control in the middle is not, because then the final state is not one vector. Instructions count by what they hold.

    Example:
        >>> circuit = QuantumCircuit(1)
        >>> _, _ = circuit.h(0), circuit.reset(0)
        >>> [finding.message for finding in preparation_findings(circuit)]
        ['reset at instruction 1']
    """
    measured: set[Qubit] = set()
    touched: set[Qubit] = set()
    findings = []
    for index, instruction in enumerate(circuit.data):
        operation = instruction.operation
        if operation.name == "barrier":
            continue
        again = [circuit.find_bit(qubit).index for qubit in instruction.qubits if qubit in measured]
        if operation.name == "measure":
            measured.update(instruction.qubits)
        if again:
            what = f"{operation.name} at instruction {index} acts on qubit {again[0]} after its measurement"
            findings.append(_mid_circuit(what))
        elif operation.name != "measure" and not (
            isinstance(operation, Initialize) and touched.isdisjoint(instruction.qubits)
        ):
            findings += _not_unitary(operation, f"at instruction {index}")
        touched.update(instruction.qubits)
    return findings


def target_findings(circuit: QuantumCircuit, target: Target) -> list[Finding]:
    """What keeps a measured ISA circuit from running on a target; empty if it can run.

    Example:
        >>> from qiskit.providers.fake_provider import GenericBackendV2
        >>> circuit = QuantumCircuit(3, 1)
        >>> _, _ = circuit.h(0), circuit.measure(0, 0)
        >>> [finding.rule for finding in target_findings(circuit, GenericBackendV2(2, seed=1).target)]
        ['width']
    """
    findings = width_findings(circuit, target)
    if findings:
        return findings
    findings = [*_basis_findings(circuit, target), *preparation_findings(circuit)]
    if not any(instruction.operation.name == "measure" for instruction in circuit.data):
        findings.append(Finding("missing measurement", "the circuit measures no qubit, so there would be no counts"))
    return findings


def width_findings(circuit: QuantumCircuit, target: Target) -> list[Finding]:
    """Whether the circuit has more qubits than the target; a target without a number of qubits takes any."""
    available = target.num_qubits
    if not available or circuit.num_qubits <= available:
        return []
    return [Finding("width", f"the circuit has {circuit.num_qubits} qubits, the device has {available}")]


def _basis_findings(circuit: QuantumCircuit, target: Target) -> list[Finding]:
    found = []
    for index, instruction in enumerate(circuit.data):
        name = instruction.operation.name
        if name == "barrier":
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        if name not in target.operation_names:
            found.append(Finding("basis", f"{name} at instruction {index} is not an instruction of the device"))
        elif target.num_qubits and not target.instruction_supported(name, qubits):
            found.append(Finding("coupling", f"{name} at instruction {index} cannot act on qubits {qubits}"))
        if len(found) == _SHOWN:
            break
    return found


def _not_unitary(operation: Operation, where: str) -> list[Finding]:
    """At most one finding: the first part of an operation that is no gate."""
    name = operation.name
    if isinstance(operation, Gate) or name in _NOT_ACTING:
        return []
    if isinstance(operation, ControlFlowOp) or name in {"measure", "reset"}:
        return [_mid_circuit(f"{name} {where}")]
    if not isinstance(operation, Instruction):
        return [] if operation.num_clbits == 0 else [_not_a_gate(f"{name} {where}")]
    if operation.definition is None:
        return [_not_a_gate(f"{name} {where}")]
    parts = (_not_unitary(part.operation, f"inside {name} {where}") for part in operation.definition)
    return next(filter(None, parts), [])


def _not_a_gate(what: str) -> Finding:
    return Finding("not a gate", what)


def _mid_circuit(what: str) -> Finding:
    return Finding("mid-circuit measurement", what)
