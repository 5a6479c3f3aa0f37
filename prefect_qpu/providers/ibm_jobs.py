"""The states of many jobs at IBM Quantum in few requests, and never a job called lost that is only hard to see."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from prefect_qpu.providers.failures import unless

ResultT = TypeVar("ResultT")

TAG = "prefect-qpu"
"""Every job carries it beside its request hash, so that many jobs can be looked at together."""
PAGE = 200
"""Jobs in one answer: what the service gives by itself (https://quantum.cloud.ibm.com/docs/api/qiskit-runtime-rest)."""
FEW = 3
"""So many jobs are asked for one by one; more are read from the list of jobs."""
NEWEST = 2
"""Pages of the list in which a job is looked for that the service does not know by its id."""

Document = Mapping[str, Any]


def listed(client: Any, tag: str, *, pending: bool | None = None, pages: int | None = None) -> Iterator[Document]:
    """Jobs with a tag, newest first, each once.

    Pages are counted here: the client's own paging does not end while jobs come and go between two pages.

    Args:
        client: IBM's client of one instance.
        tag: What the jobs carry.
        pending: Only those that have not ended, or only those that have; none for all.
        pages: How many pages at most.
    """
    seen: set[str] = set()
    offset = page = 0
    while pages is None or page < pages:
        answer = client.jobs_get(limit=PAGE, skip=offset, job_tags=[tag], pending=pending)
        jobs = answer["jobs"]
        yield from (job for job in jobs if job["id"] not in seen)
        seen |= {job["id"] for job in jobs}
        offset, page = offset + len(jobs), page + 1
        if not jobs or offset >= answer["count"]:
            return


def described(
    job_ids: Sequence[str], ask: Callable[[str, Callable[[Any], Any]], Any], keep: Callable[[Document], ResultT]
) -> dict[str, ResultT]:
    """What is kept of each job that the service knows, by id.

    Many jobs are read from the list: first all that have not ended, then the newest of those that have, in no more
    pages than there are jobs left. What moves from one page to another meanwhile is asked for by its id.

    Args:
        job_ids: The jobs.
        ask: Calls work with the client, and tells its errors.
        keep: What to keep of a description, so that thousands of them need not be held.
    """
    missing = set(job_ids)
    found: dict[str, ResultT] = {}

    def take(jobs: Iterator[Document]) -> None:
        for job in jobs:
            if job["id"] in missing:
                missing.discard(job["id"])
                found[job["id"]] = keep(job)
            if not missing:
                return

    if len(missing) > FEW:
        ask("listing jobs", lambda client: take(listed(client, TAG, pending=True)))
        ask("listing jobs", lambda client: take(listed(client, TAG, pending=False, pages=len(missing))))
    _one_by_one(missing, ask, take)
    if missing:
        # A job may be unknown for a moment, and one that is called lost may be bought again.
        ask("listing jobs", lambda client: take(listed(client, TAG, pages=NEWEST)))
        _one_by_one(missing, ask, take)
    return found


def _one_by_one(
    missing: set[str], ask: Callable[[str, Callable[[Any], Any]], Any], take: Callable[[Iterator[Document]], None]
) -> None:
    for job_id in sorted(missing):
        job = ask("polling", lambda client, job_id=job_id: unless(404, lambda: client.job_get(job_id)))  # type: ignore[misc]
        take(iter([] if job is None else [job]))
