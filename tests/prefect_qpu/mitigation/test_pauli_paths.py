import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import Pauli, SparsePauliOp

from prefect_qpu.circuits import active_qubits
from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation import Measurement, PlanContext
from prefect_qpu.mitigation.calibration_circuits import measured_qubits
from prefect_qpu.mitigation.folding import fold_gates, repetitions
from prefect_qpu.mitigation.pauli_paths import Decay, predicted_decays
from prefect_qpu.observables import group_terms
from prefect_qpu.providers.simulation import noise_model
from tests.prefect_qpu.mitigation.workloads import calibration, context, ghz, ising, magnetisation, target

SCALES = (1, 3, 5)


def followed(plan: PlanContext, seed: int = 1) -> dict[str, Decay]:
    pairs = [[repetitions(circuit, scale, 1) for scale in SCALES] for circuit in plan.circuits]
    return predicted_decays(plan.circuits, pairs, plan.measurement, plan.target, seed)


def parity_under_noise(circuit: QuantumCircuit, device: str) -> float:
    """The exact product of all measured signs under the gates' noise."""
    from qiskit_aer import AerSimulator

    qubits = active_qubits(circuit)
    bare = QuantumCircuit(len(qubits))
    for instruction in circuit.data:
        if instruction.operation.name not in {"measure", "barrier"}:
            bare.append(
                instruction.operation, [qubits.index(circuit.find_bit(bit).index) for bit in instruction.qubits]
            )
    measured = [qubits.index(qubit) for qubit in measured_qubits(circuit)]
    bare.save_expectation_value(Pauli("Z" * len(measured)), measured)
    model = noise_model(calibration(device), tuple(qubits))
    return float(
        AerSimulator(method="density_matrix", noise_model=model).run(bare).result().data(0)["expectation_value"]
    )


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeTorino"])
def test_what_noise_leaves_of_a_stabiliser_is_predicted_at_every_scale(device: str) -> None:
    plan = context(ghz(), {"parity": SparsePauliOp("XXXXX")}, device)
    decay = followed(plan)["parity"]
    for place, scale in enumerate(SCALES):
        pairs = repetitions(plan.circuits[0], scale, 1)
        left = parity_under_noise(fold_gates(plan.circuits[0], pairs, plan.target), device)
        assert np.exp(-decay.own * decay.scales[place]) == pytest.approx(left, rel=1e-3)
    assert decay.spread == pytest.approx(0, abs=1e-6)


def test_folds_of_a_relaxing_device_amplify_less_than_its_gates_errors_say() -> None:
    plan = context(ghz(), {"parity": SparsePauliOp("XXXXX")})
    assert followed(plan)["parity"].scales[1] < 2.6


def test_the_parts_of_an_observable_are_damped_by_different_amounts() -> None:
    decay = followed(context(ising(), {"z": magnetisation()}))["z"]
    assert decay.scales[0] == 1
    assert list(decay.scales) == sorted(decay.scales)
    assert decay.spread > 0.05
    assert decay.weights.sum() == pytest.approx(1)


def test_the_same_seed_follows_the_same_paths() -> None:
    plan = context(ising(), {"z": magnetisation()})
    first, again, other = (followed(plan, seed)["z"].own for seed in (1, 1, 2))
    assert first == again
    assert first == pytest.approx(other, rel=0.1)


def measured(circuit: QuantumCircuit, observable: str) -> PlanContext:
    """A circuit as it stands, on the first qubits of a device."""
    wide = QuantumCircuit(5, circuit.num_qubits)
    wide.compose(circuit, range(circuit.num_qubits), inplace=True)
    wide.measure(range(circuit.num_qubits), range(circuit.num_qubits))
    observables = {"it": SparsePauliOp(observable)}
    measurement = Measurement(observables, tuple(group_terms(observables)))
    return PlanContext((wide,), measurement, target("FakeManilaV2"), 100, 1)


def test_a_free_angle_counts_as_the_mean_over_all_angles() -> None:
    def turned(angle: float | Parameter) -> QuantumCircuit:
        circuit = QuantumCircuit(2)
        circuit.sx(0)
        circuit.rz(angle, 0)
        circuit.sx(0)
        circuit.cx(0, 1)
        return circuit

    free = followed(measured(turned(Parameter("angle")), "ZZ"))["it"].own
    bound = [followed(measured(turned(angle), "ZZ"))["it"].own for angle in np.linspace(0.1, 2 * np.pi, 12)]
    assert min(bound) <= free <= max(bound)


def test_noise_before_a_reset_is_not_seen() -> None:
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    circuit.reset([0, 1])
    assert followed(measured(circuit, "ZZ")) == {}
    circuit.sx(0)
    assert followed(measured(circuit, "IZ"))["it"].own > 0


def test_an_observable_that_no_fold_touches_does_not_decay_faster() -> None:
    circuit = QuantumCircuit(3)
    circuit.cx(0, 1)
    circuit.x(2)
    assert followed(measured(circuit, "ZII"))["it"].scales == pytest.approx([1, 1, 1])


def test_an_instruction_that_is_no_gate_is_refused() -> None:
    circuit = QuantumCircuit(2)
    circuit.initialize([0, 1], 0)
    circuit.cx(0, 1)
    with pytest.raises(MitigationRefusedError, match="initialize is no gate, so that its noise cannot be predicted"):
        followed(measured(circuit, "ZZ"))
