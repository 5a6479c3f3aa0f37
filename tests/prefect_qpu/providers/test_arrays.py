"""Arrays of parameter values: drawn by run-time binding, with the counts of one circuit for each set."""

import numpy as np
import pytest
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import SamplerV2

from prefect_qpu.calibration import Calibration
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.simulation import Simulation, noise_model

A, B = Parameter("a"), Parameter("b")
DRAW = np.random.default_rng(7)
QUBITS = (0, 1, 2)


def expressions() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.rx(2 * A + B / 3, 0)
    circuit.cx(0, 1)
    circuit.rz(A * B + 1, 1)
    circuit.sx(1)
    circuit.ry(B.sin(), 2)
    circuit.measure_all()
    return circuit


def phase(*, alone: bool) -> QuantumCircuit:
    circuit = QuantumCircuit(3, 3, global_phase=A)
    if not alone:
        circuit.rx(A, 0)
    circuit.h(2)
    circuit.measure(range(3), range(3))
    return circuit


def fixed() -> QuantumCircuit:
    circuit = QuantumCircuit(3)
    circuit.h(range(3))
    circuit.measure_all()
    return circuit


def pubs(calibration: Calibration | None, shots: int = 300) -> tuple[SamplerPub, ...]:
    def compiled(circuit: QuantumCircuit) -> QuantumCircuit:
        target = calibration and calibration.target()
        return transpile(circuit, target=target, initial_layout=QUBITS, optimization_level=1, seed_transpiler=1)

    values = DRAW.uniform(0, 6, (4, 5, 2))
    return tuple(
        SamplerPub.coerce((compiled(circuit), given, shots))
        for circuit, given in (
            (expressions(), {(A, B): values}),
            (fixed(), None),
            (phase(alone=False), {A: values[0, :, 0]}),
            (phase(alone=True), {A: values[0, :, 1]}),
        )
    )


def one_by_one(wanted: tuple[SamplerPub, ...], calibration: Calibration | None, seed: int) -> list[dict[int, int]]:
    """The counts of Aer with a bound circuit for each set of values, all in one call."""
    bound = [circuit for pub in wanted for circuit in pub.parameter_values.bind_all(pub.circuit).ravel()]
    if calibration is None:
        simulator = AerSimulator()
    else:
        simulator = AerSimulator(noise_model=noise_model(calibration, tuple(range(calibration.num_qubits))))
    result = simulator.run(bound, shots=300, seed_simulator=seed).result()
    return [{int(key, 16): n for key, n in item.data.counts.items()} for item in result.results]


def counts(bits: BitArray) -> list[dict[int, int]]:
    return [dict(bits.get_int_counts(index)) for index in np.ndindex(bits.shape)]


@pytest.mark.parametrize("device", [None, "FakeManilaV2"])
def test_the_counts_are_those_of_one_circuit_for_each_set(device: str | None) -> None:
    calibration = device_calibration(device) if device else None
    wanted = pubs(calibration)
    drawn, _ = Simulation(wanted, calibration, 11).run()
    assert [bits.shape for bits in drawn] == [(4, 5), (), (5,), (5,)]
    assert [item for bits in drawn for item in counts(bits)] == one_by_one(wanted, calibration, 11)


def test_the_counts_are_those_of_the_sampler_of_aer() -> None:
    wanted = pubs(None)[0]
    (drawn,), _ = Simulation((wanted,), None, 11).run()
    assert counts(drawn) == counts(SamplerV2(seed=11).run([wanted]).result()[0].data.meas)


@pytest.mark.parametrize("width", [1, 8, 9, 70])
def test_outcomes_of_any_width_keep_their_bits(width: int) -> None:
    circuit = QuantumCircuit(width)
    circuit.rx(A, 0)
    circuit.x(width - 1)
    circuit.measure_all()
    wanted = SamplerPub.coerce((circuit, {A: [0.0, np.pi]}, 3))
    (drawn,), _ = Simulation((wanted,), None, 1, "matrix_product_state").run()
    high = 1 << (width - 1)
    assert counts(drawn) == [{high: 3}, {high ^ 1: 3}]
