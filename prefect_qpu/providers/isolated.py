"""A long simulation in a process of its own, so that it neither blocks this one nor outlives it unseen.

The process reads the simulation from standard input and writes counts to standard output, as JSON, QPY and NumPy data.
"""

import base64
import io
import json
import subprocess
import sys
from typing import Any

import numpy as np
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuits import from_qpy, to_qpy
from prefect_qpu.errors import JobFailedError
from prefect_qpu.providers.simulation import Simulation


def run_isolated(simulation: Simulation) -> tuple[tuple[BitArray, ...], dict[str, Any]]:
    """The same as `Simulation.run`, from another process.

    Raises:
        JobFailedError: the simulation failed, or its process died.
    """
    process = subprocess.run(
        [sys.executable, "-m", "prefect_qpu.providers.isolated"],
        input=_packed(simulation),
        capture_output=True,
        check=False,
    )
    if process.returncode != 0:
        lines = process.stderr.decode(errors="replace").strip().splitlines()
        raise JobFailedError(lines[-1] if lines else f"the simulation's process ended with {process.returncode}")
    answer = json.loads(process.stdout)
    return tuple(_bits(item) for item in answer["counts"]), answer["metadata"]


def main() -> None:
    """Run the simulation on standard input."""
    counts, metadata = _unpacked(sys.stdin.buffer.read()).run()
    json.dump({"counts": [_bits_document(bits) for bits in counts], "metadata": metadata}, sys.stdout)


def _packed(simulation: Simulation) -> bytes:
    calibration = simulation.calibration
    document = {
        "pubs": [
            {
                "circuit": _text(to_qpy(pub.circuit)),
                "parameters": _text(_array_bytes(pub.parameter_values.as_array(pub.circuit.parameters))),
                "shots": pub.shots,
            }
            for pub in simulation.pubs
        ],
        "calibration": calibration.model_dump(mode="json") if calibration else None,
        "seed": simulation.seed,
        "method": simulation.method,
    }
    return json.dumps(document).encode()


def _unpacked(raw: bytes) -> Simulation:
    document = json.loads(raw)
    pubs = tuple(
        SamplerPub.coerce((from_qpy(_raw(pub["circuit"])), _array(_raw(pub["parameters"])), pub["shots"]))
        for pub in document["pubs"]
    )
    calibration = document["calibration"]
    return Simulation(
        pubs,
        Calibration.model_validate_json(json.dumps(calibration)) if calibration else None,
        document["seed"],
        document["method"],
    )


def _bits_document(bits: BitArray) -> dict[str, Any]:
    return {"array": _text(_array_bytes(bits.array)), "num_bits": bits.num_bits}


def _bits(document: dict[str, Any]) -> BitArray:
    return BitArray(_array(_raw(document["array"])), document["num_bits"])


def _array_bytes(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _array(raw: bytes) -> np.ndarray[Any, Any]:
    loaded: np.ndarray[Any, Any] = np.load(io.BytesIO(raw), allow_pickle=False)
    return loaded


def _text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _raw(text: str) -> bytes:
    return base64.b64decode(text)


if __name__ == "__main__":
    main()
