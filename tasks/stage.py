"""How every stage becomes a task: no result cache, because the record store is what makes a stage idempotent."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from prefect_qpu.errors import ProviderUnavailableError, StoreError

Given = ParamSpec("Given")
Made = TypeVar("Made")
Stage = Callable[Given, Coroutine[Any, Any, Made]]

PAUSES = (1.0, 5.0, 20.0, 60.0)
"""Seconds before a stage asks a provider again that could not be reached."""


def stage_task(name: str) -> Callable[[Stage[Given, Made]], Task[Given, Coroutine[Any, Any, Made]]]:
    """A decorator that makes an async function the task of a stage.

    A stage whose provider cannot be reached is tried again; what it did before is in the record store.

    Args:
        name: Name in the Prefect UI.
    """

    def made(stage: Stage[Given, Made]) -> Task[Given, Coroutine[Any, Any, Made]]:
        return task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)(_patient(stage))

    return made


def _patient(stage: Stage[Given, Made]) -> Stage[Given, Made]:
    @wraps(stage)
    async def tried(*args: Given.args, **kwargs: Given.kwargs) -> Made:
        for pause in PAUSES:
            try:
                return await stage(*args, **kwargs)
            except (ProviderUnavailableError, StoreError) as error:
                if not error.retryable:
                    raise
                wait = max(pause, min(getattr(error, "retry_after", None) or 0.0, PAUSES[-1]))
                get_run_logger().warning("Again in %.0f s: %s", wait, error)
                await asyncio.sleep(wait)
        return await stage(*args, **kwargs)

    return tried
