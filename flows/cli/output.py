"""What the command line prints: answers to standard output, everything else to standard error."""

import json
import sys
from pathlib import Path
from typing import Any

from prefect_qpu.summary import RunSummary


def print_json(data: Any) -> None:
    """Print JSON data and nothing else."""
    sys.stdout.write(json.dumps(data, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def note(text: str, *, error: bool = True) -> None:
    """Print a line for people, to standard error unless it is the answer."""
    (sys.stderr if error else sys.stdout).write(text + "\n")


def complain(error: Exception) -> None:
    """Print an error as one message."""
    note(f"error: {error}")


def print_summary(summary: RunSummary, page: Path) -> None:
    """Print a run for people: outcome, estimates, verdict, costs, and where the report is."""
    from rich.console import Console

    console = Console(soft_wrap=True)
    simulated = ", a simulator" if summary.backend.simulator else ""
    console.print(
        f"[bold]{summary.experiment.name}[/]  {(summary.outcome or summary.state).upper()}  "
        f"on {summary.backend.name}{simulated}; answer from {summary.source or 'nowhere'}",
        highlight=False,
    )
    if summary.decision:
        console.print(f"gate: {summary.decision.outcome}: {summary.decision.reason}", highlight=False)
    if summary.estimates:
        console.print(_estimates(summary))
    if summary.comparison:
        console.print(f"verdict: {summary.comparison['verdict']}: {summary.comparison['reason']}", highlight=False)
        hypothesis = summary.comparison["hypothesis"]
        console.print(f"hypothesis: {hypothesis['verdict']}: {hypothesis['reason']}", highlight=False)
    console.print(f"run:    {summary.run_id}\nreport: {page}", highlight=False)


def _estimates(summary: RunSummary) -> Any:
    from rich.table import Table

    table = Table("observable", "method", "source", "value", "exact", "shots", box=None, pad_edge=False)
    for item in summary.estimates:
        table.add_row(
            item.observable,
            item.method,
            item.source,
            f"{item.value:.5f} ± {item.stderr:.5f}",
            "" if item.exact is None else f"{item.exact:.5f}",
            str(item.shots),
        )
    return table
