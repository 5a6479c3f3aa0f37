"""Drawing shots: cutting circuit and noise changes no distribution."""

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.emulator.backends import Device
from prefect_qpu.emulator.programs.drawing import Sampling, registers
from prefect_qpu.emulator.programs.noise import Noise, device_noise
from prefect_qpu.errors import CircuitError
from prefect_qpu.providers.simulation import Simulation


@pytest.fixture(scope="module")
def guadalupe() -> Noise:
    return device_noise(Device("ibm_guadalupe", "guadalupe"), number=2, seed=1, drift=0.2)


def pair(circuit: QuantumCircuit, first: int, second: int) -> None:
    circuit.sx(first)
    circuit.cx(first, second)


def test_noise_of_unused_instructions_has_no_part_in_the_outcome(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16)
    pair(circuit, 1, 2)
    circuit.measure_all()
    part = QuantumCircuit(16, 2)
    pair(part, 1, 2)
    part.measure([1, 2], [0, 1])
    pub = SamplerPub.coerce((part, None, 5000))
    (whole,), _ = Simulation((pub,), guadalupe.calibration, 9).run()
    (cut,), _ = Simulation((pub,), guadalupe.of(part), 9).run()
    assert whole == cut


def test_parts_that_do_not_interact_are_drawn_independently(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16)
    for first, second in [(0, 1), (2, 3), (4, 7), (12, 13), (8, 11)]:
        pair(circuit, first, second)
    circuit.measure_all()
    bits = Sampling(guadalupe, seed=4).draw(SamplerPub.coerce((circuit, None, 4000))).to_bool_array(order="little")
    correlations = np.corrcoef(bits[:, [0, 1, 2, 3, 4, 7]].T)
    assert correlations[0, 1] > 0.6
    assert correlations[2, 3] > 0.6
    assert abs(correlations[0, 2]) < 0.08
    assert abs(correlations[1, 4]) < 0.08


def test_parts_keep_their_own_parameters(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16)
    angles = [Parameter(f"angle{index}") for index in range(10)]
    for qubit, angle in enumerate(angles):
        circuit.sx(qubit)
        circuit.rz(angle, qubit)
        circuit.sx(qubit)
    circuit.measure_all()
    values = np.where(np.arange(10) % 2, np.pi, 0.0)
    bits = Sampling(guadalupe, seed=4).draw(SamplerPub.coerce((circuit, values, 500))).to_bool_array(order="little")
    assert np.array_equal(bits[:, :10].mean(axis=0) > 0.5, np.arange(10) % 2 == 0)


def test_registers_share_the_outcomes_of_their_bits(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16, 3)
    circuit.x(1)
    circuit.measure([0, 1, 2], [0, 1, 2])
    bits = Sampling(guadalupe, seed=4).draw(SamplerPub.coerce((circuit, None, 100)))
    assert registers(circuit, bits)["c"] == bits


def test_random_outcomes_need_no_simulation(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16)
    circuit.measure_all()
    bits = Sampling(guadalupe, seed=1, random=True).draw(SamplerPub.coerce((circuit, None, 2000)))
    assert 0.45 < bits.to_bool_array().mean() < 0.55


def test_an_instruction_that_the_device_lacks_is_refused(guadalupe: Noise) -> None:
    circuit = QuantumCircuit(16)
    circuit.cx(0, 15)
    circuit.measure_all()
    with pytest.raises(CircuitError, match=r"cx on qubits \[0, 15\]"):
        Sampling(guadalupe).draw(SamplerPub.coerce((circuit, None, 1)))
