"""The parts of a circuit on which an observable depends: each term sees only the rotations that change it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import cos, sin

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import UnitaryGate
from qiskit.quantum_info import Pauli, SparsePauliOp

from prefect_qpu.baselines.rotations import Rotation
from prefect_qpu.workloads import Encoding

_ANY = "*"
"""All letters may stand on a qubit."""
_SECONDS_PER_ROTATION = 1e-6
_GATES = {
    "X": QuantumCircuit.rx,
    "Y": QuantumCircuit.ry,
    "Z": QuantumCircuit.rz,
    "XX": QuantumCircuit.rxx,
    "YY": QuantumCircuit.ryy,
    "ZZ": QuantumCircuit.rzz,
    "ZX": QuantumCircuit.rzx,
}


@dataclass(frozen=True)
class Cone:
    """A part of a circuit, with the terms that depend on nothing else."""

    encoding: Encoding
    """Its observables are single terms of weight 1."""
    terms: Mapping[str, tuple[str, float]]
    """Observable and coefficient of each term."""


@dataclass(frozen=True)
class _Term:
    observable: str
    letters: str
    qubits: tuple[int, ...]
    coefficient: float


def light_cones(turns: Sequence[Rotation], observables: Mapping[str, SparsePauliOp]) -> list[Cone]:
    """Smaller circuits that together give the expectation value of each observable, besides constant terms.

    A rotation is left out if it commutes with all that the term can have become: with the same letter, or nothing, on
    each of its qubits. So a layer of diagonal gates reaches from a qubit to its neighbours and no further. Terms whose
    qubits are among those of another one share its circuit.

    Args:
        turns: The rotations of the circuit.
        observables: By name.

    Example:
        >>> chain = [Rotation((qubit, qubit + 1), "ZZ", 0.3) for qubit in range(49)]
        >>> mid = SparsePauliOp.from_sparse_list([("X", [20], 1.0)], 50)
        >>> [cone.encoding.circuit.num_qubits for cone in light_cones(chain, {"x": mid})]
        [3]
    """
    found = [(term, *_seen(turns, dict(zip(term.qubits, term.letters, strict=True)))) for term in _terms(observables)]
    groups: list[tuple[set[int], set[int], list[_Term]]] = []
    for term, qubits, numbers in sorted(found, key=lambda item: -len(item[1])):
        group = next((group for group in groups if qubits <= group[0]), None)
        if group is None:
            groups.append((qubits, numbers, [term]))
        else:
            group[1].update(numbers)
            group[2].append(term)
    return [_cone(turns, *group) for group in groups]


def rotation_circuit(turns: Iterable[Rotation], qubits: Iterable[int]) -> QuantumCircuit:
    """The circuit of some rotations on some qubits, in the order of the qubits.

    Example:
        >>> dict(rotation_circuit([Rotation((3,), "X", 0.1), Rotation((3, 7), "ZZ", 0.2)], [3, 7]).count_ops())
        {'rx': 1, 'rzz': 1}
    """
    places = {qubit: place for place, qubit in enumerate(sorted(qubits))}
    circuit = QuantumCircuit(len(places))
    for turn in turns:
        where = [places[qubit] for qubit in turn.qubits]
        if turn.letters in _GATES:
            _GATES[turn.letters](circuit, turn.angle, *where)
        else:
            circuit.append(_gate(turn), where)
    return circuit


def joint_cone(turns: Sequence[Rotation], observables: Mapping[str, SparsePauliOp]) -> list[Rotation]:
    """The rotations on which any of the observables depends."""
    letters: dict[int, str] = {}
    for term in _terms(observables):
        for qubit, letter in zip(term.qubits, term.letters, strict=True):
            letters[qubit] = letter if letters.get(qubit, letter) == letter else _ANY
    return [turns[number] for number in sorted(_seen(turns, letters)[1])]


def predicted_seconds(turns: Sequence[Rotation], observables: Mapping[str, SparsePauliOp]) -> float:
    """Predicted wall time of `light_cones`."""
    return len(turns) * sum(map(len, observables.values())) * _SECONDS_PER_ROTATION


def _gate(turn: Rotation) -> UnitaryGate:
    matrix = Pauli(turn.letters[::-1]).to_matrix()
    return UnitaryGate(cos(turn.angle / 2) * np.eye(len(matrix)) - 1j * sin(turn.angle / 2) * matrix)


def _terms(observables: Mapping[str, SparsePauliOp]) -> Iterable[_Term]:
    for name, operator in observables.items():
        for letters, qubits, coefficient in operator.simplify().to_sparse_list():
            if letters:
                yield _Term(name, letters, tuple(qubits), float(coefficient.real))


def _seen(turns: Sequence[Rotation], letters: dict[int, str]) -> tuple[set[int], set[int]]:
    """Qubits that letters reach, and numbers of the rotations that change them; the letters become those reached."""
    numbers = set()
    for number in range(len(turns) - 1, -1, -1):
        turn = turns[number]
        pairs = tuple(zip(turn.qubits, turn.letters, strict=True))
        if any(letters.get(qubit, letter) != letter for qubit, letter in pairs):
            numbers.add(number)
            for qubit, letter in pairs:
                letters[qubit] = letter if letters.get(qubit, letter) == letter else _ANY
    return set(letters), numbers


def _cone(turns: Sequence[Rotation], qubits: set[int], numbers: set[int], terms: list[_Term]) -> Cone:
    places = {qubit: place for place, qubit in enumerate(sorted(qubits))}
    circuit = rotation_circuit((turns[number] for number in sorted(numbers)), qubits)
    operators = {
        str(number): SparsePauliOp.from_sparse_list(
            [(term.letters, [places[qubit] for qubit in term.qubits], 1.0)], len(places)
        )
        for number, term in enumerate(terms)
    }
    belonging = {str(number): (term.observable, term.coefficient) for number, term in enumerate(terms)}
    return Cone(Encoding(circuit, operators), belonging)
