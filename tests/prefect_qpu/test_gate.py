from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from prefect_qpu.experiment import Hypothesis, Promotion
from prefect_qpu.gate import Decision, Evidence, Outcome, Signal, decide
from prefect_qpu.observables import Estimate
from prefect_qpu.statistics import Verdict


def estimate(value: float, stderr: float = 0.005, shots: int = 8192) -> Estimate:
    return Estimate(np.asarray(value), np.asarray(stderr), shots)


GOOD = Evidence(
    findings=[],
    signals=[Signal("parity", 0.0, 1.0, estimate(0.999), estimate(0.72))],
    depth=20,
    qubits=4,
    parameters=2,
    payload_bytes=5000,
    two_qubit_gates=6,
    simulator=True,
    calibration_age=1e8,
    hypothesis=Hypothesis(statement="parity survives", observable="parity", range=(0.6, 1.0)),
)


def verdicts(decision: Decision) -> dict[str, Verdict]:
    return {criterion.name: criterion.verdict for criterion in decision.criteria}


def test_good_evidence_is_promoted_with_every_number_shown() -> None:
    decision = decide(Promotion(), GOOD)
    assert decision.outcome is Outcome.PROMOTED
    agrees = next(item for item in decision.criteria if item.name == "ideal_agrees")
    assert (agrees.observed, agrees.threshold) == (pytest.approx(-0.001), 0.05)
    assert agrees.details["level"] == pytest.approx(0.05)


def test_an_ideal_simulation_that_disagrees_is_rejected() -> None:
    wrong = replace(GOOD, signals=[replace(GOOD.signals[0], ideal=estimate(0.8))])
    decision = decide(Promotion(), wrong)
    assert decision.outcome is Outcome.REJECTED
    assert "ideal_agrees[parity]" in decision.reason


def test_a_tolerance_that_no_outcome_could_meet_is_rejected_with_the_shots_it_would_need() -> None:
    decision = decide(Promotion(tolerance=1e-9), GOOD)
    assert decision.outcome is Outcome.REJECTED
    agrees = next(item for item in decision.criteria if item.name == "ideal_agrees")
    assert agrees.details["shots_needed"] > 10**12
    assert "shots would decide" in agrees.reason


def test_noise_that_leaves_nothing_of_the_signal_is_rejected() -> None:
    drowned = replace(GOOD, signals=[replace(GOOD.signals[0], noisy=estimate(0.01))])
    assert verdicts(decide(Promotion(), drowned))["noise_distinguishable"] is Verdict.FAIL


def test_a_prediction_on_the_wrong_side_does_not_beat_the_trivial_guess() -> None:
    inverted = replace(GOOD, signals=[replace(GOOD.signals[0], noisy=estimate(-0.5))])
    assert verdicts(decide(Promotion(), inverted))["beats_trivial"] is Verdict.FAIL
    assert "beats_trivial" not in verdicts(decide(Promotion(beat_trivial=False), inverted))


def test_an_observable_without_signal_is_not_judged_by_noise() -> None:
    flat = replace(GOOD, signals=[Signal("x", 0.0, 0.0, estimate(0.001), estimate(0.002))])
    found = verdicts(decide(Promotion(), flat))
    assert found["noise_distinguishable"] is Verdict.NOT_APPLICABLE
    assert found["ideal_agrees"] is Verdict.PASS


@pytest.mark.parametrize(
    ("approval", "outcome"), [("on_doubt", Outcome.HELD), ("never", Outcome.REJECTED), ("always", Outcome.HELD)]
)
def test_doubt_goes_where_the_policy_says(approval: str, outcome: Outcome) -> None:
    doubtful = replace(GOOD, signals=[replace(GOOD.signals[0], ideal=estimate(0.955, 0.01))])
    assert decide(Promotion(approval=approval), doubtful).outcome is outcome  # type: ignore[arg-type]


def test_a_policy_that_asks_for_approval_holds_what_it_would_promote_and_rejects_what_fails() -> None:
    assert decide(Promotion(approval="always"), GOOD).outcome is Outcome.HELD
    broken = replace(GOOD, findings=["the circuit measures no qubit"])
    assert decide(Promotion(approval="always"), broken).outcome is Outcome.REJECTED


def test_a_circuit_that_could_not_be_simulated_is_left_to_a_person() -> None:
    blind = replace(GOOD, signals=[Signal("parity", 0.0)], no_ideal="too large", no_noisy="too large")
    decision = decide(Promotion(), blind)
    assert decision.outcome is Outcome.HELD
    assert {item.reason for item in decision.criteria if item.verdict is Verdict.INCONCLUSIVE} == {"too large"}


