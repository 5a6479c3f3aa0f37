"""What a job of PUBs takes: circuits, shots, bytes, seconds of the QPU, and money where a price is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.circuits import pub_bytes

OVERHEAD = 2.0
"""Seconds that a job takes beside its shots."""
REPETITION_DELAY = 250e-6
"""Seconds between two shots, in which the qubits return to their ground state."""


@dataclass(frozen=True)
class Usage:
    """What a job takes."""

    circuits: int
    shots: int
    """Of all circuits and parameter values."""
    payload_bytes: int
    """Before compression."""
    qpu_seconds: float | None
    """None if the target does not tell how long its gates take."""
    cost: float | None
    """In the currency of the price; none without a price or without seconds."""

    def document(self) -> dict[str, Any]:
        """The usage as JSON data."""
        return {
            "circuits": self.circuits,
            "shots": self.shots,
            "payload_bytes": self.payload_bytes,
            "qpu_seconds": self.qpu_seconds,
            "cost": self.cost,
        }


def usage_of(pubs: Sequence[SamplerPub], target: Target, price: float | None = None) -> Usage:
    """What a job of these PUBs takes on a target.

    QPU seconds are a fixed overhead, and for each shot the length of its circuit and a delay. Other vendors count
    otherwise. Source: IBM Quantum documentation, "Estimate job run time": about 2 s for each job, and (repetition delay
    + circuit length) * executions, with a delay of 250 microseconds.

    Args:
        pubs: ISA circuits with parameter values and shots.
        target: Tells how long gates and measurements take.
        price: Of one QPU second.

    Example:
        >>> from prefect_qpu.experiment import AerBackendSpec
        >>> from prefect_qpu.providers.aer import AerProvider
        >>> circuit = QuantumCircuit(5, 1)
        >>> _ = circuit.measure(0, 0)
        >>> target = AerProvider(AerBackendSpec(device="FakeManilaV2")).target()
        >>> found = usage_of([SamplerPub.coerce((circuit, None, 4000))], target, price=2.0)
        >>> round(found.qpu_seconds, 2), round(found.cost, 2)
        (3.02, 6.04)
    """
    executions = [pub.shots * max(1, int(pub.parameter_values.size)) for pub in pubs]
    lengths = [seconds_of(pub.circuit, target) for pub in pubs]
    seconds = None
    if all(length is not None for length in lengths):
        once = (REPETITION_DELAY + (length or 0.0) for length in lengths)
        seconds = OVERHEAD + sum(length * number for length, number in zip(once, executions, strict=True))
    cost = None if seconds is None or price is None else seconds * price
    return Usage(len(pubs), sum(executions), sum(map(pub_bytes, pubs)), seconds, cost)


def seconds_of(circuit: QuantumCircuit, target: Target) -> float | None:
    """Length of a circuit in seconds; none if the target does not tell how long its instructions take."""
    try:
        return float(circuit.estimate_duration(target, unit="s"))
    except QiskitError:
        return None
