"""Noise amplified by folding: each native two-qubit gate followed by pairs that undo one another, behind barriers."""

from collections.abc import Iterator, Mapping, Sequence
from math import log1p

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, ControlFlowOp, Gate
from qiskit.circuit.library import XGate
from qiskit.transpiler import Target

from prefect_qpu.circuits import is_two_qubit_gate
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.native import is_native

SELF_INVERSE = frozenset({"cx", "cz", "ecr", "swap", "cy", "ch"})


def fold(circuit: QuantumCircuit, scale: float, target: Target, seed: int) -> QuantumCircuit:
    """An ISA circuit whose two-qubit gates are repeated so that there are ``scale`` times as many.

    Registers, layout, parameters and measurements stay; barriers between the repetitions keep a transpiler from
    cancelling them, at every optimisation level. Between odd scales a random subset is folded once more.

    Source: T. Giurgica-Tiron et al., IEEE QCE 2020, 306 (local folding).

    Args:
        circuit: ISA circuit.
        scale: Number of two-qubit gates relative to the circuit, from 1.
        target: What it runs on; the inverse of a gate must be native.
        seed: Seed of the subset.

    Raises:
        MitigationRefusedError: there is nothing to fold, a gate has no native inverse, or gates sit in control flow.

    Example:
        >>> from qiskit.providers.fake_provider import GenericBackendV2
        >>> bell = QuantumCircuit(2)
        >>> _, _ = bell.sx(0), bell.cx(0, 1)
        >>> fold(bell, 3, GenericBackendV2(2, seed=1).target, seed=1).count_ops()["cx"]
        3
    """
    return fold_gates(circuit, repetitions(circuit, scale, seed), target)


def fold_gates(circuit: QuantumCircuit, pairs: Mapping[int, int], target: Target) -> QuantumCircuit:
    """An ISA circuit in which each instruction named by its index is followed by so many pairs that do nothing.

    Raises:
        MitigationRefusedError: a gate has no native inverse.
    """
    out = circuit.copy_empty_like()
    for index, instruction in enumerate(circuit.data):
        out.append(instruction)
        if not pairs.get(index):
            continue
        inverse = undoing(circuit, instruction, target)
        for _ in range(pairs[index]):
            for part in (inverse, [instruction]):
                out.barrier(instruction.qubits)
                for gate in part:
                    out.append(gate)
        out.barrier(instruction.qubits)
    return out


def noise_weight(circuit: QuantumCircuit, target: Target) -> float:
    """How far the gates damp a Pauli that they act on: the sum of ``-log(1 - error * d / (d - 1))`` over the gates.

    A target reports average infidelities. Depolarising of that size damps every Pauli by ``1 - error * d / (d - 1)``,
    where ``d`` is the dimension of the gate: an error of a one-qubit gate weighs 3/2 of one of a two-qubit gate.

    Source: M. A. Nielsen, Phys. Lett. A 303, 249 (2002), for the average fidelity of a depolarising channel.
    """
    total = 0.0
    for _, qubits, error in _gate_errors(circuit, target):
        dimension = 2 ** len(qubits)
        total -= log1p(-min(error * dimension / (dimension - 1), 0.99))
    return total


def achieved_scale(folded: QuantumCircuit, circuit: QuantumCircuit, target: Target) -> float:
    """How much noise the folded circuit really has, relative to the circuit; its count of gates if no error is known.

    It is below the nominal scale, because gates on one qubit are not folded.
    """
    return achieved_scales([folded], circuit, target)[0]


def achieved_scales(folded: Sequence[QuantumCircuit], circuit: QuantumCircuit, target: Target) -> list[float]:
    """The achieved scale of each folded form of a circuit."""
    before = noise_weight(circuit, target)
    if before > 0:
        return [noise_weight(item, target) / before for item in folded]
    return [_two_qubit_gates(item) / _two_qubit_gates(circuit) for item in folded]


def check_signal(circuit: QuantumCircuit, target: Target) -> None:
    """Refuse a circuit with a gate that by the target's word leaves nothing of the state.

    All values are then those of the fully mixed state, whatever the noise scale, and would be extrapolated to it with a
    small error.

    Raises:
        MitigationRefusedError: names the gate.
    """
    for name, qubits, error in _gate_errors(circuit, target):
        dimension = 2 ** len(qubits)
        if error * dimension >= dimension - 1:
            raise MitigationRefusedError(
                f"folding: {name} on qubits {', '.join(map(str, qubits))} has a reported error of {error:g}, which "
                "leaves no signal to extrapolate"
            )


def _gate_errors(circuit: QuantumCircuit, target: Target) -> Iterator[tuple[str, tuple[int, ...], float]]:
    """Name, qubits and reported error of each gate; what the target does not report counts as 0."""
    for instruction in circuit.data:
        name = instruction.operation.name
        if name in {"barrier", "measure", "delay"} or name not in target:
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        yield name, qubits, getattr((target[name] or {}).get(qubits), "error", None) or 0.0


def two_qubit_places(circuit: QuantumCircuit) -> list[int]:
    """The indices of the instructions that can be folded.

    Raises:
        MitigationRefusedError: there are none, or gates sit in control flow.
    """
    if any(isinstance(instruction.operation, ControlFlowOp) for instruction in circuit.data):
        raise MitigationRefusedError("folding: the gates inside control flow would not be folded")
    places = [index for index, instruction in enumerate(circuit.data) if is_two_qubit_gate(instruction)]
    if not places:
        raise MitigationRefusedError("folding: the circuit has no two-qubit gate, so that its noise cannot be scaled")
    return places


def _two_qubit_gates(circuit: QuantumCircuit) -> int:
    return sum(is_two_qubit_gate(instruction) for instruction in circuit.data)


def repetitions(circuit: QuantumCircuit, scale: float, seed: int) -> dict[int, int]:
    """How many pairs follow each two-qubit gate, by its index, so that there are ``scale`` times as many gates."""
    places = two_qubit_places(circuit)
    whole, part = divmod((scale - 1) / 2, 1)
    once_more = np.random.default_rng(seed).choice(places, round(part * len(places)), replace=False)
    extra = set(once_more.tolist())
    return {place: int(whole) + (place in extra) for place in places}


def undoing(circuit: QuantumCircuit, instruction: CircuitInstruction, target: Target) -> Sequence[CircuitInstruction]:
    """Native instructions that undo one gate.

    Raises:
        MitigationRefusedError: there are none.
    """
    operation, qubits = instruction.operation, instruction.qubits
    if operation.name in SELF_INVERSE:
        return [instruction]
    indices = tuple(circuit.find_bit(qubit).index for qubit in qubits)
    if operation.name == "rzz":
        # A positive angle stays native on devices with half-range gates, where the negative one is not.
        flip = CircuitInstruction(XGate(), [qubits[0]])
        return [flip, instruction, flip]
    inverse = operation.inverse() if isinstance(operation, Gate) else None
    if inverse is None or not is_native(target, inverse.name, indices, inverse.params):
        raise MitigationRefusedError(f"folding: the inverse of the gate {operation.name} is not native")
    return [CircuitInstruction(inverse, qubits)]
