import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import combine_batch, plan_batch
from prefect_qpu.mitigation.trust import flagged
from prefect_qpu.observables import Estimate
from tests.prefect_qpu.mitigation.workloads import context, ghz, simulated

Z = SparsePauliOp("Z")
RAW = Estimate(np.array(0.50), np.array(0.01), 1000)


def flags(value: float, stderr: float, systematic: float | None = None, **metadata: object) -> list[str]:
    wide = None if systematic is None else np.array(systematic)
    estimate = Estimate(np.array(value), np.array(stderr), 1000, metadata, wide)
    found: list[str] = flagged(estimate, RAW, Z).metadata["flags"]
    return found


def test_a_clear_and_possible_correction_has_no_flag() -> None:
    assert flags(0.60, 0.02) == []


@pytest.mark.parametrize(("stderr", "systematic"), [(0.08, None), (0.01, 0.08)])
def test_a_correction_within_its_uncertainty_is_flagged_whichever_kind_it_is(
    stderr: float, systematic: float | None
) -> None:
    (flag,) = flags(0.60, stderr, systematic)
    assert flag.startswith("not shown to be better than raw: moved by 0.1, uncertain by 0.08")


def test_a_value_that_the_observable_cannot_have_is_flagged() -> None:
    assert flags(1.08, 0.02) == ["outside of the observable's range"]
    assert flags(1.05, 0.02) == []


def test_few_negative_samples_a_refused_fit_and_a_poor_fit_are_flagged() -> None:
    assert flags(0.7, 0.02, **{"negative samples": 3}) == ["only 3 samples of negative sign"]
    assert flags(0.7, 0.02, **{"refused fits": {"exponential": "they change their sign"}}) == [
        "no exponential fit: they change their sign"
    ]
    assert flags(0.7, 0.02, residual=4.0) == ["no curve describes the values at the noise scales"]


def test_the_points_of_an_array_are_told_apart() -> None:
    raw = Estimate(np.array([0.5, 0.5, 0.5]), np.full(3, 0.01), 1000)
    estimate = Estimate(np.array([0.8, 0.51, 0.52]), np.full(3, 0.02), 1000)
    assert flagged(estimate, raw, Z).metadata["flags"] == ["not shown to be better than raw at 2 of 3 points, first 1"]


def test_in_a_batch_each_method_but_raw_is_held_against_raw() -> None:
    plan = context(ghz(), {"parity": SparsePauliOp("XXXXX")})
    batch = plan_batch([MethodSpec(method="readout"), MethodSpec(method="twirling", options={"twirl": 4})], plan)
    found = combine_batch(batch.shares, simulated(batch), plan.measurement).estimates
    assert "flags" not in found["raw"]["parity"].metadata
    assert found["readout"]["parity"].metadata["flags"] == []
    (flag,) = found["twirling(twirl=4)"]["parity"].metadata["flags"]
    assert flag.startswith("not shown to be better than raw")
