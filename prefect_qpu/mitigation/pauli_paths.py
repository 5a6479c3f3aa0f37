"""How much of the noise an observable sees, at each noise scale, from the errors that the target reports.

An observable is followed backwards through the circuit. Each gate turns a Pauli into a sum of Paulis; one of them is
drawn with the square of its weight, and the noise of the gate damps it by what it does to this very Pauli. Many such
paths tell the mean damping and how much it differs between them, at any number of qubits. Signs are not followed, so
that nothing is learned of the value itself.

Source: the sampled Paulis are those of D. Aharonov et al., STOC 2023, 945 (Pauli paths of noisy circuits).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction, Gate, ParameterExpression
from qiskit.quantum_info import Pauli
from qiskit.transpiler import Target

from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.folding import undoing
from prefect_qpu.mitigation.gate_noise import log_damping
from prefect_qpu.mitigation.outcomes import support
from prefect_qpu.mitigation.types import Measurement, Values
from prefect_qpu.observables import Term

PATHS = 512
"""Paths of one observable, or more where it has more terms than a quarter of them."""
_LEAST_PATHS = 4
_LEAST_SEEN = 30
"""Paths that must end in a Pauli with a value in the first state, for those to be taken alone."""
_ANGLES = 8
"""Angles over which a free parameter is averaged."""

Letters = NDArray[np.int64]


@dataclass(frozen=True)
class Decay:
    """What noise does to an observable at the noise scales: minus logarithms of what is left along each path."""

    damping: Values
    """Shape ``(paths, scales)``."""
    weights: Values
    """Share of each path."""

    @property
    def own(self) -> float:
        """Mean damping at the first scale."""
        return float(self.weights @ self.damping[:, 0])

    @property
    def scales(self) -> Values:
        """Mean damping relative to that at the first scale."""
        mean = self.weights @ self.damping
        scales: Values = mean / mean[0]
        return scales

    @property
    def spread(self) -> float:
        """Variance of the damping at the first scale, relative to the square of its mean."""
        return float(self.weights @ (self.damping[:, 0] / self.own - 1) ** 2)


def predicted_decays(
    circuits: Sequence[QuantumCircuit],
    pairs: Sequence[Sequence[Mapping[int, int]]],
    measurement: Measurement,
    target: Target,
    seed: int,
) -> dict[str, Decay]:
    """The decay of each observable that any noise reaches.

    Args:
        circuits: Measured ISA circuits, one for each group.
        pairs: For each group, for each scale: pairs that follow the instruction of an index, as in `fold_gates`.
        measurement: The observables and their groups.
        target: What it runs on.
        seed: Seed of the paths.

    Raises:
        MitigationRefusedError: a circuit has an instruction that is no gate.
    """
    random = np.random.default_rng(seed)
    found: dict[str, list[tuple[Values, Values, NDArray[np.bool_]]]] = {name: [] for name in measurement.observables}
    terms = [term for group in measurement.groups for term in group.terms]
    number = {
        name: max(_LEAST_PATHS, PATHS // max(1, sum(term.observable == name for term in terms))) for name in found
    }
    for circuit, folded, group in zip(circuits, pairs, measurement.groups, strict=True):
        if not group.terms:
            continue
        owners = np.repeat([term.observable for term in group.terms], [number[t.observable] for t in group.terms])
        weights = np.repeat([abs(t.weight) for t in group.terms], [number[t.observable] for t in group.terms])
        damping, seen = _followed(circuit, folded, group.terms, number, target, random)
        for name, parts in found.items():
            own = owners == name
            parts.append((damping[own], weights[own], seen[own]))
    decays = {name: _decay(parts) for name, parts in found.items() if parts}
    return {name: decay for name, decay in decays.items() if decay is not None}


def _decay(parts: Sequence[tuple[Values, Values, NDArray[np.bool_]]]) -> Decay | None:
    damping, weights, seen = (np.concatenate(column) for column in zip(*parts, strict=True))
    if seen.sum() >= _LEAST_SEEN:
        damping, weights = damping[seen], weights[seen]
    if not weights.sum() or not (weights @ damping)[0] > 0:
        return None
    return Decay(damping, weights / weights.sum())


def _followed(
    circuit: QuantumCircuit,
    folded: Sequence[Mapping[int, int]],
    terms: Sequence[Term],
    number: Mapping[str, int],
    target: Target,
    random: np.random.Generator,
) -> tuple[Values, NDArray[np.bool_]]:
    """The damping of each path at each scale, and whether it ends in a Pauli that the first state has a value of."""
    place = {qubit: column for column, qubit in enumerate(active_qubits(circuit))}
    letters = _started(terms, number, [place[qubit] for qubit in measured_qubits(circuit)], len(place))
    damping, gates = np.zeros((len(letters), len(folded))), {}
    for index in reversed(range(len(circuit.data))):
        instruction = circuit.data[index]
        if instruction.operation.name in {"barrier", "measure", "delay"}:
            continue
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        columns = [place[qubit] for qubit in qubits]
        if instruction.operation.name == "reset":
            letters[:, columns] = 0
            continue
        key = (instruction.operation.name, tuple(map(str, instruction.operation.params)), qubits)
        extra = [pairs.get(index, 0) for pairs in folded]
        if key not in gates:
            gates[key] = _Noisy.of(circuit, instruction, target)
        gate = gates[key]
        before = letters[:, columns] @ 4 ** np.arange(len(columns))
        damping += gate.own[before, None]
        if any(extra):
            damping += np.outer(gate.pair(circuit, instruction, target)[before], extra)
        after = gate.drawn(before, random)
        letters[:, columns] = after[:, None] // 4 ** np.arange(len(columns)) % 4
    return damping, np.all((letters == 0) | (letters == 3), axis=1)


def _started(terms: Sequence[Term], number: Mapping[str, int], columns: Sequence[int], width: int) -> Letters:
    """The measured Paulis: Z on the qubits whose bits a term multiplies, one row for each path."""
    rows = []
    for term in terms:
        row = np.zeros(width, dtype=np.int64)
        row[[columns[bit] for bit in support(term)]] = 3
        rows.append(np.tile(row, (number[term.observable], 1)))
    return np.concatenate(rows)


class _Noisy:
    """One gate on its qubits: what its noise takes of each Pauli, and where it moves each."""

    def __init__(self, moves: Values, own: Values) -> None:
        self.moves, self.own = moves, own
        self._reached = np.cumsum(moves, axis=1)
        self._only = moves.argmax(axis=1) if np.allclose(moves.max(axis=1), 1.0) else None
        self._pair: Values | None = None

    @classmethod
    def of(cls, circuit: QuantumCircuit, instruction: CircuitInstruction, target: Target) -> "_Noisy":
        """The gate of an instruction, by the target's word."""
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        return cls(_moves(instruction), log_damping(target, instruction.operation.name, qubits))

    def drawn(self, before: Letters, random: np.random.Generator) -> Letters:
        """One Pauli for each, from those that the gate makes of it."""
        if self._only is not None:
            return np.asarray(self._only[before])
        drawn = random.random(len(before))[:, None] > self._reached[before]
        return np.asarray(np.minimum(drawn.sum(axis=1), len(self.moves) - 1))

    def pair(self, circuit: QuantumCircuit, instruction: CircuitInstruction, target: Target) -> Values:
        """What a pair takes that undoes the gate and repeats it: its noise acts on other Paulis in between."""
        if self._pair is None:
            self._pair = self.own.copy()
            moved = self.moves
            for part in reversed(undoing(circuit, instruction, target)):
                own, moves = _within(circuit, instruction, part, target)
                self._pair = self._pair + moved @ own
                moved = moved @ moves
        return self._pair


