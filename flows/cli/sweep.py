"""Commands about sweeps: `sweep`, `points` and `remeasure`.

What takes long to import is imported in the commands, so that help and version come at once.
"""

import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import Json, ReportFolder, Settings, StoreUrl

SweepFile = Annotated[Path, Parameter(help="Sweep in YAML or JSON.")]
SweepName = Annotated[str, Parameter(help="Name of a stored sweep, or the first characters of its hash or its run.")]


def sweep(
    file: SweepFile,
    /,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    plan_only: Annotated[
        bool, Parameter(negative="", show_default=False, help="Print the plan, and buy nothing.")
    ] = False,
    fresh: Annotated[
        bool, Parameter(negative="", show_default=False, help="Measure points again that were measured before.")
    ] = False,
    runner: Annotated[
        Literal["here", "threads", "processes", "dask"], Parameter(help="Where jobs are driven, and simulations run.")
    ] = "here",
    store: StoreUrl = None,
    report_folder: ReportFolder = None,
    json: Json = False,
) -> int:
    """Measure an experiment at many points and print a summary.

    A sweep that was cut off goes on; points that are in the record store are not bought again. If all of them are
    there, the store answers at once: no server is started or asked, and there is no new flow run.
    Exit code: 0 all points have their values, 1 points failed, 2 bad input, 3 held.
    """
    from prefect_qpu.flows.cli.starting import check_folder
    from prefect_qpu.flows.cli.sweeping import answer_sweep, planned_document, print_sweep, run_sweep
    from prefect_qpu.records import RecordStore
    from prefect_qpu.sweeps.definition import read_sweep

    with redirect_stdout(sys.stderr):
        swept = read_sweep(file, settings)
        check_folder(report_folder, "--report-folder")
    with RecordStore.open(store) as opened:
        with redirect_stdout(sys.stderr):
            code, found = 0, None
            if plan_only:
                found = planned_document(opened, swept, fresh=fresh)
            elif not fresh:
                found = answer_sweep(opened, swept, report_folder)
            if found is None:
                code, found = run_sweep(opened, file, settings, report_folder, fresh=fresh, runner=runner)
        print_sweep(swept.name, found, json=json)
    return code


def points(
    sweep: SweepName,
    /,
    *,
    format: Annotated[Literal["csv", "parquet", "json"], Parameter(help="Form of the table.")] = "csv",  # noqa: A002
    out: Annotated[Path | None, Parameter(help="File to write; else standard output.")] = None,
    store: StoreUrl = None,
) -> None:
    """Print all points of a sweep as a tidy table: a row for each point, method and observable."""
    from prefect_qpu.errors import InputError
    from prefect_qpu.records import RecordStore
    from prefect_qpu.sweeps.frame import frame

    if format == "parquet" and out is None:
        raise InputError("--out", given=None, expected="a file, for Parquet is not text")
    with RecordStore.open(store, create=False) as opened:
        table = frame(opened, sweep)
    if format == "parquet":
        table.to_parquet(out)
        return
    text = table.to_csv(index=False) if format == "csv" else table.to_json(orient="records", indent=1) + "\n"
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


def remeasure(
    sweep: SweepName,
    point: Annotated[str, Parameter(help="Number of the point, or the beginning of its key.")],
    /,
    *,
    store: StoreUrl = None,
    json: Json = False,
) -> int:
    """Measure one point of a sweep again under the same conditions, and print both results.

    Exit code: 0 if all values agree within their errors (5 standard errors), else 1.
    """
    from prefect_qpu.flows.cli.sweeping import rerun
    from prefect_qpu.records import RecordStore

    with RecordStore.open(store, create=False) as opened, redirect_stdout(sys.stderr):
        found: dict[str, Any] = rerun(opened, sweep, point)
    if json:
        output.print_json(found)
    else:
        output.print_point(found)
    return 0 if found["agrees"] else 1
