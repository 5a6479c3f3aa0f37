"""What the command line prints: answers to standard output, everything else to standard error."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

    from prefect_qpu.summary import RunSummary

_UNLIMITED = 10_000
_LONGEST = len("two qubit gates")
_SHORT_ID = 8
_MINUTES = len("2026-01-31T12:00")


def print_json(data: Any) -> None:
    """Print JSON data and nothing else."""
    answer(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False))


def answer(line: str) -> None:
    """Print a line that is what was asked for."""
    sys.stdout.write(line + "\n")


def note(line: str) -> None:
    """Print a line that tells people what is going on."""
    sys.stderr.write(line + "\n")


def complain(error: Exception | str) -> None:
    """Print an error as one message."""
    note(f"error: {error}")


def print_facts(title: str, facts: Mapping[str, Any]) -> None:
    """Print named values under a title."""
    answer(title)
    for name, value in facts.items():
        answer(f"  {name.replace('_', ' '):<{_LONGEST}}  {value}")


def print_summary(summary: "RunSummary", page: Path) -> None:
    """Print a run for people: outcome, estimates, verdict, and where the report is."""
    from prefect_qpu.reports.labels import answer as answer_of
    from prefect_qpu.reports.labels import outcome

    badge = outcome(summary)
    answer(f"{badge.mark} {summary.experiment.name}: {badge.word.lower()}")
    _print_pairs([("answer", answer_of(summary)), *_path(summary)])
    if summary.estimates:
        answer("")
        print_table(("observable", "method", "value", "exact", "shots"), _estimates(summary), right=("shots",))
        answer("")
    _print_pairs([*_verdicts(summary), ("run", summary.run_id)])
    # A path is never broken, so that it can be opened.
    answer(f"  report      {page}")


def print_runs(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print one line for each stored run."""
    if not rows:
        answer("no runs")
        return
    headings = ("run", "experiment", "backend", "outcome", "answer", "started (UTC)")
    print_table(headings, [[str(value or "") for value in _short(row).values()] for row in rows])


def print_replay(found: Mapping[str, Any]) -> None:
    """Print a repeated analysis beside the stored one."""
    rows = []
    for row in found["estimates"]:
        stored = row["stored"] and _value(row["stored"]["value"], row["stored"]["stderr"])
        same = "identical" if row["identical"] else f"stored: {stored or 'nothing'}"
        rows.append([row["source"], row["method"], row["observable"], _value(row["value"], row["stderr"]), same])
    print_table(("source", "method", "observable", "value", "compared"), rows)
    answer(f"{found['run_id']}: {'identical to the last bit' if found['identical'] else 'NOT identical'}")


def print_estimates(estimates: Mapping[str, Mapping[str, Any]]) -> None:
    """Print estimates by method and observable, one line for each point."""
    rows = [
        [
            label,
            name,
            _value(value, stderr),
            "" if systematic is None else f"{systematic:.5f}",
            str(item["shots"]),
            "; ".join(item["flags"]),
        ]
        for label, by_observable in estimates.items()
        for name, item in by_observable.items()
        for value, stderr, systematic in _points(item)
    ]
    print_table(("method", "observable", "value", "systematic", "shots", "caution"), rows, right=("shots",))


def print_study(found: Sequence[Mapping[str, Any]]) -> None:
    """Print what each mitigation method is worth, and what it takes, one line for each backend and observable."""
    rows = [
        [
            *(item[key] for key in ("backend", "observable", "method")),
            _number(item["error"]),
            _number(item["reduction"], item["reduction_interval"]),
            _number(item["spread"]),
            _number(item["shots_of_raw"]),
            str(item["circuits"]),
            f"{100 * item['flagged']:.0f} %",
            item["worth"],
        ]
        for item in found
    ]
    headings = (
        *("backend", "observable", "method", "error", "error reduction", "spread", "shots of raw", "circuits"),
        *("flagged", "verdict"),
    )
    print_table(headings, rows, right=headings[3:9])


def _number(value: float | None, interval: Sequence[float | None] = ()) -> str:
    """A number with its interval; a dash where it is not known."""
    if value is None:
        return "-"
    ends = [f"{end:.3g}" for end in interval if end is not None]
    return f"{value:.3g}" + (f" [{', '.join(ends)}]" if len(ends) == 2 else "")


