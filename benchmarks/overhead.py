"""What a run costs beside a plain Qiskit script, and where: engine, store, artifacts, report, start of the process.

    python -m benchmarks.overhead [rounds] [--start]

With --start, only the time to the first stage is measured. Else all variants of a round run after one another in one
process, on a warm server. Medians over the rounds are printed.
"""

import asyncio
import itertools
import json
import logging
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks import plain
from benchmarks.server import prefect_server

GHZ = """OPENQASM 3.0; include "stdgates.inc"; qubit[4] q;
h q[0]; cx q[0], q[1]; cx q[1], q[2]; cx q[2], q[3];"""


def layered(qubits: int, layers: int) -> str:
    """A brickwork circuit with fixed angles."""
    lines = [f'OPENQASM 3.0; include "stdgates.inc"; qubit[{qubits}] q;']
    for layer in range(layers):
        lines += [f"ry({0.3 + 0.1 * layer + 0.05 * qubit}) q[{qubit}];" for qubit in range(qubits)]
        lines += [f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(layer % 2, qubits - 1, 2)]
    return "\n".join(lines)


def sums(qubits: int) -> dict[str, dict[str, float]]:
    z = {"I" * qubit + "Z" + "I" * (qubits - qubit - 1): 1.0 / qubits for qubit in range(qubits)}
    x = {"I" * qubit + "XX" + "I" * (qubits - qubit - 2): 1.0 / qubits for qubit in range(qubits - 1)}
    return {"magnetisation": z, "energy": z | x}


CASES = {
    "ghz-4 on Manila": plain.Case(
        "ghz-4",
        GHZ,
        "FakeManilaV2",
        {"parity": {"ZZZZ": 1.0}, "energy": {"ZZII": 1.0, "IZZI": 1.0, "IIXX": -0.5}},
        ("ZZZZ", "ZZXX"),
        (),
    ),
    "brickwork-8 on Guadalupe": plain.Case(
        "brickwork-8", layered(8, 4), "FakeGuadalupeV2", sums(8), ("Z" * 8, "X" * 8), ()
    ),
    "brickwork-6 on Sherbrooke": plain.Case(
        "brickwork-6", layered(6, 4), "FakeSherbrooke", sums(6), ("Z" * 6, "X" * 6), ()
    ),
}


def document(case: plain.Case) -> dict[str, Any]:
    return {
        "name": case.name,
        "workload": {"kind": "circuit", "qasm": case.qasm, "observables": case.observables},
        "backend": {"kind": "aer", "device": case.device},
        "shots": case.shots,
        "seed": case.seed,
        "transpile": {"optimization_level": 3},
        "promotion": {"beat_trivial": False, "min_signal": 0.0},
    }


def staged(case: plain.Case, url: str) -> Any:
    """The run of a case through the library's stages, without Prefect and without a report."""
    from prefect_qpu.experiment import Experiment
    from prefect_qpu.jobs import complete
    from prefect_qpu.providers.aer import AerProvider
    from prefect_qpu.records import RecordStore
    from prefect_qpu.run import open_run
    from prefect_qpu.stages.baseline import baseline
    from prefect_qpu.stages.compare import compare
    from prefect_qpu.stages.execute import mitigate, submit
    from prefect_qpu.stages.promote import promote

    experiment = Experiment.parse(document(case))
    with RecordStore.open(url) as store:
        run = open_run(store, experiment, AerProvider(experiment.backend))  # type: ignore[arg-type]
        decision = promote(run)
        submit(run)
        complete(run, "primary")
        baseline(run)
        mitigate(run)
        run.finish("promoted")
        compare(run)
        return decision, store.submissions.for_run(run.id)


