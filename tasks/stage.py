"""How every stage becomes a task: no result cache, because the record store is what makes a stage idempotent."""

from functools import partial

from prefect import task
from prefect.cache_policies import NO_CACHE

stage_task = partial(task, cache_policy=NO_CACHE, persist_result=False)
