"""Stage `report`: the HTML page of a run."""

from pathlib import Path

from prefect_qpu.records import RecordStore
from prefect_qpu.reports import comparison_figure, write_report
from prefect_qpu.run import Run
from prefect_qpu.summarise import summarise


def report(run: Run, folder: Path | None = None) -> Path:
    """Path of the page that was written."""
    return report_of(run.store, run.id, folder)


def figure(run: Run) -> str:
    """The estimates of a run by method and source, as SVG text of at most 100 kB."""
    return comparison_figure(summarise(run.store, run.id))


def report_of(store: RecordStore, run_id: str, folder: Path | None = None) -> Path:
    """Path of the page of any stored run.

    Args:
        store: The record store.
        run_id: The run.
        folder: Where to write; none means ``reports`` beside the record store.
    """
    summary = summarise(store, run_id)
    circuits = summary.circuits
    return write_report(
        report_path(store, summary.run_id, folder),
        summary,
        store.circuits.get(circuits[0].before.hash) if circuits else None,
        transpiled=store.circuits.get(circuits[0].after.hash) if circuits and circuits[0].after else None,
    )


def report_path(store: RecordStore, run_id: str, folder: Path | None = None) -> Path:
    """Where the page of a run is."""
    return (folder or store.folder / "reports") / f"{run_id}.html"
