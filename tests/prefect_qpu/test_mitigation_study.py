import numpy as np
import pytest

from prefect_qpu.mitigation_study import Sample, study


def samples(
    method: str, errors: list[float], *, exact: float | None = 1.0, shots: int = 1000, backend: str = "aer"
) -> list[Sample]:
    truth = 1.0 if exact is None else exact
    return [
        Sample(backend, "zz", method, seed, truth + error, 0.02, None, exact, shots, 2, 0.5, flagged=error < 0)
        for seed, error in enumerate(errors)
    ]


def drawn(sigma: float, bias: float, seeds: int, seed: int) -> list[float]:
    return (bias + np.random.default_rng(seed).normal(0, sigma, seeds)).tolist()


def test_reduction_bias_spread_and_cost_are_those_of_the_samples() -> None:
    errors = [-0.01, 0.02, 0.05]
    raw, method = study([*samples("raw", [-0.2, -0.2, -0.2]), *samples("zne", errors, shots=5000)])
    assert raw.reduction == 1
    assert method.reduction == pytest.approx(0.2 / np.sqrt(np.mean(np.square(errors))))
    assert (method.bias, method.spread) == pytest.approx((np.mean(errors), np.std(errors, ddof=1)))
    assert (method.shots_of_raw, method.circuits, method.seconds) == (5, 2, 0.5)
    assert method.flagged == pytest.approx(1 / 3)


@pytest.mark.parametrize(
    ("errors", "worth"),
    [
        (drawn(0.01, 0.0, 10, 1), "reduces the error"),
        (drawn(0.3, 0.3, 10, 2), "increases the error"),
        (drawn(0.02, -0.1, 10, 3), "no difference shown"),
    ],
)
def test_the_verdict_needs_an_interval_on_one_side(errors: list[float], worth: str) -> None:
    _, method = study([*samples("raw", drawn(0.02, -0.1, 10, 4)), *samples("zne", errors)])
    assert method.worth == worth


def test_the_interval_of_the_spread_holds_the_true_one_as_often_as_it_says() -> None:
    held = 0
    for repeat in range(400):
        (found,) = study(samples("raw", drawn(0.05, 0.0, 6, repeat)))
        low, high = found.spread_interval
        held += low <= 0.05 <= high
    assert 0.85 < held / 400 < 0.95


def test_without_an_exact_value_stability_and_cost_are_still_told() -> None:
    _, method = study([*samples("raw", [0.1, 0.2], exact=None), *samples("zne", [0.0, 0.1], exact=None)])
    document = method.document()
    assert (document["reduction"], document["worth"]) == (None, "not known")
    assert document["spread"] == pytest.approx(0.1 / 2**0.5)


def test_backends_are_kept_apart_and_each_seed_is_held_against_its_own_raw_value() -> None:
    found = study(
        [
            *samples("raw", [0.1, 0.1]),
            *samples("zne", [0.05, 0.05]),
            *samples("raw", [0.4, 0.4], backend="other"),
            *samples("zne", [0.1, 0.1], backend="other"),
        ]
    )
    assert [round(item.reduction, 6) for item in found if item.method == "zne"] == [2, 4]


def test_one_seed_has_no_intervals() -> None:
    (found,) = study(samples("raw", [0.1]))
    assert found.document()["bias_interval"] == [None, None]
