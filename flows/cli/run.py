"""Commands about an experiment file: `run`, `validate` and `schema`.

What takes long to import is imported in the commands, so that help and version come at once.
"""

import sys
from contextlib import redirect_stdout
from typing import Annotated, Literal

from cyclopts import Parameter

from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.options import BackendName, ExperimentFile, Json, ReportFolder, Settings, StoreUrl


def run(
    file: ExperimentFile,
    /,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    backend: BackendName = None,
    store: StoreUrl = None,
    report_folder: ReportFolder = None,
    json: Json = False,
) -> int:
    """Run an experiment and print its summary.

    Uses the Prefect server that PREFECT_API_URL names, or an embedded one.
    Exit code: 0 an answer, 1 failed, 2 bad input, 3 held, or rejected without fallback.
    """
    from prefect_qpu.flows.cli.starting import check, check_folder, start
    from prefect_qpu.loading import read_experiment
    from prefect_qpu.records import RecordStore
    from prefect_qpu.stages.report import report_path
    from prefect_qpu.summarise import summarise

    with redirect_stdout(sys.stderr):
        experiment = read_experiment(file, settings, backend=backend)
        check(experiment)
        check_folder(report_folder, "--report-folder")
    with RecordStore.open(store) as opened:
        with redirect_stdout(sys.stderr):
            code, run_id = start(opened, experiment, report_folder)
        summary = summarise(opened, run_id)
        if json:
            output.print_json(summary.model_dump(mode="json"))
        else:
            output.print_summary(summary, report_path(opened, run_id, report_folder))
    return code


def validate(
    file: ExperimentFile,
    /,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    backend: BackendName = None,
    json: Json = False,
) -> None:
    """Check an experiment file without running it, and print its hash and size."""
    from prefect_qpu.flows.cli.starting import check
    from prefect_qpu.loading import read_experiment

    with redirect_stdout(sys.stderr):
        experiment = read_experiment(file, settings, backend=backend)
        size = check(experiment)
    found = {"name": experiment.name, "hash": experiment.hash, **size}
    if json:
        output.print_json({"valid": True, **found})
    else:
        output.print_facts(f"{file} is valid", found)


def schema(
    what: Annotated[
        Literal["experiment", "sweep", "run"], Parameter(help="Of an experiment file, of a sweep file, or of a run.")
    ],
    /,
) -> None:
    """Print the JSON schema of an experiment file, of a sweep file, or of what `run --json` prints."""
    from prefect_qpu.documentation import documented_schema

    if what == "run":
        from prefect_qpu.summary import RunSummary

        output.print_json(documented_schema(RunSummary, "serialization"))
    elif what == "sweep":
        from prefect_qpu.sweeps.definition import Sweep

        output.print_json(documented_schema(Sweep, "validation"))
    else:
        from prefect_qpu.experiment import Experiment

        output.print_json(documented_schema(Experiment, "validation"))