def flowed(case: plain.Case, url: str, *, artifacts: bool, report: bool) -> None:
    """The run of a case as a flow run, with parts left out."""
    os.environ["PREFECT_QPU_STORE"] = url
    from prefect_qpu.flows import hybrid_run as module
    from prefect_qpu.tasks import compare, promote, transpile

    async def nothing(*_: object, **__: object) -> None:
        return None

    async def dropped(awaitable: Any) -> None:
        awaitable.close()

    kept: list[tuple[Any, str, Any]] = []

    def replace(owner: Any, name: str, value: Any) -> None:
        kept.append((owner, name, getattr(owner, name)))
        setattr(owner, name, value)

    if not report:
        replace(module, "_report", nothing)
    if not artifacts:
        for task in (compare, promote, transpile):
            replace(sys.modules[task.fn.__module__], "published", dropped)
    try:
        state = asyncio.run(module.hybrid_run(experiment=document(case), return_state=True))
    finally:
        for owner, name, value in kept:
            setattr(owner, name, value)
    assert state.name == "Promoted", state


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def variants(case: plain.Case, folder: Path) -> dict[str, Callable[[], object]]:
    numbers = itertools.count()

    def file() -> str:
        """A new store each time, so that nothing comes from the cache of transpiled circuits."""
        return f"sqlite:///{folder}/{case.name}-{next(numbers)}.db"

    return {
        "plain Qiskit": lambda: plain.run(case),
        "stages, store in memory": lambda: staged(case, "sqlite://"),
        "stages, SQLite file": lambda: staged(case, file()),
        "flow without artifacts and report": lambda: flowed(case, file(), artifacts=False, report=False),
        "flow without report": lambda: flowed(case, file(), artifacts=True, report=False),
        "flow, complete": lambda: flowed(case, file(), artifacts=True, report=True),
    }


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """Median seconds by case and variant; each process-wide cost is paid before the first round."""
    found: dict[str, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for title, given in CASES.items():
            case = with_the_same_simulations(given)
            works = variants(case, folder)
            times: dict[str, list[float]] = {variant: [] for variant in works}
            for turn in range(rounds + 1):
                for variant, work in works.items():
                    elapsed = seconds(work)
                    if turn:
                        times[variant].append(elapsed)
            found[title] = {variant: statistics.median(values) for variant, values in times.items()}
    return found


def with_the_same_simulations(case: plain.Case) -> plain.Case:
    """The case with the ideal simulations that the package makes of it, so that the peer makes the same."""
    from dataclasses import replace

    _, submissions = staged(case, "sqlite://")
    shots = [row.pubs[0]["shots"] for role, row in submissions.items() if role.startswith("smoke-ideal")]
    return replace(case, ideal_shots=tuple(shots))


BARE = """
import asyncio
from prefect import flow
import qiskit, qiskit_aer
from qiskit_ibm_runtime import fake_provider
@flow
async def nothing(): pass
asyncio.run(nothing())
"""
OURS = """
import asyncio
from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect import flow
import qiskit, qiskit_aer
from qiskit_ibm_runtime import fake_provider
@flow
async def nothing(): pass
asyncio.run(nothing())
"""


def process_seconds(rounds: int) -> dict[str, float]:
    """Median wall seconds of whole processes, in turn."""
    os.environ["PREFECT_QPU_STORE"] = f"sqlite:///{tempfile.mkdtemp()}/records.db"
    commands = {
        "bare Prefect and Qiskit, an empty flow": [sys.executable, "-c", BARE],
        "hybrid_run imported, an empty flow": [sys.executable, "-c", OURS],
        "prefect-qpu --help": [str(Path(sys.executable).with_name("prefect-qpu")), "--help"],
        "prefect-qpu run examples/ghz.yaml": [
            str(Path(sys.executable).with_name("prefect-qpu")),
            "run",
            "examples/ghz.yaml",
        ],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(rounds + 1):
        for name, command in commands.items():
            elapsed = seconds(lambda command=command: subprocess.run(command, check=True, capture_output=True))
            if turn:
                times[name].append(elapsed)
    return {name: statistics.median(values) for name, values in times.items()}


FIRST_BARE = BARE.replace("pass", "import time; print(time.time())")


def first_stage_seconds(rounds: int) -> dict[str, float]:
    """Median wall seconds from the start of a process to the first line of its flow, or to its run's first stage.

    Each run has a new record store, so that the tables are made, too.
    """
    works = {"bare Prefect and Qiskit, an empty flow": bare_start, "prefect-qpu run examples/ghz.yaml": run_start}
    times: dict[str, list[float]] = {name: [] for name in works}
    for turn in range(rounds + 1):
        for name, work in works.items():
            began = time.time()
            elapsed = work() - began
            if turn:
                times[name].append(elapsed)
    return {name: statistics.median(values) for name, values in times.items()}


def bare_start() -> float:
    """The time at which the flow of a bare process began."""
    done = subprocess.run([sys.executable, "-c", FIRST_BARE], check=True, capture_output=True, text=True)
    return float(done.stdout)


def run_start() -> float:
    """The time at which the first stage of a run began, as its summary tells it."""
    with tempfile.TemporaryDirectory() as folder:
        command = [str(Path(sys.executable).with_name("prefect-qpu")), "run", "examples/ghz.yaml", "--json"]
        command += ["--store", f"sqlite:///{folder}/records.db"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    return min(datetime.fromisoformat(span["start"]).timestamp() for span in json.loads(done.stdout)["spans"])


def run_table(runs: dict[str, dict[str, float]]) -> str:
    """Markdown: seconds of each variant, its ratio to the plain script, and what it adds to the variant before."""
    lines = ["| experiment | variant | seconds | ratio | adds |", "|---|---|---|---|---|"]
    for title, row in runs.items():
        values = list(row.values())
        for index, (variant, value) in enumerate(row.items()):
            added = "" if index == 0 else f"{value - values[index - 1]:+.2f}"
            lines.append(f"| {title} | {variant} | {value:.2f} | {value / values[0]:.2f} | {added} |")
    return "\n".join(lines)


def process_table(processes: dict[str, float]) -> str:
    """Markdown: wall seconds of whole processes, and the difference to the first."""
    first = next(iter(processes.values()))
    lines = ["| process | seconds | difference |", "|---|---|---|"]
    lines += [f"| {name} | {value:.2f} | {value - first:+.2f} |" for name, value in processes.items()]
    return "\n".join(lines)


def main(rounds: int) -> None:
    with prefect_server() as environment:
        os.environ.update(environment)
        logging.disable(logging.CRITICAL)
        if "--start" in sys.argv:
            print(process_table(first_stage_seconds(rounds)))
            return
        runs, processes, starts = measure(rounds), process_seconds(rounds), first_stage_seconds(rounds)
    print(run_table(runs), process_table(processes), process_table(starts), sep="\n\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
