"""How every stage becomes a task: no result cache, because the record store is what makes a stage idempotent."""

from collections.abc import Callable, Coroutine
from typing import Any, ParamSpec, TypeVar

from prefect import Task, task
from prefect.cache_policies import NO_CACHE

Given = ParamSpec("Given")
Made = TypeVar("Made")
Stage = Callable[Given, Coroutine[Any, Any, Made]]


def stage_task(name: str) -> Callable[[Stage[Given, Made]], Task[Given, Coroutine[Any, Any, Made]]]:
    """A decorator that makes an async function the task of a stage.

    Args:
        name: Name in the Prefect UI.
    """
    return task(name=name, task_run_name=name, cache_policy=NO_CACHE, persist_result=False)
