"""Sweeps that tests vary."""

from typing import Any

from prefect_qpu.sweeps import Sweep

ROTATION = """OPENQASM 3.0; include "stdgates.inc"; input float alpha; input float omega; qubit[2] q;
ry(alpha) q[0]; rx(omega) q[1]; cx q[0], q[1];"""
T, U = "workload.parameters.alpha", "workload.parameters.omega"


def document(axes: Any, **changes: Any) -> dict[str, Any]:
    """A sweep over the two angles of a circuit of two qubits, as it stands in a file."""
    experiment = {
        "name": "scan",
        "workload": {
            "kind": "circuit",
            "qasm": ROTATION,
            "observables": {"zz": "ZZ", "xi": "XI"},
            "parameters": {"alpha": 0.1, "omega": 0.2},
        },
        "shots": 200,
        "seed": 7,
    }
    inner = {
        key.removeprefix("experiment_"): changes.pop(key) for key in list(changes) if key.startswith("experiment_")
    }
    return {"experiment": experiment | inner, "axes": axes, **changes}


def sweep(axes: Any, **changes: Any) -> Sweep:
    return Sweep.parse(document(axes, **changes))
