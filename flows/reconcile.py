"""Flow `reconcile`: what has become of all open jobs, asked for once each pass, and the runs that waited for them."""

import asyncio
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from prefect import flow
from prefect.logging import get_run_logger

from prefect_qpu.errors import QpuError
from prefect_qpu.flows.named_providers import Providers
from prefect_qpu.flows.prepare import open_store
from prefect_qpu.flows.waiting_runs import look_at_runs
from prefect_qpu.jobs import Dealings, Reconciled
from prefect_qpu.jobs import reconcile as reconcile_jobs
from prefect_qpu.records import OpenSubmission, RecordStore

PAGE = 500
"""Submissions that are held at a time."""


@flow(name="reconcile", persist_result=False)
async def reconcile(record_store: str | None = None) -> dict[str, Any]:
    """Ask each provider once for all open jobs, store what has ended, and resume the runs that waited for it.

    A repeated pass changes nothing, and nothing is bought here. The result counts what was done.

    Args:
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
    """
    with await open_store(record_store) as store:
        providers = Providers(store)
        done = await _look_at_jobs(store, providers)
        cancelled, resumed = await look_at_runs(store, providers, set(done.problems))
    for submission, problem in done.problems.items():
        get_run_logger().warning("Submission %d: %s", submission, problem)
    return asdict(done) | {"problems": len(done.problems), "runs_cancelled": cancelled, "runs_resumed": resumed}


async def _look_at_jobs(store: RecordStore, providers: Providers) -> Reconciled:
    done = Reconciled()
    groups: dict[tuple[str, str], list[OpenSubmission]] = defaultdict(list)
    items = await asyncio.to_thread(store.waiting.open_submissions)
    await asyncio.to_thread(providers.learn, [item.experiment_hash for item in items])
    for item in items:
        groups[str(providers.terms(item.experiment_hash).backend), item.backend].append(item)
    for items in groups.values():
        done += await _ask(store, providers, items)
    return done


async def _ask(store: RecordStore, providers: Providers, items: list[OpenSubmission]) -> Reconciled:
    """What was done for the jobs of one backend; one that cannot be asked keeps no other one waiting."""
    done = Reconciled()
    try:
        provider = await providers.of(items[0].experiment_hash, items[0].backend)
        if not provider.durable:
            return done
        job_ids = [item.job_id for item in items if item.job_id is not None]
        statuses = await asyncio.to_thread(provider.status, job_ids) if job_ids else []
        told = {status.job_id: status for status in statuses}
        for start in range(0, len(items), PAGE):
            page = [item.id for item in items[start : start + PAGE]]
            rows = await asyncio.to_thread(store.waiting.submissions, page)
            done += await asyncio.to_thread(reconcile_jobs, Dealings(store, provider), rows, told)
    except QpuError as error:
        get_run_logger().warning("%s cannot be asked for its jobs: %s", items[0].backend, error)
    return done
