"""The quantum approximate optimisation algorithm on any objective that is diagonal: sums of products of Z."""

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterExpression, ParameterVector
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition, as_tuple
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fixed_angles import Angles

ZTerm = tuple[tuple[int, ...], float]
"""Different qubits in ascending order, and the weight of the product of their Z."""

Radians = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]

RAMP = (0.6, 0.5)
"""Slopes of `ramp_angles`: of the cost, over the root mean square of the local fields, and of the mixer."""


class AngleSpec(Definition):
    """QAOA angles in radians, one for each layer."""

    gamma: Radians
    beta: Radians


def checked_angles(given: AngleSpec, layers: int) -> Angles:
    """The angles, if there is one of each kind for each layer.

    Raises:
        WorkloadError: there is another number of them.
    """
    for name, values in (("gamma", given.gamma), ("beta", given.beta)):
        if len(values) != layers:
            expected = f"one value for each of the {layers} layers"
            raise WorkloadError(f"angles.{name}", given=list(values), expected=expected)
    return Angles(given.gamma, given.beta)


def angles_document(angles: Angles) -> dict[str, list[float]]:
    """The angles as JSON data."""
    return {"gamma": [*map(float, angles.gamma)], "beta": [*map(float, angles.beta)]}


def angle_values(angles: Angles) -> dict[str, NDArray[np.float64]]:
    """The value of each free parameter of `qaoa_state`."""
    values = {f"gamma[{layer}]": value for layer, value in enumerate(angles.gamma)}
    values |= {f"beta[{layer}]": value for layer, value in enumerate(angles.beta)}
    return {name: np.asarray(value, dtype=float) for name, value in values.items()}


def ramp_angles(terms: Sequence[ZTerm], layers: int, slopes: tuple[float, float] = RAMP) -> Angles:
    """Angles for any objective and depth, without optimisation: the cost grows and the mixer fades linearly.

    A discretised annealing schedule, which is a good start at all depths (Sack and Serbyn 2021,
    https://arxiv.org/abs/2101.05742; Montanez-Barrera and Michielsen 2024, https://arxiv.org/abs/2405.09169). The cost
    is measured in the root mean square of the local fields, as a spin feels them in the fully mixed state.

    Example:
        >>> [round(angle, 3) for angle in ramp_angles([((0, 1), 2.0)], 2).gamma]
        [0.15, 0.3]
    """
    fields: dict[int, float] = defaultdict(float)
    for qubits, weight in terms:
        for qubit in qubits:
            fields[qubit] += weight * weight
    unit = float(np.sqrt(np.mean(list(fields.values()))))
    steps = range(layers)
    gamma = tuple(slopes[0] / unit * (step + 1) / layers for step in steps)
    return Angles(gamma, tuple(slopes[1] * (1 - step / layers) for step in steps))


def qaoa_state(qubits: int, terms: Iterable[ZTerm], layers: int) -> QuantumCircuit:
    """The state preparation: in each layer ``exp(-i gamma C)``, then ``exp(-i beta sum X)``, from all plus.

    ``C`` is the sum of the terms, to be made large. The terms of a layer commute; those without a common qubit stand
    together, which makes it shallow. Terms of more than two qubits gather their parity along a chain of CNOTs.

    Example:
        >>> sorted(qaoa_state(3, [((0, 1), 1.0), ((0, 1, 2), -0.5), ((2,), 2.0)], 1).count_ops().items())
        [('cx', 4), ('h', 3), ('rx', 3), ('rz', 2), ('rzz', 1)]
    """
    gamma, beta = ParameterVector("gamma", layers), ParameterVector("beta", layers)
    circuit = QuantumCircuit(qubits)
    circuit.h(range(qubits))
    ordered = parallel(terms)
    for layer in range(layers):
        for touched, weight in ordered:
            _append_phase(circuit, touched, 2 * weight * gamma[layer])
        circuit.rx(2 * beta[layer], range(qubits))
    return circuit


def diagonal_operator(qubits: int, terms: Iterable[ZTerm], constant: float = 0.0) -> SparsePauliOp:
    """The sum of the terms as an observable."""
    listed: list[tuple[str, list[int], float]] = [("", [], constant)]
    listed += [("Z" * len(touched), list(touched), weight) for touched, weight in terms]
    return SparsePauliOp.from_sparse_list(listed, num_qubits=qubits)


def parallel(terms: Iterable[ZTerm]) -> list[ZTerm]:
    """The terms, ordered by a greedy colouring: those of one colour have no common qubit."""
    colours: dict[ZTerm, int] = {}
    used: dict[int, int] = defaultdict(int)
    for term in terms:
        taken = 0
        for qubit in term[0]:
            taken |= used[qubit]
        first_free = ~taken & (taken + 1)
        for qubit in term[0]:
            used[qubit] |= first_free
        colours[term] = first_free.bit_length()
    return sorted(colours, key=lambda term: (colours[term], term))


def _append_phase(circuit: QuantumCircuit, touched: Sequence[int], angle: ParameterExpression) -> None:
    """``exp(-i angle Z...Z / 2)``."""
    if len(touched) == 2:
        circuit.rzz(angle, *touched)
        return
    for first, second in itertools.pairwise(touched):
        circuit.cx(first, second)
    circuit.rz(angle, touched[-1])
    for first, second in reversed(list(itertools.pairwise(touched))):
        circuit.cx(first, second)
