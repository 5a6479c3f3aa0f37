"""Figures are valid, small, the same each time, and draw whatever a run may hold."""

import warnings
from base64 import b64decode
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import inf, nan
from xml.etree import ElementTree as ET

import matplotlib as mpl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib import pyplot as plt
from qiskit import QuantumCircuit

from prefect_qpu.reports import comparison_figure, data_uri
from prefect_qpu.reports.figures import circuit_figure, counts_figure, observable_figure, timeline_figure
from prefect_qpu.reports.figures.circuit import circuit_text
from prefect_qpu.reports.figures.counts import Outcomes, wilson
from prefect_qpu.reports.figures.timeline import Scale, jobs_out
from prefect_qpu.reports.readings import Compared, Reading, compared
from prefect_qpu.reports.style import MARKERS, NARROW, PALETTE, WIDE, drawing, fitted, size_of
from prefect_qpu.summary import RunSummary, SpanSummary

SVG = "{http://www.w3.org/2000/svg}svg"
START = datetime(2026, 1, 1, tzinfo=UTC)


def span(stage: str, begin: float, length: float, source: str = "workflow") -> SpanSummary:
    start, end = (START + timedelta(seconds=moment) for moment in (begin, begin + length))
    return SpanSummary.model_validate({"stage": stage, "start": start, "end": end, "seconds": length, "source": source})


def reading(value: float, stderr: float | None = None, **changes: object) -> Reading:
    fields = {"label": "raw, aer", "method": "raw", "kind": "quantum", "source": "quantum path on aer"} | changes
    return Reading(value=value, stderr=stderr, **fields)


def test_the_comparison_of_every_run_is_an_svg_of_at_most_100_kb(sample) -> None:
    svg = comparison_figure(sample.summary)
    assert ET.fromstring(svg).tag == SVG
    assert len(svg.encode()) <= 100_000


def test_many_observables_with_many_methods_stay_within_the_limit(many_observables: RunSummary) -> None:
    first = many_observables.estimates[0]
    methods = [first.model_copy(update={"method": f"method_{k}_of_many"}) for k in range(12)]
    estimates = [
        item.model_copy(update={"observable": f"observable {k} {'ABCDEFGHIJ' * 3}"})
        for k in range(9)
        for item in methods
    ]
    svg = comparison_figure(many_observables.model_copy(update={"estimates": estimates}))
    assert len(svg.encode()) <= 100_000


def test_a_run_without_estimates_says_so_in_its_figure(failed_summary: RunSummary) -> None:
    assert ET.fromstring(comparison_figure(failed_summary)).tag == SVG


def test_the_same_summary_gives_the_same_bytes(maxcut_summary: RunSummary) -> None:
    assert comparison_figure(maxcut_summary) == comparison_figure(maxcut_summary)


def test_threads_that_draw_at_the_same_time_draw_the_same(promoted_summary: RunSummary) -> None:
    alone = comparison_figure(promoted_summary)
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(comparison_figure, [promoted_summary] * 8))
    assert together == [alone] * 8


def test_a_figure_holds_neither_date_nor_metadata_nor_comments(promoted_summary: RunSummary) -> None:
    svg = comparison_figure(promoted_summary)
    for part in ("<metadata", "<!--", "<!DOCTYPE", "<?xml", "<text"):
        assert part not in svg


def test_a_data_uri_holds_the_svg() -> None:
    assert b64decode(data_uri("<svg>µ</svg>").partition("base64,")[2]).decode() == "<svg>µ</svg>"


@settings(max_examples=25, deadline=None)
@given(
    st.floats(allow_nan=True, allow_infinity=True, width=32),
    st.floats(0, 1e30) | st.sampled_from([nan, inf, 0.0]),
    st.none() | st.floats(allow_nan=True, allow_infinity=True, width=32),
)
def test_any_value_can_be_drawn_or_is_left_out(value: float, stderr: float, exact: float | None) -> None:
    item = Compared("zz", 0, (reading(value, stderr), reading(1.0, 0.1)), exact)
    svg = observable_figure(item)
    assert svg is not None
    assert ET.fromstring(svg).tag == SVG


def test_an_observable_without_a_finite_value_has_no_figure() -> None:
    assert observable_figure(Compared("zz", 0, (reading(nan, 0.1),))) is None


@settings(max_examples=25, deadline=None)
@given(st.text(max_size=80))
def test_any_name_can_be_drawn_without_a_warning(name: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = observable_figure(Compared(name, 0, (reading(0.5, 0.1, label=name),), 1.0))
    assert svg is not None
    assert ET.fromstring(svg).tag == SVG


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(3, 40))
def test_a_fitted_text_is_as_long_as_it_may_be(text: str, longest: int) -> None:
    assert len(fitted(text, longest)) == min(len(text), longest)


def test_a_wide_and_a_narrow_figure_have_their_widths(promoted_summary: RunSummary) -> None:
    wide, narrow = (timeline_figure(promoted_summary.spans, width) for width in (WIDE, NARROW))
    assert wide is not None
    assert narrow is not None
    assert [size_of(svg)[0] for svg in (wide, narrow)] == [691, 346]


