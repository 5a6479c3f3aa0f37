"""The MaxCut portfolio against each of its solvers alone: `python -m benchmarks.portfolio [seconds [family]]`.

Fifty instances of four families. A solver alone has the whole budget of the portfolio and starts again and again,
whatever it has found; it is only spared the time in which it could not find anything better, since its cut is proven to
be the best. The table goes into docs/baselines.md. The exit code is 1 if any solver alone has a larger cut.
"""

import itertools
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from prefect_qpu.baselines.bounds import ODD_CYCLES, SEMIDEFINITE, odd_cycle_bound, semidefinite_bound
from prefect_qpu.baselines.branching import Prover
from prefect_qpu.baselines.local_search import Spins, spins_text
from prefect_qpu.baselines.portfolio import CutResult, largest_cut, reaches, searches
from prefect_qpu.baselines.semidefinite import solve_relaxation
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.graph_generators import generated_graph

FAMILIES: dict[str, tuple[int, dict[str, Any]]] = {
    "3-regular, 200 nodes": (13, {"generator": "random_regular", "degree": 3, "nodes": 200}),
    "torus of signs, 12 x 12": (
        13,
        {"generator": "grid", "rows": 12, "columns": 12, "periodic": True, "weights": "signs"},
    ),
    "Erdős-Rényi 1/2, 100 nodes": (12, {"generator": "erdos_renyi", "probability": 0.5, "nodes": 100}),
    "complete of signs, 100 nodes": (12, {"generator": "complete", "nodes": 100, "weights": "signs"}),
}
SEED = 1


@dataclass(frozen=True)
class Alone:
    """What one solver finds with the whole budget."""

    value: float
    bound: float | None = None


def searching(budget: float, found: Iterator[Spins], graph: Graph, enough: float) -> Alone:
    end, best = time.perf_counter() + budget, -np.inf
    while time.perf_counter() < end and not reaches(best, enough):
        best = max(best, graph.cut(spins_text(next(found))))
    return Alone(best)


def relaxing(budget: float, graph: Graph, enough: float) -> Alone:
    end, best, bound = time.perf_counter() + budget, -np.inf, np.inf
    for seed in itertools.count(SEED):
        found = solve_relaxation(graph, seed, left=lambda: end - time.perf_counter())
        best = max(best, graph.cut(spins_text(found.spins)))
        bound = min(bound, semidefinite_bound(graph, found.multipliers))
        if time.perf_counter() >= end or reaches(best, enough):
            break
    return Alone(best, bound)


def proving(budget: float, graph: Graph) -> Alone:
    end = time.perf_counter() + budget
    proof = Prover(graph, np.ones(graph.nodes), seed=SEED, left=lambda: end - time.perf_counter()).run()
    return Alone(graph.cut(spins_text(proof.spins)), odd_cycle_bound(graph, proof.document))


def alone(graph: Graph, budget: float, enough: float) -> dict[str, Alone]:
    """Each solver with the whole budget; ``enough`` is a bound that is known to hold."""
    solvers: dict[str, Callable[[], Alone]] = {
        name: lambda found=found: searching(budget, found, graph, enough)  # type: ignore[misc]
        for name, found in searches(graph, SEED, lambda: enough).items()
    }
    solvers[SEMIDEFINITE] = lambda: relaxing(budget, graph, enough)
    solvers[ODD_CYCLES] = lambda: proving(budget, graph)
    return {name: solve() for name, solve in solvers.items()}


def row(family: str, results: list[CutResult], singles: list[dict[str, Alone]], seconds: list[float]) -> str:
    losses = []
    for name in singles[0]:
        behind = sum(
            not reaches(single[name].value, result.value) for result, single in zip(results, singles, strict=True)
        )
        losses.append(str(behind))
    proven = sum(result.exact for result in results)
    gaps = [1 - result.value / result.bound for result in results]
    cells = [
        family,
        str(len(results)),
        str(proven),
        f"{100 * max(gaps):.1f} %",
        f"{np.median([result.seconds_to_value for result in results]):.2f}",
        f"{np.median(seconds):.2f}",
        *losses,
        str(sum(smaller(result, single) for result, single in zip(results, singles, strict=True))),
        str(sum(looser(result, single) for result, single in zip(results, singles, strict=True))),
    ]
    return f"| {' | '.join(cells)} |"


def smaller(result: CutResult, singles: dict[str, Alone]) -> bool:
    """Whether any solver alone has a larger cut."""
    return any(not reaches(result.value, single.value) for single in singles.values())


def looser(result: CutResult, singles: dict[str, Alone]) -> bool:
    """Whether any solver alone has a smaller bound."""
    return any(single.bound is not None and not reaches(single.bound, result.bound) for single in singles.values())


def main(budget: float, chosen: str) -> int:
    names = list(searches(generated_graph({"generator": "cycle", "nodes": 3}), SEED, lambda: 0.0))
    columns = ["family", "instances", "proven", "largest gap", "to value [s]", "all [s]"]
    columns += [f"{name} behind" for name in [*names, SEMIDEFINITE, ODD_CYCLES]] + [
        "portfolio behind",
        "its bound behind",
    ]
    print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
    worse = 0
    for family, (count, settings) in FAMILIES.items():
        if chosen not in family:
            continue
        results, singles, seconds = [], [], []
        for seed in range(count):
            graph = generated_graph({**settings, "seed": seed})
            started = time.perf_counter()
            results.append(largest_cut(graph, budget, seed=SEED))
            seconds.append(time.perf_counter() - started)
            singles.append(alone(graph, budget, results[-1].bound))
            if smaller(results[-1], singles[-1]) or looser(results[-1], singles[-1]):
                worse += smaller(results[-1], singles[-1])
                print(family, seed, results[-1].value, results[-1].bound, singles[-1], file=sys.stderr)
        print(row(family, results, singles, seconds), flush=True)
    return int(worse > 0)


if __name__ == "__main__":
    seconds, family = (sys.argv[1:] + ["3", ""][len(sys.argv) - 1 :])[:2]
    sys.exit(main(float(seconds), family))
