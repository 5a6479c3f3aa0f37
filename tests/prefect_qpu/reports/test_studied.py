"""The page of a mitigation benchmark."""

from dataclasses import replace
from html.parser import HTMLParser
from math import nan
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.mitigation_study import Finding
from prefect_qpu.reports.studied import COLUMNS, study_rows, write_study

FOUND = Finding(
    backend="aer-manila",
    observable="parity",
    method="readout",
    seeds=3,
    error=0.0123,
    reduction=4.2,
    reduction_interval=(3.1, 5.9),
    bias=0.004,
    bias_interval=(-0.002, 0.01),
    spread=0.01,
    spread_interval=(0.006, 0.04),
    stderr=0.011,
    shots=4000,
    shots_of_raw=2.0,
    circuits=3,
    seconds=0.5,
    flagged=0.0,
    worth="reduces the error",
)


class Cells(HTMLParser):
    """Texts of all table cells, and of the list of refusals."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self._inside: list[str] = []

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag in {"th", "td", "li"}:
            self.found.append((tag, ""))
        self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self._inside and self._inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if {"th", "td", "li"} & set(self._inside):
            tag, text = self.found[-1]
            self.found[-1] = (tag, text + data)


def page(tmp_path: Path, *findings: Finding, refused: dict[str, str] | None = None) -> tuple[str, Cells]:
    text = write_study(tmp_path / "page.html", "<ghz> & co", findings, refused or {}).read_text()
    cells = Cells()
    cells.feed(text)
    return text, cells


def test_every_text_of_the_artifact_stands_under_its_head(tmp_path: Path) -> None:
    _, cells = page(tmp_path, FOUND)
    shown, artifact = [text for _, text in cells.found], study_rows([FOUND])[0]
    brings, costs = shown[:18], shown[18:]
    told = dict(zip(brings[:9], brings[9:], strict=True)) | dict(zip(costs[:8], costs[8:], strict=True))
    assert told == {column.capitalize(): artifact[column] for column in COLUMNS}


def test_a_column_without_any_number_is_left_out(tmp_path: Path) -> None:
    unknown = replace(FOUND, reduction=nan, bias=nan, spread=nan)
    _, cells = page(tmp_path, unknown)
    heads = {text for _, text in cells.found}
    assert not heads & {"Error reduction", "Bias", "Spread between seeds"}
    assert "Error (rms)" in heads


@pytest.mark.parametrize("reason", ["the circuit is <b>Clifford</b>", "a & b"])
def test_names_and_reasons_are_text(tmp_path: Path, reason: str) -> None:
    text, cells = page(tmp_path, FOUND, refused={"cdr<script>": reason})
    assert ("li", f"cdr<script>: {reason}") in cells.found
    assert "<b>" not in text
    assert "<script" not in text
    assert "<h1>&lt;ghz&gt; &amp; co</h1>" in text


def test_the_page_needs_nothing_from_a_network(tmp_path: Path) -> None:
    text, _ = page(tmp_path, FOUND)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert "http" not in text.replace("http-equiv", "")
    assert "3 seeds on 1 backend." in text
