import json
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines import BaselineReport, solve_baseline
from prefect_qpu.baselines.brute_force import MOST_NODES
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
    for workload in (ring(5), circuit):
        for baseline in solve(workload).baselines:
            assert json.loads(json.dumps(asdict(baseline), allow_nan=False)) == asdict(baseline)


def test_the_time_is_that_of_the_clock_and_is_shared_by_the_observables() -> None:
    assert [item.seconds for item in solve(ring(5), clock=ticking()).baselines] == [1.0]
    workload = CircuitWorkload(qasm=GHZ, observables={"a": "ZZZ", "b": "XXX"})
    assert [item.seconds for item in solve(workload, clock=ticking()).baselines] == [0.5, 0.5]


@pytest.mark.parametrize(
    ("workload", "time_limit", "reason"),
    [
        (ring(MOST_NODES + 1), 1e9, "37 nodes are more than the 36 of brute force"),
        (ring(34), 10.0, "brute force over 34 nodes would take about 34 s, more than 10 s"),
        (
            CircuitWorkload(qasm="OPENQASM 3.0; qubit[25] q;", observables={"z": "Z" * 25}),
            1e9,
            "25 qubits are more than the 24 of a state vector",
        ),
        (TourWorkload(), 10.0, "no classical solver knows workloads of the kind tour"),
    ],
)
def test_no_answer_has_a_reason(workload: Workload, time_limit: float, reason: str) -> None:
    assert solve(workload, time_limit) == BaselineReport((), reason)
