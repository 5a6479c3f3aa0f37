"""What a job of PUBs takes: circuits, shots, bytes, seconds of the QPU, and money where a price is known."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from operator import mul
from typing import Any

from qiskit import QuantumCircuit
from qiskit.exceptions import QiskitError
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.transpiler import Target

from prefect_qpu.circuits import pub_bytes
from prefect_qpu.prices import Price
from prefect_qpu.providers.forecast import charged_seconds


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
    """In the currency of the price; none without a price, or where seconds cost and are not known."""

    def document(self) -> dict[str, Any]:
        """The usage as JSON data."""
        return asdict(self)


def usage_of(pubs: Sequence[SamplerPub], target: Target, price: Price | None = None) -> Usage:
    """What a job of these PUBs takes on a target.

    QPU seconds are those of `charged_seconds`, with the length of each circuit as the target tells it.

    Args:
        pubs: ISA circuits with parameter values and shots.
        target: Tells how long gates and measurements take.
        price: What the backend charges.

    Example:
        >>> from prefect_qpu.experiment import AerBackendSpec
        >>> from prefect_qpu.providers.aer import AerProvider
        >>> circuit = QuantumCircuit(5, 1)
        >>> _ = circuit.measure(0, 0)
        >>> target = AerProvider(AerBackendSpec(device="FakeManilaV2")).target()
        >>> found = usage_of([SamplerPub.coerce((circuit, None, 4000))], target, price=Price(per_qpu_second=2.0))
        >>> round(found.qpu_seconds, 2), round(found.cost, 2)
        (3.02, 6.04)
    """
    executions = [pub.shots * max(1, int(pub.parameter_values.size)) for pub in pubs]
    lengths = [length for pub in pubs if (length := seconds_of(pub.circuit, target)) is not None]
    seconds = None
    if len(lengths) == len(pubs):
        seconds = charged_seconds(sum(executions), sum(map(mul, lengths, executions)))
    cost = _cost(price, sum(executions), seconds)
    return Usage(len(pubs), sum(executions), sum(map(pub_bytes, pubs)), seconds, cost)


def _cost(price: Price | None, shots: int, seconds: float | None) -> float | None:
    if price is None or (seconds is None and price.per_qpu_second):
        return None
    return price.of(jobs=1, shots=shots, qpu_seconds=seconds or 0.0)


def seconds_of(circuit: QuantumCircuit, target: Target) -> float | None:
    """Length of a circuit in seconds; none if the target does not tell how long its instructions take."""
    try:
        return float(circuit.estimate_duration(target, unit="s"))
    except QiskitError:
        return None
