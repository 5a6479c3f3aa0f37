import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.classical import expr
from qiskit.circuit.library import Initialize
from qiskit.circuit.random import random_circuit
from qiskit.quantum_info import Kraus, Statevector, random_clifford

from prefect_qpu.errors import CircuitError
from prefect_qpu.workloads.preparation import state_preparation


@settings(max_examples=40, deadline=None)
@given(data=st.data(), qubits=st.integers(1, 4), seed=st.integers(0, 10_000))
def test_the_state_is_the_one_before_the_measurements(data: st.DataObject, qubits: int, seed: int) -> None:
    circuit = random_circuit(qubits, 4, seed=seed)
    expected = Statevector(circuit)
    measured = data.draw(st.lists(st.integers(0, qubits - 1), unique=True))
    with_measurements = circuit.copy()
    with_measurements.barrier()
    with_measurements.add_register(*QuantumCircuit(qubits, qubits).cregs)
    with_measurements.measure(measured, measured)
    assert np.allclose(Statevector(state_preparation(with_measurements)).data, expected.data)


def test_a_measured_qubit_does_not_stop_its_neighbours() -> None:
    circuit = QuantumCircuit(3, 1)
    circuit.h(0)
    circuit.measure(0, 0)
    circuit.barrier()
    circuit.x(1)
    circuit.barrier(0, 2)
    prepared = state_preparation(circuit)
    assert prepared.count_ops() == {"h": 1, "barrier": 1, "x": 1}
    assert Statevector(prepared).probabilities_dict() == pytest.approx({"010": 0.5, "011": 0.5})


def test_idle_qubits_stay_and_classical_bits_go() -> None:
    circuit = QuantumCircuit(5, 2)
    circuit.x(3)
    circuit.measure([3, 0], [0, 1])
    prepared = state_preparation(circuit)
    assert (prepared.num_qubits, prepared.num_clbits) == (5, 0)
    assert Statevector(prepared).probabilities_dict() == {"01000": 1.0}


def test_the_given_circuit_is_left_alone() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.measure(0, 0)
    before = circuit.copy()
    state_preparation(circuit)
    assert circuit == before


def test_an_initialisation_at_the_start_is_a_gate() -> None:
    circuit = QuantumCircuit(2)
    circuit.append(Initialize([0.6, 0.8]), [1])
    assert Statevector(state_preparation(circuit)).probabilities_dict() == pytest.approx({"00": 0.36, "10": 0.64})


def test_delays_and_cliffords_are_kept() -> None:
    circuit = QuantumCircuit(2)
    circuit.append(random_clifford(2, seed=3), [0, 1])
    circuit.delay(100, 0)
    assert set(state_preparation(circuit).count_ops()) == {"clifford", "delay"}


def middle_measurement(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    circuit.h(0)


def second_measurement(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    circuit.measure(0, 1)


def reset(circuit: QuantumCircuit) -> None:
    circuit.h(0)
    circuit.reset(0)


def late_initialisation(circuit: QuantumCircuit) -> None:
    circuit.h(0)
    circuit.initialize(1, 0)


def branch(circuit: QuantumCircuit) -> None:
    circuit.measure(0, 0)
    with circuit.if_test((0, True)):
        circuit.x(1)


def hidden_measurement(circuit: QuantumCircuit) -> None:
    inner = QuantumCircuit(1, 1, name="inner")
    inner.measure(0, 0)
    circuit.append(inner.to_instruction(), [0], [0])


def channel(circuit: QuantumCircuit) -> None:
    damping = Kraus([[[1, 0], [0, 0.6]], [[0, 0.8], [0, 0]]])
    circuit.append(damping.to_instruction(), [0])


def variable(circuit: QuantumCircuit) -> None:
    circuit.add_var("flag", expr.lift(1))


def opaque(circuit: QuantumCircuit) -> None:
    circuit.append(Gate("mystery", 1, []), [0])


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (middle_measurement, "h at instruction 1 acts on qubit 0 after its measurement"),
        (second_measurement, "measure at instruction 1 acts on qubit 0 after its measurement"),
        (reset, "reset at instruction 1"),
        (late_initialisation, "reset inside initialize at instruction 1"),
        (branch, "if_else at instruction 1"),
        (hidden_measurement, "measure inside inner at instruction 0"),
        (channel, "kraus at instruction 0"),
        (variable, "store at instruction 0"),
        (opaque, "mystery at instruction 0, a gate without a definition"),
    ],
)
def test_a_circuit_without_one_final_state_is_refused(spoil: object, told: str) -> None:
    circuit = QuantumCircuit(2, 2)
    spoil(circuit)  # type: ignore[operator]
    with pytest.raises(CircuitError) as caught:
        state_preparation(circuit, "file")
    assert str(caught.value).startswith(f"file: got '{told}', expected")


def test_a_circuit_without_qubits_is_refused() -> None:
    with pytest.raises(CircuitError, match="expected at least one qubit"):
        state_preparation(QuantumCircuit(0, 2))
