"""What obvious implementations get wrong without saying so: each test fails on one of them."""

import importlib.util
import random
from typing import Any

import numpy as np
import pytest
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Batch, Measurement, PlanContext, combine_batch, plan_batch
from prefect_qpu.mitigation.decoupling import decoupled
from prefect_qpu.observables import group_terms
from prefect_qpu.providers.simulation import Simulation
from tests.prefect_qpu.mitigation.workloads import (
    NATIVE,
    calibration,
    context,
    ising,
    magnetisation,
    target,
    two_qubit_gates,
)

WITH_MITIQ = importlib.util.find_spec("mitiq") is not None
CIRCUIT_CHANGING: list[tuple[str, dict[str, Any]]] = [
    ("zne", {}),
    ("twirling", {"twirl": 4}),
    ("decoupling", {}),
    ("readout", {"readout": "trex"}),
    ("pec", {"samples": 10}),
    ("lre", {}),
]


def needs(method: str) -> None:
    if method in {"pec", "cdr", "lre"} and not WITH_MITIQ:
        pytest.skip("mitiq is not installed")


def own_circuits(batch: Batch) -> list[QuantumCircuit]:
    """The circuits of the method that was asked for, without calibrations."""
    share = next(share for share in batch.shares if share.method != "raw")
    measured = {place for setting in share.manifest["settings"] for places in setting for place in places}
    return [batch.pubs[share.pubs[place]].circuit for place in sorted(measured)]


def mirror(qubits: int = 5) -> QuantumCircuit:
    """A circuit and its inverse, kept apart by a barrier: whoever drops the barrier runs nothing at all."""
    circuit = QuantumCircuit(qubits)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    circuit.barrier()
    for qubit in reversed(range(qubits - 1)):
        circuit.cx(qubit, qubit + 1)
    return circuit


@pytest.mark.parametrize("device", NATIVE)
@pytest.mark.parametrize(("method", "options"), CIRCUIT_CHANGING)
def test_a_mirror_circuit_keeps_its_gates_under_every_method(method: str, options: dict[str, Any], device: str) -> None:
    needs(method)
    plan = context(mirror(), {"z": SparsePauliOp("ZZZZZ")}, device)
    gates = two_qubit_gates(plan.circuits[0])
    assert gates == 8
    batch = plan_batch([MethodSpec(method=method, name="it", options=options)], plan)
    assert batch.refused == {}
    assert min(two_qubit_gates(circuit) for circuit in own_circuits(batch)) == gates


def two_registers() -> PlanContext:
    """Registers whose names are not in alphabetical order, measured crosswise, on physical qubits of a device."""
    qubits = QuantumRegister(3, "q"), QuantumRegister(2, "anc")
    circuit = QuantumCircuit(*qubits, ClassicalRegister(5, "meas"))
    circuit.x(0)
    circuit.cx(0, 1)
    circuit.cx(1, 2)
    circuit.barrier()
    circuit.measure(range(5), [4, 2, 0, 1, 3])
    observables = {name: SparsePauliOp.from_sparse_list([("Z", [bit], 1.0)], 5) for bit, name in enumerate("abcde")}
    measurement = Measurement(observables, tuple(group_terms(observables)))
    return PlanContext((circuit,), measurement, target("FakeManilaV2"), 3000, 7)


@pytest.mark.parametrize(("method", "options"), [item for item in CIRCUIT_CHANGING if item[0] != "decoupling"])
def test_registers_that_are_not_in_alphabetical_order_keep_their_values(method: str, options: dict[str, Any]) -> None:
    needs(method)
    plan = two_registers()
    batch = plan_batch([MethodSpec(method=method, name="it", options=options)], plan)
    counts, _ = Simulation(batch.pubs, calibration("FakeManilaV2"), 5).run()
    found = combine_batch(batch.shares, counts, plan.measurement).estimates["it"]
    wanted = {"a": -1, "b": 1, "c": -1, "d": 1, "e": -1}
    for name, true in wanted.items():
        assert true * found[name].value > 0.5, name


