"""What circuits have in common is simulated once, and nothing that is measured changes by it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.circuit.random import random_circuit
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Operator

from prefect_qpu.providers import preparation, simulation
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.preparation import Preparations, split
from prefect_qpu.providers.simulation import Simulation, noise_model


def prepared(seed: int, qubits: int = 3) -> QuantumCircuit:
    """A random preparation of gates that the device has."""
    draw = np.random.default_rng(seed)
    circuit = QuantumCircuit(5)
    for _ in range(12):
        circuit.rz(draw.uniform(0, 6), int(draw.integers(qubits)))
        circuit.sx(int(draw.integers(qubits)))
        left = int(draw.integers(qubits - 1))
        circuit.cx(left, left + 1)
    return circuit


def measured(seed: int, basis: str) -> QuantumCircuit:
    circuit = prepared(seed)
    for qubit, letter in enumerate(basis):
        if letter == "X":
            circuit.rz(np.pi / 2, qubit)
            circuit.sx(qubit)
    circuit.measure_all()
    return circuit


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000))
def test_what_is_common_and_each_rest_are_the_circuit(first: int, second: int, third: int) -> None:
    begin = random_circuit(3, 3, max_operands=2, seed=first)
    circuits = [begin.compose(random_circuit(3, 2, max_operands=2, seed=seed)) for seed in (second, third)]
    common, rests = split(circuits)
    assert common.size() >= begin.size()
    for circuit, rest in zip(circuits, rests, strict=True):
        assert Operator(common).compose(Operator(rest)).equiv(Operator(circuit))
        assert common.size() + rest.size() == circuit.size()


def test_measurements_resets_and_free_parameters_are_not_common() -> None:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.reset(0)
    circuit.rz(Parameter("t"), 1)
    circuit.measure(0, 0)
    common, (rest, _) = split([circuit, circuit.copy()])
    assert [item.operation.name for item in common.data] == ["h"]
    assert [item.operation.name for item in rest.data] == ["reset", "rz", "measure"]


def test_the_counts_are_those_of_a_plain_call_of_aer_with_the_same_seed() -> None:
    from qiskit_aer import AerSimulator

    calibration = device_calibration("FakeManilaV2")
    circuits = [measured(3, basis) for basis in ("ZZZ", "XXX", "ZXZ")]
    drawn, _ = Simulation(tuple(SamplerPub.coerce((item, None, 5000)) for item in circuits), calibration, 11).run()
    simulator = AerSimulator(method="density_matrix", noise_model=noise_model(calibration, (0, 1, 2, 3, 4)))
    plain = simulator.run(circuits, shots=5000, seed_simulator=11).result()
    assert [bits.get_counts() for bits in drawn] == [plain.get_counts(index) for index in range(3)]


def test_a_preparation_is_simulated_once_for_all_bases_and_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    monkeypatch.setattr(simulation, "_preparations", Preparations())
    monkeypatch.setattr(
        simulation,
        "_density_matrix",
        lambda simulator, circuit, whole=simulation._density_matrix: made.append(circuit) or whole(simulator, circuit),
    )
    pubs = tuple(SamplerPub.coerce((measured(4, basis), None, 100)) for basis in ("ZZZ", "XXX"))
    calibration = device_calibration("FakeManilaV2")
    for seed in (1, 2):
        Simulation(pubs, calibration, seed).run()
    assert len(made) == 1
    Simulation(pubs, device_calibration("FakeLimaV2"), 1).run()
    assert len(made) == 2


def test_one_set_of_parameter_values_shares_too_and_gives_the_counts_of_the_bound_circuit() -> None:
    theta = Parameter("theta")
    free = prepared(5)
    free.rz(theta, 0)
    free.sx(0)
    free.measure_all()
    calibration = device_calibration("FakeManilaV2")
    bound = free.assign_parameters({theta: 0.7})
    left, _ = Simulation((SamplerPub.coerce((free, [0.7], 3000)),), calibration, 5).run()
    right, _ = Simulation((SamplerPub.coerce((bound, None, 3000)),), calibration, 5).run()
    assert left[0].get_counts() == right[0].get_counts()


def test_the_least_recently_used_matrices_are_dropped_beyond_the_bound() -> None:
    kept = Preparations(bound=preparation.np.zeros((4, 4), complex).nbytes * 2)
    made = []

    def matrix(key: str) -> None:
        kept.matrix(key, lambda: made.append(key) or np.zeros((4, 4), complex))

    for key in ("a", "b", "a", "c", "a", "b"):
        matrix(key)
    assert made == ["a", "b", "c", "b"]
