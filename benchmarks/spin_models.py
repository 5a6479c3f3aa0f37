"""Ground energies of spins on lattices: value, lower bound, time: `python -m benchmarks.spin_models`.

One run each, with a limit of ten seconds. For docs/baselines.md.
"""

import time
from typing import Any

from prefect_qpu.baselines import solve_baseline
from prefect_qpu.workloads import Workload
from prefect_qpu.workloads.heisenberg import HeisenbergWorkload
from prefect_qpu.workloads.tfim import TfimWorkload

LIMIT = 10.0


def heisenberg(**lattice: Any) -> Workload:
    return HeisenbergWorkload(lattice=lattice, angles=[])


MODELS: dict[str, Workload] = {
    "Heisenberg chain, 16": heisenberg(lattice="chain", sites=16),
    "Heisenberg chain, 18": heisenberg(lattice="chain", sites=18),
    "Heisenberg ladder, 2 x 8": heisenberg(lattice="ladder", rungs=8),
    "Heisenberg chain, 100": heisenberg(lattice="chain", sites=100),
    "Heisenberg ladder, 2 x 20": heisenberg(lattice="ladder", rungs=20),
    "critical Ising, heavy-hex 2 x 2": TfimWorkload(lattice={"lattice": "heavy_hex", "rows": 2, "columns": 2}),
    "critical Ising chain, 1000": TfimWorkload(sites=1000),
}


def main() -> None:
    print("| model | method | energy | not below | deviation | all [s] |", "|---|---|---|---|---|---|", sep="\n")
    for name, workload in MODELS.items():
        started = time.perf_counter()
        found = solve_baseline(workload, workload.encode(), LIMIT, seed=1).baselines[0]
        seconds = time.perf_counter() - started
        deviation = "" if found.error is None else f"{found.error:.2g}"
        bound = "" if found.bound is None else f"{found.bound:.8f}"
        print(f"| {name} | {found.method} | {found.value:.8f} | {bound} | {deviation} | {seconds:.2f} |", flush=True)


if __name__ == "__main__":
    main()
