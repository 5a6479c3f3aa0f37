"""The programs that the service runs, each a function from parameters and shots to a result document."""

import json
import sys
import traceback
from collections.abc import Callable
from typing import Any

from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.emulator.backends import Device
from prefect_qpu.emulator.programs.drawing import Sampling
from prefect_qpu.emulator.programs.estimator import run_estimator
from prefect_qpu.emulator.programs.executor import run_executor
from prefect_qpu.emulator.programs.noise import device_noise
from prefect_qpu.emulator.programs.outcome import Outcome
from prefect_qpu.emulator.programs.sampler import run_sampler
from prefect_qpu.errors import QpuError

Program = Callable[[str, Sampling], Outcome]

PROGRAMS: dict[str, Program] = {"sampler": run_sampler, "estimator": run_estimator, "executor": run_executor}

VALIDATION, INTERNAL = 1002, 9999


def run_program(header: dict[str, Any], params: bytes) -> tuple[dict[str, Any], bytes]:
    """The answer to a job: whether it succeeded and what it cost, and its result document.

    Args:
        header: The program, the device and its calibration, as the scheduler tells them.
        params: The program's parameters as JSON text.
    """
    try:
        noise = device_noise(Device(**header["device"]), **header["calibration"])
        sampling = Sampling(noise, random=header["execution"] == "null")
        outcome = PROGRAMS[header["program"]](params.decode(), sampling)
    except (QpuError, ValueError, TypeError, KeyError, json.JSONDecodeError) as error:
        return {"ok": False, "code": VALIDATION, "reason": _told(error), "log": traceback.format_exc()}, b""
    except Exception as error:  # noqa: BLE001 - a defect of the emulator ends the job, not the worker
        traceback.print_exc(file=sys.stderr)
        return {"ok": False, "code": INTERNAL, "reason": _told(error), "log": traceback.format_exc()}, b""
    return {"ok": True, "executions": outcome.executions, "log": "\n".join(outcome.notes)}, outcome.body


def warm_up() -> None:
    """Load what the first job would otherwise wait for."""
    circuit = QuantumCircuit(1, 1)
    circuit.sx(0)
    circuit.measure(0, 0)
    noise = device_noise(Device("ibm_manila", "manila"), number=0, seed=0, drift=0.0)
    Sampling(noise, seed=0).draw(SamplerPub.coerce((circuit, None, 1)))


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, QpuError) else f"{type(error).__name__}: {error}"