@pytest.mark.parametrize("device", NATIVE)
def test_no_pulse_stands_before_the_first_gate_of_a_qubit(device: str) -> None:
    circuit = QuantumCircuit(5)
    circuit.h(0)
    for qubit in range(4):
        circuit.cx(qubit, qubit + 1)
    plan = context(circuit, {"z": SparsePauliOp("ZZZZZ")}, device)
    before, after = plan.circuits[0], decoupled(plan.circuits[0], target(device), "xx")

    def first_gates(made: QuantumCircuit) -> dict[int, str]:
        firsts: dict[int, str] = {}
        for item in made.data:
            for qubit in item.qubits:
                if item.operation.name not in {"barrier", "delay"}:
                    firsts.setdefault(made.find_bit(qubit).index, item.operation.name)
        return firsts

    assert first_gates(after) == first_gates(before)


@pytest.mark.parametrize(("method", "options"), [*CIRCUIT_CHANGING, ("cdr", {})])
def test_a_plan_depends_on_its_seed_and_on_no_global_random_state(method: str, options: dict[str, Any]) -> None:
    needs(method)
    plans = []
    for state in (1, 2):
        random.seed(state)
        np.random.seed(state)  # noqa: NPY002 - the state that careless code uses
        batch = plan_batch([MethodSpec(method=method, options=options)], context(ising(), {"z": magnetisation()}))
        plans.append([(pub.circuit, pub.shots) for pub in batch.pubs])
    assert plans[0] == plans[1]


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("readout", {}),
        ("readout", {"readout": "trex"}),
        ("zne", {}),
        ("zne", {"readout": "none", "fit": "linear"}),
    ],
)
def test_the_standard_error_is_the_scatter_and_not_its_square(method: str, options: dict[str, Any]) -> None:
    needs(method)
    plan = context(ising(), {"z": magnetisation()}, shots=600)
    batch = plan_batch([MethodSpec(method=method, name="it", options=options)], plan)
    values, errors = [], []
    for counts in repeated(batch, 120):
        found = combine_batch(batch.shares[1:], counts, plan.measurement).estimates["it"]["z"]
        values.append(float(found.value))
        errors.append(float(found.stderr))
    assert np.std(values) == pytest.approx(np.mean(errors), rel=0.25)


def repeated(batch: Batch, repeats: int) -> list[list[BitArray]]:
    """Independent counts of many runs: one long simulation, dealt out."""
    pubs = tuple(SamplerPub.coerce((pub.circuit, None, pub.shots * repeats)) for pub in batch.pubs)
    drawn, _ = Simulation(pubs, calibration("FakeManilaV2"), 5).run()
    shuffled = np.random.default_rng(5)
    dealt = [np.split(bits.array[shuffled.permutation(bits.num_shots)], repeats) for bits in drawn]
    return [
        [BitArray(parts[repeat], bits.num_bits) for parts, bits in zip(dealt, drawn, strict=True)]
        for repeat in range(repeats)
    ]


@pytest.mark.skipif(not WITH_MITIQ, reason="mitiq is not installed")
@pytest.mark.parametrize("device", NATIVE)
def test_training_circuits_keep_the_two_qubit_gates_and_change_angles_of_z_rotations_only(device: str) -> None:
    plan = context(ising(), {"z": magnetisation()}, device)
    batch = plan_batch([MethodSpec(method="cdr", name="it", options={"training": 6})], plan)
    before = plan.circuits[0]
    for circuit in own_circuits(batch):
        assert [item.operation.name for item in circuit.data] == [item.operation.name for item in before.data]
        changed = {
            new.operation.name
            for new, old in zip(circuit.data, before.data, strict=True)
            if new.operation.params != old.operation.params
        }
        assert changed <= {"rz"}
