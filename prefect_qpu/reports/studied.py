"""A mitigation benchmark for people: a table artifact, markdown, and a page of its own."""

from collections.abc import Mapping, Sequence
from math import isfinite
from pathlib import Path

from prefect_qpu.mitigation_study import Finding
from prefect_qpu.reports.markdown import table_markdown, text_markdown
from prefect_qpu.reports.pages import template, write_page
from prefect_qpu.reports.tables import Cell, Table, table
from prefect_qpu.reports.units import count, number, seconds

COLUMNS = (
    "backend",
    "observable",
    "method",
    "error (rms)",
    "error reduction",
    "bias",
    "spread between seeds",
    "claimed error",
    "circuits",
    "shots",
    "shots of raw",
    "time",
    "flagged",
    "verdict",
)
_WHICH = ("backend", "observable", "method")
_BRINGS = ("error (rms)", "error reduction", "bias", "spread between seeds", "claimed error")
_COSTS = ("circuits", "shots", "shots of raw", "time", "flagged")
_NOTE = (
    "Intervals of 90 %: of the error reduction by a bootstrap over seeds, of the bias by Student's t, of the spread by "
    "the chi-square distribution. Error reduction: root mean square error of raw values divided by that of the method. "
    "Methods of one run share its job and its calibration."
)


def study_rows(findings: Sequence[Finding]) -> list[dict[str, str]]:
    """One row of text for each finding, as a table artifact holds them."""
    return [dict(zip(COLUMNS, _cells(item), strict=True)) for item in findings]


def study_markdown(name: str, findings: Sequence[Finding], refused: Mapping[str, str]) -> str:
    """The findings as markdown, with the methods that refused."""
    table = table_markdown(COLUMNS, map(_cells, findings))
    reasons = [f"- {text_markdown(label)}: {text_markdown(reason)}" for label, reason in refused.items()]
    parts = [f"# {text_markdown(name)}: mitigation benchmark", _seeds(findings), table, _NOTE]
    return "\n\n".join([*parts, *(["## Refused methods", "\n".join(reasons)] if reasons else [])])


def write_study(path: Path, name: str, findings: Sequence[Finding], refused: Mapping[str, str]) -> Path:
    """The path, where a page with the findings now stands that needs nothing else.

    Raises:
        OSError: the page cannot be written there.
    """
    return write_page(path, _page(name, findings, refused))


def _page(name: str, findings: Sequence[Finding], refused: Mapping[str, str]) -> str:
    return template("study_page.html").render(
        name=name,
        seeds=_seeds(findings),
        brings=_table("What each method brings", (*_WHICH, *_BRINGS, "verdict"), findings, _NOTE),
        costs=_table("What it costs", (*_WHICH, *_COSTS), findings, ""),
        refused=list(refused.items()),
    )


def _table(caption: str, chosen: Sequence[str], findings: Sequence[Finding], note: str) -> Table:
    head = [column.capitalize() if column in (*_WHICH, "verdict") else f"#{column.capitalize()}" for column in chosen]
    rows = [[Cell(row[column], whole=column in _WHICH) for column in chosen] for row in study_rows(findings)]
    return table(caption, head, rows, note)


def _seeds(findings: Sequence[Finding]) -> str:
    most = max((item.seeds for item in findings), default=0)
    backends = len({item.backend for item in findings})
    return f"{most} seed{'s' * (most != 1)} on {backends} backend{'s' * (backends != 1)}."


def _cells(item: Finding) -> tuple[str, ...]:
    return (
        item.backend,
        item.observable,
        item.method,
        _number(item.error),
        _with(item.reduction, item.reduction_interval),
        _with(item.bias, item.bias_interval),
        _with(item.spread, item.spread_interval),
        _number(item.stderr),
        count(item.circuits),
        count(item.shots),
        _number(item.shots_of_raw),
        seconds(item.seconds),
        f"{100 * item.flagged:.0f} %",
        "" if item.method == "raw" else item.worth,
    )


def _number(value: float) -> str:
    return number(value, 3) if isfinite(value) else ""


def _with(value: float, bounds: tuple[float, float]) -> str:
    if not isfinite(value):
        return ""
    return (
        f"{number(value, 3)} [{number(bounds[0], 3)}, {number(bounds[1], 3)}]"
        if all(map(isfinite, bounds))
        else number(value, 3)
    )
