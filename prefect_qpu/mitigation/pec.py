"""Probabilistic error cancellation: circuits with random Paulis whose signed mean undoes the gates' noise."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from qiskit import QuantumCircuit
from qiskit.circuit.library import RZGate, ZGate
from qiskit.primitives.containers import BitArray
from qiskit.transpiler import PassManager, Target
from qiskit.transpiler.passes import Optimize1qGatesDecomposition

from prefect_qpu.circuits import is_two_qubit_gate
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.mitigation.acquisition import (
    AcquisitionOptions,
    Readings,
    Readout,
    Setting,
    acquire,
    parsed,
    read_groups,
    total,
)
from prefect_qpu.mitigation.calibration_circuits import flip_gates
from prefect_qpu.mitigation.folding import two_qubit_places
from prefect_qpu.mitigation.native import is_native
from prefect_qpu.mitigation.prediction import check_variance, readout_factor
from prefect_qpu.mitigation.quasi_probability import check_mitiq, sampled_paulis
from prefect_qpu.mitigation.types import Measurement, MethodPlan, PlanContext, Values
from prefect_qpu.mitigation.uncertain import Uncertain, stack, weighted_sum
from prefect_qpu.observables import Estimate, Group

ENOUGH = 30
"""Samples of one sign from which on their scatter alone tells the error of their mean."""


class PecOptions(AcquisitionOptions):
    """Options of `pec`."""

    readout: Readout = "factorised"
    samples: Annotated[int, Field(ge=2, le=10_000)] = 60
    """Samples for each group, over which the experiment's shots are split; equal ones become one circuit."""

    def check(self, field: str) -> None:
        """Refuse what is not installed."""
        super().check(field)
        check_mitiq(field)


