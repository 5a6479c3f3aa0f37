"""Long simulations in a process of their own, so that they neither block this one nor end it when they break.

The process is started with the first simulation and lives as long as this one: what it has simulated of a circuit
serves the next simulation of the same circuit. It reads frames from standard input and writes frames to standard
output: eight bytes of length, then JSON with QPY and NumPy data in it.
"""

import atexit
import base64
import io
import json
import subprocess
import sys
from threading import Lock
from typing import IO, Any

import numpy as np
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuits import from_qpy, to_qpy
from prefect_qpu.errors import JobFailedError
from prefect_qpu.providers.simulation import Simulation

_LENGTH = 8


class Simulator:
    """The process that simulates; one simulation at a time, which has all cores."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, simulation: Simulation) -> tuple[tuple[BitArray, ...], dict[str, Any]]:
        """The same as `Simulation.run`, from the other process; it is replaced if it has died.

        Raises:
            JobFailedError: the simulation failed, or its process died.
        """
        with self._lock:
            answer = self._asked(_packed(simulation))
        if "error" in answer:
            raise JobFailedError(answer["error"])
        return tuple(_bits(item) for item in answer["counts"]), answer["metadata"]

    def close(self) -> None:
        """End the process."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _asked(self, question: bytes) -> dict[str, Any]:
        process = self._alive()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            _write(process.stdin, question)
            raw = _read(process.stdout)
        except BrokenPipeError:
            raw = None
        if raw is None:
            self._process = None
            raise JobFailedError(f"the simulation's process ended with {process.wait()}")
        answer: dict[str, Any] = json.loads(raw)
        return answer

    def _alive(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "prefect_qpu.providers.isolated"]
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603
        return self._process


_simulator = Simulator()
atexit.register(_simulator.close)


def run_isolated(simulation: Simulation) -> tuple[tuple[BitArray, ...], dict[str, Any]]:
    """The same as `Simulation.run`, from the process that this one keeps for it.

    Raises:
        JobFailedError: the simulation failed, or its process died.
    """
    return _simulator.run(simulation)


def main() -> None:
    """Answer simulations until standard input ends."""
    while (question := _read(sys.stdin.buffer)) is not None:
        _write(sys.stdout.buffer, json.dumps(_answer(question)).encode())


def _answer(question: bytes) -> dict[str, Any]:
    try:
        counts, metadata = _unpacked(question).run()
    except Exception as error:  # noqa: BLE001 - it is told to the process that asked
        return {"error": str(error) or type(error).__name__}
    return {"counts": [_bits_document(bits) for bits in counts], "metadata": metadata}


def _write(stream: IO[bytes], raw: bytes) -> None:
    stream.write(len(raw).to_bytes(_LENGTH, "big") + raw)
    stream.flush()


def _read(stream: IO[bytes]) -> bytes | None:
    """The next frame, or none at the end."""
    length = stream.read(_LENGTH)
    if len(length) < _LENGTH:
        return None
    raw = stream.read(wanted := int.from_bytes(length, "big"))
    return raw if len(raw) == wanted else None


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
