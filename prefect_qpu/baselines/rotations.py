"""A circuit as rotations about Pauli strings: the form in which observables are carried back through it.

A rotation is ``exp(-i angle P / 2)``. All standard gates are a few of them, up to a global phase; Clifford gates are
those whose angles are multiples of ``pi / 2``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import pi

from qiskit import QuantumCircuit, transpile

from prefect_qpu.workloads import Encoding

QUARTER = pi / 2
_CLIFFORD = 1e-12

Turn = tuple[str, float]
"""A letter for each qubit of the gate, the first qubit first, and an angle."""
_H = (("Z", QUARTER), ("X", QUARTER), ("Z", QUARTER))


def _controlled(letter: str) -> tuple[Turn, ...]:
    return (("ZI", QUARTER), (f"I{letter}", QUARTER), (f"Z{letter}", -QUARTER))


_TURNS: Mapping[str, Callable[..., Sequence[Turn]]] = {
    "barrier": lambda: (),
    "id": lambda: (),
    "x": lambda: (("X", pi),),
    "y": lambda: (("Y", pi),),
    "z": lambda: (("Z", pi),),
    "h": lambda: _H,
    "s": lambda: (("Z", QUARTER),),
    "sdg": lambda: (("Z", -QUARTER),),
    "t": lambda: (("Z", QUARTER / 2),),
    "tdg": lambda: (("Z", -QUARTER / 2),),
    "sx": lambda: (("X", QUARTER),),
    "sxdg": lambda: (("X", -QUARTER),),
    "rx": lambda angle: (("X", angle),),
    "ry": lambda angle: (("Y", angle),),
    "rz": lambda angle: (("Z", angle),),
    "p": lambda angle: (("Z", angle),),
    "u": lambda theta, phi, lam: (("Z", lam), ("Y", theta), ("Z", phi)),
    "rxx": lambda angle: (("XX", angle),),
    "ryy": lambda angle: (("YY", angle),),
    "rzz": lambda angle: (("ZZ", angle),),
    "rzx": lambda angle: (("ZX", angle),),
    "cx": lambda: _controlled("X"),
    "cy": lambda: _controlled("Y"),
    "cz": lambda: _controlled("Z"),
    "cp": lambda angle: (("ZI", angle / 2), ("IZ", angle / 2), ("ZZ", -angle / 2)),
    "crz": lambda angle: (("IZ", angle / 2), ("ZZ", -angle / 2)),
    "swap": lambda: (("XX", QUARTER), ("YY", QUARTER), ("ZZ", QUARTER)),
    "iswap": lambda: (("XX", -QUARTER), ("YY", -QUARTER)),
}
GATES = frozenset(_TURNS)
"""Names of the gates in `elementary` circuits."""


@dataclass(frozen=True)
class Rotation:
    """``exp(-i angle P / 2)``."""

    qubits: tuple[int, ...]
    letters: str
    """X, Y or Z for each of the qubits."""
    angle: float

    @property
    def clifford(self) -> bool:
        """Whether the angle is a multiple of ``pi / 2``, within rounding."""
        return abs(self.angle / QUARTER - round(self.angle / QUARTER)) < _CLIFFORD


def elementary(encoding: Encoding) -> QuantumCircuit:
    """The circuit of an encoding with its parameter values, in gates of at most two qubits."""
    circuit, values = encoding.circuit, encoding.parameters
    bound = circuit.assign_parameters({item.name: float(values[item.name]) for item in circuit.parameters})
    if bound.count_ops().keys() <= GATES:
        return bound
    return transpile(bound, basis_gates=sorted(GATES - {"barrier"}), optimization_level=0)


def rotations(circuit: QuantumCircuit) -> list[Rotation]:
    """The rotations that an `elementary` circuit applies, in their order.

    Example:
        >>> circuit = QuantumCircuit(2)
        >>> _, _ = circuit.rx(0.5, 0), circuit.cz(0, 1)
        >>> [(item.qubits, item.letters, round(item.angle, 4)) for item in rotations(circuit)]
        [((0,), 'X', 0.5), ((0,), 'Z', 1.5708), ((1,), 'Z', 1.5708), ((0, 1), 'ZZ', -1.5708)]
    """
    return list(_rotations(circuit))


def _rotations(circuit: QuantumCircuit) -> Iterator[Rotation]:
    for instruction in circuit.data:
        qubits = [circuit.find_bit(qubit).index for qubit in instruction.qubits]
        angles = map(float, instruction.operation.params)
        for letters, angle in _TURNS[instruction.operation.name](*angles):
            turned = [(qubit, letter) for qubit, letter in zip(qubits, letters, strict=True) if letter != "I"]
            yield Rotation(tuple(qubit for qubit, _ in turned), "".join(letter for _, letter in turned), angle)
