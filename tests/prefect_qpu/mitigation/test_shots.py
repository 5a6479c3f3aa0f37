import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Measurement, PlanContext, plan_batch
from prefect_qpu.mitigation.fits import polynomial_weights
from prefect_qpu.mitigation.shots import even, group_deviations, neyman, piloted_deviations, predicted_variance
from prefect_qpu.observables import group_terms

WEIGHTS = st.lists(st.floats(0, 100), min_size=1, max_size=12)


@given(WEIGHTS, st.integers(12, 100_000))
def test_every_shot_is_given_away_and_every_circuit_gets_some(weights: list[float], total: int) -> None:
    for split in (neyman(weights, total), even(total, len(weights))):
        assert sum(split) == total
        assert min(split) >= 1


@given(st.lists(st.floats(0.01, 100), min_size=2, max_size=8), st.randoms())
def test_no_other_split_has_a_smaller_variance(weights: list[float], random: object) -> None:
    best = neyman(weights, 1_000_000, floor=0.0)
    other = np.random.default_rng(random.randrange(2**31)).dirichlet(np.ones(len(weights)))  # type: ignore[attr-defined]
    assert predicted_variance(weights, best) <= predicted_variance(weights, (other * 1e6 + 1e-3).tolist()) * 1.001


@pytest.mark.parametrize("scales", [[1, 3, 5], [1, 2, 3]])
def test_linear_extrapolation_gains_a_fifth_of_the_variance(scales: list[float]) -> None:
    weights = polynomial_weights(scales, 1)
    assert predicted_variance(weights, neyman(weights, 12_000)) <= 0.8 * predicted_variance(weights, even(12_000, 3))


def molecule() -> Measurement:
    terms = [("IZ", 0.4), ("ZI", -0.4), ("ZZ", 0.01), ("XX", 0.09), ("YY", 0.02)]
    observables = {"energy": SparsePauliOp.from_list(terms)}
    return Measurement(observables, tuple(group_terms(observables)))


def test_grouped_observables_gain_a_fifth_of_the_variance() -> None:
    deviations = group_deviations(molecule())
    split = neyman(deviations, 12_000)
    assert predicted_variance(deviations, split) <= 0.8 * predicted_variance(deviations, even(12_000, len(deviations)))


def planned_multiplier(allocation: str, pilot: tuple[BitArray, ...] | None = None) -> float:
    measurement = molecule()
    circuits = []
    for _ in measurement.groups:
        circuit = QuantumCircuit(2, 2)
        circuit.measure([0, 1], [0, 1])
        circuits.append(circuit)
    plan = PlanContext(tuple(circuits), measurement, Target(num_qubits=2), 4000, 1, pilot)
    method = MethodSpec(method="readout", name="it", options={"readout": "none", "allocation": allocation})
    share = plan_batch([method], plan).shares[1]
    assert share.shots <= 4000 * len(circuits)
    return share.variance_multiplier


def test_the_prediction_tells_what_an_allocation_saves_and_a_pilot_costs() -> None:
    even, split = planned_multiplier("even"), planned_multiplier("neyman")
    assert even == pytest.approx(1)
    assert split <= 0.8 * even
    uniform = BitArray.from_counts({"00": 50, "01": 50, "10": 50, "11": 50}, 2)
    assert split < planned_multiplier("pilot", (uniform,) * len(molecule().groups)) < even


def test_a_pilot_tells_groups_that_scatter_less() -> None:
    measurement = molecule()
    counts = {"Z": {"00": 100}, "X": {"00": 50, "01": 50}, "Y": {"00": 50, "01": 50}}
    pilot = [BitArray.from_counts(counts[group.basis[0]], 2) for group in measurement.groups]
    bases = [group.basis for group in measurement.groups]
    planned, piloted = group_deviations(measurement), piloted_deviations(measurement, pilot)
    assert bases[int(np.argmax(planned))] == "ZZ"
    assert bases[int(np.argmax(piloted))] == "XX"


def test_fewer_shots_than_circuits_are_refused() -> None:
    with pytest.raises(MitigationRefusedError, match="2 shots cannot be split over 3 circuits"):
        neyman([1, 1, 1], 2)
