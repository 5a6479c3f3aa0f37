"""Methods that mitiq helps with: error cancellation, Clifford data regression, layerwise extrapolation."""

import importlib.util
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Measurement, PlanContext, check_methods, combine_batch, plan_batch
from prefect_qpu.mitigation.pec import signed_mean, with_paulis
from prefect_qpu.mitigation.uncertain import Uncertain
from prefect_qpu.observables import group_terms
from tests.prefect_qpu.mitigation.workloads import (
    NATIVE,
    context,
    exact,
    ghz,
    ising,
    magnetisation,
    off_target,
    simulated,
    target,
    two_qubit_gates,
)

mitiq = pytest.mark.skipif(importlib.util.find_spec("mitiq") is None, reason="mitiq is not installed")
MAGNETISATION = {"z": magnetisation()}
CUT = {"cut": SparsePauliOp.from_sparse_list([("ZZ", [q, (q + 1) % 4], -0.5) for q in range(4)] + [("", [], 2.0)], 4)}


def qaoa() -> QuantumCircuit:
    circuit = QuantumCircuit(4)
    circuit.h(range(4))
    for gamma, beta in ((0.6, 0.5), (0.4, 0.3)):
        for qubit in range(4):
            circuit.rzz(gamma, qubit, (qubit + 1) % 4)
        circuit.rx(2 * beta, range(4))
    return circuit


def refusal(plan: PlanContext, method: str, **options: object) -> str:
    methods = [MethodSpec(method=method, name="it", options=options)]
    return plan_batch(methods, plan, {"angle": 0.3}).refused["it"]


@mitiq
@pytest.mark.parametrize("device", NATIVE)
@pytest.mark.parametrize("method", ["pec", "cdr", "lre"])
def test_each_comes_closer_than_raw_counts_in_every_native_gate(method: str, device: str) -> None:
    plan = context(qaoa(), CUT, device, shots=8000)
    batch = plan_batch([MethodSpec(method=method)], plan)
    assert batch.refused == {}
    found = combine_batch(batch.shares, simulated(batch, device), plan.measurement).estimates
    true = exact(qaoa(), CUT["cut"])
    estimate = found[method]["cut"]
    assert abs(estimate.value - true) < abs(found["raw"]["cut"].value - true)
    assert abs(estimate.value - true) < 4 * estimate.stderr


@mitiq
@pytest.mark.parametrize("method", ["pec", "cdr", "lre"])
def test_planned_circuits_keep_the_device_the_layout_and_the_measured_bits(method: str) -> None:
    plan = context(qaoa(), CUT, "FakeSherbrooke")
    before = plan.circuits[0]
    for pub in plan_batch([MethodSpec(method=method, options={"readout": "none"})], plan).pubs:
        circuit = pub.circuit
        assert off_target(circuit, "FakeSherbrooke") == []
        assert circuit.layout == before.layout
        assert (circuit.qregs, circuit.cregs) == (before.qregs, before.cregs)
        measured = [[(i.qubits, i.clbits) for i in c.get_instructions("measure")] for c in (before, circuit)]
        assert measured[0] == measured[1]


@mitiq
@pytest.mark.parametrize("method", ["pec", "cdr", "lre"])
def test_the_same_seed_plans_the_same_circuits(method: str) -> None:
    first, again = (
        [pub.circuit for pub in plan_batch([MethodSpec(method=method)], context(qaoa(), CUT)).pubs] for _ in range(2)
    )
    assert first == again


def test_paulis_stand_after_the_gate_that_they_belong_to() -> None:
    plan = context(ising(), MAGNETISATION)
    circuit = with_paulis(plan.circuits[0], ["XY", *["II"] * 23], target("FakeManilaV2"))
    assert two_qubit_gates(circuit) == 24
    assert off_target(circuit, "FakeManilaV2") == []
    plain = with_paulis(plan.circuits[0], ["II"] * 24, target("FakeManilaV2"))
    assert circuit != plain


@mitiq
def test_the_predicted_norm_is_the_one_of_the_samples() -> None:
    plan = context(ising(), MAGNETISATION)
    share = plan_batch([MethodSpec(method="pec", options={"readout": "none"})], plan).shares[1]
    assert share.variance_multiplier == pytest.approx(share.manifest["samples"][0]["norm"] ** 2)


def sampled_run(random: np.random.Generator) -> tuple[list[Uncertain], list[int], list[int], float]:
    """60 samples at norm 1.1, so that about three are negative; three values occur, some of them many times."""
    norm = 1.1
    drawn = Counter(
        (1, 0.8) if random.random() < (1 + 1 / norm) / 2 else (-1, float(random.choice([-0.5, 0.7]))) for _ in range(60)
    )
    own = [0.05**2 / times for times in drawn.values()]
    values = [value + random.normal(0, error**0.5) for (_, value), error in zip(drawn, own, strict=True)]
    readings = [Uncertain(np.array(v), np.array(error), np.zeros(0)) for v, error in zip(values, own, strict=True)]
    return readings, [sign for sign, _ in drawn], list(drawn.values()), norm