def print_again(found: Mapping[str, Any]) -> None:
    """Print the estimates of two runs side by side."""
    rows = [
        [
            row["method"],
            row["observable"],
            *(f"{value:.6g}" for value in row["values"]),
            f"{row['standard_errors']:+.2f}",
        ]
        for row in found["estimates"]
    ]
    headings = ("method", "observable", "before", "again", "standard errors apart")
    print_table(headings, rows, right=headings[2:])
    answer(f"before: {found['run_id']}\nagain:  {found['again']}")


def print_point(found: Mapping[str, Any]) -> None:
    """Print a point of a sweep before and again."""
    rows = [
        [
            row["method"],
            row["observable"],
            _value(*row["before"]),
            _value(*row["again"]),
            f"{row['standard_errors']:+.2f}",
        ]
        for row in found["estimates"]
    ]
    headings = ("method", "observable", "before", "again", "standard errors apart")
    print_table(headings, rows, right=headings[4:])
    answer(f"point {found['point']}, {found['key']}: {'they agree' if found['agrees'] else 'they DISAGREE'}")


def _points(item: Mapping[str, Any]) -> Iterable[tuple[float, float, float | None]]:
    """Value, standard error and systematic error of each point of an estimate as JSON data."""
    columns = [_flat(item[key]) for key in ("value", "stderr", "systematic")]
    return zip(
        *(column if len(column) == len(columns[0]) else [None] * len(columns[0]) for column in columns), strict=True
    )


def _flat(values: Any) -> list[Any]:
    return [leaf for value in values for leaf in _flat(value)] if isinstance(values, list) else [values]


def _short(row: Mapping[str, Any]) -> Mapping[str, Any]:
    """A run in one line of a terminal."""
    return {**row, "run_id": row["run_id"][:_SHORT_ID], "started_at": row["started_at"][:_MINUTES].replace("T", " ")}


def _path(summary: "RunSummary") -> Iterable[tuple[str, str]]:
    if summary.source != "quantum":
        yield "backend", summary.backend.name + (", a simulator" if summary.backend.simulator else "")
    if summary.decision:
        yield "gate", f"{summary.decision.outcome}: {summary.decision.reason}"
    if summary.error:
        yield "error", summary.error


def _verdicts(summary: "RunSummary") -> Iterable[tuple[str, str]]:
    if summary.answer:
        yield "solution", f"{summary.answer['solution']} with value {summary.answer['value']:g}"
    if summary.comparison:
        hypothesis = summary.comparison["hypothesis"]
        yield "verdict", f"{summary.comparison['verdict']}: {summary.comparison['reason']}"
        yield "hypothesis", f"{hypothesis['verdict']}: {hypothesis['reason']}"


def _estimates(summary: "RunSummary") -> list[list[str]]:
    return [
        [
            item.observable,
            item.method,
            _value(item.value, item.stderr),
            "" if item.exact is None else f"{item.exact:.5f}",
            str(item.shots),
        ]
        for item in summary.estimates
    ]


def _value(value: float, stderr: float) -> str:
    return f"{value:.5f} ± {stderr:.5f}"


def _print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns; a long value goes on under itself."""
    from rich.table import Table

    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(min_width=10, no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in pairs:
        table.add_row(name, value)
    _print(table)


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]], *, right: Sequence[str] = ()) -> None:
    """Print rows under headings; the numbers of some columns stand to the right."""
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in right else "left", overflow="fold")
    for row in rows:
        table.add_row(*row)
    _print(table)


def _print(table: Any) -> None:
    """Print a table, indented, without the spaces that fill its last column."""
    from rich.padding import Padding

    console = _console()
    with console.capture() as captured:
        console.print(Padding(table, (0, 0, 0, 2), expand=False))
    for line in captured.get().splitlines():
        answer(line.rstrip())


def _console() -> "Console":
    """Of the terminal's width; elsewhere lines are not broken, so that they can be searched."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else _UNLIMITED, markup=False, highlight=False, emoji=False)
