"""Commands that read the record store: `runs`, `show`, `report`, `replay`, `schema` and `db`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, Parameter

from prefect_qpu import replay as replaying
from prefect_qpu.experiment import Experiment
from prefect_qpu.flows.cli.output import note, print_json, print_summary
from prefect_qpu.flows.cli.run import Json, StoreUrl, start
from prefect_qpu.records import RecordStore, default_url
from prefect_qpu.records.migrate import current_revision, upgrade
from prefect_qpu.stages.report import report_of, report_path
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary

database = App(help="The record store's schema.")


def runs(
    *,
    limit: Annotated[int, Parameter(help="How many runs, newest first.")] = 20,
    name: Annotated[str | None, Parameter(help="Only runs of experiments of this name.")] = None,
    store: StoreUrl = None,
    json: Json = False,
) -> None:
    """List the stored runs."""
    with RecordStore.open(store) as opened:
        rows = [
            {
                "run_id": row.id,
                "name": opened.experiments.document(row.experiment_hash)["name"],
                "backend": row.backend["name"],
                "outcome": row.outcome or row.state,
                "source": row.source,
                "started_at": row.started_at.isoformat(timespec="seconds"),
            }
            for row in opened.runs.list(limit=limit, name=name)
        ]
    if json:
        print_json(rows)
    else:
        _print_runs(rows)


def show(run: str, *, store: StoreUrl = None, json: Json = False) -> None:
    """Show one run; a unique beginning of its id is enough."""
    with RecordStore.open(store) as opened:
        summary = summarise(opened, run)
        if json:
            print_json(summary.model_dump(mode="json"))
        else:
            print_summary(summary, report_path(opened, summary.run_id))


def report(
    run: str,
    *,
    folder: Annotated[Path | None, Parameter(help="Where to write; else beside the record store.")] = None,
    store: StoreUrl = None,
) -> None:
    """Write the HTML report of a run again, and print its path."""
    with RecordStore.open(store) as opened:
        note(str(report_of(opened, run, folder)), error=False)


def replay(
    run: str,
    *,
    again: Annotated[bool, Parameter(negative="", help="Run the experiment anew and compare.")] = False,
    store: StoreUrl = None,
    json: Json = False,
) -> int:
    """Repeat the analysis of a run from the store alone; with --again, run it anew under its recorded settings."""
    with RecordStore.open(store) as opened:
        if again:
            code, found = _again(opened, run)
        else:
            found = replaying.replay(opened, run)
            code = 0 if found["identical"] else 1
    if json:
        print_json(found)
    else:
        (_print_again if again else _print_replay)(found)
    return code


def schema(what: Literal["experiment", "run"]) -> None:
    """Print the JSON schema of an experiment file or of a run summary."""
    model = Experiment if what == "experiment" else RunSummary
    print_json(model.model_json_schema(mode="validation" if what == "experiment" else "serialization"))


@database.command(name="upgrade")
def database_upgrade(*, store: StoreUrl = None) -> None:
    """Bring the record store's schema up to date."""
    note(upgrade(store or default_url()), error=False)


@database.command(name="current")
def database_current(*, store: StoreUrl = None) -> None:
    """Print the schema revision of the record store."""
    note(str(current_revision(store or default_url())), error=False)


def _again(opened: RecordStore, run: str) -> tuple[int, dict[str, Any]]:
    """Run a stored experiment anew under its recorded settings; the exit code and both runs side by side."""
    before = opened.runs.get(run)
    experiment = opened.experiments.get(before.experiment_hash)
    if experiment.seed is None:
        experiment = experiment.changed(seed=before.seeds["experiment"])
    code, run_id = start(opened, experiment)
    rows = replaying.difference(opened.runs.estimates(before.id), opened.runs.estimates(run_id))
    identical = bool(rows) and all(row["identical"] for row in rows)
    return code, {"run_id": before.id, "again": run_id, "identical": identical, "estimates": rows}


def _print_again(found: Mapping[str, Any]) -> None:
    note(f"{found['run_id']} and {found['again']}", error=False)
    for row in found["estimates"]:
        first, second = row["values"]
        note(
            f"  {row['method']} {row['observable']}: {first:.6g} and {second:.6g}, "
            f"{row['standard_errors']:+.2f} standard errors apart",
            error=False,
        )


def _print_replay(found: Mapping[str, Any]) -> None:
    for row in found["estimates"]:
        same = "identical" if row["identical"] else f"stored {row['stored']}"
        value = f"{row['value']!r} ± {row['stderr']!r}"
        note(f"{row['source']}  {row['method']}  {row['observable']}: {value}  {same}", error=False)


def _print_runs(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(*(rows[0] if rows else ["no runs"]), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(str(value or "") for value in row.values()))
    Console(soft_wrap=True).print(table)