def test_each_quantity_has_one_colour_in_every_figure(promoted_summary: RunSummary) -> None:
    item = compared(promoted_summary)[0]
    counts = counts_figure(Outcomes("ZZ", {"00": 5}, {"00": 4, "11": 1}))
    for svg in (observable_figure(item), counts):
        assert svg is not None
        assert PALETTE["quantum"].lower() in svg
        assert PALETTE["ideal"].lower() in svg
    assert set(MARKERS) < set(PALETTE)


def test_settings_are_restored_after_drawing() -> None:
    before = mpl.rcParams["svg.hashsalt"]
    with drawing():
        assert mpl.rcParams["svg.hashsalt"] == "prefect-qpu"
    assert mpl.rcParams["svg.hashsalt"] == before


def test_drawing_leaves_no_figure_in_pyplot(sample) -> None:
    comparison_figure(sample.summary)
    if sample.circuit is not None:
        circuit_figure(sample.circuit)
    assert plt.get_fignums() == []


def test_outcomes_beyond_the_sixteenth_are_pooled_and_no_shot_is_lost() -> None:
    measured = {f"{k:06b}": 64 - k for k in range(60)}
    rows = Outcomes("ZZZZZZ", measured, {}).rows()
    assert len(rows) == 17
    assert rows[-1][0] == "other"
    assert sum(row[1] or 0 for row in rows) == sum(measured.values())


def test_an_outcome_that_may_be_among_the_pooled_ones_is_not_called_zero() -> None:
    rows = {name: measured for name, measured, _ in Outcomes("ZZ", {"00": 5, "other": 2}, {"11": 7}).rows()}
    assert rows == {"00": 5, "11": None, "other": 2}


def test_an_outcome_that_did_not_come_is_called_zero() -> None:
    assert ("11", 0, 7) in Outcomes("ZZ", {"00": 5}, {"11": 7}).rows()


def test_few_qubits_are_shown_in_order_and_many_by_frequency() -> None:
    few = Outcomes("ZZ", {"11": 9, "00": 1, "10": 4}, {}).rows()
    many = Outcomes("ZZZZZ", {"11111": 9, "00000": 1, "10000": 4}, {}).rows()
    assert [row[0] for row in few] == ["00", "10", "11"]
    assert [row[0] for row in many] == ["11111", "10000", "00000"]


def test_no_counts_give_no_figure() -> None:
    assert counts_figure(Outcomes("ZZ", {}, {})) is None


@given(st.integers(1, 10**6).flatmap(lambda shots: st.tuples(st.integers(0, shots), st.just(shots))))
def test_a_binomial_interval_holds_the_observed_share(pair: tuple[int, int]) -> None:
    low, high = wilson(*pair)
    assert 0 <= low <= pair[0] / pair[1] + 1e-12
    assert pair[0] / pair[1] - 1e-12 <= high <= 1


@given(st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
def test_the_time_axis_keeps_the_order_of_moments(moments: list[float]) -> None:
    scale = Scale.of([0.0, *moments])
    places = [scale.place(moment) for moment in sorted(moments)]
    assert all(first <= second + 1e-9 for first, second in pairwise(places))


def test_a_queue_of_hours_is_cut_and_the_short_stages_stay_visible() -> None:
    scale = Scale.of([0, 0, 2, 2, 10_802, 10_802, 10_805])
    assert scale.cut == (2, 10_802)
    assert scale.place(2) / scale.length > 0.25


@pytest.mark.parametrize("length", [0.0, 5e-6, 0.05, 3.0, 10_800.0, 400_000.0])
def test_spans_of_any_length_can_be_drawn(length: float) -> None:
    spans = [span("encode", 0, length / 3), span("queue", length / 3, length / 2, "provider"), span("wait", 0, length)]
    svg = timeline_figure(spans)
    assert svg is not None
    assert ET.fromstring(svg).tag == SVG


def test_a_simulation_inside_the_smoke_test_is_not_the_job() -> None:
    job = span("execution", 6, 2, "provider")
    simulation = span("execution", 1, 2, "provider").model_copy(update={"role": "smoke-ideal"})
    spans = [span("smoke_test", 0, 4), simulation, span("submit", 5, 1), job]
    assert jobs_out(spans) == [job]


def test_no_spans_give_no_time_line() -> None:
    assert timeline_figure([]) is None


def test_a_small_circuit_is_drawn_the_same_each_time() -> None:
    pytest.importorskip("pylatexenc")
    circuit = QuantumCircuit(3, global_phase=0.5)
    circuit.h(0)
    circuit.rz(0.3, 1)
    circuit.cx(0, 2)
    svg = circuit_figure(circuit)
    assert svg is not None
    assert svg == circuit_figure(circuit)
    assert ET.fromstring(svg).tag == SVG


def test_a_circuit_that_cannot_be_read_when_drawn_is_not_drawn() -> None:
    wide = QuantumCircuit(13)
    wide.h(range(13))
    long = QuantumCircuit(1)
    for _ in range(121):
        long.x(0)
    assert [circuit_figure(item) for item in (wide, long, QuantumCircuit(2))] == [None, None, None]


def test_a_circuit_can_be_written_in_characters() -> None:
    circuit = QuantumCircuit(2)
    circuit.cx(0, 1)
    assert "■" in circuit_text(circuit)
