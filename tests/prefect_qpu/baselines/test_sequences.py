from dataclasses import replace
from typing import Any

import pytest

from prefect_qpu.baselines import Baseline, check_certificate, solve_baseline
from prefect_qpu.baselines.sequences import PUBLISHED_OPTIMA, all_sequences
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.labs import LabsWorkload


def solved(length: int, time_limit: float = 20.0) -> Baseline:
    workload = LabsWorkload(length=length)
    return solve_baseline(workload, workload.encode(), time_limit, seed=3).baselines[0]


@pytest.mark.parametrize("length", range(3, 21))
def test_the_smallest_energy_of_all_sequences_is_the_published_one(length: int) -> None:
    energy, sequence = all_sequences(length)
    assert energy == PUBLISHED_OPTIMA[length] == LabsWorkload(length=length).energy(sequence)


def test_every_length_has_a_published_optimum_of_the_right_parity() -> None:
    assert sorted(PUBLISHED_OPTIMA) == list(range(3, 67))
    for length, energy in PUBLISHED_OPTIMA.items():
        # Shift k adds the square of a number that is odd or even as length - k is: modulo 4, 1 or 0.
        assert energy % 4 == (length // 2) % 4
        assert energy >= length // 2


@pytest.mark.parametrize("length", [28, 32])
def test_tabu_search_reaches_the_published_optimum_of_a_longer_sequence(length: int) -> None:
    baseline = solved(length, time_limit=25.0)
    assert (baseline.method, baseline.value) == ("tabu search", PUBLISHED_OPTIMA[length])
    assert baseline.exact
    assert 0 < baseline.details["seconds_to_value"] <= baseline.seconds < 25
    check_certificate(LabsWorkload(length=length), baseline)


def test_what_is_not_reached_in_time_keeps_a_gap() -> None:
    baseline = solved(60, time_limit=0.2)
    assert baseline.bound == 218
    assert not baseline.exact
    assert baseline.value > baseline.bound
    check_certificate(LabsWorkload(length=60), baseline)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": 9.0, "bound": 9.0}, "is said to be 9.0, but is 10.0"),
        ({"bound": 9.0, "exact": False}, "the smallest is 10"),
        ({"exact": False}, "is called exact|bound is"),
        ({"certificate": {"kind": "sequence", "length": 12, "sequence": "0" * 12}}, "but is 506"),
        ({"certificate": {"kind": "sequence", "length": 13, "sequence": "0" * 13}}, "not about sequences of length 12"),
        ({"certificate": {"kind": "sequence", "length": 12, "sequence": "012"}}, "not a sequence of 12 characters"),
    ],
)
def test_a_tampered_claim_is_refused(changes: dict[str, Any], told: str) -> None:
    baseline = solved(12)
    check_certificate(LabsWorkload(length=12), baseline)
    with pytest.raises(CertificateError, match=told):
        check_certificate(LabsWorkload(length=12), replace(baseline, **changes))
