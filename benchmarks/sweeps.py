"""A sweep beside Aer's sampler and the closest Prefect integration: `python -m benchmarks.sweeps [points ...]`.

    python -m benchmarks.sweeps 1 16 100 256 1000 10000 [--peer PYTHON] [--rounds 3]

The same points (6 qubits, 2 layers, 18 parameters, 1024 shots) are measured on an ideal simulator and with a device's
noise: by a loop over Aer's `SamplerV2` (a), as one broadcast PUB by it (b), through prefect-qiskit (c; by PYTHON, the
interpreter of an environment in which it is installed), and by the flow `sweep` (d), each in a process of its own that
has done the same with one point before. All of one row run after one another; medians over the rounds are printed.
"""

import asyncio
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter

from benchmarks.server import prefect_server

QUBITS, LAYERS, SHOTS, SEED = 6, 2, 1024, 7
DEVICE = "FakeGuadalupeV2"
ANGLES = QUBITS * (LAYERS + 1)
LONGEST_LOOP = 1000
"""Points up to which the loop and the peer are measured."""
NOISES = ("ideal", "noisy")


def qasm() -> str:
    """The circuit as it stands in an experiment: layers of rotations and a chain of entangling gates."""
    lines = ['OPENQASM 3.0; include "stdgates.inc";', *(f"input float t{index};" for index in range(ANGLES))]
    lines.append(f"qubit[{QUBITS}] q;")
    for layer in range(LAYERS + 1):
        lines += [f"ry(t{layer * QUBITS + qubit}) q[{qubit}];" for qubit in range(QUBITS)]
        if layer < LAYERS:
            lines += [f"cx q[{qubit}], q[{qubit + 1}];" for qubit in range(QUBITS - 1)]
    return "\n".join(lines)


def circuit() -> QuantumCircuit:
    """The same circuit for Qiskit, measured."""
    angles = [Parameter(f"t{index}") for index in range(ANGLES)]
    made = QuantumCircuit(QUBITS)
    for layer in range(LAYERS + 1):
        for qubit in range(QUBITS):
            made.ry(angles[layer * QUBITS + qubit], qubit)
        if layer < LAYERS:
            for qubit in range(QUBITS - 1):
                made.cx(qubit, qubit + 1)
    made.measure_all()
    return made


def document(points: int, noise: str, seed: int) -> dict[str, Any]:
    backend = {"kind": "aer", "device": DEVICE} if noise == "noisy" else {"kind": "aer"}
    chain = {"I" * qubit + "ZZ" + "I" * (QUBITS - qubit - 2): 1.0 for qubit in range(QUBITS - 1)}
    workload = {"kind": "circuit", "qasm": qasm(), "observables": {"chain": chain}}
    workload["parameters"] = {f"t{index}": 0.0 for index in range(ANGLES)}
    experiment = {"name": "angles", "workload": workload, "backend": backend, "shots": SHOTS, "seed": SEED}
    box = {f"workload.parameters.t{index}": {"start": 0.0, "stop": 6.28} for index in range(ANGLES)}
    return {"experiment": experiment, "axes": {"kind": "random", "axes": box, "points": points, "seed": seed}}


def values(points: int) -> NDArray[np.float64]:
    return np.random.default_rng(SEED).uniform(0, 6.28, (points, ANGLES))


def plain(points: int, noise: str) -> dict[str, float]:
    """Seconds of (a) and (b) and of the transpilation that both need."""
    from qiskit_aer.noise import NoiseModel
    from qiskit_aer.primitives import SamplerV2
    from qiskit_ibm_runtime import fake_provider

    device = getattr(fake_provider, DEVICE)() if noise == "noisy" else None
    options = {"backend_options": {"noise_model": NoiseModel.from_backend(device)}} if device else {}
    target = {"backend": device} if device else {"basis_gates": ["rz", "sx", "x", "cx"]}
    found = {}
    isa, found["transpile"] = _timed(lambda: transpile(circuit(), optimization_level=2, seed_transpiler=SEED, **target))
    sampler = SamplerV2(seed=SEED, options=options)
    order = {parameter.name: index for index, parameter in enumerate(isa.parameters)}
    columns = [int(name[1:]) for name in order]
    sampler.run([(isa, values(1)[:, columns], SHOTS)]).result()
    _, found["b"] = _timed(lambda: sampler.run([(isa, values(points)[:, columns], SHOTS)]).result())
    if points <= LONGEST_LOOP:
        rows = values(points)[:, columns]
        _, found["a"] = _timed(lambda: [sampler.run([(isa, row, SHOTS)]).result() for row in rows])
    return found


