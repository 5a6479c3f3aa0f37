"""Counts of the ideal simulation against the exact distribution of every measured basis."""

from collections.abc import Mapping, Sequence
from typing import Any

from qiskit import QuantumCircuit
from qiskit.circuit import ControlFlowOp
from qiskit.primitives.containers import BitArray

from prefect_qpu.baselines import statevector
from prefect_qpu.observables import Group
from prefect_qpu.statistics import goodness_of_fit
from prefect_qpu.workloads import Encoding

MOST_QUBITS = 14
"""Qubits above which no exact distribution is computed."""
NOTICED = 0.1
"""Total variation distance that a test must be able to notice."""


def distribution_tests(
    encoding: Encoding, groups: Sequence[Group], counts: Sequence[BitArray], power: float
) -> tuple[list[dict[str, Any]], str]:
    """A G-test of the counts of each group as JSON data, and why there is none if there is none.

    The level of all tests together is one minus the power: a correct circuit passes as often as the gate is to let it.

    Args:
        encoding: The circuit as it was before the transpiler, with one value for each parameter.
        groups: What was measured.
        counts: One bit array for each group.
        power: Chance that counts of a correct circuit pass all tests.
    """
    reason = "the circuit is run at several points" if any(bits.shape for bits in counts) else _refusal(encoding)
    if reason:
        return [], reason
    state, tests = statevector.final_state(encoding), []
    for group, bits in zip(groups, counts, strict=True):
        probabilities = state.evolve(_rotation(group.basis)).probabilities()
        exact = {outcome: float(chance) for outcome, chance in enumerate(probabilities) if chance > 0}
        result = goodness_of_fit(
            bits.get_int_counts(), exact, level=1 - power, power=power, distance=NOTICED, tests=len(groups)
        )
        tests.append({"basis": group.basis, **result.document(), "reason": result.reason, "outcomes": _possible(exact)})
    return tests, ""


def _refusal(encoding: Encoding) -> str:
    qubits = encoding.circuit.num_qubits
    if qubits > MOST_QUBITS:
        return f"{qubits} qubits are more than the {MOST_QUBITS} of which the exact distribution is computed"
    if any(item.operation.name == "reset" or isinstance(item.operation, ControlFlowOp) for item in encoding.circuit):
        return "the circuit resets qubits or has control flow"
    return statevector.refusal(encoding, time_limit=5.0) or ""


def _rotation(basis: str) -> QuantumCircuit:
    circuit = QuantumCircuit(len(basis))
    for qubit, letter in enumerate(reversed(basis)):
        if letter == "Y":
            circuit.sdg(qubit)
        if letter in "XY":
            circuit.h(qubit)
    return circuit


def _possible(exact: Mapping[int, float]) -> int:
    return sum(chance > 1e-12 for chance in exact.values())
