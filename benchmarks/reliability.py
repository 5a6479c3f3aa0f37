"""Kills and faults: `python -m benchmarks.reliability [trials]` writes the table of docs/reliability.md.

Each trial is an experiment that wants one job of a service that speaks the IBM Quantum protocol. Its process is killed
by SIGKILL, at a named boundary or at a random moment, or the service is faulty, or both; then the run is started again
until it ends. Counted are the jobs that the service really has, and the results that the record store has.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import qiskit_ibm_runtime  # noqa: F401 - once for all processes that are forked here

from benchmarks.killing import BOUNDARIES, started
from prefect_qpu.records import RecordStore

DOCUMENT = Path(__file__).parents[1] / "docs" / "reliability.md"
MARK = "<!-- table of benchmarks/reliability.py -->"
LONGEST = 90.0
"""Seconds after which a run counts as hanging."""
TYPICAL = 0.8
"""Seconds of a run from which random moments of a kill are drawn."""
RESTARTS = 8
QUEUE, LONG_QUEUE = 2.0, 10.0
"""Seconds that a job waits where something has to happen before it runs: a poll; a restart that cancels a twin."""
TWINS = ("submission answered 504 after acceptance", "acceptance duplicated")
"""Faults by which the service itself makes several jobs of one request."""

REQUEST_FAULTS: Mapping[str, list[dict[str, Any]]] = {
    "submission answered 504 after acceptance": [{"method": "POST", "path": "/jobs", "status": 504, "accept": True}],
    "submission answered 503, not accepted": [{"method": "POST", "path": "/jobs", "status": 503, "times": 2}],
    "submission answered 429": [{"method": "POST", "path": "/jobs", "status": 429, "retry_after": 1}],
    "connection cut before acceptance": [{"method": "POST", "path": "/jobs", "drop": "request"}],
    "connection cut after acceptance": [{"method": "POST", "path": "/jobs", "drop": "answer"}],
    "answer of the submission cut in the middle": [{"method": "POST", "path": "/jobs", "drop": "middle"}],
    "acceptance duplicated": [{"method": "POST", "path": "/jobs", "duplicates": 2}],
    "polls answered 404": [{"method": "GET", "path": "/jobs/*", "status": 404, "times": 2}],
    "polls cut": [{"method": "GET", "path": "/jobs/*", "drop": "request", "times": 3}],
    "polls answered 429": [{"method": "GET", "path": "/jobs/*", "status": 429, "times": 2}],
    "search by tag fails": [{"method": "GET", "path": "/jobs", "drop": "answer", "times": 3}],
    "results cut in the middle": [{"method": "GET", "path": "/jobs/*/results", "drop": "middle", "times": 2}],
    "results half": [{"method": "GET", "path": "/jobs/*/results", "keep": 0.5}],
    "results not JSON": [{"method": "GET", "path": "/jobs/*/results", "body": "<html>sorry</html>"}],
    "metrics missing": [{"method": "GET", "path": "/jobs/*/metrics", "status": 404, "times": None}],
    "token refused": [{"method": "GET", "path": "/jobs/*", "status": 401}],
}
JOB_FAULTS: Mapping[str, list[dict[str, Any]]] = {
    "status told late": [{"late_s": 1.0}],
    "status told again and again": [{"repeat": 3}],
    "long queue": [{"queue_s": 3.0}],
}


@dataclass
class Trial:
    """One experiment that wants one job."""

    number: int
    what: str
    boundary: str | None = None
    random_kills: int = 0
    requests: Sequence[Mapping[str, Any]] = ()
    jobs: Sequence[Mapping[str, Any]] = ()
    kills: int = 0
    ended: bool = False


@dataclass
class Service:
    """The running emulator."""

    url: str

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """The answer of the admin interface."""
        body = None if document is None else json.dumps(document).encode()
        with urlopen(Request(f"{self.url}/emulator{path}", data=body, method=method)) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def jobs(self) -> list[dict[str, Any]]:
        """All jobs that the service has, also those that nobody was told of."""
        found: list[dict[str, Any]] = []
        while page := self.ask("GET", f"/jobs?limit=500&offset={len(found)}")["jobs"]:
            found += page
        return found


@contextmanager
def service(folder: str) -> Iterator[Service]:
    command = [sys.executable, "-m", "prefect_qpu.emulator", "--port", "0", "--folder", folder, "--device", "manila"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        while "QISKIT_IBM_INSTANCE" not in os.environ:
            name, _, value = process.stdout.readline().strip().removeprefix("export ").partition("=")
            os.environ[name] = value
        try:
            yield Service(os.environ["IAM_URL"])
        finally:
            process.terminate()


def plan(trials: int, draw: random.Random) -> list[Trial]:
    """The trials: each boundary and each fault equally often, and as many random moments as all boundaries together."""
    names = list(BOUNDARIES)
    each = max(1, trials // (2 * len(names)))
    # Polls can be repeated, and twins cancelled, only where a job has to wait.
    queue = [{"queue_s": QUEUE, "times": None}]
    made: list[dict[str, Any]] = [
        {"what": name, "boundary": name, "jobs": queue if name == "while polling" else []}
        for name in names
        for _ in range(each)
    ]
    made += [{"what": "at a random moment", "random_kills": 1} for _ in range(each * len(names) * 3 // 4)]
    made += [{"what": "at three random moments", "random_kills": 3} for _ in range(each * len(names) // 4)]
    faults = max(2, each // 3)
    for name, faulty in REQUEST_FAULTS.items():
        waits = [{"queue_s": LONG_QUEUE, "times": None}] if name in TWINS else []
        made += [
            {"what": name, "requests": faulty, "jobs": waits, "random_kills": index % 2} for index in range(faults)
        ]
    for name, faulty in JOB_FAULTS.items():
        made += [{"what": name, "jobs": faulty, "random_kills": index % 2} for index in range(faults)]
    draw.shuffle(made)
    return [Trial(number, **settings) for number, settings in enumerate(made, 1)]


def carry_out(trial: Trial, url: str, store_url: str, draw: random.Random) -> None:
    """Run, kill and start again until the run ends."""
    running = Service(url)
    running.ask("PUT", "/faults", list(trial.requests))
    running.ask("PUT", "/job-faults", list(trial.jobs))
    boundary = trial.boundary
    for _ in range(RESTARTS):
        pid = started(store_url, trial.number, boundary)
        boundary = None
        moment = draw.uniform(0, TYPICAL) if trial.kills < trial.random_kills else LONGEST
        status = _waited(pid, moment)
        if status == 0:
            trial.ended = True
            return
        trial.kills += os.WIFSIGNALED(status)


def _waited(pid: int, seconds: float) -> int:
    """How a process ended; it is killed if it has not after so many seconds."""
    last = time.monotonic() + seconds
    while time.monotonic() < last:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return status
        time.sleep(0.005)
    os.kill(pid, signal.SIGKILL)
    return os.waitpid(pid, 0)[1]


@dataclass
class Counted:
    """What became of the trials of one kind."""

    trials: int = 0
    kills: int = 0
    ended: int = 0
    bought: int = 0
    cancelled: int = 0
    lost: int = 0
    doubled: int = 0

    def row(self, what: str) -> str:
        """The line of the table."""
        numbers = (self.trials, self.kills, self.bought, self.cancelled, self.lost, self.doubled)
        return f"| {what} | {' | '.join(map(str, numbers))} |"


def count(trials: Sequence[Trial], jobs: Sequence[Mapping[str, Any]], store: RecordStore) -> dict[str, Counted]:
    by_tag: dict[str, Counter[str]] = {}
    for job in jobs:
        for tag in job["tags"]:
            by_tag.setdefault(tag, Counter())["cancelled" if job["state"] == "Cancelled" else "bought"] += 1
    kinds: dict[str, Counted] = {}
    for trial in trials:
        kind = kinds.setdefault(trial.what, Counted())
        rows = store.submissions.for_run(f"run-{trial.number:04d}").values()
        tags = [by_tag.get(row.request_hash, Counter()) for row in rows]
        estimates = len(store.runs.estimates(f"run-{trial.number:04d}")) if rows else 0
        kind.trials += 1
        kind.kills += trial.kills
        kind.ended += trial.ended
        kind.bought += sum(tag["bought"] for tag in tags)
        kind.cancelled += sum(tag["cancelled"] for tag in tags)
        kind.lost += not (trial.ended and estimates >= 1 and any(row.state == "done" for row in rows))
        kind.doubled += max(0, estimates - 1)
    return kinds


def table(kinds: Mapping[str, Counted]) -> str:
    order = [*BOUNDARIES, "at a random moment", "at three random moments", *REQUEST_FAULTS, *JOB_FAULTS]
    total = Counted(*(sum(getattr(kind, name) for kind in kinds.values()) for name in Counted.__annotations__))
    lines = [
        "| killed, or faulty | experiments | kills | jobs bought | twins cancelled | results lost | results doubled |",
        "|---|---|---|---|---|---|---|",
        *(kinds[what].row(what) for what in order if what in kinds),
        total.row("**all**"),
    ]
    return "\n".join(lines)


def main(trials: int = 200, seed: int = 7) -> None:
    draw = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder, service(f"{folder}/emulator") as running:
        url = f"sqlite:///{folder}/records.db"
        RecordStore.open(url).close()
        planned = plan(trials, draw)
        for trial in planned:
            carry_out(trial, running.url, url, draw)
            if not trial.ended:
                print(f"not ended: {trial}", Path(folder, "records.log").read_text()[-3000:])
        with RecordStore.open(url) as store:
            made = table(count(planned, running.jobs(), store))
    print(made)
    write_table(DOCUMENT, MARK, made)


def write_table(document: Path, mark: str, made: str) -> None:
    """Put a table between its mark and the next end mark of a document."""
    before, _, after = document.read_text().partition(mark)
    rest = after.partition("<!-- end -->")[2]
    document.write_text(f"{before}{mark}\n\n{made}\n\n<!-- end -->{rest}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
