"""What shot allocation saves: the variance of an estimate at equal total shots, against an even split.

    python -m benchmarks.shot_allocation [repeats]

All counts are simulated with the noise of a device's calibration, and a pilot's shots are taken from the budget. The
variance is measured twice: by the estimates' own standard errors, which hardly scatter, and by the scatter of the
estimates, whose error is told.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from benchmarks.mitigation_cases import Workload, ghz, ising, plan_context, qaoa, repeated_counts
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
    ("FakeManilaV2", ising(), "zne", {}),
    ("FakeManilaV2", ghz(), "zne", {}),
    ("FakeSherbrooke", qaoa(1), "zne", {"readout": "none", "fit": "linear"}),
    ("FakeSherbrooke", qaoa(1), "zne", {}),
    ("FakeSherbrooke", qaoa(1), "zne", {"fit": ["exponential", "linear"]}),
    ("FakeTorino", qaoa(2), "zne", {}),
    ("FakeTorino", qaoa(2), "zne", {"fit": "richardson"}),
    ("FakeTorino", qaoa(1), "lre", {}),
    ("FakeManilaV2", hydrogen(), "readout", {"readout": "none"}),
    ("FakeManilaV2", hydrogen(), "readout", {}),
    ("FakeManilaV2", hydrogen(), "zne", {}),
    ("FakeTorino", transverse_field(0.5), "readout", {}),
    ("FakeTorino", transverse_field(0.5), "zne", {}),
    ("FakeTorino", heisenberg_energy(), "readout", {}),
    ("FakeTorino", heisenberg_energy(), "zne", {}),
)


def main(repeats: int) -> None:
    """Print the measured and predicted saving of each case, in markdown."""
    print("| device | workload | method | groups | predicted | Neyman | by scatter | with pilot |")
    print("|---|---|---|---|---|---|---|---|")
    for device, workload, method, options in CASES:
        plan = plan_context(device, workload, SHOTS)
        even = _measured(plan, device, method, options | {"allocation": "even"}, repeats)
        split = _measured(plan, device, method, options | {"allocation": "neyman"}, repeats)
        piloted = _measured(_piloted(plan, device), device, method, options | {"allocation": "pilot"}, repeats)
        name = ", ".join([method, *(f"{key} {_shown(value)}" for key, value in options.items())])
        ratio = split.scatter / even.scatter
        # Each variance of normal values has a relative error of sqrt(2 / (repeats - 1)).
        error = ratio * (4 / (repeats - 1)) ** 0.5
        cells = [
            _saved(split.predicted / even.predicted),
            _saved(split.reported / even.reported),
            f"{100 * (1 - ratio):.0f} ± {100 * error:.0f} %",
            _saved(piloted.reported / even.reported),
        ]
        print(f"| {device} | {workload.name} | {name} | {len(plan.circuits)} | {' | '.join(cells)} |", flush=True)


@dataclass(frozen=True)
class Variance:
    """The variance of an estimate, known in three ways."""

    predicted: float
    reported: float
    """Mean square of the standard errors."""
    scatter: float


def _measured(plan: PlanContext, device: str, method: str, options: dict[str, object], repeats: int) -> Variance:
    planned = plan_batch([MethodSpec(method=method, name="method", options=options)], plan)
    share = next(item for item in planned.shares if item.label == "method")
    found = [
        combine_batch([share], counts, plan.measurement).estimates["method"]["value"]
        for counts in repeated_counts(planned, device, repeats, seed=9)
    ]
    scatter = np.var([float(item.value) for item in found], ddof=1)
    reported = np.mean([float(item.stderr) ** 2 for item in found])
    return Variance(share.variance_multiplier, float(reported), float(scatter))


def _saved(ratio: float) -> str:
    return f"{100 * (1 - ratio):.0f} %"


def _piloted(plan: PlanContext, device: str) -> PlanContext:
    """The plan with the counts of one pilot."""
    pilot = plan_batch([], replace(plan, shots=pilot_shots(plan.shots)))
    counts, _ = Simulation(pilot.pubs, device_calibration(device), 17).run()
    return replace(plan, pilot=tuple(counts))


def _shown(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
