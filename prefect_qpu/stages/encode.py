"""Stage `encode`: from the workload to a circuit, observables and the groups in which they are measured."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from prefect_qpu.circuits import circuit_metrics
from prefect_qpu.mitigation import Measurement, check_methods
from prefect_qpu.observables import group_terms
from prefect_qpu.run import Run

STAGE = "encode"


@dataclass(frozen=True)
class Encoded:
    """What the workload became."""

    circuit: QuantumCircuit
    """State preparation without measurements."""
    circuit_hash: str
    measurement: Measurement
    parameters: Mapping[str, NDArray[np.float64]]
    expected: Mapping[str, float]
    """Reference values that the user gave."""


def encode(run: Run) -> Encoded:
    """The encoded workload of a run, from the store if it is there."""
    document = run.once(STAGE, lambda: _encode(run))
    return Encoded(
        circuit=run.store.circuits.get(document["circuit"]),
        circuit_hash=document["circuit"],
        measurement=Measurement.from_document(document["measurement"]),
        parameters=run.store.submissions.parameters(document["parameters"]) if document["parameters"] else {},
        expected=document["expected"],
    )


def _encode(run: Run) -> dict[str, Any]:
    check_methods(run.experiment.mitigation)
    encoding = run.experiment.workload.encode()
    groups = tuple(group_terms(encoding.observables))
    objective = run.experiment.workload.objective()
    values = {name: np.asarray(value, dtype=float) for name, value in encoding.parameters.items()}
    return {
        "circuit": run.store.circuits.add(encoding.circuit),
        "metrics": asdict(circuit_metrics(encoding.circuit)),
        "measurement": Measurement(encoding.observables, groups).document(),
        "parameters": run.store.submissions.add_parameters(values) if values else None,
        "expected": dict(encoding.expected),
        "objective": asdict(objective) if objective else None,
        "reduction": dict(encoding.reduction),
    }
