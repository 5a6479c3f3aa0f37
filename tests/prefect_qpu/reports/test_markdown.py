"""Artifacts of the Prefect UI: what stands in them, and that no name can break them."""

import pytest

from prefect_qpu.reports.markdown import decision_markdown

CRITERION = {
    "name": "noise_distinguishable",
    "verdict": "pass",
    "reason": "70% of the ideal signal is left, at least 5% is wanted",
    "observed": 0.704123,
    "interval": [0.6912, 0.71701],
    "threshold": 0.05,
    "observable": "parity",
}


def decision(**changes: object) -> dict[str, object]:
    return {"outcome": "promoted", "reason": "every criterion that applies is met", "criteria": [CRITERION]} | changes


def test_a_criterion_stands_with_its_verdict_its_numbers_and_its_reason() -> None:
    text = decision_markdown("ghz-check", decision())
    assert "| ✓ pass | noise_distinguishable | parity | 0.704 [0.691, 0.717] | 0.05 | 70% of the ideal" in text


def test_a_criterion_without_numbers_leaves_their_cells_empty() -> None:
    bare = CRITERION | {"observed": None, "interval": None, "threshold": None, "observable": None}
    assert "| noise_distinguishable |  |  |  | 70% of the ideal" in decision_markdown("x", decision(criteria=[bare]))


def test_a_person_who_decided_is_named_with_why_the_run_was_held() -> None:
    text = decision_markdown("ghz-check", decision(by="Ada", held_by="the policy asks for a person's approval"))
    assert "Decided by **Ada**. The run was held: the policy asks for a person's approval" in text


@pytest.mark.parametrize("name", ["a|b", "a<script>", "a\nb"])
def test_a_name_cannot_break_a_table_or_be_read_as_html(name: str) -> None:
    text = decision_markdown(name, decision(criteria=[CRITERION | {"observable": name}]))
    (row,) = [line for line in text.splitlines() if "noise_distinguishable" in line]
    assert row.replace("\\|", "").count("|") == 8
    assert "<script" not in text
