"""Expectation values of a kicked Ising chain of 100 sites, deeper and deeper: `python -m benchmarks.circuit_values`.

The table goes into docs/baselines.md.
"""

import sys
import time

from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.workloads import Encoding

SITES = 100
KICK, COUPLING = 0.6, -0.4
STEPS = (5, 10, 12, 15, 20)


def chain(steps: int) -> QuantumCircuit:
    circuit = QuantumCircuit(SITES)
    for _ in range(steps):
        circuit.rx(KICK, range(SITES))
        for site in [*range(0, SITES - 1, 2), *range(1, SITES - 1, 2)]:
            circuit.rzz(COUPLING, site, site + 1)
    return circuit


def main(limit: float) -> None:
    middle = {"z": SparsePauliOp.from_sparse_list([("Z", [SITES // 2], 1.0)], SITES)}
    print("| steps | method | value | error | time to value [s] | all [s] |\n|---|---|---|---|---|---|")
    for steps in STEPS:
        started = time.perf_counter()
        report = solve_values(Encoding(chain(steps), middle), limit)
        spent = time.perf_counter() - started
        for item in report.baselines:
            seconds = item.details.get("seconds_to_value", item.seconds)
            print(f"| {steps} | {item.method} | {item.value:.8f} | {item.error:.1g} | {seconds:.2f} | {spent:.2f} |")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
