"""Static validation of a circuit, before anything runs: alone, and against a target."""

from dataclasses import dataclass

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp, Qubit
from qiskit.transpiler import Target

_SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One reason why a circuit cannot run."""

    rule: str
    """``width``, ``basis``, ``coupling``, ``mid-circuit measurement`` or ``missing measurement``."""
    message: str


def preparation_findings(circuit: QuantumCircuit) -> list[Finding]:
    """What keeps a circuit from being a state preparation whose observables can be measured.

    Final measurements are allowed (they are replaced by those of the observables); a measurement, reset or classical
    control in the middle is not, because then the final state is not one vector.
    """
    measured: set[Qubit] = set()
    findings = []
    for index, instruction in enumerate(circuit.data):
        name = instruction.operation.name
        if name == "barrier":
            continue
        again = [circuit.find_bit(qubit).index for qubit in instruction.qubits if qubit in measured]
        if name == "measure":
            measured.update(instruction.qubits)
        if again:
            findings.append(_mid_circuit(f"{name} at instruction {index} acts on qubit {again[0]} after its measurement"))
        elif isinstance(instruction.operation, ControlFlowOp) or name == "reset":
            findings.append(_mid_circuit(f"{name} at instruction {index}"))
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
    """Whether the circuit has more qubits than the target."""
    available = target.num_qubits
    if available is None or circuit.num_qubits <= available:
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
        elif not target.instruction_supported(name, qubits):
            found.append(Finding("coupling", f"{name} at instruction {index} cannot act on qubits {qubits}"))
        if len(found) == _SHOWN:
            break
    return found


def _mid_circuit(what: str) -> Finding:
    return Finding("mid-circuit measurement", what)