class Pec:
    """Probabilistic error cancellation with the depolarising errors that the target reports.

    They are not learned: noise of another kind or size than reported stays, or is overcorrected.
    """

    def check(self, options: Mapping[str, Any], field: str) -> None:
        """Refuse options that the method does not have."""
        parsed(PecOptions, options, field)

    def plan(self, context: PlanContext, options: Mapping[str, Any]) -> MethodPlan:
        """The sampled circuits, with the sign of each."""
        chosen = parsed(PecOptions, options, "options")
        if context.shots < chosen.samples:
            raise MitigationRefusedError(f"{context.shots} shots cannot be split over {chosen.samples} samples")
        multiplier = _norm(context) ** 2 * readout_factor(context, chosen)
        check_variance("pec", multiplier, context.shots * len(context.circuits))
        settings, samples = [], []
        for group, circuit in enumerate(context.circuits):
            seed = derive_seed(context.seed, f"pec {group}")
            letters, signs, norm = sampled_paulis(_errors(circuit, context.target), chosen.samples, seed)
            distinct = Counter(zip(map(tuple, letters), signs, strict=True))
            settings += [
                _setting(context, group, paulis, number * (context.shots // chosen.samples))
                for (paulis, _), number in distinct.items()
            ]
            samples.append({"signs": [sign for _, sign in distinct], "times": list(distinct.values()), "norm": norm})
        acquired = acquire(settings, context, chosen)
        return MethodPlan(acquired.circuits, {**acquired.manifest, "samples": samples}, multiplier)

    def combine(
        self, manifest: Mapping[str, Any], counts: Sequence[BitArray], measurement: Measurement
    ) -> dict[str, Estimate]:
        """The signed means, times the norm."""
        settings = read_groups(manifest, counts, measurement)
        shots = sum(bits.num_shots for bits in counts)
        groups: list[Readings] = []
        for place, (group, samples) in enumerate(zip(measurement.groups, manifest["samples"], strict=True)):
            own = [setting[place] for setting in settings if setting[place]]
            bounds = {name: _bound(group, name) for name in measurement.observables}
            groups.append(
                {name: signed_mean([item[name] for item in own], **samples, bound=bounds[name]) for name in bounds}
            )
        found = total(groups, measurement)
        metadata = {
            "norm": max(samples["norm"] for samples in manifest["samples"]),
            "negative samples": min(_negative(samples) for samples in manifest["samples"]),
        }
        return {name: Estimate(item.value, item.stderr, shots, metadata) for name, item in found.items()}


def signed_mean(
    values: Sequence[Uncertain], signs: Sequence[int], times: Sequence[int], norm: float, bound: float
) -> Uncertain:
    """The mean of signed values times the norm, stratified by the sign.

    How often each sign comes is known, ``(1 ± 1 / norm) / 2``, and need not be estimated from the samples. A stratum of
    few samples counts one pseudo-sample at the bounds, so that few negative samples, or none, never claim certainty.

    Args:
        values: One for each distinct sample.
        signs: 1 or -1 for each distinct sample.
        times: How often each was drawn; its shots are in proportion.
        norm: One-norm of the quasi-probabilities.
        bound: Largest absolute value that a sample can have.
    """
    measured, own = stack(values)
    weights, variance = np.zeros(len(values)), np.zeros(measured.shape[1:])
    for sign in (1, -1):
        chance = norm * (1 + sign / norm) / 2
        members = np.flatnonzero(np.asarray(signs) == sign)
        if chance > 0 and not len(members):
            variance = variance + (chance * bound) ** 2
        elif len(members):
            drawn = np.asarray(times)[members]
            weights[members] = sign * chance * drawn / drawn.sum()
            variance = variance + chance**2 * _variance_of_mean(measured[members], own[members], drawn, bound)
    mean = weighted_sum(weights, values)
    return Uncertain(mean.value, variance, mean.shared)


def with_paulis(circuit: QuantumCircuit, letters: Sequence[str], target: Target) -> QuantumCircuit:
    """The ISA circuit with two Paulis after each of its two-qubit gates, in the target's gates."""
    out, remaining = circuit.copy_empty_like(), iter(letters)
    for instruction in circuit.data:
        out.append(instruction)
        if is_two_qubit_gate(instruction):
            for letter, qubit in zip(next(remaining), instruction.qubits, strict=True):
                _append_pauli(out, letter, circuit.find_bit(qubit).index, target)
    merged = PassManager([Optimize1qGatesDecomposition(target=target)]).run(out)
    merged._layout, merged.name = circuit.layout, circuit.name  # noqa: SLF001 - passes drop the layout
    return merged


def _append_pauli(circuit: QuantumCircuit, letter: str, qubit: int, target: Target) -> None:
    """A Pauli up to its phase: Y is Z and X."""
    if letter in "YZ":
        circuit.append(RZGate(np.pi) if is_native(target, "rz", (qubit,), [np.pi]) else ZGate(), [qubit])
    if letter in "XY":
        for gate in flip_gates(target, qubit):
            circuit.append(gate, [qubit])


def _variance_of_mean(measured: Values, own: Values, times: NDArray[np.int64], bound: float) -> Values:
    """Of the mean of drawn samples: what their scatter beyond the shots tells of the draw, and the shots themselves."""
    number, column = int(times.sum()), times.reshape(-1, *(1,) * (measured.ndim - 1))
    mean = np.sum(column * measured, axis=0) / number
    squares = np.sum(column * (measured - mean) ** 2, axis=0)
    by_shots = np.sum(column * own * (1 - column / number), axis=0)
    scatter = np.maximum(0.0, squares - by_shots)
    few = number < ENOUGH
    drawn = (scatter + few * (bound**2 + mean**2)) / (number * (number + 1 if few else number - 1))
    return np.asarray(drawn + np.sum((column / number) ** 2 * own, axis=0), dtype=np.float64)


def _setting(context: PlanContext, group: int, letters: Sequence[str], shots: int) -> Setting:
    """One sample of one group."""
    made = with_paulis(context.circuits[group], letters, context.target)
    placed = tuple(made if place == group else None for place in range(len(context.circuits)))
    return Setting(placed, (shots,) * len(placed), "sample")


def _bound(group: Group, name: str) -> float:
    return sum(abs(term.weight) for term in group.terms if term.observable == name)


def _negative(samples: Mapping[str, Any]) -> int:
    return sum(number for number, sign in zip(samples["times"], samples["signs"], strict=True) if sign < 0)


def _errors(circuit: QuantumCircuit, target: Target) -> list[float]:
    """The reported error of each two-qubit gate.

    Raises:
        MitigationRefusedError: the target reports none.
    """
    found = []
    for place in two_qubit_places(circuit):
        instruction = circuit.data[place]
        qubits = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
        error = getattr((target[instruction.operation.name] or {}).get(qubits), "error", None)
        if error is None:
            raise MitigationRefusedError(f"pec: no error is reported for {instruction.operation.name} on {qubits}")
        found.append(float(error))
    return found


def _norm(context: PlanContext) -> float:
    """The largest one-norm of a circuit, from the closed form for local depolarising noise."""
    norms = [np.prod([_gate_norm(error) for error in _errors(circuit, context.target)]) for circuit in context.circuits]
    return float(max(norms))


def _gate_norm(error: float) -> float:
    """Square of the one-norm ``(1 + a / 2) / (1 - a)`` with ``a = 4 p / 3`` that undoes depolarising of one qubit."""
    level = 1 - (1 - min(error, 0.7) * 5 / 4) ** 0.5
    shrunk = 4 / 3 * level
    return float(((1 + shrunk / 2) / (1 - shrunk)) ** 2)
