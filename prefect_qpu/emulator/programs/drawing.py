"""Drawing shots: circuits are cut into parts that do not interact, and simulated with the noise of their qubits."""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import active_qubits
from prefect_qpu.emulator.programs.noise import Noise
from prefect_qpu.hashing import derive_seed
from prefect_qpu.providers.simulation import Simulation

_PACKED_QUBITS = 8
"""Parts are simulated together up to this width: fewer calls, and a density matrix is still small."""


@dataclass(frozen=True)
class Sampling:
    """Where shots come from."""

    noise: Noise
    seed: int | None = None
    random: bool = False
    """Whether outcomes are random bits, without any simulation."""

    def draw(self, pub: SamplerPub) -> BitArray:
        """Outcomes over all classical bits of a circuit, its shots in random order.

        Raises:
            CircuitError: the device cannot run the circuit.
            JobFailedError: Aer cannot simulate it.
        """
        self.noise.check(pub.circuit)
        seed = secrets.randbelow(2**31) if self.seed is None else self.seed
        rng = np.random.default_rng(seed)
        if self.random:
            return _random(pub, rng)
        parts = list(_parts(pub.circuit)) if len(active_qubits(pub.circuit)) > _PACKED_QUBITS else [pub.circuit]
        joint = np.zeros((*pub.parameter_values.shape, pub.shots, -(-pub.circuit.num_clbits // 8)), np.uint8)
        for index, part in enumerate(parts):
            own_seed = derive_seed(seed, f"part-{index}")
            (bits,), _ = Simulation((_part_of(pub, part),), self.noise.of(part), own_seed).run()
            joint |= _shuffled(bits.array, rng)
        return BitArray(joint, pub.circuit.num_clbits)


def registers(circuit: QuantumCircuit, bits: BitArray) -> dict[str, BitArray]:
    """The outcomes of each classical register, from those over all classical bits."""
    return {
        register.name: bits.slice_bits([circuit.find_bit(clbit).index for clbit in register])
        for register in circuit.cregs
        if len(register)
    }


def _random(pub: SamplerPub, rng: np.random.Generator) -> BitArray:
    width = pub.circuit.num_clbits
    array = rng.integers(0, 256, (*pub.parameter_values.shape, pub.shots, -(-width // 8)), np.uint8)
    if width % 8:
        array[..., 0] &= (1 << width % 8) - 1
    return BitArray(array, width)


def _shuffled(array: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shots in random order, drawn anew for each parameter set: a simulation gives them sorted."""
    order = rng.permuted(np.broadcast_to(np.arange(array.shape[-2]), array.shape[:-1]), axis=-1)
    return np.take_along_axis(array, order[..., None], axis=-2)


def _part_of(pub: SamplerPub, part: QuantumCircuit) -> SamplerPub:
    if part is pub.circuit or not part.num_parameters:
        values = pub.parameter_values if part is pub.circuit else BindingsArray({}, pub.parameter_values.shape)
        return SamplerPub(part, values, pub.shots)
    column = {parameter: index for index, parameter in enumerate(pub.circuit.parameters)}
    values = pub.parameter_values.as_array(pub.circuit.parameters)[..., [column[item] for item in part.parameters]]
    return SamplerPub(part, BindingsArray({tuple(part.parameters): values}), pub.shots)


def _parts(circuit: QuantumCircuit) -> Iterator[QuantumCircuit]:
    """Circuits on disjoint qubits and classical bits that together measure what the circuit measures."""
    if circuit.has_control_flow_op():
        yield circuit
        return
    for group in _packed(_components(circuit)):
        part = circuit.copy_empty_like()
        for instruction in group:
            part.append(instruction)
        yield part


def _components(circuit: QuantumCircuit) -> list[list[CircuitInstruction]]:
    """Instructions that act on the same or on entangled bits, of each component that is measured at all."""
    parent: dict[Any, Any] = {}

    def root(bit: Any) -> Any:
        while parent.setdefault(bit, bit) is not bit:
            parent[bit] = bit = parent[parent[bit]]
        return bit

    instructions = [item for item in circuit.data if item.operation.name != "barrier" and _bits(item)]
    for item in instructions:
        bits = _bits(item)
        for bit in bits[1:]:
            parent[root(bit)] = root(bits[0])
    components: dict[Any, list[CircuitInstruction]] = {}
    for item in instructions:
        components.setdefault(root(_bits(item)[0]), []).append(item)
    return [items for items in components.values() if any(item.clbits for item in items)]


def _packed(components: Sequence[list[CircuitInstruction]]) -> list[list[CircuitInstruction]]:
    """Components packed together, widest first, as long as they stay narrow."""
    packs: list[tuple[int, list[CircuitInstruction]]] = []
    for width, items in sorted(((_width(items), items) for items in components), key=lambda pair: -pair[0]):
        fitting = next((index for index, (size, _) in enumerate(packs) if size + width <= _PACKED_QUBITS), None)
        if fitting is None:
            packs.append((width, list(items)))
        else:
            packs[fitting] = (packs[fitting][0] + width, packs[fitting][1] + items)
    return [items for _, items in packs]


def _bits(item: CircuitInstruction) -> list[Any]:
    return [*item.qubits, *item.clbits]


def _width(items: Sequence[CircuitInstruction]) -> int:
    return len({qubit for item in items for qubit in item.qubits})
