"""How right the forecasts of simulation times are: `python -m benchmarks.simulation`.

Prints measured and predicted seconds of simulations on states of several sizes, with and without the noise of a device.
The constants of `prefect_qpu/providers/forecast.py` are right where the ratios are near to one.
"""

import time

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.calibration import Calibration
from prefect_qpu.providers import simulation
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.preparation import Preparations
from prefect_qpu.providers.simulation import Simulation

SHOTS = 4096


def circuit(qubits: int, gates: int) -> QuantumCircuit:
    """Rotations and two-qubit gates on a line, measured."""
    draw = np.random.default_rng(7)
    made = QuantumCircuit(qubits)
    while made.size() < gates:
        left = int(draw.integers(qubits - 1))
        made.rz(draw.uniform(0, 6), left)
        made.sx(left)
        made.cx(left, left + 1)
    made.measure_all()
    return made


def compared(qubits: int, gates: int, calibration: Calibration | None) -> str:
    simulation._preparations = Preparations()  # noqa: SLF001 - nothing may be known from an earlier row
    wanted = Simulation((SamplerPub.coerce((circuit(qubits, gates), None, SHOTS)),), calibration, 7)
    began = time.perf_counter()
    wanted.run()
    seconds, predicted = time.perf_counter() - began, wanted.predicted_seconds()
    noise = "noisy" if calibration else "ideal"
    return f"| {noise} | {qubits} | {gates} | {seconds:.2f} | {predicted:.2f} | {predicted / seconds:.2f} |"


def main() -> None:
    guadalupe = device_calibration("FakeGuadalupeV2")
    Simulation((SamplerPub.coerce((circuit(3, 9), None, 10)),), guadalupe, 7).run()
    print("| noise | qubits | gates | measured [s] | predicted [s] | ratio |\n|---|---|---|---|---|---|")
    for qubits, gates in ((5, 200), (5, 2000), (8, 500), (10, 500), (11, 500), (12, 300)):
        print(compared(qubits, gates, guadalupe), flush=True)
    for qubits, gates in ((5, 2000), (12, 2000), (16, 500), (20, 300)):
        print(compared(qubits, gates, None), flush=True)


if __name__ == "__main__":
    main()
