import os
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit, QuantumRegister
from qiskit.circuit import Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.random import random_circuit

from prefect_qpu.circuits import active_qubits, circuit_hash, circuit_metrics, from_qpy, to_qpy

CUSTOM = """OPENQASM 2.0; include "qelib1.inc";
gate {name} a,b {{ h a; cx a,b; {extra} }}
qreg q[2]; {name} q[0],q[1];"""


@settings(max_examples=40, deadline=None)
@given(qubits=st.integers(1, 5), depth=st.integers(0, 6), seed=st.integers(0, 10_000))
def test_the_hash_survives_qpy_and_ignores_names(qubits: int, depth: int, seed: int) -> None:
    circuit = random_circuit(qubits, depth, seed=seed, measure=True)
    copy = from_qpy(to_qpy(circuit))
    copy.name, copy.metadata = "another", {"who": "cares"}
    assert circuit_hash(copy) == circuit_hash(circuit)


def test_register_names_do_not_count() -> None:
    first, second = QuantumCircuit(2), QuantumCircuit(QuantumRegister(1, "z"), QuantumRegister(1, "a"))
    for circuit in (first, second):
        circuit.h(0)
        circuit.cx(0, 1)
    assert circuit_hash(first) == circuit_hash(second)


@pytest.mark.parametrize(
    "change",
    [
        lambda circuit: circuit.h(1),
        lambda circuit: circuit.barrier(),
        lambda circuit: circuit.measure_all(),
        lambda circuit: circuit.rx(1e-12, 0),
        lambda circuit: circuit.delay(10, 0),
        lambda circuit: circuit.data.pop(),
        lambda circuit: circuit.add_register(QuantumRegister(1, "more")),
    ],
)
def test_any_change_of_structure_changes_the_hash(change: object) -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    before = circuit_hash(circuit)
    change(circuit)  # type: ignore[operator]
    assert circuit_hash(circuit) != before


def test_operand_order_angle_and_control_state_count() -> None:
    hashes = set()
    for build in (
        lambda circuit: circuit.cx(0, 1),
        lambda circuit: circuit.cx(1, 0),
        lambda circuit: circuit.cx(0, 1, ctrl_state=0),
        lambda circuit: circuit.crx(0.1, 0, 1),
        lambda circuit: circuit.crx(0.2, 0, 1),
        lambda circuit: circuit.crx(Parameter("theta"), 0, 1),
        lambda circuit: circuit.crx(Parameter("phi"), 0, 1),
        lambda circuit: circuit.unitary(np.eye(4), [0, 1]),
        lambda circuit: circuit.unitary(np.diag([1, 1, 1, -1]), [0, 1]),
    ):
        circuit = QuantumCircuit(2)
        build(circuit)
        hashes.add(circuit_hash(circuit))
    assert len(hashes) == 9


def test_a_custom_gate_counts_by_its_definition_and_not_by_its_name() -> None:
    def parsed(name: str, extra: str = "") -> str:
        return circuit_hash(QuantumCircuit.from_qasm_str(CUSTOM.format(name=name, extra=extra)))

    assert parsed("first") == parsed("second")
    assert parsed("first") != parsed("first", "x b;")


def test_control_flow_counts_by_condition_and_body() -> None:
    hashes = set()
    for value, gate in ((0, "x"), (1, "x"), (1, "z")):
        circuit = QuantumCircuit(1, 1)
        circuit.measure(0, 0)
        with circuit.if_test((circuit.clbits[0], value)):
            getattr(circuit, gate)(0)
        hashes.add(circuit_hash(circuit))
    assert len(hashes) == 3


def test_the_hash_is_the_same_in_another_process_with_another_string_hash() -> None:
    code = (
        "from qiskit import QuantumCircuit; from prefect_qpu.circuits import circuit_hash\n"
        "c = QuantumCircuit(3); c.h(0); c.ccx(0, 1, 2); c.rz(0.1, 1); c.measure_all(); print(circuit_hash(c))"
    )
    printed = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(printed) == 1


def test_metrics_do_not_count_barriers() -> None:
    circuit = QuantumCircuit(4)
    circuit.h(0)
    circuit.barrier()
    circuit.cx(0, 1)
    circuit.ccx(0, 1, 2)
    metrics = circuit_metrics(circuit)
    assert (metrics.width, metrics.depth, metrics.two_qubit_gates, metrics.size) == (3, 3, 1, 3)
    assert active_qubits(circuit) == [0, 1, 2]


def loops(indices: range, angle: float) -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    parameter = Parameter("i")
    with circuit.for_loop(indices, parameter):
        circuit.rx(parameter * angle, 0)
    return circuit


def switches(value: int, gate: str) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 2)
    circuit.measure(0, 0)
    with circuit.switch(circuit.cregs[0]) as case:
        with case(value):
            getattr(circuit, gate)(0)
        with case(case.DEFAULT):
            circuit.z(0)
    return circuit


def waits(register_value: int) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 2)
    with circuit.while_loop((circuit.cregs[0], register_value)):
        circuit.x(0)
    return circuit


def compares(value: int) -> QuantumCircuit:
    circuit = QuantumCircuit(1, 2)
    with circuit.if_test(expr.less(circuit.cregs[0], value)):
        circuit.x(0)
    return circuit


@pytest.mark.parametrize(
    ("build", "settings_of_each"),
    [
        (loops, [(range(3), 0.1), (range(4), 0.1), (range(3), 0.2)]),
        (switches, [(0, "x"), (1, "x"), (1, "y")]),
        (waits, [(0,), (1,)]),
        (compares, [(1,), (2,)]),
    ],
)
def test_loops_switches_and_expressions_count_by_their_parts(build: Callable, settings_of_each: list[tuple]) -> None:
    hashes = [circuit_hash(build(*given_)) for given_ in settings_of_each]
    assert len(set(hashes)) == len(hashes)
    assert hashes == [circuit_hash(build(*given_)) for given_ in settings_of_each]


def test_prepared_amplitudes_count() -> None:
    first, second = QuantumCircuit(1), QuantumCircuit(1)
    first.initialize([1, 0], 0)
    second.initialize([1 / np.sqrt(2), 1j / np.sqrt(2)], 0)
    assert circuit_hash(first) != circuit_hash(second)
