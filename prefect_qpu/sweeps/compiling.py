"""Transpilation once for each circuit, target and options: from the store, else in a pool of processes."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from prefect_qpu.circuits import from_qpy, to_qpy
from prefect_qpu.experiment import TranspileOptions
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore
from prefect_qpu.stages.transpile import keep_transpilation, transpilation_key
from prefect_qpu.sweeps.points import Problem
from prefect_qpu.transpiling import compile_in_bases

FEWEST_FOR_A_POOL = 16
"""Circuits below which they are compiled here: each process imports Qiskit first, which takes two seconds."""


@dataclass(frozen=True)
class Wanted:
    """A circuit to compile for a backend."""

    problem: Problem
    provider: Provider
    options: TranspileOptions
    seed: int

    @property
    def bases(self) -> list[str]:
        """The bases of the measured groups."""
        return [group.basis for group in self.problem.measurement.groups]

    @property
    def key(self) -> str:
        """Hash of all that decides what the transpiler makes."""
        return transpilation_key(self.problem.circuit_hash, self.bases, self.provider, self.options, self.seed)


def compiled(store: RecordStore, wanted: Sequence[Wanted], workers: int | None = None) -> list[dict[str, Any]]:
    """The transpilation of each wanted circuit as JSON data; equal ones are made once, known ones not at all.

    Args:
        store: Where the cache is.
        wanted: The circuits.
        workers: Processes; none means one for each core.

    Raises:
        InputError: a circuit does not fit its backend.
    """
    keys = [item.key for item in wanted]
    known = {key: document for key in dict.fromkeys(keys) if (document := store.circuits.transpiled(key)) is not None}
    missing = {key: item for key, item in zip(keys, wanted, strict=True) if key not in known}
    for (key, item), made in zip(missing.items(), _made(list(missing.values()), workers), strict=True):
        store.circuits.add(item.problem.circuit)
        known[key] = keep_transpilation(store, key, item.problem.circuit_hash, item.bases, *made)
    return [known[key] for key in keys]


def _made(wanted: Sequence[Wanted], workers: int | None) -> Iterator[tuple[Sequence[int], list[Any]]]:
    workers = workers or os.cpu_count() or 1
    if len(wanted) < FEWEST_FOR_A_POOL or workers == 1:
        for item in wanted:
            target = item.provider.target()
            yield compile_in_bases(item.problem.circuit, item.bases, target, item.options, item.seed)
        return
    # Processes are spawned: a fork would copy the locks of Aer's and the server's threads.
    with ProcessPoolExecutor(min(workers, len(wanted)), mp_context=get_context("spawn")) as pool:
        tasks = [
            (to_qpy(item.problem.circuit), item.bases, item.provider.target(), item.options, item.seed)
            for item in wanted
        ]
        for qubits, circuits in pool.map(_compile, tasks, chunksize=max(1, len(tasks) // (8 * workers))):
            yield qubits, [from_qpy(circuit) for circuit in circuits]


def _compile(task: tuple[bytes, list[str], Any, TranspileOptions, int]) -> tuple[Sequence[int], list[bytes]]:
    """The same in a process of the pool, with circuits as QPY."""
    circuit, bases, target, options, seed = task
    qubits, circuits = compile_in_bases(from_qpy(circuit), bases, target, options, seed)
    return qubits, [to_qpy(item) for item in circuits]