@pytest.mark.parametrize(
    ("limit", "simulator", "age", "verdict"),
    [
        (None, True, 1e8, Verdict.NOT_APPLICABLE),
        (None, False, 3600.0, Verdict.PASS),
        (None, False, 90_000.0, Verdict.FAIL),
        (60.0, True, 61.0, Verdict.FAIL),
        (60.0, True, 59.0, Verdict.PASS),
        (60.0, False, None, Verdict.INCONCLUSIVE),
    ],
)
def test_calibration_age_counts_on_hardware_and_where_the_policy_says(
    limit: float | None, simulator: bool, age: float | None, verdict: Verdict
) -> None:
    evidence = replace(GOOD, simulator=simulator, calibration_age=age)
    assert verdicts(decide(Promotion(max_calibration_age=limit), evidence))["calibration_age"] is verdict


def test_an_ideal_backend_has_no_calibration_to_be_old() -> None:
    evidence = replace(GOOD, calibration_age=None, noiseless=True)
    assert verdicts(decide(Promotion(max_calibration_age=60.0), evidence))["calibration_age"] is Verdict.NOT_APPLICABLE


def test_a_hypothesis_is_asked_for_where_the_policy_says() -> None:
    silent = replace(GOOD, hypothesis=None)
    assert decide(Promotion(), silent).outcome is Outcome.PROMOTED
    assert decide(Promotion(require_hypothesis=True), silent).outcome is Outcome.REJECTED


@pytest.mark.parametrize(
    "limit",
    [
        {"max_depth": 19},
        {"max_two_qubit_gates": 5},
        {"max_qubits": 3},
        {"max_parameters": 1},
        {"max_payload_bytes": 4999},
    ],
)
def test_an_encoding_budget_is_kept(limit: dict[str, int]) -> None:
    assert decide(Promotion(**limit), GOOD).outcome is Outcome.REJECTED  # type: ignore[arg-type]
    assert (
        decide(
            Promotion(max_depth=20, max_two_qubit_gates=6, max_qubits=4, max_parameters=2, max_payload_bytes=5000), GOOD
        ).outcome
        is Outcome.PROMOTED
    )


def test_a_decision_is_plain_json_data() -> None:
    import json

    document = decide(Promotion(), GOOD).document()
    assert json.loads(json.dumps(document, allow_nan=False)) == document


@pytest.mark.parametrize(
    ("beyond", "outcome", "verdict"), [("hold", "held", "inconclusive"), ("waive", "promoted", "not applicable")]
)
def test_what_is_too_large_to_simulate_is_in_doubt_unless_the_policy_waives_it(
    beyond: Any, outcome: str, verdict: str
) -> None:
    seen = Evidence(
        [],
        [Signal("zz", 0.0)],
        depth=10,
        two_qubit_gates=10,
        simulator=False,
        calibration_age=60.0,
        no_ideal="not simulated: it would take about 1e+20 s",
        no_noisy="not simulated: it would take about 1e+30 s",
    )
    decided = decide(Promotion(beyond_simulation=beyond), seen)
    judged = [item for item in decided.criteria if item.name in {"ideal_agrees", "noise_distinguishable"}]
    assert str(decided.outcome) == outcome
    assert {str(item.verdict) for item in judged} == {verdict}
    assert all("it would take about" in item.reason for item in judged)


def test_a_right_circuit_with_too_few_shots_is_held_and_not_rejected() -> None:
    few = replace(GOOD, signals=[replace(GOOD.signals[0], ideal=estimate(0.99, 0.07, 200))])
    decision = decide(Promotion(), few)
    assert decision.outcome is Outcome.HELD
    agrees = next(item for item in decision.criteria if item.name == "ideal_agrees")
    assert 200 < agrees.details["shots_needed"] < 20_000


def test_what_fails_is_shown_at_the_level_divided_by_the_number_of_tests() -> None:
    # Half a standard error beyond what one test would call a failure.
    off = replace(GOOD.signals[0], ideal=estimate(0.9395, 0.005, 40_000), noisy=estimate(0.7))
    alone = decide(Promotion(beat_trivial=False), replace(GOOD, signals=[off], noiseless=True))
    assert alone.outcome is Outcome.REJECTED
    right = [replace(GOOD.signals[0], name=f"o{place}") for place in range(20)]
    among = decide(Promotion(beat_trivial=False), replace(GOOD, signals=[off, *right], noiseless=True))
    assert among.outcome is Outcome.HELD


@pytest.mark.parametrize("value", [0.05, 0.049])
def test_an_estimated_ideal_value_makes_the_criteria_on_noise_more_careful(value: float) -> None:
    known = replace(GOOD.signals[0], noisy=estimate(0.08, 0.01, 8192))
    unknown = replace(known, reference=None, ideal=estimate(1.0, 0.4, 8192))
    widths = []
    for signal in (known, unknown):
        found = decide(Promotion(min_signal=value), replace(GOOD, signals=[signal])).criteria
        low, high = next(item.interval for item in found if item.name == "noise_distinguishable")  # type: ignore[misc]
        widths.append(high - low)
    assert widths[1] > 1.2 * widths[0]
