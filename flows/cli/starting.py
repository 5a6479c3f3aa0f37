"""Starting a run from the command line: all that can be wrong is told before a server starts or a row is stored."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prefect_qpu.errors import InputError, QpuError, RunFailedError
from prefect_qpu.experiment import AerBackendSpec, BlockReference, Experiment
from prefect_qpu.flows.cli.output import note
from prefect_qpu.preflight import preflight
from prefect_qpu.providers import Provider
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.records.urls import in_memory, masked, parse_url

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

CODES = {"Promoted": 0, "Fallback": 0, "Held": 3, "Rejected": 3}


def check(experiment: Experiment) -> dict[str, int]:
    """Size of an experiment that may start; what a block holds is not known yet.

    Raises:
        InputError: something does not fit.
    """
    spec = experiment.backend
    return preflight(experiment, AerProvider(spec) if isinstance(spec, AerBackendSpec) else None)


def check_folder(folder: Path | None, field: str) -> None:
    """Make the folder of a report, if one is asked for.

    Raises:
        InputError: it cannot be made, or not be written.
    """
    if folder is None:
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        reason = "" if os.access(folder, os.W_OK) else "Permission denied"
    except OSError as error:
        reason = error.strerror or str(error)
    if reason:
        raise InputError(field, given=str(folder), expected="a folder that can be written", hint=f"{reason}.")


def start(store: RecordStore, experiment: Experiment, folder: Path | None = None) -> tuple[int, str]:
    """Run an experiment in this process; the exit code and the run's id.

    Raises:
        InputError: the experiment, or a block that it names, is not valid.
        RunFailedError: the run failed.
    """
    use_store(store)
    return asyncio.run(_start(store, experiment, str(folder.absolute()) if folder else None))


def start_benchmark(
    store: RecordStore, protocol: Experiment, folder: Path | None, **options: Any
) -> list[dict[str, Any]]:
    """Run the benchmark of mitigation methods in this process; what it found.

    Raises:
        InputError: the experiment, or a block that it names, is not valid.
        RunFailedError: the benchmark failed.
    """
    use_store(store)
    return asyncio.run(_start_benchmark(store, protocol, str(folder.absolute()) if folder else None, options))


async def _start_benchmark(
    store: RecordStore, protocol: Experiment, folder: str | None, options: dict[str, Any]
) -> list[dict[str, Any]]:
    from prefect_qpu.flows.mitigation_benchmark import mitigation_benchmark

    await reach_server()
    reference = store.experiments.add(protocol)
    state = await mitigation_benchmark(experiment=reference, report_folder=folder, return_state=True, **options)
    if not state.is_completed():
        raise await failure(state, "benchmark")
    return await state.aresult()


def use_store(store: RecordStore) -> None:
    """Let the flows of this process use a record store.

    Raises:
        InputError: it does not outlive the process.
    """
    if in_memory(parse_url(store.url)):
        raise InputError("--store", given=store.url_masked, expected="a store that outlives this command")
    os.environ["PREFECT_QPU_STORE"] = store.url
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")


async def _start(store: RecordStore, experiment: Experiment, folder: str | None) -> tuple[int, str]:
    from prefect_qpu.flows.hybrid_run import hybrid_run

    await reach_server()
    reference = store.experiments.add(await _resolved(experiment))
    state: State[Any] = await hybrid_run(experiment=reference, report_folder=folder, return_state=True)
    if state.name in CODES:
        return CODES[state.name], str(state.state_details.flow_run_id)
    raise await failure(state, "run")


async def failure(state: "State[Any]", what: str) -> QpuError:
    """Why a flow run gave no answer: what was wrong with its input, else that it failed.

    Args:
        state: In which the flow run ended.
        what: What it is called in the message.
    """
    error = await state.aresult(raise_on_failure=False)
    return error if isinstance(error, InputError) else RunFailedError(f"the {what} failed: {state.message}")


async def reach_server() -> None:
    """Wait for the Prefect server: the one that is configured, or a new one in this process.

    Raises:
        InputError: the configured server does not answer.
        RunFailedError: the embedded server did not start.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import get_current_settings

    url = get_current_settings().api.url
    if not url:
        note("Starting an embedded Prefect server; set PREFECT_API_URL to use one that runs already")
    sys.stderr.flush()
    try:
        async with get_client() as client:
            problem = await client.api_healthcheck()
    except RuntimeError as error:
        problem = error
    if problem is None:
        return
    if not url:
        raise RunFailedError(f"the embedded Prefect server did not start: {problem}")
    reason = f"{type(problem).__name__}: {problem}".rstrip(".")
    raise InputError("PREFECT_API_URL", given=masked(url), expected="a Prefect server that answers", hint=f"{reason}.")


def resolved(experiment: Experiment) -> tuple[Experiment, Provider]:
    """The experiment with what its blocks hold, and its provider at one backend.

    Raises:
        InputError: the experiment, or a block that it names, is not valid.
    """
    spec = experiment.backend
    named = any(isinstance(setting, BlockReference) for setting in (experiment.promotion, experiment.prices))
    if isinstance(spec, AerBackendSpec) and not named:
        return experiment, AerProvider(spec)
    from prefect_qpu.choosing import settled
    from prefect_qpu.flows.prepare import resolve_blocks

    experiment, provider = asyncio.run(resolve_blocks(experiment))
    return experiment, settled(provider, experiment, None)[0]


async def _resolved(experiment: Experiment) -> Experiment:
    """The experiment with what its blocks hold, checked again; what no block holds was checked before."""
    if not any(
        isinstance(setting, BlockReference) for setting in (experiment.backend, experiment.promotion, experiment.prices)
    ):
        return experiment
    from prefect_qpu.flows.prepare import resolve_blocks

    experiment, provider = await resolve_blocks(experiment)
    preflight(experiment, provider)
    return experiment
