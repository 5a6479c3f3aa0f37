"""Which classical method answers which workload."""

import time

import numpy as np
import qiskit

from prefect_qpu.baselines import brute_force, statevector
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.circuits import circuit_hash
from prefect_qpu.workloads import Encoding, Workload
from prefect_qpu.workloads.maxcut import OBSERVABLE, MaxCutWorkload


def solve_baseline(
    workload: Workload, encoding: Encoding, time_limit: float, *, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The best classical answers: the largest cut for MaxCut, exact expectation values where nothing is optimised.

    Args:
        workload: The problem.
        encoding: What its `encode` gave.
        time_limit: Wall seconds; a method of which more are predicted is not started.
        clock: Seconds of a monotonic clock.

    Example:
        >>> workload = MaxCutWorkload(graph=[[0, 1], [1, 2], [2, 0]])
        >>> report = solve_baseline(workload, workload.encode(), time_limit=1.0)
        >>> [(item.method, item.value, item.exact) for item in report.baselines]
        [('brute force', 2.0, True)]
    """
    if isinstance(workload, MaxCutWorkload):
        return _largest_cut(workload, time_limit, clock)
    if workload.objective() is None:
        return _exact_values(encoding, time_limit, clock)
    return BaselineReport((), f"no classical solver knows workloads of the kind {workload.kind}")


def _largest_cut(workload: MaxCutWorkload, time_limit: float, clock: Clock) -> BaselineReport:
    graph = workload.graph
    if graph.nodes > brute_force.MOST_NODES:
        return BaselineReport((), f"{graph.nodes} nodes are more than the {brute_force.MOST_NODES} of brute force")
    seconds = brute_force.predicted_seconds(graph)
    if seconds > time_limit:
        reason = f"brute force over {graph.nodes} nodes would take about {seconds:.2g} s, more than {time_limit:g} s"
        return BaselineReport((), reason)
    started = clock()
    value, assignment = brute_force.best_cut(graph)
    baseline = Baseline(
        method="brute force",
        observable=OBSERVABLE,
        value=value,
        bound=value,
        exact=True,
        certificate={"kind": "brute-force", "assignment": assignment, "nodes": graph.nodes, "graph": graph.hash},
        seconds=clock() - started,
        details={"numpy": np.__version__, "candidates": 2 ** (graph.nodes - 1)},
    )
    return BaselineReport((baseline,))


def _exact_values(encoding: Encoding, time_limit: float, clock: Clock) -> BaselineReport:
    reason = statevector.refusal(encoding, time_limit)
    if reason is not None:
        return BaselineReport((), reason)
    started = clock()
    values = statevector.exact_values(encoding, time_limit) or {}
    seconds = (clock() - started) / len(values)
    certificate = {
        "kind": "statevector",
        "circuit": circuit_hash(encoding.circuit),
        "parameters": {name: float(value) for name, value in encoding.parameters.items()},
    }
    details = {"qiskit": qiskit.__version__, "bytes": statevector.predicted_bytes(encoding)}
    baselines = (
        Baseline(
            "state vector", name, value, None, exact=True, certificate=certificate, seconds=seconds, details=details
        )
        for name, value in values.items()
    )
    return BaselineReport(tuple(baselines))
