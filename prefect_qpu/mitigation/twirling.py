"""Pauli twirling of the native two-qubit gates: random Paulis around each that leave its ideal action as it is."""

from qiskit import QuantumCircuit
from qiskit.circuit import pauli_twirl_2q_gates
from qiskit.transpiler import Target

from prefect_qpu.circuits import is_two_qubit_gate
from prefect_qpu.errors import MitigationRefusedError

TWIRLED = ("cx", "cz", "ecr", "iswap")


def twirled(circuit: QuantumCircuit, target: Target, seed: int) -> QuantumCircuit:
    """One random twirl of an ISA circuit, still in the target's gates and with the same two-qubit gates.

    Averaged over many twirls, coherent errors of the two-qubit gates act as random Pauli errors.

    Source: J. J. Wallman, J. Emerson, Phys. Rev. A 94, 052325 (2016).

    Args:
        circuit: ISA circuit; twirl after folding, so that each fold has a twirl of its own.
        target: What it runs on.
        seed: Seed of the Paulis.

    Raises:
        MitigationRefusedError: a two-qubit gate has no Pauli twirl, or there is none.
    """
    gates = {instruction.operation.name for instruction in circuit.data if is_two_qubit_gate(instruction)}
    if not gates or not gates <= set(TWIRLED):
        given = f"two-qubit gates {', '.join(sorted(gates))}" if gates else "no two-qubit gate"
        raise MitigationRefusedError(f"twirling: the circuit has {given}; {', '.join(TWIRLED)} can be twirled")
    made = pauli_twirl_2q_gates(circuit, seed=seed, target=target)
    made._layout, made.name = circuit.layout, circuit.name  # noqa: SLF001 - some versions drop the layout
    return made
