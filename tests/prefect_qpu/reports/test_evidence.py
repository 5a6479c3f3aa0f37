"""Tables of what the tests of a run say."""

import pytest

from prefect_qpu.reports.evidence import agreement_table, decision_table, distance_table, stability_table
from prefect_qpu.reports.tables import Table
from prefect_qpu.statistics import between_runs, distance, equivalence
from prefect_qpu.summary import DecisionSummary


def texts(table: Table | None) -> list[list[str]]:
    assert table is not None
    return [[cell.text.replace("\u202f", " ") for cell in row] for row in table.rows]


def test_a_criterion_tells_its_test_level_power_and_sample_size() -> None:
    result = equivalence(0.01, 0.01, 0.05, shots=4000, tests=6, power=0.999)
    criterion = {"name": "ideal_agrees", "verdict": "pass", "reason": "r", "details": result.method()}
    decision = DecisionSummary.model_validate({"outcome": "promoted", "reason": "", "criteria": [criterion]})
    ((*_, told),) = texts(decision_table(decision))
    assert told.startswith("equivalence (TOST), limits of bounded shots; level 5 %, power 9")
    assert told.endswith("4000 shots, one of 6 tests")


def test_a_criterion_of_an_earlier_version_tells_what_it_knows() -> None:
    details = {"test": "one-sided z test", "level": 0.05, "shots": 100, "shots_needed": None}
    criterion = {"name": "beats_trivial", "verdict": "pass", "reason": "r", "details": details}
    decision = DecisionSummary.model_validate({"outcome": "promoted", "reason": "", "criteria": [criterion]})
    ((*_, told),) = texts(decision_table(decision))
    assert told == "one-sided z test; level 5 %, 100 shots"


def test_agreement_tells_its_test() -> None:
    row = {"against": "exact value", "observable": "zz", "value": 0.9, "other": 1.0}
    ((*_, told),) = texts(agreement_table([row | equivalence(-0.1, 0.01, 0.05, shots=500).document()]))
    assert told.startswith("equivalence (TOST)")
    (silent,) = texts(agreement_table([row]))
    assert not any("TOST" in cell for cell in silent)


def test_distances_stand_with_their_interval_or_with_the_reason_why_there_is_none() -> None:
    known = distance({"0": 500, "1": 500}, {"0": 0.5, "1": 0.5}).document()
    refused = distance({str(item): 1 for item in range(50)}, {str(item): 1 for item in range(50)}).document()
    first, second = texts(distance_table([{"against": "a", "basis": "ZZ", **item} for item in (known, refused)]))
    assert first[4]
    assert len(first[6]) < len(second[6])
    assert len(second[4]) < len(first[4])
    assert second[6].startswith("with 50 and 50 shots over 50 outcomes")


def test_the_spread_between_runs_stands_with_its_parts() -> None:
    spread = between_runs([0.7, 0.8, 0.9], [0.01] * 3).document()
    found = stability_table({"observable": "zz", "method": "raw", **spread, "agreement": None})
    rows = dict(texts(found))
    assert rows["Runs"] == "3"
    assert rows["Standard deviation between runs"] == "0.0995"
    assert "Agreement with the exact value" not in rows


@pytest.mark.parametrize("nothing", [None, [], "none"])
def test_what_is_not_there_is_no_table(nothing: object) -> None:
    assert distance_table(nothing) is None
    assert stability_table(None) is None
