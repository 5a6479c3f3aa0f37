"""Which classical method answers which workload."""

import time
from typing import TYPE_CHECKING, Any

from prefect_qpu.baselines import brute_force, free_fermions
from prefect_qpu.baselines.measuring import Measured, versions_of
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.workloads import Encoding, Workload
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.maxcut import OBSERVABLE, MaxCutWorkload
from prefect_qpu.workloads.spin_model import ENERGY
from prefect_qpu.workloads.tfim import TfimWorkload

if TYPE_CHECKING:
    from prefect_qpu.baselines.portfolio import CutResult


def solve_baseline(
    workload: Workload, encoding: Encoding, time_limit: float, *, seed: int = 0, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The best classical answers: a large cut for MaxCut, the ground energy of a chain, expectation values else.

    A workload that has `prefect_qpu.workloads.Workload.baselines` of its own gets those.
    MaxCut has an answer on any graph: where it is not proven to be the best, its bound tells how good it is.

    Args:
        workload: The problem.
        encoding: What its `encode` gave.
        time_limit: Wall seconds; a method of which more are predicted is not started.
        seed: Of methods that draw.
        clock: Seconds of a monotonic clock.

    Example:
        >>> workload = MaxCutWorkload(graph=[[0, 1], [1, 2], [2, 0]])
        >>> report = solve_baseline(workload, workload.encode(), time_limit=1.0)
        >>> [(item.method, item.value, item.exact) for item in report.baselines]
        [('brute force', 2.0, True)]
    """
    own = workload.baselines(time_limit, seed)
    if own is not None:
        return own
    if isinstance(workload, MaxCutWorkload):
        return BaselineReport((largest_cut_baseline(workload.graph, time_limit, seed, clock),))
    if isinstance(workload, TfimWorkload) and workload.evolution is None:
        return _ground_energy(workload, clock)
    if workload.objective() is None:
        from prefect_qpu.baselines.circuit_values import solve_values

        return solve_values(encoding, time_limit, clock=clock)
    return BaselineReport((), f"no classical solver knows workloads of the kind {workload.kind}")


def largest_cut_baseline(graph: Graph, time_limit: float, seed: int, clock: Clock = time.perf_counter) -> Baseline:
    """The portfolio's cut of a graph, with its bound and certificate."""
    from prefect_qpu.baselines.portfolio import largest_cut  # the solvers load SciPy's optimisers

    with Measured(clock) as measured:
        result = largest_cut(graph, time_limit, seed=seed, clock=clock)
    counted = result.found_by == brute_force.METHOD and len(result.attempts) == 1
    return Baseline(
        method=brute_force.METHOD if counted else "portfolio",
        observable=OBSERVABLE,
        value=result.value,
        bound=result.bound,
        exact=result.exact,
        certificate=_cut_certificate(graph, result),
        seconds=measured.seconds,
        details=_cut_details(graph, result, time_limit),
        peak_bytes=measured.peak_bytes,
        seed=None if counted else seed,
        versions=versions_of("numpy") if counted else versions_of("numpy", "scipy", "dwave-samplers"),
    )


def _cut_certificate(graph: Graph, result: "CutResult") -> dict[str, Any]:
    certificate = {"assignment": result.assignment, "nodes": graph.nodes, "graph": graph.hash}
    if result.proof["kind"] == "brute-force":
        return {"kind": "brute-force", **certificate}
    return {"kind": "cut", **certificate, "proof": result.proof}


def _cut_details(graph: Graph, result: "CutResult", time_limit: float) -> dict[str, Any]:
    return {
        "found_by": result.found_by,
        "bound_by": result.bound_by,
        "seconds_to_value": result.seconds_to_value,
        "time_limit": time_limit,
        "edges": len(graph.edges),
        "solvers": {attempt.pop("solver"): attempt for attempt in map(dict, result.attempts)},
        "skipped": result.skipped,
    }


def _ground_energy(workload: TfimWorkload, clock: Clock) -> BaselineReport:
    with Measured(clock) as measured:
        energy = free_fermions.ground_energy(workload.couplings, workload.fields)
    baseline = Baseline(
        method="free fermions",
        observable=ENERGY,
        value=energy,
        bound=energy,
        exact=True,
        certificate={
            "kind": "free-fermions",
            "couplings": list(workload.couplings),
            "fields": list(workload.fields),
        },
        seconds=measured.seconds,
        details={"sites": workload.shape.sites},
        peak_bytes=measured.peak_bytes,
        versions=versions_of("scipy", "numpy"),
    )
    return BaselineReport((baseline,))
