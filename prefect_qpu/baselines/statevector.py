"""Exact expectation values by a state vector: the opponent of circuits that are small enough."""

from math import inf

from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import Statevector

from prefect_qpu.workloads import Encoding

MOST_QUBITS = 24
_SECONDS_PER_AMPLITUDE = 1.2e-8
"""Time of one gate for each amplitude, on one core."""
_BYTES_PER_AMPLITUDE = 3 * 16
"""The state and two copies while a gate is applied."""
_WITH_MATRIX = {"barrier", "clifford", "unitary", "state_preparation"}


def exact_values(encoding: Encoding, time_limit: float = 60.0) -> dict[str, float] | None:
    """Exact expectation value of each observable; none above `MOST_QUBITS` qubits or beyond the time limit.

    Memory and time double with each qubit: 24 qubits take 800 MB and about 0.2 s for each gate.

    Args:
        encoding: The circuit, its observables, and one value for each parameter.
        time_limit: Wall seconds; if more are predicted, nothing is computed.

    Example:
        >>> from qiskit.quantum_info import SparsePauliOp
        >>> bell = QuantumCircuit(2)
        >>> _, _ = bell.h(0), bell.cx(0, 1)
        >>> {name: round(value, 9) for name, value in exact_values(Encoding(bell, {"zz": SparsePauliOp("ZZ")})).items()}
        {'zz': 1.0}
    """
    if refusal(encoding, time_limit) is not None:
        return None
    state = final_state(encoding)
    return {name: float(state.expectation_value(operator).real) for name, operator in encoding.observables.items()}


def final_state(encoding: Encoding) -> Statevector:
    """The state at the end of the circuit, with its parameter values; nothing is refused."""
    return Statevector(_simple(_bound(encoding)))


def refusal(encoding: Encoding, time_limit: float) -> str | None:
    """Why `exact_values` has none; none if it has."""
    qubits = encoding.circuit.num_qubits
    if qubits > MOST_QUBITS:
        return f"{qubits} qubits are more than the {MOST_QUBITS} of a state vector"
    seconds = predicted_seconds(encoding)
    if seconds > time_limit:
        return f"a state vector of {qubits} qubits would take about {seconds:.2g} s, more than {time_limit:g} s"
    return None


def predicted_seconds(encoding: Encoding) -> float:
    """Predicted wall time of `exact_values`; infinite above `MOST_QUBITS` qubits."""
    qubits = encoding.circuit.num_qubits
    if qubits > MOST_QUBITS:
        return inf
    return float(_simple(_bound(encoding)).size() * 2.0**qubits * _SECONDS_PER_AMPLITUDE)


def predicted_bytes(encoding: Encoding) -> int:
    """Predicted peak memory of `exact_values`."""
    return int(2**encoding.circuit.num_qubits * _BYTES_PER_AMPLITUDE)


def _bound(encoding: Encoding) -> QuantumCircuit:
    circuit, values = encoding.circuit, encoding.parameters
    return circuit.assign_parameters({item.name: float(values[item.name]) for item in circuit.parameters})


def _simple(circuit: QuantumCircuit) -> QuantumCircuit:
    """The circuit in standard gates, synthesised as the transpiler does it.

    The product formula of a time evolution is what a backend runs; as a matrix the gate would be the exact evolution.
    """
    standard = get_standard_gate_name_mapping().keys()
    if circuit.count_ops().keys() <= standard | _WITH_MATRIX:
        return circuit
    return transpile(circuit, basis_gates=sorted(standard), optimization_level=0)
