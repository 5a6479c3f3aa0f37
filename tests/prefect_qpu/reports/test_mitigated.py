"""What the page shows of mitigation, from a run that really executed."""

import re

import pytest

from prefect_qpu.jobs import complete
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.reports import render_report
from prefect_qpu.reports.figures import confusion_figure, extrapolation_figure
from prefect_qpu.reports.markdown import comparison_markdown
from prefect_qpu.reports.mitigated import Confusion, confusion, extrapolations, methods_table, refused_table
from prefect_qpu.reports.style import NARROW, WIDE, size_of
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import job_roles, mitigate, submit
from prefect_qpu.stages.smoke_test import smoke_test
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary
from tests.experiments import ghz

THREE = {"method": "zne", "name": "three", "options": {"fit": ["exponential", "linear", "richardson"]}}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> RunSummary:
    folder = tmp_path_factory.mktemp("mitigated")
    experiment = ghz(mitigation=["raw", "readout", THREE, "decoupling", "ibm_dd"])
    with RecordStore.open(f"sqlite:///{folder}/records.db") as store:
        run = open_run(store, experiment, AerProvider(experiment.backend))  # type: ignore[arg-type]
        smoke_test(run)
        for (role,) in job_roles(run):
            submit(run, role)
            complete(run, role)
        mitigate(run)
        return summarise(store, run.id)


def test_each_extrapolation_has_its_points_curves_errors_and_the_exact_value(summary: RunSummary) -> None:
    parity = next(item for item in extrapolations(summary) if item.title == "parity, three")
    assert parity.scales[0] == 1
    assert len(parity.measured) == 3
    assert [curve.fit for curve in parity.curves] == ["exponential", "linear", "richardson"]
    assert parity.curves[0].value == parity.value
    assert parity.exact == pytest.approx(1)
    assert parity.systematic is not None


def test_the_confusion_is_that_of_the_device_by_physical_qubit(summary: RunSummary) -> None:
    known = confusion(summary)
    assert known is not None
    assert len(set(known.qubits)) == 4
    calibration = AerProvider(ghz().backend).target()["measure"]  # type: ignore[arg-type]
    for qubit, one, zero in zip(known.qubits, known.reads_one, known.reads_zero, strict=True):
        assert one == pytest.approx(calibration[(qubit,)].error, abs=0.02)
        assert zero == pytest.approx(calibration[(qubit,)].error, abs=0.02)


def test_the_page_shows_pictures_costs_reasons_and_cautions(summary: RunSummary) -> None:
    page = render_report(summary)
    assert page.count('alt="parity, three: ') == 1
    assert 'alt="Chance to read 1 for 0, and 0 for 1: qubit ' in page
    assert "Predicted at most" in page
    assert "it is an option of IBM Quantum&#39;s sampler" in page
    assert "not shown to be better than raw" in page


def test_the_artifact_names_reasons_and_cautions(summary: RunSummary) -> None:
    text = comparison_markdown(summary)
    assert re.search(r"\| ibm_dd \| it is an option of IBM Quantum's sampler", text)
    assert "not shown to be better than raw: moved by" in text


def test_every_method_has_one_row_of_costs(summary: RunSummary) -> None:
    assert [row[0].text for row in methods_table(summary).rows] == ["decoupling", "raw", "readout", "three"]
    assert [row[0].text for row in refused_table(summary).rows] == ["ibm_dd"]


def test_figures_have_the_width_that_was_asked_for_and_repeat_to_the_last_byte(summary: RunSummary) -> None:
    item, known = extrapolations(summary)[0], confusion(summary)
    assert known is not None
    for width in (NARROW, WIDE):
        for figure in (extrapolation_figure(item, width), confusion_figure(known, width)):
            assert size_of(figure)[0] == pytest.approx(96 * width, abs=2)
    assert extrapolation_figure(item) == extrapolation_figure(item)


def test_many_qubits_stand_in_rows() -> None:
    many = Confusion(tuple(range(20)), (0.01,) * 20, (0.02,) * 20)
    few = Confusion(tuple(range(8)), (0.01,) * 8, (0.02,) * 8)
    assert size_of(confusion_figure(many))[1] > 2 * size_of(confusion_figure(few))[1]


def test_a_run_without_mitigation_has_no_such_section(promoted_summary: RunSummary) -> None:
    assert extrapolations(promoted_summary) == []
    assert confusion(promoted_summary) is None