def _within(
    circuit: QuantumCircuit, whole: CircuitInstruction, part: CircuitInstruction, target: Target
) -> tuple[Values, Values]:
    """Damping and moves of an instruction, on all qubits of another one that holds them."""
    qubits = tuple(circuit.find_bit(qubit).index for qubit in part.qubits)
    own, moves = log_damping(target, part.operation.name, qubits), _moves(part)
    held = [whole.qubits.index(qubit) for qubit in part.qubits]
    width = len(whole.qubits)
    if held == list(range(width)):
        return own, moves
    every = np.arange(4**width)[:, None] // 4 ** np.arange(width) % 4
    inner = every[:, held] @ 4 ** np.arange(len(held))
    others = np.delete(every, held, axis=1)
    same = np.all(others[:, None] == others[None], axis=2)
    return own[inner], moves[np.ix_(inner, inner)] * same


def _moves(instruction: CircuitInstruction) -> Values:
    """Row by Pauli ``P``: the squared weight of each Pauli in ``U^-1 P U``, averaged over free parameters."""
    operation = instruction.operation
    if not isinstance(operation, Gate):
        raise MitigationRefusedError(f"{operation.name} is no gate, so that its noise cannot be predicted")
    free = [isinstance(value, ParameterExpression) and bool(value.parameters) for value in operation.params]
    if not any(free):
        return _squares(operation.to_matrix())
    total = np.zeros((4**operation.num_qubits,) * 2)
    for angle in 2 * np.pi * (np.arange(_ANGLES) + 0.5) / _ANGLES:
        bound = operation.copy()
        bound.params = [angle if one else value for one, value in zip(free, operation.params, strict=True)]
        total += _squares(bound.to_matrix()) / _ANGLES
    return total


def _squares(matrix: NDArray[np.complex128]) -> Values:
    basis = _paulis(int(np.log2(len(matrix))))
    weights = (basis.conj() @ np.kron(matrix, matrix.conj()) @ basis.T).real / len(matrix)
    return np.asarray(weights**2, dtype=np.float64)


@cache
def _paulis(qubits: int) -> NDArray[np.complex128]:
    """The Paulis of some qubits as rows, in the order of their letters, the first qubit's running fastest."""
    rows = []
    for number in range(4**qubits):
        label = "".join("IXYZ"[number // 4**qubit % 4] for qubit in reversed(range(qubits)))
        rows.append(Pauli(label).to_matrix().ravel())
    return np.array(rows)
