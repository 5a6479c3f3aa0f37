"""The page stands alone, says where each number comes from, and cannot be broken by what users write."""

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest
from qiskit import QuantumCircuit

from prefect_qpu.reports import render_report, write_report
from prefect_qpu.reports.readings import compared
from prefect_qpu.reports.units import MINUS, MISSING
from prefect_qpu.summary import RunSummary

SIGMA = "\u03c3"
VOID = {"meta", "source", "img", "br", "link", "hr"}
HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>$x_{"


class Outline(HTMLParser):
    """Tags with their attributes, and whether every element that opens also closes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def words(page: str) -> str:
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", page, flags=re.DOTALL)
    return re.sub(r"\s+", " ", text.replace("\u202f", " "))


def test_every_run_has_a_page_whose_elements_are_closed(sample) -> None:
    outline = Outline(render_report(sample.summary, sample.circuit))
    assert outline.open == []
    assert outline.tags[0][0] == "html"


def test_the_page_refers_to_nothing_outside(sample) -> None:
    page = render_report(sample.summary, sample.circuit)
    for tag, attributes in Outline(page).tags:
        assert tag not in {"script", "link", "iframe", "object", "base", "form"}
        for name in ("src", "href", "srcset", "data", "action"):
            assert (attributes.get(name) or "data:").startswith("data:image/svg+xml;base64,") or name not in attributes
    assert "url(" not in page
    assert "@import" not in page


def test_the_browser_is_told_to_load_nothing(promoted_summary: RunSummary) -> None:
    assert "default-src 'none'" in render_report(promoted_summary)


def test_the_page_fits_a_phone(promoted_summary: RunSummary) -> None:
    page = render_report(promoted_summary)
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in Outline(page).all("meta")
    assert "prefers-color-scheme: dark" in page


def test_every_figure_is_described_in_words(sample) -> None:
    for image in Outline(render_report(sample.summary, sample.circuit)).all("img"):
        assert len(image["alt"] or "") > 20


def test_the_same_run_gives_the_same_page(sample) -> None:
    assert render_report(sample.summary, sample.circuit) == render_report(sample.summary, sample.circuit)


def test_a_page_stays_below_a_megabyte(sample) -> None:
    assert len(render_report(sample.summary, sample.circuit).encode()) < 1_000_000


def test_what_users_write_is_escaped(promoted_summary: RunSummary) -> None:
    data = promoted_summary.model_dump()
    data["experiment"] |= {"name": HOSTILE, "definition": {"name": HOSTILE}}
    data["estimates"][0]["observable"] = data["decision"]["criteria"][1]["observable"] = HOSTILE
    data["decision"]["reason"] = data["error"] = data["run_id"] = HOSTILE
    data["comparison"] |= {"reason": HOSTILE, "verdict": HOSTILE, "extra": {HOSTILE: HOSTILE}}
    data["counts"] = {HOSTILE: {HOSTILE: 3}}
    data["spans"][0]["stage"] = data["submissions"][0]["job_id"] = HOSTILE
    outline = Outline(render_report(RunSummary.model_validate(data)))
    assert outline.all("script") == []
    assert all("onerror" not in image for image in outline.all("img"))


@pytest.mark.parametrize(
    ("fixture", "text"),
    [
        ("promoted_summary", "Answer from: quantum path on aer-manila, a simulator"),
        ("maxcut_summary", "Answer from: quantum path on ibm_torino "),
        ("failed_summary", "Answer from: no answer"),
        ("cached_summary", "Answer from: cached result of run c7f0a1d2"),
        ("rejected_summary", "Answer from: simulator (fallback)"),
    ],
)
def test_the_header_says_where_the_answer_comes_from(fixture: str, text: str, request) -> None:
    assert text in words(render_report(request.getfixturevalue(fixture)))


def test_every_estimate_stands_beside_its_source(rejected_summary: RunSummary) -> None:
    text = words(render_report(rejected_summary))
    assert f"raw simulator (fallback) {MINUS}3.10 ± 0.02" in text
    assert f"noise simulation before the job {MINUS}0.07 ± 0.03" in text


def test_the_error_is_told_in_standard_errors(promoted_summary: RunSummary) -> None:
    assert f"{MINUS}0.126(8) {MINUS}16.6 {SIGMA}" in words(render_report(promoted_summary))


def test_a_solution_is_not_held_against_an_expectation_value(maxcut_summary: RunSummary) -> None:
    estimates = [item.model_copy(update={"exact": 6.0}) for item in maxcut_summary.estimates]
    text = words(render_report(maxcut_summary.model_copy(update={"estimates": estimates})))
    assert "best shot quantum path on ibm_torino 8 cut local search classical baseline 8 Classical" in text


def test_an_optimum_is_not_called_an_exact_expectation_value(maxcut_summary: RunSummary) -> None:
    proven = [item.model_copy(update={"exact": True}) for item in maxcut_summary.baselines]
    assert all(item.exact is None for item in compared(maxcut_summary.model_copy(update={"baselines": proven})))


def test_a_verdict_is_a_mark_and_a_word(rejected_summary: RunSummary) -> None:
    text = words(render_report(rejected_summary))
    for verdict in ("↪ Fallback", "✗ rejected", "✓ pass", "✗ fail", "? inconclusive", f"{MISSING} not applicable"):
        assert verdict in text


def test_the_cost_is_in_units_of_people(promoted_summary: RunSummary) -> None:
    text = words(render_report(promoted_summary))
    assert "Quantum wall time 2.43 s" in text
    assert "Payload 5.3 kB" in text


def test_the_calibration_is_in_units_of_people(promoted_summary: RunSummary) -> None:
    text = words(render_report(promoted_summary))
    for fact in ("Median T₁ 132 µs", "Median readout error 2.42 %", "Median frequency 4.971 GHz"):
        assert fact in text


def test_the_page_says_how_to_replay_the_run(promoted_summary: RunSummary) -> None:
    assert f"prefect-qpu replay {promoted_summary.run_id}" in words(render_report(promoted_summary))


def test_what_is_left_out_is_counted(many_observables: RunSummary) -> None:
    text = words(render_report(many_observables))
    assert "6 more observables stand in the table only" in text
    assert "1 more measured bases are not shown" in text


def test_a_comparison_with_unknown_parts_shows_them(promoted_summary: RunSummary) -> None:
    comparison = {"verdict": "undecided", "agreement": "none", "cost": None, "hypothesis": "none", "speed_up": 0.5}
    text = words(render_report(promoted_summary.model_copy(update={"comparison": comparison})))
    assert "• undecided" in text
    assert "Speed up 0.5" in text


def test_a_run_that_failed_early_says_what_it_lacks(failed_summary: RunSummary) -> None:
    text = words(render_report(failed_summary))
    for part in ("✗ Failed", "CircuitError", "The run holds no estimates", "The run holds no decision of the gate"):
        assert part in text


def test_a_circuit_that_is_too_large_is_measured_and_not_drawn(failed_summary: RunSummary) -> None:
    circuit = QuantumCircuit(20)
    circuit.h(range(20))
    text = words(render_report(failed_summary, circuit, transpiled=circuit))
    assert "too large for a drawing" in text
    assert "transpiled 20 1 0 20" in text


def test_a_circuit_of_middle_length_is_written_in_characters(failed_summary: RunSummary) -> None:
    circuit = QuantumCircuit(2)
    for _ in range(30):
        circuit.h(0)
        circuit.cx(0, 1)
    page = render_report(failed_summary, circuit)
    assert "■" in page
    assert Outline(page).all("img") == []


def test_a_long_definition_is_cut_and_says_so(failed_summary: RunSummary) -> None:
    definition = {"edges": [[k, k + 1] for k in range(30_000)]}
    experiment = failed_summary.experiment.model_copy(update={"definition": definition})
    page = render_report(failed_summary.model_copy(update={"experiment": experiment}))
    assert "more characters; the record store holds them" in page
    assert len(page) < 400_000


def test_a_report_is_written_with_its_folders(tmp_path: Path, failed_summary: RunSummary) -> None:
    path = write_report(tmp_path / "a" / "b" / "run.html", failed_summary)
    assert path.read_text(encoding="utf-8") == render_report(failed_summary)
    assert [item.name for item in path.parent.iterdir()] == ["run.html"]


def test_a_report_that_cannot_be_placed_leaves_no_draft(tmp_path: Path, failed_summary: RunSummary) -> None:
    (tmp_path / "run.html").mkdir()
    with pytest.raises(OSError, match=r"run\.html"):
        write_report(tmp_path / "run.html", failed_summary)
    assert [item.name for item in tmp_path.iterdir()] == ["run.html"]


def test_a_reader_meets_the_old_page_or_the_new_one(tmp_path: Path, failed_summary: RunSummary) -> None:
    path = write_report(tmp_path / "run.html", failed_summary)
    with path.open(encoding="utf-8") as reader:
        write_report(path, failed_summary.model_copy(update={"error": "another error"}))
        assert "another error" not in reader.read()
    assert "another error" in path.read_text(encoding="utf-8")


def test_importing_the_reports_loads_neither_matplotlib_nor_jinja2() -> None:
    code = (
        "import sys, prefect_qpu.reports\n"
        "print([name for name in ('matplotlib', 'jinja2', 'qiskit') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
