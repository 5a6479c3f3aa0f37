"""What the smoke test, the gate and the comparison store of their tests."""

from collections.abc import Callable

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.observables import group_terms
from prefect_qpu.run import Run
from prefect_qpu.stages.compare import compare
from prefect_qpu.stages.ideal_distribution import distribution_tests
from prefect_qpu.stages.promote import promote
from prefect_qpu.stages.smoke_test import smoke_test
from prefect_qpu.summarise import summarise
from prefect_qpu.workloads import Encoding
from tests.experiments import ghz

STATISTICAL = {"ideal_agrees", "noise_distinguishable", "beats_trivial"}


def test_every_decided_criterion_tells_its_test_level_power_and_sample_size(opened: Callable[..., Run]) -> None:
    criteria = promote(opened(ghz()))["criteria"]
    tested = [item for item in criteria if item["name"] in STATISTICAL and item["verdict"] != "not applicable"]
    assert {item["name"] for item in tested} == STATISTICAL
    for item in tested:
        details = item["details"]
        assert details["level"] == pytest.approx(0.05)
        assert details["test"]
        assert 0 <= details["power"] <= 1
        assert details["shots"] >= 2000
        # Three kinds of tests of two observables: one that fails rejects.
        assert details["tests"] == 6


def test_the_summary_tells_the_tests_of_criteria_and_none_where_nothing_is_left_to_chance(
    opened: Callable[..., Run],
) -> None:
    run = opened(ghz())
    promote(run)
    decision = summarise(run.store, run.id).decision
    assert decision is not None
    tests = {item.name: item.test for item in decision.criteria}
    assert tests["circuit_valid"] is None
    agrees, distribution = tests["ideal_agrees"], tests["ideal_distribution"]
    assert agrees is not None
    assert distribution is not None
    assert (agrees.level, agrees.tests, agrees.looks) == (pytest.approx(0.05), 6, 1)
    assert (distribution.test, distribution.tests) == ("G-test", 2)


def test_looks_of_the_policy_share_the_level(opened: Callable[..., Run]) -> None:
    once, often = (promote(opened(ghz(promotion={"looks": looks}))) for looks in (1, 10))
    widths = []
    for decision in (once, often):
        item = next(item for item in decision["criteria"] if item["name"] == "noise_distinguishable")
        widths.append(item["interval"][1] - item["interval"][0])
    assert widths[1] > 1.3 * widths[0]


def test_ideal_counts_are_tested_against_the_exact_distribution_of_every_basis(opened: Callable[..., Run]) -> None:
    run = opened(ghz())
    found = {item["basis"]: item for item in smoke_test(run).distributions}
    assert found.keys() == {"ZZZZ", "ZZXX"}
    assert found["ZZZZ"]["outcomes"] == 2
    (criterion,) = [item for item in promote(run)["criteria"] if item["name"] == "ideal_distribution"]
    assert criterion["verdict"] == "pass"
    assert criterion["details"]["test"] == "G-test"
    assert criterion["details"]["level"] == pytest.approx(0.001)


def test_few_shots_leave_the_distribution_untested_and_say_how_many_would_do(opened: Callable[..., Run]) -> None:
    run = opened(ghz(shots=40, promotion={"tolerance": 2.0}))
    (criterion,) = [item for item in promote(run)["criteria"] if item["name"] == "ideal_distribution"]
    assert criterion["verdict"] == "not applicable"
    assert "would do" in criterion["reason"]


def test_counts_of_qubits_in_the_wrong_order_are_noticed() -> None:
    circuit = QuantumCircuit(3)
    circuit.rx(0.4, 0)
    circuit.rx(1.9, 2)
    z = {"z": SparsePauliOp("ZZZ")}
    encoding, groups = Encoding(circuit, z), group_terms(z)
    random = np.random.default_rng(4)
    bits = np.stack([random.random(2000) < np.sin(angle / 2) ** 2 for angle in (0.4, 0.0, 1.9)], axis=-1)
    right = BitArray.from_bool_array(bits, order="little")
    wrong = BitArray.from_bool_array(bits, order="big")
    assert [test["verdict"] for test in distribution_tests(encoding, groups, [right], 0.999)[0]] == ["pass"]
    assert [test["verdict"] for test in distribution_tests(encoding, groups, [wrong], 0.999)[0]] == ["fail"]


