"""Which Prefect server a run's flow run lives on: a server that does not know it may only speak of its own runs."""

from prefect.settings import get_current_settings

from prefect_qpu.hashing import content_hash
from prefect_qpu.records.waiting import SERVER
from prefect_qpu.run import Run

EMBEDDED = "embedded"


def server_mark() -> str:
    """A mark of the server that this process talks to, without its address."""
    url = get_current_settings().api.url
    return content_hash(url.rstrip("/")) if url else EMBEDDED


def note_server(run: Run) -> None:
    """Store the mark with a new run."""
    run.store.runs.complete_stage(run.id, SERVER, {"server": server_mark()}, run.clock())
