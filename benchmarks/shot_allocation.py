"""What shot allocation saves: variance over repeats at equal total shots, against an even split.

    python -m benchmarks.shot_allocation [repeats]

All counts are simulated with the noise of a device's calibration, and a pilot's shots are taken from the budget.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from benchmarks.mitigation_cases import Workload, ising, plan_context, qaoa, repeated_counts
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import PlanContext, combine_batch, plan_batch
from prefect_qpu.mitigation.shots import pilot_shots
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.simulation import Simulation

SHOTS = 2000
# The hydrogen molecule at 0.735 Å in the STO-3G basis by Jordan-Wigner: 15 terms in 5 groups.
HYDROGEN = {
    "IIII": -0.81054798,
    "IIIZ": 0.17218393,
    "IIZI": -0.22575349,
    "IZII": 0.17218393,
    "ZIII": -0.22575349,
    "IIZZ": 0.12091263,
    "IZIZ": 0.16892754,
    "ZIIZ": 0.16614543,
    "IZZI": 0.16614543,
    "ZIZI": 0.17464343,
    "ZZII": 0.12091263,
    "XXYY": -0.04523280,
    "YYXX": -0.04523280,
    "XYYX": 0.04523280,
    "YXXY": 0.04523280,
}


def hydrogen() -> Workload:
    """Close to the ground state: one double excitation of the occupied orbitals."""
    circuit = QuantumCircuit(4)
    circuit.ry(-0.2265, 0)
    circuit.cx(0, 1)
    circuit.cx(0, 2)
    circuit.cx(1, 3)
    circuit.x([0, 2])
    return Workload("hydrogen energy", circuit, SparsePauliOp.from_list(list(HYDROGEN.items())))


def transverse_field(field: float) -> Workload:
    circuit = ising().circuit
    width = circuit.num_qubits
    terms = [("ZZ", [qubit, qubit + 1], -1.0) for qubit in range(width - 1)]
    terms += [("X", [qubit], -field) for qubit in range(width)]
    return Workload(f"Ising energy, field {field:g}", circuit, SparsePauliOp.from_sparse_list(terms, width))


def heisenberg_energy() -> Workload:
    circuit = ising().circuit
    terms = [(letters, [qubit, qubit + 1], 1.0) for qubit in range(4) for letters in ("XX", "YY", "ZZ")]
    return Workload("Heisenberg energy", circuit, SparsePauliOp.from_sparse_list(terms, 5))


CASES: Sequence[tuple[str, Workload, str, dict[str, object]]] = (
    ("FakeManilaV2", ising(), "zne", {"readout": "none", "fit": "linear"}),
    ("FakeManilaV2", ising(), "zne", {"fit": ["exponential", "linear"]}),
    ("FakeSherbrooke", qaoa(1), "zne", {"readout": "none", "fit": "linear"}),
    ("FakeSherbrooke", qaoa(1), "zne", {"fit": ["exponential", "linear"]}),
    ("FakeTorino", qaoa(2), "zne", {"fit": "richardson"}),
    ("FakeTorino", qaoa(1), "lre", {}),
    ("FakeManilaV2", hydrogen(), "readout", {"readout": "none"}),
    ("FakeManilaV2", hydrogen(), "readout", {}),
    ("FakeManilaV2", hydrogen(), "zne", {}),
    ("FakeTorino", transverse_field(0.5), "readout", {}),
    ("FakeTorino", transverse_field(0.5), "zne", {}),
    ("FakeTorino", heisenberg_energy(), "readout", {}),
)


def main(repeats: int) -> None:
    """Print the measured and predicted saving of each case, in markdown."""
    print("| device | workload | method | groups | predicted | Neyman | with pilot |")
    print("|---|---|---|---|---|---|---|")
    for device, workload, method, options in CASES:
        plan = plan_context(device, workload, SHOTS)
        even, predicted_even = _variance(plan, device, method, options | {"allocation": "even"}, repeats)
        split, predicted = _variance(plan, device, method, options | {"allocation": "neyman"}, repeats)
        piloted, _ = _variance(_piloted(plan, device), device, method, options | {"allocation": "pilot"}, repeats)
        name = ", ".join([method, *(f"{key} {_shown(value)}" for key, value in options.items())])
        savings = [1 - predicted / predicted_even, 1 - split / even, 1 - piloted / even]
        cells = " | ".join(f"{100 * saving:.0f} %" for saving in savings)
        print(f"| {device} | {workload.name} | {name} | {len(plan.circuits)} | {cells} |", flush=True)


def _variance(
    plan: PlanContext, device: str, method: str, options: dict[str, object], repeats: int
) -> tuple[float, float]:
    """The variance over repeats of an estimate, and the predicted multiplier."""
    planned = plan_batch([MethodSpec(method=method, name="method", options=options)], plan)
    share = next(item for item in planned.shares if item.label == "method")
    values = [
        float(combine_batch([share], counts, plan.measurement).estimates["method"]["value"].value)
        for counts in repeated_counts(planned, device, repeats, seed=9)
    ]
    return float(np.var(values, ddof=1)), share.variance_multiplier


def _piloted(plan: PlanContext, device: str) -> PlanContext:
    """The plan with the counts of one pilot."""
    pilot = plan_batch([], replace(plan, shots=pilot_shots(plan.shots)))
    counts, _ = Simulation(pilot.pubs, device_calibration(device), 17).run()
    return replace(plan, pilot=tuple(counts))


def _shown(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
