"""A plan says beforehand what the run then does."""

from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import CircuitError, ExperimentError
from prefect_qpu.experiment import AerBackendSpec, BlockReference, Experiment
from prefect_qpu.latency import PRIMARY
from prefect_qpu.mitigation import Measurement
from prefect_qpu.observables import group_terms
from prefect_qpu.planning import plan_experiment
from prefect_qpu.planning.variances import moments_of
from prefect_qpu.providers import Limits
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import submit
from prefect_qpu.stages.promote import promote
from prefect_qpu.workloads import Encoding
from tests.experiments import ghz

METHODS = ["raw", "readout", "zne", {"method": "zne", "name": "twirled", "options": {"twirl": 4}}]


def provider(experiment: Experiment) -> AerProvider:
    assert isinstance(experiment.backend, AerBackendSpec)
    return AerProvider(experiment.backend)


@pytest.fixture
def opened(store: RecordStore) -> Callable[[Experiment], Run]:
    return lambda experiment: open_run(store, experiment, provider(experiment))


def test_the_planned_job_is_the_one_that_is_submitted(opened: Callable[[Experiment], Run]) -> None:
    experiment = ghz(mitigation=METHODS, seed=7)
    job = plan_experiment(experiment, provider(experiment)).job
    run = opened(experiment)
    submit(run)
    row = run.store.submissions.for_run(run.id)[PRIMARY]
    assert job.circuits == len(row.pubs)
    assert job.shots == sum(pub["shots"] for pub in row.pubs)
    assert job.payload_bytes == row.payload_bytes


def test_predicted_standard_errors_are_those_that_are_measured(
    executed_estimates: dict[tuple[str, str], float],
) -> None:
    experiment = ghz(mitigation=METHODS, seed=7)
    plan = plan_experiment(experiment, provider(experiment))
    for method in plan.methods:
        for item in method.precisions:
            measured = executed_estimates[method.label, item.observable]
            assert measured / item.stderr == pytest.approx(1, abs=0.6 if method.label != "raw" else 0.1)


@pytest.fixture
def executed_estimates(opened: Callable[[Experiment], Run]) -> dict[tuple[str, str], float]:
    from prefect_qpu.jobs import complete
    from prefect_qpu.stages.execute import mitigate

    run = opened(ghz(mitigation=METHODS, seed=7))
    submit(run)
    complete(run, PRIMARY)
    mitigate(run)
    return {(row.method, row.observable): row.stderr for row in run.store.runs.estimates(run.id)}


def test_with_the_planned_shots_the_standard_error_fits_the_tolerance_and_the_power() -> None:
    experiment = ghz(mitigation=["raw", "zne"])
    for method in plan_experiment(experiment, provider(experiment)).methods:
        assert method.shots_setting is not None
        again = experiment.changed(shots=method.shots_setting)
        planned = {item.label: item for item in plan_experiment(again, provider(experiment)).methods}[method.label]
        assert planned.shots_setting == pytest.approx(method.shots_setting, rel=0.02)
        # Quantiles at the confidence, and at the power of both sides and observables.
        assert max(item.stderr for item in planned.precisions) == pytest.approx(0.05 / (1.645 + 3.66), rel=0.05)


def test_the_gate_decides_with_the_shots_that_the_plan_tells_for_it(opened: Callable[[Experiment], Run]) -> None:
    workload = {
        "kind": "circuit",
        "qasm": 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; ry(0.8) q[0]; cx q[0], q[1];',
        "observables": {"parity": "ZI", "other": "XX"},
    }
    experiment = ghz(workload=workload, shots=100)
    planned = plan_experiment(experiment, provider(experiment)).smoke_test_shots
    assert planned is not None
    assert planned > 1000
    run = opened(experiment)
    agrees = [item for item in promote(run)["criteria"] if item["name"] == "ideal_agrees"]
    assert {item["verdict"] for item in agrees} == {"pass"}
    shots = run.store.submissions.for_run(run.id)["smoke-ideal-powered"].pubs[0]["shots"]
    assert shots == pytest.approx(planned, rel=0.25)


def test_a_method_that_refuses_the_circuits_says_why_and_the_others_stay() -> None:
    trex = {"method": "readout", "name": "trex", "options": {"readout": "trex", "masks": 64}}
    experiment = ghz(mitigation=["raw", trex], shots=50)
    raw, refused = plan_experiment(experiment, provider(experiment)).methods
    assert raw.usage is not None
    assert (refused.usage, refused.shots_setting) == (None, None)
    assert refused.refused == "50 shots cannot be split over 64 random variants"


def test_an_ideal_simulator_has_no_seconds_and_no_cost_even_at_a_price() -> None:
    experiment = ghz(backend={"kind": "aer"})
    job = plan_experiment(experiment, provider(experiment), price=2.0).job
    assert (job.qpu_seconds, job.cost) == (None, None)


