"""The part that noisy circuits have in common, simulated once: the density matrix before their measured bases differ.

The circuits of an experiment prepare the same state and differ in their last rotations. On a density matrix the
preparation takes nearly all of the time and has no randomness, so its result serves all of them, and later simulations
of the same circuit under the same noise.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction

Matrix = NDArray[np.complex128]
MOST_QUBITS = 12
"""A density matrix of 12 qubits takes 268 MB."""
_KEPT_BYTES = 600_000_000


def split(circuits: Sequence[QuantumCircuit]) -> tuple[QuantumCircuit, list[QuantumCircuit]]:
    """The longest common beginning of circuits of the same width, and the rest of each, in the same order.

    An instruction is common if every circuit has it next on all of its qubits. Measurements, and instructions with free
    parameters or conditions, end what is common on their qubits.

    Args:
        circuits: At least one circuit; all have the same qubits.

    Example:
        >>> first, second = QuantumCircuit(2), QuantumCircuit(2)
        >>> for circuit in (first, second):
        ...     _, _ = circuit.h(0), circuit.cx(0, 1)
        >>> _ = second.h(1)
        >>> common, rests = split([first, second])
        >>> common.size(), [rest.size() for rest in rests]
        (2, [0, 1])
    """
    waiting = [_queues(circuit) for circuit in circuits]
    common = QuantumCircuit(*circuits[0].qregs)
    taken: list[set[int]] = [set() for _ in circuits]
    blocked: set[int] = set()
    for index, instruction in enumerate(circuits[0].data):
        qubits = _qubits(circuits[0], instruction)
        heads = [_next(circuit, queues, qubits) for circuit, queues in zip(circuits, waiting, strict=True)]
        if blocked & set(qubits) or not _same(circuits, heads, index):
            blocked |= set(qubits)
            continue
        common.append(instruction.operation, qubits)
        for queues, head, mine in zip(waiting, heads, taken, strict=True):
            assert head is not None
            mine.add(head)
            for qubit in qubits:
                queues[qubit].popleft()
    return common, [_rest(circuit, mine) for circuit, mine in zip(circuits, taken, strict=True)]


class Preparations:
    """Density matrices of preparations that were simulated, the last used ones, within a bound of memory."""

    def __init__(self, bound: int = _KEPT_BYTES) -> None:
        self._bound, self._lock = bound, Lock()
        self._kept: OrderedDict[Any, Matrix] = OrderedDict()

    def matrix(self, key: Any, make: Callable[[], Matrix]) -> Matrix:
        """The matrix that is kept under a key, or made and kept now."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        made = make()
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > 1 and sum(item.nbytes for item in self._kept.values()) > self._bound:
                self._kept.popitem(last=False)
        return made


def _queues(circuit: QuantumCircuit) -> list[deque[int]]:
    """The indices of the instructions on each qubit, in order."""
    queues: list[deque[int]] = [deque() for _ in range(circuit.num_qubits)]
    for index, instruction in enumerate(circuit.data):
        for qubit in _qubits(circuit, instruction):
            queues[qubit].append(index)
    return queues


def _qubits(circuit: QuantumCircuit, instruction: CircuitInstruction) -> list[int]:
    return [circuit.find_bit(qubit).index for qubit in instruction.qubits]


def _next(circuit: QuantumCircuit, queues: list[deque[int]], qubits: Sequence[int]) -> int | None:
    """The instruction that is next on all of these qubits and on no other one, if there is one."""
    heads = {queues[qubit][0] if queues[qubit] else None for qubit in qubits}
    if len(heads) != 1 or (head := heads.pop()) is None:
        return None
    return head if _qubits(circuit, circuit.data[head]) == list(qubits) else None


def _same(circuits: Sequence[QuantumCircuit], heads: Sequence[int | None], index: int) -> bool:
    first = circuits[0].data[index].operation
    if heads[0] != index or first.name in {"measure", "reset"} or circuits[0].data[index].clbits:
        return False
    if any(not isinstance(value, int | float) for value in first.params):
        return False
    return all(
        head is not None and (other := circuit.data[head].operation).name == first.name and other.params == first.params
        for circuit, head in zip(circuits, heads, strict=True)
    )


def _rest(circuit: QuantumCircuit, taken: set[int]) -> QuantumCircuit:
    rest = circuit.copy_empty_like()
    for index, instruction in enumerate(circuit.data):
        if index not in taken:
            rest.append(instruction)
    return rest
