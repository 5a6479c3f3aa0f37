"""How long the largest cut takes to find and to prove, and the ground energy of a chain: `python -m benchmarks.proofs`.

Three seeds of each family; the largest time of the three counts. For docs/baselines.md.
"""

import time
from math import pi, sin
from typing import Any

from prefect_qpu.baselines import check_certificate, solve_baseline
from prefect_qpu.baselines.free_fermions import ground_energy
from prefect_qpu.baselines.protocol import Baseline
from prefect_qpu.workloads.maxcut import MaxCutWorkload

FAMILIES: dict[str, dict[str, Any]] = {
    **{
        f"3-regular, {nodes} nodes": {"generator": "random_regular", "degree": 3, "nodes": nodes}
        for nodes in (20, 50, 100, 200)
    },
    "torus of signs, 10 x 10": {
        "generator": "grid",
        "rows": 10,
        "columns": 10,
        "periodic": True,
        "weights": "signs",
    },
    "Erdős-Rényi 1/2, 100 nodes": {"generator": "erdos_renyi", "probability": 0.5, "nodes": 100},
}
SEEDS = (1, 2, 3)
SITES = 1000


def solved(settings: dict[str, Any]) -> tuple[Baseline, float, float]:
    """The baseline, its processor seconds, and the wall seconds of checking its certificate."""
    workload = MaxCutWorkload(graph=settings)
    encoding, begun = workload.encode(), time.process_time()
    (baseline,) = solve_baseline(workload, encoding, 30.0).baselines
    processor = time.process_time() - begun
    started = time.perf_counter()
    check_certificate(workload, baseline)
    return baseline, processor, time.perf_counter() - started


def main() -> None:
    solved({**FAMILIES["3-regular, 50 nodes"], "seed": 0})  # imports what is imported when it is needed
    columns = ("family", "proven", "largest gap", "to value [s]", "all [s]", "processor [s]", "check [s]")
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    for family, settings in FAMILIES.items():
        results = [solved({**settings, "seed": seed}) for seed in SEEDS]
        found = [baseline for baseline, *_ in results]
        cells = [
            family,
            f"{sum(item.exact for item in found)} of {len(found)}",
            f"{100 * max(item.gap or 0.0 for item in found):.1f} %",
            f"{max(item.details['seconds_to_value'] for item in found):.2f}",
            f"{max(item.seconds for item in found):.2f}",
            f"{max(processor for _, processor, _ in results):.2f}",
            f"{max(check for *_, check in results):.3f}",
        ]
        print(f"| {' | '.join(cells)} |", flush=True)
    started = time.perf_counter()
    energy = ground_energy([1.0] * (SITES - 1), [1.0] * SITES)
    seconds = time.perf_counter() - started
    error = abs(energy - (1 - 1 / sin(pi / (4 * SITES + 2))))
    print(f"\nCritical chain of {SITES} sites: {seconds:.2f} s, {error:.1e} from the closed form")


if __name__ == "__main__":
    main()