def ours(points: int, noise: str) -> dict[str, float]:
    """Seconds of (d), beyond the start of the process, with what it stored."""
    from prefect_qpu.flows.sweep import sweep

    with tempfile.TemporaryDirectory() as folder:
        os.environ["PREFECT_QPU_STORE"] = f"sqlite:///{folder}/records.db"
        asyncio.run(sweep(document(1, noise, 1)))
        before = _bytes(Path(folder)), _prefect_bytes(), _task_runs()
        _, seconds = _timed(lambda: asyncio.run(sweep(document(points, noise, 2))))
        after = _bytes(Path(folder)), _prefect_bytes(), _task_runs()
        _, again = _timed(lambda: asyncio.run(sweep(document(points, noise, 2))))
        _, framed = _timed(lambda: _framed(f"sqlite:///{folder}/records.db"))
    grown = [late - early for early, late in zip(before, after, strict=True)]
    names = "store bytes", "Prefect bytes", "task runs"
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"d": seconds, "unchanged": again, "frame": framed, "peak MiB": peak} | dict(zip(names, grown, strict=True))


def _framed(url: str) -> int:
    from prefect_qpu.records import RecordStore
    from prefect_qpu.sweeps import frame

    with RecordStore.open(url) as store:
        return len(frame(store, store.sweeps.list()[0]))


def _bytes(folder: Path) -> int:
    """Bytes of the record store without the counts of its jobs."""
    with sqlite3.connect(folder / "records.db") as database:
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        counts = "SELECT coalesce(sum(length(payload)), 0) FROM blobs WHERE hash IN (SELECT blob_hash FROM results)"
        return (folder / "records.db").stat().st_size - int(database.execute(counts).fetchone()[0])


def _prefect_bytes() -> int:
    with sqlite3.connect(Path(os.environ["PREFECT_HOME"]) / "prefect.db") as database:
        return int(
            database.execute("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size").fetchone()[0]
        )


def _task_runs() -> int:
    import httpx

    return int(httpx.post(f"{os.environ['PREFECT_API_URL']}/task_runs/count", json={}).json())


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    began = time.perf_counter()
    made = work()
    return made, time.perf_counter() - began


def child(way: str, points: int, noise: str, python: str, environment: dict[str, str]) -> dict[str, float]:
    """What a process of its own measured."""
    module = "benchmarks.peer_sweep" if way == "peer" else "benchmarks.sweeps"
    command = [python, "-m", module, way, str(points), noise]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def row(points: int, noise: str, peer: str | None, rounds: int, environment: dict[str, str]) -> dict[str, float]:
    """Medians over the rounds."""
    kept: list[dict[str, float]] = []
    for _ in range(rounds):
        found = child("plain", points, noise, sys.executable, environment)
        found |= child("ours", points, noise, sys.executable, environment)
        if peer and noise == "ideal" and points <= LONGEST_LOOP:
            found |= child("peer", points, noise, peer, environment)
        kept.append(found)
    return {key: statistics.median(found[key] for found in kept) for key in kept[0]}


def main(arguments: list[str]) -> None:
    peer, rounds = _option(arguments, "--peer"), int(_option(arguments, "--rounds") or 3)
    given = [int(item) for item in arguments] or [1, 16, 100, 256, 1000, 10_000]
    head = ("noise", "points", "a: loop", "b: broadcast", "c: each", "c: gathered", "c: broadcast", "d: sweep", "d / b")
    grown = ("unchanged", "frame", "peak MiB", "store bytes", "Prefect bytes", "task runs")
    print(f"| {' | '.join((*head, *grown))} |\n|{'---|' * len((*head, *grown))}")
    with prefect_server() as environment:
        for noise in NOISES:
            for points in given:
                print(_line(noise, points, row(points, noise, peer, rounds, environment), grown), flush=True)


def _option(arguments: list[str], name: str) -> str | None:
    """The value of an option, which is taken out of the arguments."""
    if name not in arguments:
        return None
    place = arguments.index(name)
    _, value = arguments.pop(place), arguments.pop(place)
    return value


def _line(noise: str, points: int, found: dict[str, float], grown: tuple[str, ...]) -> str:
    ways = [found.get(key) for key in ("a", "b", "c each", "c gathered", "c broadcast", "d")]
    shown = ["" if seconds is None else f"{seconds:.2f}" for seconds in ways]
    sizes = [f"{found[key]:.2f}" if key in {"unchanged", "frame"} else f"{found[key]:.0f}" for key in grown]
    ratio = f"{found['d'] / found['b']:.2f}"
    return f"| {' | '.join([noise, str(points), *shown, ratio, *sizes])} |"


if __name__ == "__main__":
    if sys.argv[1:2] in (["plain"], ["ours"]):
        print(json.dumps({"plain": plain, "ours": ours}[sys.argv[1]](int(sys.argv[2]), sys.argv[3])))
    else:
        main(sys.argv[1:])
