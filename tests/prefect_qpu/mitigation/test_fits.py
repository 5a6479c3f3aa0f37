import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from prefect_qpu.errors import MitigationRefusedError
from prefect_qpu.mitigation.fits import Damping, Fit, check_scales, extrapolate, model_error, polynomial_weights

SCALES = [1.0, 2.9, 4.8]
DAMPINGS = st.builds(Damping, st.floats(0.001, 2), st.floats(0, 3))
FITS: list[Fit] = ["linear", "quadratic", "richardson", "exponential"]


@given(st.floats(0.2, 2), st.floats(0, 0.3), st.floats(-1, 1))
def test_an_exponential_is_recovered(amplitude: float, rate: float, asymptote: float) -> None:
    values = asymptote + amplitude * np.exp(-rate * np.array(SCALES))
    assert extrapolate("exponential", SCALES, values, asymptote).value == pytest.approx(asymptote + amplitude)


@given(DAMPINGS, st.floats(-1, 1), st.floats(-2, 2))
def test_along_a_predicted_decay_any_signal_and_any_end_are_recovered(
    damping: Damping, end: float, signal: float
) -> None:
    values = end + signal * damping.left(SCALES)
    found = extrapolate("predicted", SCALES, values, 0.0, damping)
    assert found.value == pytest.approx(end + signal, abs=1e-6)
    assert found.weights.sum() == pytest.approx(1)
    assert found.fitted == pytest.approx(values)


@given(DAMPINGS)
def test_a_decay_starts_whole_never_rises_and_bends_more_with_its_spread(damping: Damping) -> None:
    scales = np.linspace(0, 6, 13)
    straight, bent = damping.left(scales, 0.0), damping.left(scales, 1.0)
    assert straight[0] == bent[0] == 1
    assert straight == pytest.approx(np.exp(-damping.rate * scales))
    assert np.all(np.diff(bent) <= 0)
    assert np.all(bent >= straight - 1e-12)


def test_the_curve_of_a_predicted_decay_is_drawn_by_its_parameters() -> None:
    found = extrapolate("predicted", SCALES, np.array([0.9, 0.81, 0.77]), 0.5, Damping(0.1, 0.6))
    end, signal, rate, bend = found.curve
    assert found.fitted == pytest.approx(end + signal * Damping(rate, bend).left(SCALES, 1.0))


def test_without_a_prediction_there_is_no_predicted_decay() -> None:
    with pytest.raises(MitigationRefusedError, match="predict no decay"):
        extrapolate("predicted", SCALES, np.array([0.9, 0.8, 0.7]), 0.0)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=3))
def test_richardson_is_exact_on_a_parabola(coefficients: list[float]) -> None:
    values = np.polyval(coefficients[::-1], SCALES)
    assert extrapolate("richardson", SCALES, values, 0.0).value == pytest.approx(coefficients[0], abs=1e-9)


@given(st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=3), st.sampled_from(FITS))
def test_the_weights_are_the_derivatives_of_the_value(noise: list[float], fit: Fit) -> None:
    values = 0.5 + 0.4 * np.exp(-0.15 * np.array(SCALES)) + noise
    found = extrapolate(fit, SCALES, values, 0.5)
    for place in range(3):
        moved = np.array([values + sign * 1e-5 * np.eye(3)[place] for sign in (1, -1)])
        up, down = (extrapolate(fit, SCALES, item, 0.5).value for item in moved)
        assert found.weights[place] == pytest.approx((up - down) / 2e-5, rel=1e-3, abs=1e-4)


@given(st.lists(st.floats(-0.02, 0.02), min_size=3, max_size=3), st.sampled_from(FITS), st.sampled_from(FITS))
def test_what_the_choice_of_a_curve_leaves_open_is_at_most_the_half_distance_and_falls_with_the_errors(
    noise: list[float], first: Fit, second: Fit
) -> None:
    values = 0.5 + 0.4 * np.exp(-0.15 * np.array(SCALES)) + noise
    fits = [extrapolate(fit, SCALES, values, 0.5) for fit in (first, second)]
    wide, narrow = (model_error(*fits, np.full(3, stderr)) for stderr in (0.1, 0.001))
    assert narrow <= wide <= abs(fits[0].value - fits[1].value) / 12**0.5


@pytest.mark.parametrize("fit", FITS)
def test_the_curve_at_the_scales_is_that_of_its_parameters(fit: Fit) -> None:
    found = extrapolate(fit, SCALES, np.array([0.9, 0.81, 0.77]), 0.5)
    scales = np.array(SCALES)
    if fit == "exponential":
        asymptote, amplitude, rate = found.curve
        assert found.fitted == pytest.approx(asymptote + amplitude * np.exp(-rate * scales))
    else:
        assert found.fitted == pytest.approx(np.polyval(found.curve[::-1], scales))


@given(st.lists(st.floats(0.3, 0.9), min_size=4, max_size=4))
def test_polynomial_weights_sum_to_one(values: list[float]) -> None:
    assert polynomial_weights(values, 1).sum() == pytest.approx(1) or np.ptp(values) < 1e-6


@pytest.mark.parametrize("values", [[0.9, -0.2, -0.3], [0.0, 0.1, 0.2]])
def test_values_without_a_decay_are_refused_by_the_exponential(values: list[float]) -> None:
    with pytest.raises(MitigationRefusedError, match="an exponential does not describe"):
        extrapolate("exponential", SCALES, np.array(values), 0.0)


def test_a_fit_with_more_parameters_than_scales_is_refused() -> None:
    with pytest.raises(MitigationRefusedError, match="a quadratic fit needs 3 noise scales, got 2"):
        check_scales("quadratic", [1, 3])


@pytest.mark.slow
@pytest.mark.parametrize("values", [[0.8, 0.62, 0.5], [3.6, 3.3, 3.1], [0.91, 0.9, 0.86]])
def test_the_fits_agree_with_those_of_mitiq(values: list[float]) -> None:
    pytest.importorskip("mitiq", exc_type=ImportError)
    from mitiq.zne.inference import ExpFactory, LinearFactory, PolyFactory, RichardsonFactory

    asymptote = 2.5 if values[0] > 1 else 0.0
    theirs = {
        "linear": LinearFactory.extrapolate(SCALES, values),
        "quadratic": PolyFactory.extrapolate(SCALES, values, order=2),
        "richardson": RichardsonFactory.extrapolate(SCALES, values),
        "exponential": ExpFactory.extrapolate(SCALES, values, asymptote=asymptote, avoid_log=True),
    }
    for fit in FITS:
        assert extrapolate(fit, SCALES, np.array(values), asymptote).value == pytest.approx(theirs[fit], rel=1e-5)
