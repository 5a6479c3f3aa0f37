import numpy as np
import pytest

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.extrapolating import Model, extrapolated
from prefect_qpu.mitigation.fits import Damping, Fit
from prefect_qpu.mitigation.uncertain import Uncertain
from prefect_qpu.observables import Estimate

SCALES = np.array([1.0, 3.0, 5.0])


def estimate(values: list[float], *fits: Fit, stderr: float = 0.003, damping: Damping | None = None) -> Estimate:
    measured = [Uncertain(np.array(value), np.array(stderr**2), np.zeros(0)) for value in values]
    return extrapolated(measured, Model(fits, SCALES, 0.0, damping), 3000)


def test_points_that_refute_the_answering_curve_too_narrow_the_systematic_error_less() -> None:
    decay = 0.9 * np.exp(-0.15 * SCALES)
    smooth = estimate(decay.tolist(), "exponential", "linear")
    kinked = estimate((decay + np.array([0, 0.012, 0])).tolist(), "exponential", "linear")
    assert kinked.metadata["residual"] > 2 > smooth.metadata["residual"]
    assert kinked.systematic > 1.2 * smooth.systematic


def test_a_straight_line_is_no_rival_of_a_predicted_decay() -> None:
    values = (0.9 * np.exp(-0.15 * SCALES)).tolist()
    alone = estimate(values, "predicted", "exponential", damping=Damping(0.15, 0.1))
    beside = estimate(values, "predicted", "exponential", "linear", damping=Damping(0.15, 0.1))
    assert beside.systematic == alone.systematic < 0.3 * estimate(values, "exponential", "linear").systematic
    assert set(beside.metadata["fits"]) == {"predicted", "exponential", "linear"}


def test_a_decay_of_another_rate_than_predicted_widens_the_systematic_error() -> None:
    values = (0.9 * np.exp(-0.15 * SCALES)).tolist()
    right, wrong = (
        estimate(values, "predicted", "exponential", damping=Damping(rate, 0.1)).systematic for rate in (0.15, 0.4)
    )
    assert wrong > 2 * right


def test_only_fits_that_come_before_the_answering_one_are_told_as_refused() -> None:
    weak = [0.004, 0.003, 0.002]
    assert "refused fits" not in estimate(weak, "predicted", "exponential", damping=Damping(0.1, 0.0)).metadata
    assert set(estimate(weak, "exponential", "linear").metadata["refused fits"]) == {"exponential"}
    with pytest.raises(MitigationRefusedError, match=r"predicted: .*; exponential: "):
        estimate(weak, "predicted", "exponential")
