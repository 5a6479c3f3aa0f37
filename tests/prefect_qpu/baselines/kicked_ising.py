"""The kicked Ising chain, and small circuits with known values."""

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp, Statevector


def kicked_ising(sites: int, steps: int, *, kick: float = 0.6, coupling: float = -1.2) -> QuantumCircuit:
    """Kicks about X, then all bonds at once, again and again."""
    circuit = QuantumCircuit(sites)
    for _ in range(steps):
        circuit.rx(kick, range(sites))
        for site in [*range(0, sites - 1, 2), *range(1, sites - 1, 2)]:
            circuit.rzz(coupling, site, site + 1)
    return circuit


def local(letters: str, qubits: list[int], width: int) -> SparsePauliOp:
    """One Pauli string."""
    return SparsePauliOp.from_sparse_list([(letters, qubits, 1.0)], width)


def exact(circuit: QuantumCircuit, operator: SparsePauliOp) -> float:
    """By Qiskit's state vector."""
    return float(Statevector(circuit).expectation_value(operator).real)
