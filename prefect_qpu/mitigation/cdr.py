"""Clifford data regression: near-Clifford relatives of the circuit teach how noise moves its values."""

from collections.abc import Mapping, Sequence
from math import pi
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit import CircuitInstruction
from qiskit.circuit.library import RZGate
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.mitigation.acquisition import AcquisitionOptions, Readout, Setting, acquire, parsed, read
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.prediction import readout_factor
from prefect_qpu.mitigation.quasi_probability import check_mitiq, training_angles
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, Values
from prefect_qpu.mitigation.uncertain import Uncertain, weighted_sum
from prefect_qpu.observables import Estimate, Group, constant_of

CLIFFORD = frozenset({"cx", "cz", "ecr", "swap", "x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "id", "iswap", "dcx"})
WIDEST = 16
"""Qubits up to which the training circuits are simulated."""
LEAST_SPREAD = 3.0
"""Least spread of the training values, in standard errors of one of them."""


class CdrOptions(AcquisitionOptions):
    """Options of `cdr`."""

    readout: Readout = "factorised"
    training: Annotated[int, Field(ge=4, le=200)] = 12
    """Training circuits."""
    fraction: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Part of the angles that a training circuit keeps."""

    def check(self, field: str) -> None:
        """Refuse what is not installed."""
        super().check(field)
        check_mitiq(field)


class Cdr:
    """Clifford data regression: a straight line from noisy to exact values of the training circuits."""

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have."""
        parsed(CdrOptions, options, field)

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """One setting for the circuit, and one for each training circuit, whose exact values are known now."""
        chosen = parsed(CdrOptions, options, "options")
        _check_width(context)
        trained = [_training(circuit, chosen, context) for circuit in context.circuits]
        sets = [tuple(group[number] for group in trained) for number in range(chosen.training)]
        exact = {
            name: [_exact(circuits, context.measurement, name) for circuits in sets]
            for name in context.measurement.observables
        }
        for name, values in exact.items():
            _check_spread(name, values, context)
        shots = (context.shots,) * len(context.circuits)
        settings = [Setting(context.circuits, shots, "measure")]
        settings += [Setting(circuits, shots, f"train {number}") for number, circuits in enumerate(sets)]
        acquired = acquire(settings, context, chosen)
        spent = sum(planned.shots for planned in acquired.circuits) / sum(shots)
        manifest = {**acquired.manifest, "exact": exact}
        return MethodPlan(acquired.circuits, manifest, spent * readout_factor(context, chosen))

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The circuit's values moved along the line."""
        measured, *training = read(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        return {
            name: _regressed(measured[name], [item[name] for item in training], manifest["exact"][name], shots)
            for name in measurement.observables
        }


def _check_width(context: PlanContext) -> None:
    """Refuse circuits whose relatives cannot be simulated, before any is made.

    Raises:
        MitigationRefusedError: says the qubits.
    """
    width = max(len(active_qubits(circuit)) for circuit in context.circuits)
    if width > WIDEST:
        raise MitigationRefusedError(f"cdr: {width} qubits; training circuits are simulated up to {WIDEST}")


def _training(circuit: QuantumCircuit, options: CdrOptions, context: PlanContext) -> list[QuantumCircuit]:
    places = _turned(circuit)
    angles = [float(circuit.data[place].operation.params[0]) for place in places]
    drawn = training_angles(angles, options.training, options.fraction, derive_seed(context.seed, "training"))
    return [_with_angles(circuit, dict(zip(places, item, strict=True))) for item in drawn]


def _turned(circuit: QuantumCircuit) -> list[int]:
    """The indices of the Z rotations that are not Clifford.

    Raises:
        MitigationRefusedError: there is none, another gate is not Clifford, or a parameter is free.
    """
    places = []
    if circuit.parameters:
        raise MitigationRefusedError("cdr: the circuit has free parameters, so that its relatives are not known")
    for index, instruction in enumerate(circuit.data):
        name = instruction.operation.name
        if name in CLIFFORD or name in {"barrier", "measure"}:
            continue
        if name != "rz":
            raise MitigationRefusedError(f"cdr: the gate {name} cannot be made Clifford; only rz can")
        quarters = instruction.operation.params[0] / (pi / 2)
        if abs(quarters - round(quarters)) > 1e-9:
            places.append(index)
    if not places:
        raise MitigationRefusedError("cdr: the circuit is Clifford: training would return the simulator's value")
    return places


def _with_angles(circuit: QuantumCircuit, angles: Mapping[int, float]) -> QuantumCircuit:
    out = circuit.copy_empty_like()
    for index, instruction in enumerate(circuit.data):
        angle = angles.get(index)
        out.append(instruction if angle is None else CircuitInstruction(RZGate(angle), instruction.qubits))
    return out


def _exact(circuits: Sequence[QuantumCircuit], measurement: Measurement, name: str) -> float:
    value = constant_of(measurement.observables[name])
    for circuit, group in zip(circuits, measurement.groups, strict=True):
        value += _group_value(circuit, group, name)
    return value


def _group_value(circuit: QuantumCircuit, group: Group, name: str) -> float:
    """The exact value of a group's terms, which the circuit turns into products of Z."""
    used = active_qubits(circuit)
    terms = [term for term in group.terms if term.observable == name]
    if not terms:
        return 0.0
    position = {qubit: place for place, qubit in enumerate(used)}
    bare = QuantumCircuit(len(used))
    for instruction in circuit.data:
        if instruction.operation.name not in {"barrier", "measure"}:
            bare.append(
                instruction.operation, [position[circuit.find_bit(qubit).index] for qubit in instruction.qubits]
            )
    places = [position[qubit] for qubit in measured_qubits(circuit)]
    operator = SparsePauliOp.from_sparse_list([_on(term.pauli, places, term.weight) for term in terms], len(used))
    return float(Statevector(bare).expectation_value(operator).real)


def _on(pauli: str, places: Sequence[int], weight: float) -> tuple[str, list[int], float]:
    qubits = [places[bit] for bit, letter in enumerate(reversed(pauli)) if letter != "I"]
    return "Z" * len(qubits), qubits, weight


def _check_spread(name: str, exact: Sequence[float], context: PlanContext) -> None:
    """Refuse training values that are too alike to tell a line.

    Raises:
        MitigationRefusedError: says the spread and what to change.
    """
    terms = [term for group in context.measurement.groups for term in group.terms if term.observable == name]
    stderr = (sum(term.weight**2 for term in terms) / context.shots) ** 0.5
    if np.std(exact) < LEAST_SPREAD * stderr:
        raise MitigationRefusedError(
            f"cdr: the training values of {name} spread by {np.std(exact):.2g} only, less than {LEAST_SPREAD:g} "
            f"standard errors of {stderr:.2g}: the answer would come from the training. Try another fraction"
        )


def _regressed(measured: Uncertain, training: Sequence[Uncertain], exact: Sequence[float], shots: int) -> Estimate:
    """The point of the line at the measured value; its error counts shots, scatter about the line and calibration."""
    noisy: Values = np.stack([item.value for item in training])
    truth = np.reshape(exact, (-1, *(1,) * (noisy.ndim - 1)))
    number, centre = len(training), noisy.mean(axis=0)
    squares = np.sum((noisy - centre) ** 2, axis=0)
    slope = np.sum((noisy - centre) * (truth - truth.mean()), axis=0) / squares
    value = truth.mean() + slope * (measured.value - centre)
    scatter = np.sum((truth - truth.mean() - slope * (noisy - centre)) ** 2, axis=0) / (number - 2)
    leverage = 1 / number + (measured.value - centre) ** 2 / squares
    pull = 1 / number + (measured.value - centre) * (noisy - centre) / squares
    shared = weighted_sum([slope, *(-slope * pull)], [measured, *training]).shared
    stderr = np.sqrt(slope**2 * measured.variance + scatter * leverage + np.sum(shared**2, axis=-1))
    metadata: dict[str, Any] = {"training": number}
    if value.shape == ():
        metadata |= {"slope": float(slope), "points": np.stack([noisy, np.asarray(exact)], axis=1).tolist()}
    return Estimate(value, stderr, shots, metadata)
