import numpy as np
import pytest

from prefect_qpu.comparison import Classical, Quantum, agreement, judge, judge_hypothesis
from prefect_qpu.experiment import Hypothesis
from prefect_qpu.observables import Estimate


def estimate(value: float, stderr: float = 0.01) -> Estimate:
    return Estimate(np.asarray(value), np.asarray(stderr), 1000)


EXACT = Classical("state vector", 1.0, exact=True, seconds=0.1)


def verdict(quantum: Quantum | None, classical: Classical | None, **options: object) -> str:
    settings = {"sense": None, "tolerance": 0.05, "confidence": 0.95} | options
    return judge(quantum, classical, **settings).verdict  # type: ignore[arg-type]


def test_a_value_that_is_off_loses_to_an_exact_one() -> None:
    assert verdict(Quantum(estimate(0.7), 0.01), EXACT) == "classical better"


@pytest.mark.parametrize(("seconds", "winner"), [(0.01, "quantum better"), (10.0, "classical better")])
def test_between_equal_values_the_faster_one_wins(seconds: float, winner: str) -> None:
    assert verdict(Quantum(estimate(1.0), seconds), EXACT) == winner


def test_an_undecided_difference_is_not_distinguishable() -> None:
    assert verdict(Quantum(estimate(0.95), 0.01), EXACT) == "not distinguishable"


def test_two_uncertain_values_that_differ_are_not_comparable() -> None:
    heuristic = Classical("heuristic", 1.0, exact=False, seconds=0.1)
    assert verdict(Quantum(estimate(0.7), 0.01), heuristic) == "not comparable"


@pytest.mark.parametrize(
    ("value", "error", "expected"),
    [
        (0.7, 0.1, "classical better"),
        (0.7, 0.29, "not distinguishable"),
        (0.7, 2.0, "not distinguishable"),
        (1.0, 0.01, "classical better"),
        (1.0, 0.2, "not distinguishable"),
    ],
)
def test_the_error_of_a_classical_value_counts_for_neither_side(value: float, error: float, expected: str) -> None:
    bounded = Classical("matrix product state", 1.0, exact=False, seconds=0.001, error=error)
    assert verdict(Quantum(estimate(value), 0.01), bounded) == expected


def test_a_noisy_estimate_is_not_refuted_by_a_value_that_nobody_knows() -> None:
    unknown = Classical("matrix product state", 1.0, exact=False, seconds=0.1, error=2.0)
    assert verdict(Quantum(estimate(1.0, 0.5), 0.01), unknown) == "not distinguishable"


@pytest.mark.parametrize(("quantum", "classical"), [(None, EXACT), (Quantum(estimate(1.0), 1.0), None)])
def test_a_missing_answer_is_not_compared(quantum: Quantum | None, classical: Classical | None) -> None:
    opinion = judge(
        quantum, classical, sense=None, tolerance=0.05, confidence=0.95, why_not="the circuit has 30 qubits"
    )
    assert (opinion.verdict, opinion.reason) == ("not comparable", "the circuit has 30 qubits")


@pytest.mark.parametrize(
    ("sense", "best", "winner"),
    [
        ("maximize", 12.0, "quantum better"),
        ("maximize", 9.0, "classical better"),
        ("minimize", 9.0, "quantum better"),
        ("minimize", 12.0, "classical better"),
        ("maximize", 10.0, "classical better"),
    ],
)
def test_optimisation_is_judged_by_recounted_solutions_and_then_by_time(sense: str, best: float, winner: str) -> None:
    opponent = Classical("brute force", 10.0, exact=True, seconds=0.5)
    assert verdict(Quantum(estimate(7.0), 1.0, best), opponent, sense=sense) == winner


@pytest.mark.parametrize(
    ("value", "found"), [(0.8, "supported"), (0.4, "refuted"), (1.2, "refuted"), (0.61, "inconclusive")]
)
def test_a_hypothesis_is_judged_by_its_whole_interval(value: float, found: str) -> None:
    hypothesis = Hypothesis(statement="parity survives", observable="parity", range=(0.6, 1.0))
    assert judge_hypothesis(hypothesis, {"parity": estimate(value)}, 0.95)["verdict"] == found


def test_a_hypothesis_may_be_missing_or_unmeasured() -> None:
    hypothesis = Hypothesis(statement="parity survives", observable="parity", range=(0.6, 1.0))
    assert judge_hypothesis(None, {}, 0.95)["verdict"] == "not stated"
    assert judge_hypothesis(hypothesis, {}, 0.95)["verdict"] == "not measured"


def test_agreement_combines_both_errors_and_leaves_out_what_has_no_counterpart() -> None:
    estimates = {"a": estimate(1.0, 0.03), "b": estimate(0.0)}
    (row,) = agreement(estimates, {"a": estimate(0.9, 0.04)}, tolerance=0.5, confidence=0.95)
    assert row["observable"] == "a"
    assert row["interval"][1] - row["interval"][0] == pytest.approx(2 * 1.6448536 * 0.05, rel=0.02)
    (against_exact,) = agreement(estimates, {"b": 0.2}, tolerance=0.05, confidence=0.95)
    assert against_exact["verdict"] == "fail"


@pytest.mark.parametrize(
    ("control", "expected", "told"),
    [
        (7.0, "quantum better", "both found 9"),
        (9.0, "classical better", "its solution is 9, the best quantum one 8; local search reaches 9 from the samples"),
    ],
)
def test_local_search_counts_only_where_random_solutions_reach_less(control: float, expected: str, told: str) -> None:
    quantum = Quantum(estimate(5.0), 0.01, best=9.0, sampled=8.0, control=control)
    portfolio = Classical("portfolio", 9.0, exact=True, seconds=1.0)
    opinion = judge(quantum, portfolio, sense="maximize", tolerance=0.05, confidence=0.95)
    assert opinion.verdict == expected
    assert told in opinion.reason
