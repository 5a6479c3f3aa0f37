"""The rule that chooses a backend, and the success that it predicts."""

from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.primitives import StatevectorSampler
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel, pauli_error

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import BackendError, ProviderUnavailableError
from prefect_qpu.hashing import canonical_json
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.selection import A_DAY, Candidate, predicted_success, select

CANDIDATES = st.lists(
    st.builds(
        Candidate,
        name=st.text("abc", min_size=1, max_size=3),
        queue=st.none() | st.integers(0, 100),
        calibration_age=st.none() | st.floats(0, 3 * A_DAY),
        success=st.none() | st.floats(0, 1),
        excluded=st.sampled_from(["", "", "paused"]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda candidate: candidate.name,
)


def measured(*gates: tuple[str, tuple[int, ...]]) -> QuantumCircuit:
    circuit = QuantumCircuit(5, 2)
    for name, qubits in gates:
        getattr(circuit, name)(*qubits)
    circuit.barrier()
    circuit.measure([0, 1], [0, 1])
    return circuit


def test_success_is_the_product_over_gates_and_measurements() -> None:
    calibration = device_calibration("FakeManilaV2")
    target = calibration.target()
    circuit = measured(("sx", (0,)), ("cx", (0, 1)), ("cx", (0, 1)))
    errors = [
        target["sx"][(0,)].error,
        *[target["cx"][(0, 1)].error] * 2,
        *(target["measure"][(qubit,)].error for qubit in (0, 1)),
    ]
    told = predicted_success([circuit], target)
    assert told.success == pytest.approx(prod(1 - error for error in errors))
    assert told.unknown == 0


def test_several_circuits_count_by_their_geometric_mean() -> None:
    target = device_calibration("FakeManilaV2").target()
    short, long = measured(("sx", (0,))), measured(*[("cx", (0, 1))] * 9)
    alone = [predicted_success([circuit], target).success for circuit in (short, long)]
    assert predicted_success([short, long], target).success == pytest.approx(prod(alone) ** 0.5)


def test_an_error_that_the_target_does_not_tell_is_counted_and_a_broken_gate_never_succeeds() -> None:
    calibration = device_calibration("FakeManilaV2")
    changed = calibration.model_dump(mode="json")
    for item in changed["instructions"]:
        if item["name"] == "sx" and item["qubits"] == [0]:
            item["error"] = None
        if item["name"] == "cx" and item["qubits"] == [0, 1]:
            item["error"] = 1.0
    target = Calibration.parse(canonical_json(changed), shown="changed").target()
    assert predicted_success([measured(("sx", (0,)))], target).unknown == 1
    assert predicted_success([measured(("cx", (0, 1)))], target).success == 0


def test_the_prediction_is_the_share_of_shots_without_an_error() -> None:
    """Bit flips at known rates, on a chain of gates whose right outcome is known, each of which an error spoils."""
    from qiskit.circuit import Measure
    from qiskit.circuit.library import XGate
    from qiskit.transpiler import InstructionProperties, Target

    rate, gates, shots = 0.02, 5, 40_000
    target = Target(num_qubits=gates)
    places = {(qubit,): InstructionProperties(error=rate) for qubit in range(gates)}
    target.add_instruction(XGate(), places)
    target.add_instruction(Measure(), {qubits: InstructionProperties(error=0.0) for qubits in places})
    circuit = QuantumCircuit(gates, gates)
    circuit.x(range(gates))
    circuit.measure(range(gates), range(gates))
    noise = NoiseModel()
    noise.add_all_qubit_quantum_error(pauli_error([("X", rate), ("I", 1 - rate)]), "x")
    counts = AerSimulator(noise_model=noise, seed_simulator=3).run(circuit, shots=shots).result().get_counts()
    wanted = next(iter(StatevectorSampler().run([circuit], shots=1).result()[0].data.c.get_counts()))
    told = predicted_success([circuit], target).success
    assert counts[wanted] / shots == pytest.approx(told, abs=4 * (told * (1 - told) / shots) ** 0.5)


@given(CANDIDATES)
def test_the_chosen_one_can_be_chosen_and_none_is_better(candidates: list[Candidate]) -> None:
    able = [item for item in candidates if item.score is not None]
    if not able:
        with pytest.raises(BackendError):
            select(candidates)
        return
    selection = select(candidates)
    fresh = [item for item in able if (item.calibration_age or 0) <= A_DAY] or able
    chosen = next(item for item in candidates if item.name == selection.chosen)
    assert chosen in fresh
    assert chosen.score == max(item.score for item in fresh if item.score is not None)
    assert {item.name for item in selection.candidates} == {item.name for item in candidates}


@given(CANDIDATES, st.randoms())
def test_the_order_of_the_candidates_does_not_matter(candidates: list[Candidate], random: object) -> None:
    if any(item.score is not None for item in candidates):
        first = select(candidates).document()
        random.shuffle(candidates)  # type: ignore[attr-defined]
        assert canonical_json(select(candidates).document()) == canonical_json(first)


def test_a_backend_that_cannot_be_asked_is_no_reason_to_call_the_input_bad() -> None:
    paused, silent = Candidate("a", excluded="paused"), Candidate("b", excluded="503", reached=False)
    with pytest.raises(BackendError, match="paused"):
        select([paused])
    with pytest.raises(ProviderUnavailableError, match="b: 503"):
        select([paused, silent])
    assert select([silent, Candidate("c", success=0.1)]).chosen == "c"
