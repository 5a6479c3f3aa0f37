import json
from dataclasses import asdict, replace
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.baselines import Baseline, check_certificate, solve_baseline
from prefect_qpu.baselines.bounds import odd_cycle_bound
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Workload
from prefect_qpu.workloads.circuit import CircuitWorkload
from prefect_qpu.workloads.maxcut import MaxCutWorkload

BELL = 'OPENQASM 3.0; include "stdgates.inc"; input float theta; qubit[2] q; ry(theta) q[0]; cx q[0], q[1];'
MAXCUT = MaxCutWorkload(graph={"generator": "random_regular", "degree": 3, "nodes": 14, "seed": 2})
CIRCUIT = CircuitWorkload(qasm=BELL, observables={"zi": "ZI", "xx": "XX"}, parameters={"theta": 0.4})

SPARSE = MaxCutWorkload(graph={"generator": "random_regular", "degree": 3, "nodes": 40, "seed": 1})
DENSE = MaxCutWorkload(graph={"generator": "erdos_renyi", "probability": 0.6, "nodes": 40, "seed": 2})


def solved(workload: Workload) -> Baseline:
    return solve_baseline(workload, workload.encode(), 10.0 if workload is not DENSE else 1.0).baselines[0]


@cache
def solved_once() -> Baseline:
    return solved(SPARSE)


def spoilt(baseline: Baseline, **changes: Any) -> Baseline:
    return replace(baseline, certificate={**baseline.certificate, **changes})


@pytest.mark.parametrize("workload", [MAXCUT, CIRCUIT], ids=["maxcut", "circuit"])
def test_what_the_solvers_say_is_proven(workload: Workload) -> None:
    for baseline in solve_baseline(workload, workload.encode(), 10.0).baselines:
        check_certificate(workload, baseline)


def test_the_recount_finds_the_largest_cut_of_weighted_graphs_too() -> None:
    for seed in range(10):
        graph = {"generator": "erdos_renyi", "nodes": 9, "probability": 0.7, "weights": "signs", "seed": seed}
        workload = MaxCutWorkload(graph=graph)
        check_certificate(workload, solved(workload))


def test_a_value_that_the_assignment_does_not_have_is_found() -> None:
    baseline = solved(MAXCUT)
    claim = replace(baseline, value=baseline.value + 1, bound=baseline.value + 1)
    with pytest.raises(CertificateError, match="but the assignment cuts"):
        check_certificate(MAXCUT, claim)


def test_a_cut_that_is_not_the_largest_is_found() -> None:
    assignment = "0" * 13 + "1"
    value = MAXCUT.graph.cut(assignment)
    claim = replace(spoilt(solved(MAXCUT), assignment=assignment), value=value, bound=value)
    with pytest.raises(CertificateError, match="but the largest cut is"):
        check_certificate(MAXCUT, claim)
    check_certificate(MAXCUT, replace(claim, exact=False, bound=None))


def test_a_counted_optimum_of_26_nodes_is_counted_again() -> None:
    workload = MaxCutWorkload(graph={"generator": "erdos_renyi", "nodes": 26, "probability": 0.5, "seed": 1})
    baseline = solved(workload)
    check_certificate(workload, baseline)
    assignment = "0" * 13 + "1" * 13
    value = workload.graph.cut(assignment)
    assert value < baseline.value
    with pytest.raises(CertificateError, match="proven to be"):
        check_certificate(workload, replace(spoilt(baseline, assignment=assignment), value=value, bound=value))


@pytest.mark.parametrize("bound", [None, 1000.0])
def test_an_optimum_needs_a_bound_that_it_reaches(bound: float | None) -> None:
    with pytest.raises(CertificateError, match="but its bound is"):
        check_certificate(MAXCUT, replace(solved(MAXCUT), bound=bound))


@pytest.mark.parametrize("assignment", ["", "01", "2" * 14, None, [0] * 14])
def test_an_assignment_names_the_part_of_each_node(assignment: object) -> None:
    with pytest.raises(CertificateError, match="is not one character 0 or 1 for each of 14 nodes"):
        check_certificate(MAXCUT, spoilt(solved(MAXCUT), assignment=assignment))


@pytest.mark.parametrize("workload", [SPARSE, DENSE], ids=["odd cycles", "semidefinite"])
def test_a_bound_is_proven_from_its_dual(workload: MaxCutWorkload) -> None:
    baseline = solved(workload)
    assert baseline.certificate["kind"] == "cut"
    check_certificate(workload, baseline)
    check_certificate(workload, Baseline(**json.loads(json.dumps(asdict(baseline)))))


