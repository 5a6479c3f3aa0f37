"""Dynamical decoupling: pulses that do nothing together, in the gaps of a scheduled ISA circuit."""

from typing import Literal

from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import XGate, YGate
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.exceptions import TranspilerError
from qiskit.transpiler.passes import ALAPScheduleAnalysis, PadDynamicalDecoupling

from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.native import is_native

Pulses = Literal["xx", "xyxy"]
SEQUENCES: dict[str, list[Gate]] = {
    "xx": [XGate(), XGate()],
    "xyxy": [XGate(), YGate(), XGate(), YGate()],
}


def decoupled(circuit: QuantumCircuit, target: Target, pulses: Pulses) -> QuantumCircuit:
    """The circuit with pulses in the gaps of the qubits that it uses; all other qubits stay untouched.

    Nothing may be done to the circuit afterwards, because the delays around the pulses belong to this schedule. A qubit
    that is still in its reset state gets no pulses.

    Source: L. Viola, S. Lloyd, Phys. Rev. A 58, 2733 (1998).

    Args:
        circuit: ISA circuit with bound or free parameters.
        target: Its gate durations make the schedule.
        pulses: The sequence.

    Raises:
        MitigationRefusedError: the target has no durations, or lacks a gate of the sequence.
    """
    used = active_qubits(circuit)
    lacking = {gate.name for gate in SEQUENCES[pulses] if not is_native(target, gate.name, (used[0],))}
    if lacking:
        raise MitigationRefusedError(f"decoupling: the target has no {' and no '.join(sorted(lacking))} gate")
    padding = PadDynamicalDecoupling(dd_sequence=SEQUENCES[pulses], qubits=used, target=target)
    try:
        scheduled = PassManager([ALAPScheduleAnalysis(target=target), padding]).run(circuit)
    except TranspilerError as error:
        raise MitigationRefusedError(f"decoupling: the circuit cannot be scheduled: {error.message}") from error
    return _without_idle(scheduled, circuit, used)


def _without_idle(scheduled: QuantumCircuit, circuit: QuantumCircuit, used: list[int]) -> QuantumCircuit:
    """The scheduled circuit without the delays on unused qubits and after the measurements."""
    out = circuit.copy_empty_like()
    keep, measured = set(used), set()
    for instruction in scheduled.data:
        qubits = [scheduled.find_bit(qubit).index for qubit in instruction.qubits]
        if instruction.operation.name == "measure":
            measured.add(qubits[0])
        idle = instruction.operation.name == "delay" and (qubits[0] not in keep or qubits[0] in measured)
        if not idle:
            out.append(instruction.operation, qubits, [scheduled.find_bit(bit).index for bit in instruction.clbits])
    return out
