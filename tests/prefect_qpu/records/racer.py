"""One of several processes that do the same at the same moment: says ready, waits for a line, prints what it got."""

import json
import sys

from prefect_qpu.providers.types import JobState, JobStatus
from prefect_qpu.records import RecordStore
from tests.prefect_qpu.records.conftest import NOW, submission


def open_store(url: str, name: str) -> object:
    del name
    RecordStore.open(url).close()
    return "opened"


def intend(url: str, name: str) -> object:
    """Shared content, an explicit replicate, one role for all processes, and a new attempt, many times over."""
    ids = []
    with RecordStore.open(url) as store:
        for number in range(20):
            own = store.submissions.intend(name, f"own-{number}", **submission(f"shared-{number}"))
            given = store.submissions.intend(name, f"given-{number}", **submission(f"given-{number}", 3))
            same = store.submissions.intend("run-0", f"same-{number}", **submission(f"same-{number}"))
            store.submissions.record_status(given.id, JobStatus("job", JobState.LOST), NOW)
            again = store.submissions.new_attempt(given.id, NOW) if given.attempt == 1 else given
            ids.append([own.id, same.id, again.id])
    return ids


if __name__ == "__main__":
    action, *arguments = sys.argv[1:]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    json.dump({"open": open_store, "intend": intend}[action](*arguments), sys.stdout)
