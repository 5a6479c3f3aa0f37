"""Experiments that many tests run."""

from typing import Any

from prefect_qpu.experiment import Experiment

GHZ = """OPENQASM 3.0;
include "stdgates.inc";
qubit[4] q;
h q[0];
cx q[0], q[1];
cx q[1], q[2];
cx q[2], q[3];
"""


def ghz(**changes: object) -> Experiment:
    """A four-qubit GHZ experiment on a noisy simulator, with settings changed."""
    return Experiment.parse(ghz_document(**changes))


def ghz_document(**changes: object) -> dict[str, Any]:
    return {
        "name": "ghz-check",
        "workload": {
            "kind": "circuit",
            "qasm": GHZ,
            "observables": {"parity": "ZZZZ", "energy": {"ZZII": 1.0, "IZZI": 1.0, "IIXX": -0.5}},
        },
        "backend": {"kind": "aer", "device": "FakeManilaV2"},
        "shots": 2000,
        "seed": 7,
        "transpile": {"optimization_level": 3},
        "hypothesis": {"statement": "parity survives", "observable": "parity", "range": [0.6, 1.0]},
    } | changes