def test_y_bases_are_rotated_as_the_circuits_are(opened: Callable[..., Run]) -> None:
    workload = {
        "kind": "circuit",
        "qasm": 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; rx(0.7) q[0]; ry(0.3) q[1]; cx q[0], q[1];',
        "observables": {"a": {"YX": 1.0, "XY": 0.5, "YZ": 1.0}},
    }
    found = smoke_test(opened(ghz(workload=workload, shots=4000, hypothesis=None))).distributions
    assert {item["verdict"] for item in found} == {"pass"}
    assert any("Y" in item["basis"] for item in found)


@pytest.mark.parametrize(("qubits", "reason"), [(15, "15 qubits are more than"), (3, "resets qubits")])
def test_a_distribution_that_is_not_computed_says_why(qubits: int, reason: str) -> None:
    circuit = QuantumCircuit(qubits)
    circuit.reset(0)
    z = {"z": SparsePauliOp("Z" * qubits)}
    tests, why = distribution_tests(Encoding(circuit, z), group_terms(z), [], 0.9)
    assert tests == []
    assert reason in why


def test_the_comparison_tells_agreement_and_distance_with_their_tests(executed: Callable[..., Run]) -> None:
    run = executed(ghz(mitigation=["raw", {"method": "zne", "name": "zne"}]))
    found = compare(run)
    rows = {(row["against"], row["observable"]): row for row in found["agreement"]}
    assert rows.keys() == {
        (against, name)
        for against in ("exact value", "ideal simulation", "device-noise simulation")
        for name in ("parity", "energy")
    }
    exact = rows["exact value", "parity"]
    systematic = next(
        row.systematic for row in run.store.runs.estimates(run.id) if (row.method, row.observable) == ("zne", "parity")
    )
    assert exact["systematic"] == pytest.approx(systematic)
    assert exact["interval"][1] - exact["interval"][0] > 2 * exact["systematic"]
    assert {"test", "level", "power", "shots", "tests"} <= exact.keys()
    distances = [row for row in found["distances"] if row["kind"] == "total variation"]
    assert {row["basis"] for row in distances} == {"ZZZZ", "ZZXX"}
    for row in distances:
        # The noise of prediction and of the backend is the same.
        assert row["interval"][0] == 0
        assert row["interval"][1] < 0.1
    summarise(run.store, run.id)


def test_raw_estimates_read_from_the_store_know_their_groups(executed: Callable[..., Run]) -> None:
    from prefect_qpu.stages.compare import headline_estimates

    _, _, estimates = headline_estimates(executed(ghz()))
    assert len(estimates["energy"].means) == 2
    assert sum(mean.value for mean in estimates["energy"].means) == pytest.approx(float(estimates["energy"].value))


def test_documents_of_earlier_versions_are_read(opened: Callable[..., Run]) -> None:
    run = opened(ghz())
    document = run.store.runs.complete_stage(
        run.id,
        "smoke_test",
        {
            "findings": [],
            "reference": {"parity": 1.0, "energy": 2.0},
            "exact": {"parity": 1.0, "energy": 2.0},
            "ideal": {
                name: {"value": value, "stderr": 0.005, "shots": 2000}
                for name, value in (("parity", 1.0), ("energy", 2.0))
            },
            "noisy": {
                name: {"value": value, "stderr": 0.01, "shots": 2000}
                for name, value in (("parity", 0.8), ("energy", 1.6))
            },
            "no_ideal": "",
            "no_noisy": "",
            "depth": 5,
            "two_qubit_gates": 3,
            "compiled": "",
        },
        run.clock(),
    )
    assert smoke_test(run).depth == document["depth"]
    decision = promote(run)
    assert decision["outcome"] == "promoted"
    assert "ideal_distribution" not in {item["name"] for item in decision["criteria"]}


def test_runs_of_the_same_experiment_tell_how_far_they_scatter(executed: Callable[..., Run]) -> None:
    first = executed(ghz(seed=None, shots=500))
    assert compare(first)["stability"] is None
    second = executed(ghz(seed=None, shots=500))
    third = executed(ghz(seed=None, shots=500, name="another name"))
    assert compare(second)["stability"]["replicates"] == 2
    found = compare(third)["stability"]
    values = [
        row.value
        for run in (first, second, third)
        for row in run.store.runs.estimates(run.id)
        if (row.method, row.observable) == ("raw", "parity")
    ]
    assert found["replicates"] == 3
    assert found["mean"] == pytest.approx(np.mean(values))
    assert found["stderr"] == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))
    # Noise moves the parity by far more than runs differ.
    assert found["agreement"]["verdict"] in {"fail", "inconclusive"}
    summarise(third.store, third.id)


def test_a_simulation_with_the_same_seed_is_no_replicate(executed: Callable[..., Run]) -> None:
    for _ in range(2):
        run = executed(ghz(shots=500))
    assert compare(run)["stability"] is None
