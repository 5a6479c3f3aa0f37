"""Commands that read the record store: `runs`, `show`, `report`, `replay` and `db`.

What takes long to import is imported in the commands, so that help and version come at once.
"""

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter
from cyclopts.validators import Number

from prefect_qpu.errors import InputError, StoreError
from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import Json, ReportFolder, RunId, StoreUrl

if TYPE_CHECKING:
    from prefect_qpu.records import RecordStore

database = App(name="db", help="Show or upgrade the schema of the record store.", sort_key=9)


def runs(
    *,
    limit: Annotated[int, Parameter(validator=Number(gte=1), help="How many runs, newest first.")] = 20,
    name: Annotated[str | None, Parameter(help="Only runs of experiments of this name.")] = None,
    store: StoreUrl = None,
    json: Json = False,
) -> None:
    """List the stored runs, newest first."""
    from prefect_qpu.records import RecordStore

    with RecordStore.open(store, create=False) as opened:
        rows = [
            {
                "run_id": row.id,
                "name": row.name,
                "backend": row.backend["name"],
                "outcome": row.outcome or row.state,
                "source": row.source,
                "started_at": row.started_at.isoformat(timespec="seconds"),
            }
            for row in opened.runs.list(limit=limit, name=name)
        ]
    (output.print_json if json else output.print_runs)(rows)


def show(run: RunId, /, *, store: StoreUrl = None, json: Json = False) -> None:
    """Show one run, or one sweep."""
    from prefect_qpu.flows.cli.sweeping import show_sweep
    from prefect_qpu.records import RecordStore
    from prefect_qpu.stages.report import report_path
    from prefect_qpu.summarise import summarise

    with RecordStore.open(store, create=False) as opened:
        run_id = _chosen(opened, run)
        if opened.sweeps.find(run_id) is not None:
            show_sweep(opened, run_id, None, json=json)
            return
        summary = summarise(opened, run_id)
        if json:
            output.print_json(summary.model_dump(mode="json"))
        else:
            output.print_summary(summary, report_path(opened, summary.run_id))


def report(run: RunId, /, *, folder: ReportFolder = None, store: StoreUrl = None) -> None:
    """Write the HTML report of a run, or of a sweep, again, and print its path."""
    from prefect_qpu.flows.cli.starting import check_folder
    from prefect_qpu.flows.cli.sweeping import report_of_sweep
    from prefect_qpu.records import RecordStore
    from prefect_qpu.stages.report import report_of

    with RecordStore.open(store, create=False) as opened:
        run_id = _chosen(opened, run)
        check_folder(folder, "--folder")
        write = report_of if opened.sweeps.find(run_id) is None else report_of_sweep
        output.answer(str(write(opened, run_id, folder)))


def replay(
    run: RunId,
    /,
    *,
    again: Annotated[bool, Parameter(negative="", show_default=False, help="Run the experiment anew instead.")] = False,
    store: StoreUrl = None,
    json: Json = False,
) -> int:
    """Repeat the analysis of a run from the record store alone, and compare.

    With --again, run the experiment anew under its recorded settings, and compare.
    Exit code: 0 if the repeated analysis is identical, else 1; with --again, that of the new run.
    """
    from prefect_qpu.records import RecordStore
    from prefect_qpu.replay import replay as repeat

    with RecordStore.open(store, create=False) as opened:
        run_id = _chosen(opened, run)
        if again:
            code, found = _again(opened, run_id)
        else:
            found = repeat(opened, run_id)
            code = 0 if found["identical"] else 1
    if json:
        output.print_json(found)
    else:
        (output.print_again if again else output.print_replay)(found)
    return code


@database.command(name="current")
def database_current(*, store: StoreUrl = None) -> None:
    """Print the schema revision of the record store."""
    from prefect_qpu.records import current_revision, default_url

    output.answer(str(current_revision(store or default_url())))


@database.command(name="upgrade")
def database_upgrade(*, store: StoreUrl = None) -> None:
    """Bring the schema of the record store up to date, and print its revision."""
    from prefect_qpu.records import default_url, upgrade

    output.answer(upgrade(store or default_url()))


def _chosen(opened: "RecordStore", given: str) -> str:
    """The id of the run that is meant.

    Raises:
        InputError: no run, or several, have an id that begins so.
    """
    try:
        return opened.runs.resolve(given)
    except StoreError as error:
        if error.retryable:
            raise
        expected = "the id of one stored run, or its beginning"
        reason = str(error)
        raise InputError("RUN", given=given, expected=expected, hint=reason[0].upper() + reason[1:]) from error


def _again(opened: "RecordStore", run_id: str) -> tuple[int, dict[str, Any]]:
    """Run a stored experiment anew under its recorded settings; the exit code and both runs side by side."""
    from prefect_qpu.flows.cli.starting import start
    from prefect_qpu.replay import difference

    before = opened.runs.get(run_id)
    experiment = opened.experiments.get(before.experiment_hash)
    if experiment.seed is None:
        experiment = experiment.changed(seed=before.seeds["experiment"])
    with redirect_stdout(sys.stderr):
        code, again = start(opened, experiment)
    rows = difference(opened.runs.estimates(before.id), opened.runs.estimates(again))
    identical = bool(rows) and all(row["identical"] for row in rows)
    return code, {"run_id": before.id, "again": again, "identical": identical, "estimates": rows}
