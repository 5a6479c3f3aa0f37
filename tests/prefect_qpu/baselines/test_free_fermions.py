from dataclasses import replace
from math import pi, sin

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prefect_qpu.baselines import Baseline, check_certificate, solve_baseline
from prefect_qpu.baselines.free_fermions import ground_energy
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.tfim import TfimWorkload

CHAIN = TfimWorkload(sites=6, coupling=[1.0, -0.5, 2.0, 0.0, 1.5], field=[0.3, 1.0, -1.0, 0.7, 0.0, 2.0])


def solved(workload: TfimWorkload) -> Baseline:
    (baseline,) = solve_baseline(workload, workload.encode(), 10.0).baselines
    return baseline


@pytest.mark.parametrize("sites", [2, 3, 10, 100, 1000])
def test_the_critical_chain_has_its_closed_form(sites: int) -> None:
    closed = 1 - 1 / sin(pi / (4 * sites + 2))
    assert ground_energy([1.0] * (sites - 1), [1.0] * sites) == pytest.approx(closed, abs=1e-9)


@settings(max_examples=40, deadline=None)
@given(data=st.data(), sites=st.integers(2, 7))
def test_any_chain_has_the_smallest_eigenvalue(data: st.DataObject, sites: int) -> None:
    strengths = st.floats(-2, 2) | st.sampled_from([0.0, 1.0])
    couplings = [data.draw(strengths) for _ in range(sites - 1)]
    fields = [1.0, *(data.draw(strengths) for _ in range(sites - 1))]
    chain = TfimWorkload(sites=sites, coupling=couplings, field=fields, angles={"gamma": [0.1], "beta": [0.1]})
    matrix = chain.hamiltonian().to_matrix()
    assert ground_energy(couplings, fields) == pytest.approx(np.linalg.eigvalsh(matrix)[0], abs=1e-9)


def test_a_single_site_follows_its_field() -> None:
    assert ground_energy([], [-0.7]) == -0.7


def test_the_baseline_is_exact_and_proven() -> None:
    baseline = solved(CHAIN)
    assert (baseline.method, baseline.observable, baseline.exact, baseline.gap) == ("free fermions", "energy", True, 0)
    check_certificate(CHAIN, baseline)
    long = TfimWorkload(sites=200, field=0.7)
    check_certificate(long, solved(long))


@pytest.mark.parametrize(
    "claim",
    [
        replace(solved(CHAIN), value=solved(CHAIN).value - 1e-6, bound=solved(CHAIN).value - 1e-6),
        replace(solved(CHAIN), bound=solved(CHAIN).value - 1),
        replace(solved(CHAIN), bound=None),
        replace(solved(CHAIN), observable="magnetisation"),
        solved(TfimWorkload(sites=6)),
    ],
    ids=["value", "bound", "no bound", "observable", "another chain"],
)
def test_a_tampered_energy_is_refused(claim: Baseline) -> None:
    with pytest.raises(CertificateError):
        check_certificate(CHAIN, claim)
