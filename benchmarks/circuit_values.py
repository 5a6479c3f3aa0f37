"""Expectation values of a kicked Ising chain of 100 sites, deeper and deeper: `python -m benchmarks.circuit_values`.

The table goes into docs/baselines.md.
"""

import sys
import time

from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import kicked_ising

SITES = 100
KICK, COUPLING = 0.6, -0.4
STEPS = (5, 10, 12, 15, 20)


def main(limit: float) -> None:
    middle = {"z": SparsePauliOp.from_sparse_list([("Z", [SITES // 2], 1.0)], SITES)}
    print("| steps | method | value | error | time to value [s] | all [s] |\n|---|---|---|---|---|---|")
    for steps in STEPS:
        started = time.perf_counter()
        report = solve_values(Encoding(kicked_ising(SITES, steps, kick=KICK, coupling=COUPLING), middle), limit)
        spent = time.perf_counter() - started
        for item in report.baselines:
            seconds = item.details.get("seconds_to_value", item.seconds)
            print(f"| {steps} | {item.method} | {item.value:.8f} | {item.error:.1g} | {seconds:.2f} | {spent:.2f} |")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 20.0)
