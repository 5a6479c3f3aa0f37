"""Task `measure_there`: one job of a sweep in any process that a task runner chooses; they share only the store."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.running import complete, resume
from prefect_qpu.tasks.stage import stage_task

Opener = Callable[[str | None], Awaitable[RecordStore]]
Resolver = Callable[[Mapping[str, Any]], Awaitable[Provider]]


@stage_task("measure")
async def measure_there(opener: Opener, resolver: Resolver, record_store: str | None, sweep_id: int, job: int) -> bool:
    """Whether the job gave counts; its points are analysed or failed.

    Args:
        opener: Opens the record store of a block.
        resolver: Makes the provider of a backend setting.
        record_store: Name of the record store's block.
        sweep_id: The execution.
        job: Number of the job.
    """
    with await opener(record_store) as store:
        row = store.sweeps.by_id(sweep_id)
        settings = [item["setting"] for item in store.sweeps.plan(row)["backends"]]
        providers = {backend_key(setting): await resolver(setting) for setting in settings}
        execution = resume(store, row, providers)
        done = await asyncio.to_thread(complete, execution, job, time.sleep)
        await asyncio.to_thread(analyse_ready, execution, job)
    return done
