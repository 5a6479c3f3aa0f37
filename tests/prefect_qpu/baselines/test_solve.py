import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines import BaselineReport, solve_baseline
from prefect_qpu.workloads import Encoding, Objective, Workload
from prefect_qpu.workloads.circuit import CircuitWorkload
from prefect_qpu.workloads.maxcut import MaxCutWorkload

GHZ = 'OPENQASM 3.0; include "stdgates.inc"; qubit[3] q; h q[0]; cx q[0], q[1]; cx q[1], q[2];'


class TourWorkload(Workload):
    kind: str = "tour"

    def document(self) -> dict[str, Any]:
        return {"kind": self.kind}

    def encode(self) -> Encoding:
        return Encoding(QuantumCircuit(1), {"length": SparsePauliOp("Z")})

    def observable_names(self) -> set[str]:
        return {"length"}

    def objective(self) -> Objective:
        return Objective("length", "minimize")


def solve(workload: Workload, time_limit: float = 10.0, **options: Any) -> BaselineReport:
    return solve_baseline(workload, workload.encode(), time_limit, **options)


def ring(nodes: int) -> MaxCutWorkload:
    return MaxCutWorkload(graph={"generator": "cycle", "nodes": nodes})


def ticking() -> Callable[[], float]:
    ticks = iter(range(100))
    return lambda: float(next(ticks))


def test_the_largest_cut_is_proven_by_counting_all() -> None:
    (baseline,) = solve(ring(7)).baselines
    assert (baseline.method, baseline.observable, baseline.value, baseline.bound) == ("brute force", "cut", 6.0, 6.0)
    assert baseline.exact
    assert baseline.certificate["kind"] == "brute-force"
    assert ring(7).graph.cut(baseline.certificate["assignment"]) == 6.0


def test_observables_have_their_exact_values() -> None:
    workload = CircuitWorkload(qasm=GHZ, observables={"parity": "XXX", "pair": {"ZZI": 0.5, "IZZ": 1}, "one": "ZII"})
    report = solve(workload)
    assert {item.observable: item.value for item in report.baselines} == pytest.approx(
        {"parity": 1.0, "pair": 1.5, "one": 0.0}
    )
    assert all(item.exact and item.bound is None for item in report.baselines)


def test_every_answer_is_json() -> None:
    circuit = CircuitWorkload(qasm=GHZ, observables={"zzz": "ZZZ"})
    for workload in (ring(5), ring(41), circuit):
        for baseline in solve(workload).baselines:
            assert json.loads(json.dumps(baseline.document(), allow_nan=False)) == baseline.document()


def test_the_time_is_that_of_the_clock_and_is_shared_by_the_observables() -> None:
    (counted,) = solve(ring(5), clock=ticking()).baselines
    assert counted.seconds == 5.0
    assert counted.details["solvers"]["brute force"]["seconds"] == 2.0
    workload = CircuitWorkload(qasm=GHZ, observables={"a": "ZZZ", "b": "XXX"})
    assert [item.seconds for item in solve(workload, clock=ticking()).baselines] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("workload", "time_limit", "reason"),
    [
        (
            CircuitWorkload(
                qasm='OPENQASM 3.0; include "stdgates.inc"; qubit[30] q; rx(0.3) q;', observables={"z": "Z" * 30}
            ),
            0.0,
            "neither exact nor truncated methods have a value within 0 s",
        ),
        (TourWorkload(), 10.0, "no classical solver knows workloads of the kind tour"),
    ],
)
def test_no_answer_has_a_reason(workload: Workload, time_limit: float, reason: str) -> None:
    assert solve(workload, time_limit) == BaselineReport((), reason)


def test_every_answer_tells_what_it_cost_and_what_computed_it() -> None:
    circuit = CircuitWorkload(qasm=GHZ, observables={"zzz": "ZZZ"})
    for workload in (ring(5), ring(41), circuit):
        (baseline,) = solve(workload, seed=3).baselines
        assert baseline.seconds > 0
        assert baseline.peak_bytes is not None
        assert baseline.peak_bytes > 2**25
        assert baseline.versions["numpy"] == np.__version__
    assert [solve(ring(nodes), seed=3).baselines[0].seed for nodes in (5, 41)] == [None, 3]


def test_a_graph_too_large_to_count_is_solved_by_several_solvers() -> None:
    (baseline,) = solve(ring(41)).baselines
    assert (baseline.method, baseline.value, baseline.bound, baseline.gap) == ("portfolio", 40.0, 40.0, 0.0)
    assert baseline.exact
    assert baseline.details["found_by"] in baseline.details["solvers"]
    assert baseline.details["bound_by"] == "odd cycles"
    assert 0 < baseline.details["seconds_to_value"] <= baseline.seconds


def test_what_is_not_proven_has_a_bound_and_a_gap() -> None:
    graph = {"generator": "erdos_renyi", "nodes": 40, "probability": 0.6, "seed": 2}
    (baseline,) = solve(MaxCutWorkload(graph=graph), time_limit=2.0).baselines
    assert not baseline.exact
    assert baseline.bound is not None
    assert baseline.gap == pytest.approx(1 - baseline.value / baseline.bound)
    assert 0 < baseline.gap < 0.1
