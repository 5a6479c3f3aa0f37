import itertools
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from prefect_qpu.baselines import Baseline, check_certificate, solve_baseline
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.quadratic import IsingWorkload, QuadraticWorkload, QuboWorkload


def random_qubo(variables: int, seed: int, **settings: Any) -> QuboWorkload:
    matrix = np.random.default_rng(seed).integers(-9, 10, (variables, variables)).astype(float)
    return QuboWorkload(matrix=matrix.tolist(), **settings)


def chain(spins: int) -> IsingWorkload:
    """Couplings and fields that contradict each other."""
    random = np.random.default_rng(4)
    couplings = [[spin, spin + 1, float(random.choice([-1, 1]))] for spin in range(spins - 1)]
    fields = [float(field) for field in random.choice([-0.75, 0.0, 0.5], spins)]
    return IsingWorkload(couplings=couplings, fields=fields, constant=3.0)


@cache
def solved(workload: QuadraticWorkload) -> Baseline:
    return solve_baseline(workload, workload.encode(), 5.0).baselines[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("sense", ["minimize", "maximize"])
def test_the_best_of_all_solutions_is_found_and_proven(seed: int, sense: str) -> None:
    workload = random_qubo(8, seed, sense=sense, constant=0.5)
    baseline = solved(workload)
    values = [workload.value("".join(bits)) for bits in itertools.product("01", repeat=8)]
    assert baseline.value == (min if sense == "minimize" else max)(values) == baseline.bound
    assert baseline.exact
    check_certificate(workload, baseline)


def test_a_sparse_objective_is_proven_by_odd_cycles_of_its_graph() -> None:
    baseline = solved(chain(60))
    assert (baseline.method, baseline.exact, baseline.details["bound_by"]) == ("portfolio", True, "odd cycles")
    check_certificate(chain(60), baseline)


def test_a_dense_objective_has_a_bound_that_is_proven() -> None:
    workload = random_qubo(60, 1)
    baseline = solved(workload)
    assert baseline.bound is not None
    assert baseline.bound <= baseline.value == workload.value(baseline.certificate["solution"])
    assert abs(baseline.bound - baseline.value) < 0.2 * abs(baseline.value)
    check_certificate(workload, baseline)


def cut_changed(baseline: Baseline, **changes: Any) -> dict[str, Any]:
    return {**baseline.certificate, "cut": {**baseline.certificate["cut"], **changes}}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        (lambda found: {"value": found.value - 1}, "the solution has the value"),
        (lambda found: {"bound": found.bound + 1, "exact": False}, "the bound is proven to be"),
        (lambda found: {"certificate": {**found.certificate, "solution": "0" * 60}}, "the solution has the value"),
        (lambda found: {"certificate": {**found.certificate, "problem": "other"}}, "not about this ising workload"),
        (lambda found: {"certificate": cut_changed(found, value=found.value + 9)}, "the assignment cuts"),
        (lambda found: {"certificate": cut_changed(found, bound=9.0)}, "the largest cut|called the best"),
        (lambda found: {"certificate": {**found.certificate, "cut": None}}, "has no cut"),
    ],
)
def test_a_tampered_claim_is_refused(changes: Any, told: str) -> None:
    baseline = solved(chain(60))
    with pytest.raises(CertificateError, match=told):
        check_certificate(chain(60), replace(baseline, **changes(baseline)))