@pytest.mark.parametrize("workload", [SPARSE, DENSE], ids=["odd cycles", "semidefinite"])
@pytest.mark.parametrize("moved", [-1.0, 1.0])
def test_a_bound_that_the_dual_does_not_prove_is_found(workload: MaxCutWorkload, moved: float) -> None:
    baseline = solved(workload)
    assert baseline.bound is not None
    with pytest.raises(CertificateError, match="proven to be"):
        check_certificate(workload, replace(baseline, bound=baseline.bound + moved, exact=False))


def test_a_worse_cut_is_not_passed_off_as_the_best() -> None:
    baseline = solved(SPARSE)
    first = baseline.certificate["assignment"]
    moved = spoilt(baseline, assignment=first[:-1] + ("1" if first[-1] == "0" else "0"))
    value = SPARSE.graph.cut(moved.certificate["assignment"])
    with pytest.raises(CertificateError, match="proven to be"):
        check_certificate(SPARSE, replace(moved, value=value, bound=value))
    with pytest.raises(CertificateError, match="but the assignment cuts"):
        check_certificate(SPARSE, moved)


def test_a_tampered_multiplier_proves_another_bound() -> None:
    dense = solved(DENSE)
    multipliers = list(dense.certificate["proof"]["multipliers"])
    multipliers[7] -= 1.0
    with pytest.raises(CertificateError, match="proven to be"):
        check_certificate(DENSE, spoilt(dense, proof={**dense.certificate["proof"], "multipliers": multipliers}))


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_part_of_a_proof_can_be_changed_to_a_smaller_bound(data: st.DataObject) -> None:
    proof = json.loads(json.dumps(solved_once().certificate["proof"]))
    leaf = data.draw(st.sampled_from(proof["leaves"]))
    match data.draw(st.sampled_from(["multiplier", "leaf", "walk", "fixed", "step"])):
        case "multiplier":
            data.draw(st.sampled_from(leaf["multipliers"]))[1] = data.draw(st.floats(-2, 20))
        case "leaf":
            proof["leaves"].remove(leaf)
        case "walk":
            proof["walks"].pop(data.draw(st.integers(0, len(proof["walks"]) - 1)))
        case "fixed":
            leaf["fixed"].append([data.draw(st.integers(-1, 80)), data.draw(st.integers(0, 2))])
        case "step":
            data.draw(st.sampled_from(proof["walks"]))["odd"].append(data.draw(st.integers(0, 9)))
    try:
        bound = odd_cycle_bound(SPARSE.graph, proof)
    except CertificateError:
        return
    assert bound >= solved_once().value


@pytest.mark.parametrize(
    "proof", [None, {}, {"kind": "oracle"}, {"kind": "odd cycles"}, {"kind": "goemans-williamson"}]
)
def test_a_bound_without_a_proof_is_refused(proof: object) -> None:
    with pytest.raises(CertificateError):
        check_certificate(SPARSE, spoilt(solved(SPARSE), proof=proof))


def test_a_certificate_of_another_problem_is_refused() -> None:
    other = MaxCutWorkload(graph={"generator": "random_regular", "degree": 3, "nodes": 14, "seed": 3})
    with pytest.raises(CertificateError, match="the certificate is for the graph"):
        check_certificate(other, solved(MAXCUT))
    with pytest.raises(CertificateError, match="proves nothing about a circuit workload"):
        check_certificate(CIRCUIT, solved(MAXCUT))
    with pytest.raises(CertificateError, match="the certificate is for the circuit"):
        check_certificate(MAXCUT, solved(CIRCUIT))


def test_an_unknown_kind_of_certificate_proves_nothing() -> None:
    with pytest.raises(CertificateError, match="kind 'trust me' proves nothing"):
        check_certificate(MAXCUT, spoilt(solved(MAXCUT), kind="trust me"))


def test_a_wrong_expectation_value_is_found() -> None:
    baseline = solved(CIRCUIT)
    with pytest.raises(CertificateError, match="but the exact value is"):
        check_certificate(CIRCUIT, replace(baseline, value=baseline.value + 1e-6))


def test_values_at_other_parameters_are_refused() -> None:
    other = CircuitWorkload(qasm=BELL, observables={"zi": "ZI"}, parameters={"theta": 0.5})
    with pytest.raises(CertificateError, match="the certificate is for the parameters"):
        check_certificate(other, solved(CIRCUIT))


def test_an_unknown_observable_is_refused() -> None:
    with pytest.raises(CertificateError, match="no observable 'energy'"):
        check_certificate(CIRCUIT, replace(solved(CIRCUIT), observable="energy"))
