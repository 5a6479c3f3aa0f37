"""Commands that read an experiment file: `run` and `validate`."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from prefect_qpu.errors import InputError, RunFailedError
from prefect_qpu.experiment import AerBackendSpec, Experiment
from prefect_qpu.flows.cli.output import note, print_json, print_summary
from prefect_qpu.loading import read_experiment
from prefect_qpu.preflight import preflight
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.stages.report import report_path
from prefect_qpu.summarise import summarise

if TYPE_CHECKING:
    from prefect.states import State

CODES = {"Promoted": 0, "Fallback": 0, "Held": 3, "Rejected": 3}

Settings = Annotated[list[str], Parameter(name="--set", negative="", help="dotted.key=value; may be repeated.")]
BackendName = Annotated[
    str | None, Parameter(help="A fake device, 'aer' for an ideal simulator, or <block type>/<block name>.")
]
StoreUrl = Annotated[str | None, Parameter(help="URL of the record store; else PREFECT_QPU_STORE or the default file.")]
Json = Annotated[bool, Parameter(negative="", help="Print JSON and nothing else.")]


def run(
    file: Path,
    *,
    settings: Settings = [],  # noqa: B006 - read only
    backend: BackendName = None,
    store: StoreUrl = None,
    report_folder: Annotated[Path | None, Parameter(help="Where the HTML report is written.")] = None,
    json: Json = False,
) -> int:
    """Run an experiment and print its summary.

    Uses the Prefect server that is configured, or an embedded one.
    """
    experiment = read_experiment(file, settings, backend=backend)
    check(experiment)
    with RecordStore.open(store) as opened:
        code, run_id = start(opened, experiment, report_folder)
        summary = summarise(opened, run_id)
        if json:
            print_json(summary.model_dump(mode="json"))
        else:
            print_summary(summary, report_path(opened, run_id, report_folder))
    return code


def validate(
    file: Path, *, settings: Settings = [], backend: BackendName = None, json: Json = False  # noqa: B006 - read only
) -> None:
    """Check an experiment file without running it, and print its hash and size."""
    experiment = read_experiment(file, settings, backend=backend)
    found: dict[str, Any] = {"name": experiment.name, "hash": experiment.hash} | check(experiment)
    if json:
        print_json({"valid": True, **found})
    else:
        note(f"{file} is valid", error=False)
        for key, value in found.items():
            note(f"  {key}: {value}", error=False)


def check(experiment: Experiment) -> dict[str, int]:
    """Size of an experiment that may start; blocks are not resolved here."""
    spec = experiment.backend if isinstance(experiment.backend, AerBackendSpec) else AerBackendSpec()
    return preflight(experiment, AerProvider(spec))


def start(store: RecordStore, experiment: Experiment, folder: Path | None = None) -> tuple[int, str]:
    """Run an experiment in this process; the exit code and the run's id.

    Raises:
        InputError: the experiment, or a block that it names, is not valid.
        RunFailedError: the run failed.
    """
    reference = store.experiments.add(experiment)
    os.environ["PREFECT_QPU_STORE"] = store.url
    state = _flow_run(reference, folder)
    if state.name in CODES:
        return CODES[state.name], str(state.state_details.flow_run_id)
    error = asyncio.run(state.aresult(raise_on_failure=False))
    if isinstance(error, InputError):
        raise error
    raise RunFailedError(f"the run failed: {state.message}")


def _flow_run(reference: str, folder: Path | None) -> "State[Any]":
    """The final state of a flow run in this process."""
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    from prefect.settings import get_current_settings

    from prefect_qpu.flows.hybrid_run import hybrid_run

    if not get_current_settings().api.url:
        note("Starting an embedded Prefect server; set PREFECT_API_URL to use one that runs already")
    sys.stderr.flush()
    page_folder = str(folder.absolute()) if folder else None
    return asyncio.run(hybrid_run(experiment=reference, report_folder=page_folder, return_state=True))
