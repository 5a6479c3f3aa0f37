"""The workload ``mirror``: random circuits that undo themselves, so that one bit string is certain at any size.

Proctor et al. 2022 (https://arxiv.org/abs/2008.11294): a random layer of Clifford gates, then layers of CNOTs on random
pairs of neighbours, then the same backwards, with random Paulis before each layer, so that errors do not cancel.
"""

from functools import cached_property
from random import Random
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationInfo, field_validator
from qiskit import QuantumCircuit
from qiskit.quantum_info import Clifford

from prefect_qpu.definition import Seed
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.bit_strings import polarization, right_bits, success_probability
from prefect_qpu.workloads.protocol import Encoding, Workload

SUCCESS, POLARIZATION, RIGHT_BITS = "success", "polarization", "right_bits"

Pair = tuple[int, int]
Layer = tuple[dict[int, tuple[str, ...]], list[Pair]]
"""One-qubit gates by qubit, and pairs of CNOTs."""

_CLIFFORDS: tuple[tuple[str, ...], ...] = tuple(
    (*turn, *pauli)
    for turn in ((), ("h",), ("s",), ("h", "s"), ("s", "h"), ("h", "s", "h"))
    for pauli in ((), ("x",), ("y",), ("z",))
)
"""The 24 Clifford gates of one qubit, up to a phase, each in the order of application."""
_INVERSE = {"h": "h", "s": "sdg", "x": "x", "y": "y", "z": "z"}
_PAULIS = ("id", "x", "y", "z")


class MirrorWorkload(Workload):
    """The probability of the one right outcome of a random mirror circuit.

    ``success`` is that probability, ``polarization`` rescales it so that the fully mixed state has 0, ``right_bits`` is
    the mean share of right bits; all are 1 without noise.

    Example:
        >>> workload = MirrorWorkload(qubits=5, layers=8, seed=2)
        >>> len(workload.outcome), workload.encode().expected["success"]
        (5, 1.0)
    """

    kind: Literal["mirror"] = "mirror"
    qubits: Annotated[int, Field(ge=1, le=1000)]
    layers: Annotated[int, Field(ge=2, le=1000)] = 8
    """Layers of two-qubit gates, an even number: half of them undo the others."""
    density: Annotated[float, Field(ge=0, le=1)] = 0.5
    """Chance of each pair of a random matching to be joined in a layer."""
    pairs: list[list[int]] | None = None
    """Pairs of qubits that may be joined; none means a chain."""
    seed: Seed = 1

    @field_validator("layers")
    @classmethod
    def _even(cls, layers: int) -> int:
        if layers % 2:
            raise ValueError("an even number, since half of the layers undo the others")
        return layers

    @field_validator("pairs")
    @classmethod
    def _check_pairs(cls, pairs: list[list[int]] | None, info: ValidationInfo) -> list[list[int]] | None:
        qubits = info.data.get("qubits", 0)
        for index, pair in enumerate(pairs or []):
            if len(pair) != 2 or pair[0] == pair[1] or not all(0 <= qubit < qubits for qubit in pair):
                expected = f"two different qubits from 0 to {qubits - 1}"
                raise WorkloadError("pairs", given=pair, expected=expected, hint=f"Pair {index}.")
        return pairs

    def document(self) -> dict[str, Any]:
        """All that draws the circuit."""
        return {
            "kind": self.kind,
            "qubits": self.qubits,
            "layers": self.layers,
            "density": self.density,
            "pairs": [list(pair) for pair in self._pairs()],
            "seed": self.seed,
        }

    @cached_property
    def circuit(self) -> QuantumCircuit:
        """The mirror circuit; barriers keep transpilers from cancelling its halves."""
        random = Random(self.seed)  # noqa: S311 - the same sequence in every version of Python
        circuit = QuantumCircuit(self.qubits)
        first = {qubit: _chosen(_CLIFFORDS, random) for qubit in range(self.qubits)}
        half = [self._drawn_layer(random) for _ in range(self.layers // 2)]
        _append(circuit, (first, []))
        for layer in half:
            self._append_paulis(circuit, random)
            _append(circuit, layer)
        self._append_paulis(circuit, random)
        for layer in reversed(half):
            _append(circuit, _undone(layer))
            self._append_paulis(circuit, random)
        _append(circuit, _undone((first, [])), last=True)
        return circuit

    @cached_property
    def outcome(self) -> str:
        """The right bit string, qubit 0 first."""
        tableau = Clifford(self.circuit)
        # The circuit carries each Z back to itself, with the sign that is the bit.
        return "".join(str(int(sign)) for sign in tableau.stab_phase)

    def encode(self) -> Encoding:
        """The circuit, its three observables, and their values of 1."""
        random = Random(self.seed + 1)  # noqa: S311
        observables = {
            SUCCESS: success_probability(self.outcome, random),
            POLARIZATION: polarization(self.outcome, random),
            RIGHT_BITS: right_bits(self.outcome),
        }
        return Encoding(self.circuit.copy(), observables, expected=dict.fromkeys(observables, 1.0))

    def observable_names(self) -> set[str]:
        """Three measures of how right the outcome is."""
        return {SUCCESS, POLARIZATION, RIGHT_BITS}

    def _pairs(self) -> list[Pair]:
        if self.pairs is None:
            return [(qubit, qubit + 1) for qubit in range(self.qubits - 1)]
        return sorted({(min(pair), max(pair)) for pair in self.pairs})

    def _drawn_layer(self, random: Random) -> Layer:
        """CNOTs on some pairs of a random matching, random Cliffords on all other qubits."""
        joined: list[Pair] = []
        free = set(range(self.qubits))
        for first, second in sorted(self._pairs(), key=lambda _: random.random()):
            if {first, second} <= free:
                free -= {first, second}
                if random.random() < self.density:
                    joined.append((first, second) if random.random() < 0.5 else (second, first))
        busy = {qubit for pair in joined for qubit in pair}
        alone = [qubit for qubit in range(self.qubits) if qubit not in busy]
        return {qubit: _chosen(_CLIFFORDS, random) for qubit in alone}, joined

    def _append_paulis(self, circuit: QuantumCircuit, random: Random) -> None:
        drawn: dict[int, tuple[str, ...]] = {
            qubit: (name,) for qubit in range(self.qubits) if (name := _chosen(_PAULIS, random)) != "id"
        }
        _append(circuit, (drawn, []))


def _append(circuit: QuantumCircuit, layer: Layer, *, last: bool = False) -> None:
    for qubit, names in layer[0].items():
        for name in names:
            getattr(circuit, name)(qubit)
    for control, target in layer[1]:
        circuit.cx(control, target)
    if not last:
        circuit.barrier()


def _undone(layer: Layer) -> Layer:
    gates = {qubit: tuple(_INVERSE[name] for name in reversed(names)) for qubit, names in layer[0].items()}
    return gates, layer[1]


def _chosen(options: tuple[Any, ...], random: Random) -> Any:
    return options[int(random.random() * len(options))]