def test_few_negative_samples_do_not_make_the_error_too_small() -> None:
    random = np.random.default_rng(3)
    found = [signed_mean(*sampled_run(random), bound=1.0) for _ in range(400)]
    true = 1.1 * ((1 + 1 / 1.1) / 2 * 0.8 - (1 - 1 / 1.1) / 2 * 0.1)
    values = np.array([item.value for item in found])
    assert values.mean() == pytest.approx(true, abs=0.01)
    assert values.std() < np.mean([item.stderr for item in found]) < 3 * values.std()


def test_no_negative_sample_counts_as_ignorance_not_as_certainty() -> None:
    value = Uncertain(np.array(0.8), np.array(0.0), np.zeros(0))
    assert signed_mean([value], [1], [60], 1.1, bound=1.0).stderr > 0.045


def test_the_error_is_the_scatter_where_both_signs_are_frequent() -> None:
    random = np.random.default_rng(4)
    found = []
    for _ in range(400):
        signs = np.where(random.random(200) < 0.6, 1, -1)
        values = 0.5 * signs + random.normal(0, 0.3, 200)
        readings = [Uncertain(np.array(value), np.array(0.01), np.zeros(0)) for value in values]
        found.append(signed_mean(readings, signs.tolist(), [1] * 200, 5.0, bound=1.0))
    assert np.std([item.value for item in found]) == pytest.approx(np.mean([item.stderr for item in found]), rel=0.12)


@mitiq
def test_equal_samples_are_one_circuit_with_their_shots_together() -> None:
    plan = context(ising(), MAGNETISATION, shots=6000)
    batch = plan_batch([MethodSpec(method="pec", options={"readout": "none", "samples": 60})], plan)
    share = batch.shares[1]
    own = [batch.pubs[index] for index in share.pubs]
    assert len(own) < 50
    assert sum(pub.shots for pub in own) == 6000
    assert [pub.shots for pub in own] == [100 * times for times in share.manifest["samples"][0]["times"]]


@mitiq
def test_cancellation_on_a_deep_circuit_is_refused_with_the_shots_that_it_takes() -> None:
    reason = refusal(context(ising(steps=30), MAGNETISATION, shots=200), "pec")
    assert "pec multiplies the variance by" in reason
    assert "it takes at least" in reason


@mitiq
def test_regression_refuses_a_clifford_circuit_instead_of_returning_the_simulators_value() -> None:
    assert "the circuit is Clifford" in refusal(context(ghz(), {"parity": SparsePauliOp("XXXXX")}), "cdr")


@mitiq
def test_regression_refuses_training_values_that_are_all_alike() -> None:
    assert "the training values of z spread by" in refusal(context(ising(), MAGNETISATION), "cdr", fraction=0.1)


@mitiq
def test_regression_refuses_gates_whose_angle_it_would_turn_into_another_gate() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.rx(0.4, 0)
    circuit.measure(0, 0)
    plan = bare(circuit)
    assert refusal(plan, "cdr", readout="none") == "cdr: the gate rx cannot be made Clifford; only rz can"


@mitiq
def test_regression_refuses_free_parameters() -> None:
    circuit = QuantumCircuit(1, 1)
    circuit.rz(Parameter("angle"), 0)
    circuit.measure(0, 0)
    assert "free parameters" in refusal(bare(circuit), "cdr", readout="none")


@mitiq
def test_layerwise_coefficients_are_known_before_the_job() -> None:
    share = plan_batch([MethodSpec(method="lre")], context(ising(), MAGNETISATION)).shares[1]
    assert sum(share.manifest["coefficients"]) == pytest.approx(1)
    assert share.variance_multiplier > 50


@pytest.mark.parametrize("method", ["pec", "cdr", "lre"])
def test_without_mitiq_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    without(monkeypatch, "mitiq")
    with pytest.raises(ExperimentError, match=r"Install prefect-qpu\[mitiq\]"):
        check_methods([MethodSpec(method=method)])
    check_methods([MethodSpec(method="zne"), MethodSpec(method="readout")])


def test_without_mthree_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    without(monkeypatch, "mthree")
    with pytest.raises(ExperimentError, match=r"Install prefect-qpu\[mthree\]"):
        check_methods([MethodSpec(method="zne", options={"readout": "mthree"})])


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    found: Callable[..., object] = importlib.util.find_spec

    def find(name: str, *rest: object) -> object:
        return None if name == package else found(name, *rest)

    for module in ("quasi_probability", "subspace"):
        monkeypatch.setattr(f"prefect_qpu.mitigation.{module}.find_spec", find)


def bare(circuit: QuantumCircuit) -> PlanContext:
    observables = {"z": SparsePauliOp("Z")}
    measurement = Measurement(observables, tuple(group_terms(observables)))
    return PlanContext((circuit,), measurement, target("FakeManilaV2"), 1000, 1)
