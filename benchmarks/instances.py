"""Write the MaxCut instances of examples/instances: `python -m benchmarks.instances`.

Each has the settings that generate it, its edges, its optimum and the certificate of that. The tests check them again.
"""

import json
from pathlib import Path
from typing import Any

from prefect_qpu.baselines import check_certificate, solve_baseline
from prefect_qpu.workloads.maxcut import MaxCutWorkload

FOLDER = Path(__file__).parents[1] / "examples" / "instances"
TIME_LIMIT = 60.0


def settings() -> dict[str, dict[str, Any]]:
    """The generator of each instance by its name."""
    chosen: dict[str, dict[str, Any]] = {}
    for nodes in (16, 20, 30, 50, 100):
        for seed in (1, 2):
            chosen[f"cubic-{nodes}-{seed}"] = {
                "generator": "random_regular",
                "degree": 3,
                "nodes": nodes,
                "seed": seed,
            }
    for side in (5, 6, 7, 8, 10):
        grid = {"generator": "grid", "rows": side, "columns": side, "periodic": True, "weights": "signs", "seed": 1}
        chosen[f"torus-{side}x{side}-1"] = grid
    for nodes in (10, 12, 14, 16, 18, 20, 22, 24):
        dense = {"generator": "erdos_renyi", "probability": 0.5, "nodes": nodes, "seed": 1}
        chosen[f"erdos-renyi-{nodes}-1"] = dense
    for nodes in (12, 16, 20):
        chosen[f"signs-{nodes}-1"] = {"generator": "complete", "nodes": nodes, "weights": "signs", "seed": 1}
    return chosen


def instance(name: str, generator: dict[str, Any]) -> dict[str, Any]:
    workload = MaxCutWorkload(graph=generator)
    (baseline,) = solve_baseline(workload, workload.encode(), TIME_LIMIT, seed=1).baselines
    assert baseline.exact, f"{name}: {baseline.value} to {baseline.bound}"
    check_certificate(workload, baseline)
    return {
        "name": name,
        "generator": generator,
        **workload.graph.document(),
        "optimum": baseline.value,
        "method": baseline.details["bound_by"],
        "versions": dict(baseline.versions),
        "certificate": dict(baseline.certificate),
    }


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, generator in settings().items():
        text = json.dumps(instance(name, generator), separators=(",", ":"))
        (FOLDER / f"{name}.json").write_text(text + "\n")
        print(name, len(text))


if __name__ == "__main__":
    main()
