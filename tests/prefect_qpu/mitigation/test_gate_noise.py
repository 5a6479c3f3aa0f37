import numpy as np
import pytest
from qiskit.circuit.library import CXGate
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.quantum_info import PTM
from qiskit.transpiler import InstructionProperties, Target

from prefect_qpu.mitigation.gate_noise import log_damping
from prefect_qpu.providers.simulation import noise_model
from tests.prefect_qpu.mitigation.workloads import calibration, target


@pytest.mark.parametrize(
    ("device", "name", "qubits"),
    [
        ("FakeManilaV2", "cx", (1, 2)),
        ("FakeManilaV2", "sx", (3,)),
        ("FakeSherbrooke", "ecr", (1, 0)),
        ("FakeTorino", "cz", (0, 1)),
        ("FakeTorino", "x", (2,)),
    ],
)
def test_each_pauli_is_damped_as_by_the_noise_that_aer_makes_of_the_device(
    device: str, name: str, qubits: tuple[int, ...]
) -> None:
    model = noise_model(calibration(device), qubits)
    error = model._local_quantum_errors[name][tuple(range(len(qubits)))]
    left = np.real(np.diag(PTM(error.to_quantumchannel()).data))
    assert np.exp(-log_damping(target(device), name, qubits)) == pytest.approx(left, rel=1e-6)


def test_without_relaxation_the_reported_error_damps_all_paulis_alike() -> None:
    made = Target(num_qubits=2)
    made.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=0.03)})
    damping = log_damping(made, "cx", (0, 1))
    assert damping[0] == 0
    assert damping[1:] == pytest.approx(-np.log(1 - 0.03 * 4 / 3))


def test_what_the_target_does_not_report_is_no_noise() -> None:
    assert log_damping(Target(num_qubits=2), "cx", (0, 1)).tolist() == [0.0] * 16
    assert log_damping(GenericBackendV2(2, seed=1, noise_info=False).target, "cx", (0, 1)).tolist() == [0.0] * 16


def test_an_error_that_leaves_nothing_damps_to_nearly_nothing() -> None:
    made = Target(num_qubits=2)
    made.add_instruction(CXGate(), {(0, 1): InstructionProperties(error=1.0)})
    assert np.exp(-log_damping(made, "cx", (0, 1)))[1:] == pytest.approx(1e-6)
