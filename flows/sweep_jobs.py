"""Flow `sweep-jobs`: the jobs of a sweep on a task runner of Prefect, in threads, in processes or on a Dask cluster."""

import asyncio
from collections.abc import Mapping
from typing import Any, Literal

from prefect import flow
from prefect.futures import PrefectFuture, wait
from prefect.task_runners import ProcessPoolTaskRunner, TaskRunner, ThreadPoolTaskRunner
from pydantic import TypeAdapter

from prefect_qpu.errors import InputError
from prefect_qpu.experiment import AerBackendSpec, BlockReference
from prefect_qpu.flows.prepare import open_store, resolve_backend
from prefect_qpu.providers import Provider
from prefect_qpu.tasks.measure_there import measure_there

Runner = Literal["here", "threads", "processes", "dask"]
"""Where the jobs of a sweep are driven; simulations run there too."""
_BACKEND: TypeAdapter[AerBackendSpec | BlockReference] = TypeAdapter(AerBackendSpec | BlockReference)


@flow(name="sweep-jobs", persist_result=False)
async def sweep_jobs(sweep_id: int, jobs: list[int], record_store: str | None = None) -> dict[int, str]:
    """Why the task of a job has failed, by the number of the job; a job that fails as jobs do is no failed task.

    Args:
        sweep_id: The execution of a sweep.
        jobs: Numbers of the jobs.
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
    """
    futures = [
        measure_there.with_options(task_run_name=f"job-{job + 1:04d}").submit(
            open_store, provider_of, record_store, sweep_id, job
        )
        for job in jobs
    ]
    return await asyncio.to_thread(_broken, dict(zip(jobs, futures, strict=True)))


def task_runner(runner: Runner, workers: int, dask_address: str | None = None) -> TaskRunner[Any]:
    """The task runner of a name.

    Args:
        runner: ``threads``, ``processes`` or ``dask``.
        workers: How many jobs are driven at once.
        dask_address: A Dask scheduler; none starts a cluster of processes on this machine.

    Raises:
        InputError: Dask is asked for and not installed.
    """
    if runner == "threads":
        return ThreadPoolTaskRunner(max_workers=workers)
    if runner == "processes":
        return ProcessPoolTaskRunner(max_workers=workers)
    try:
        from prefect_dask.task_runners import DaskTaskRunner
    except ImportError as error:
        hint = "pip install 'prefect-qpu[dask]'."
        raise InputError("runner", given=runner, expected="an installed task runner", hint=hint) from error
    if dask_address is not None:
        return DaskTaskRunner(address=dask_address)
    return DaskTaskRunner(cluster_kwargs={"n_workers": workers, "threads_per_worker": 1, "dashboard_address": None})


async def provider_of(setting: Mapping[str, Any]) -> Provider:
    """The provider of a backend setting as a plan holds it."""
    return (await resolve_backend(_BACKEND.validate_python(dict(setting))))[1]


def _broken(futures: Mapping[int, PrefectFuture[Any]]) -> dict[int, str]:
    wait(list(futures.values()))
    states = {job: future.state for job, future in futures.items()}
    return {job: str(state.message) for job, state in states.items() if not state.is_completed()}