def test_cost_is_seconds_times_price_and_unknown_without_one() -> None:
    experiment = ghz()
    free, priced = (plan_experiment(experiment, provider(experiment), price=price) for price in (None, 1.5))
    assert free.job.cost is None
    assert priced.job.qpu_seconds is not None
    assert priced.job.cost == pytest.approx(1.5 * priced.job.qpu_seconds)
    # Two circuits of 2000 shots, 250 microseconds apart, and the job itself.
    assert 3.0 < priced.job.qpu_seconds < 3.2


def test_cost_follows_the_prices_of_the_experiment_unless_another_one_is_given() -> None:
    prices = {"currency": "EUR", "providers": {"aer": {"per_job": 0.3, "per_shot": 0.01}}}
    experiment = ghz(prices=prices)
    own, other = (plan_experiment(experiment, provider(experiment), price=price) for price in (None, 1.0))
    assert own.job.cost == pytest.approx(0.3 + 0.01 * own.job.shots)
    assert own.currency == "EUR"
    assert (other.job.cost, other.currency) == (other.job.qpu_seconds, "")


def test_shots_have_a_cost_where_no_seconds_are_known() -> None:
    experiment = ghz(backend={"kind": "aer"}, prices={"providers": {"default": {"per_shot": 0.01}}})
    job = plan_experiment(experiment, provider(experiment)).job
    assert (job.qpu_seconds, job.cost) == (None, pytest.approx(0.01 * job.shots))


def test_noise_that_moves_a_value_is_told_beside_its_shots() -> None:
    expected = plan_experiment(ghz(), provider(ghz())).expected
    assert expected["parity"].ideal == pytest.approx(1.0)
    assert expected["parity"].shift is not None
    assert -0.5 < expected["parity"].shift < -0.05


def test_what_goes_beyond_the_limits_of_the_backend_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AerProvider, "limits", lambda _: Limits(max_pubs=1, max_executions=3000))
    findings = plan_experiment(ghz(), provider(ghz())).findings
    assert findings == (
        "the job has 2 circuits, the backend takes 1",
        "the job has 4000 executions, the backend takes 3000",
    )


def test_a_plan_is_plain_json_data_and_the_same_again() -> None:
    import json

    experiment = ghz(mitigation=METHODS)
    first, second = (plan_experiment(experiment, provider(experiment)).document() for _ in range(2))
    assert json.loads(json.dumps(first, allow_nan=False)) == first == second


@pytest.mark.parametrize("price", [-1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused(price: float) -> None:
    with pytest.raises(ExperimentError, match="price"):
        plan_experiment(ghz(), provider(ghz()), price=price)


def test_an_experiment_that_cannot_start_is_not_planned() -> None:
    wide = ghz(
        workload={
            "kind": "circuit",
            "qasm": "OPENQASM 3.0; qubit[9] q; U(1, 0, 0) q[0];",
            "observables": {"parity": "Z" * 9},
        }
    )
    with pytest.raises(CircuitError, match="at least 9 qubits"):
        plan_experiment(wide, provider(wide))
    with pytest.raises(TypeError):
        plan_experiment(ghz(promotion=BlockReference(block="promotion-policy/careful")), provider(ghz()))


@pytest.mark.parametrize("left", [1.0, 0.7, 0.0])
def test_expected_variances_are_those_of_sampled_shots(left: float) -> None:
    circuit = QuantumCircuit(3)
    circuit.ry(0.7, 0)
    circuit.cx(0, 1)
    circuit.rx(0.4, 2)
    observables = {"o": SparsePauliOp.from_list([("ZZI", 1.0), ("IZZ", -0.7), ("ZIZ", 0.4)])}
    groups = group_terms(observables)
    found = moments_of(Encoding(circuit, observables), Measurement(observables, tuple(groups))).expected(left)["o"]
    from qiskit.quantum_info import Statevector

    chances = left * Statevector(circuit).probabilities() + (1 - left) / 8
    values = np.real(np.diag(observables["o"].to_matrix()))
    assert found.variance == pytest.approx(chances @ values**2 - (chances @ values) ** 2)
    assert found.norm == pytest.approx(2.1)


def test_a_circuit_too_large_for_exact_values_is_planned_from_the_mixed_state() -> None:
    circuit = QuantumCircuit(40)
    for _ in range(3):
        for qubit in range(40):
            circuit.rx(0.3, qubit)
        for qubit in range(39):
            circuit.rzz(0.4, qubit, qubit + 1)
    observables = {"o": SparsePauliOp.from_sparse_list([("Z", [qubit], 0.5) for qubit in range(40)], 40)}
    measurement = Measurement(observables, tuple(group_terms(observables)))
    found = moments_of(Encoding(circuit, observables), measurement, seconds=0.001).expected(0.9)["o"]
    assert (found.ideal, found.model) == (None, "fully mixed state")
    assert found.variance == pytest.approx(40 * 0.25)
