"""The rule that chooses a backend: queue, calibration age and predicted success of the circuit, for every candidate.

Predicted success is the product of the success probabilities of all gates and measurements of the transpiled circuit,
the estimated success probability of Nishio et al., "Extracting success from IBM's 20-qubit machines using error-aware
compilation" (ACM JETC 16, 2020, arXiv:1903.10963): p = prod(1 - e_gate) * prod(1 - e_readout).

The best candidate has the largest p**2 / (queue + 1). Noise that keeps a share p of a signal makes the number of shots
for the same precision grow as 1 / p**2 (the sampling overhead of Cai et al., "Quantum error mitigation", Rev. Mod.
Phys. 95, 2023, arXiv:2210.00921), and each job in the queue delays the answer by about one more job: the score is
inverse to the time that an answer of equal precision takes, in units of a perfect job.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import exp, inf, log1p
from typing import Any

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from prefect_qpu.errors import BackendError, ProviderUnavailableError

A_DAY = 86_400.0
RULE = "largest p**2 / (queue + 1) of the backends that run jobs and whose calibration is fresh"

_NO_GATE = frozenset({"barrier", "delay"})


@dataclass(frozen=True)
class Prediction:
    """How likely one execution of a circuit meets no error."""

    success: float
    """Product over all gates and measurements."""
    unknown: int = 0
    """Instructions whose error the target does not tell; they count as perfect, so that the product is too large."""


@dataclass(frozen=True)
class Candidate:
    """What is known of a backend that may be chosen."""

    name: str
    num_qubits: int | None = None
    queue: int | None = None
    """Jobs that wait or run; none if the provider does not tell, which counts as an empty queue."""
    calibration_age: float | None = None
    """Seconds."""
    calibration_hash: str | None = None
    success: float | None = None
    """Predicted success of the circuit as it is transpiled for this backend."""
    unknown_errors: int = 0
    excluded: str = ""
    """Why it cannot be chosen; empty if it can."""
    reached: bool = True
    """Whether its provider could be asked."""

    @property
    def score(self) -> float | None:
        """``success**2 / (queue + 1)``; none where it cannot be chosen.

        Example:
            >>> Candidate("a", queue=1, success=0.8).score
            0.32000000000000006
        """
        return None if self.success is None or self.excluded else self.success**2 / ((self.queue or 0) + 1)


@dataclass(frozen=True)
class Selection:
    """The backend that was chosen, and the numbers of all."""

    chosen: str
    candidates: tuple[Candidate, ...]
    """The best one first."""

    def document(self) -> dict[str, Any]:
        """The choice as JSON data."""
        return {
            "rule": RULE,
            "chosen": self.chosen,
            "candidates": [asdict(item) | {"score": item.score} for item in self.candidates],
        }


def predicted_success(circuits: Sequence[QuantumCircuit], target: Target) -> Prediction:
    """The geometric mean over circuits of the probability that no gate and no measurement fails.

    Example:
        >>> from qiskit.circuit import Measure
        >>> from qiskit.circuit.library import XGate
        >>> from qiskit.transpiler import InstructionProperties
        >>> target = Target(num_qubits=1)
        >>> for gate, error in ((XGate(), 0.1), (Measure(), 0.2)):
        ...     target.add_instruction(gate, {(0,): InstructionProperties(error=error)})
        >>> circuit = QuantumCircuit(1, 1)
        >>> _, _ = circuit.x(0), circuit.measure(0, 0)
        >>> round(predicted_success([circuit], target).success, 3)
        0.72
    """
    told = [_errors(circuit, target) for circuit in circuits]
    logarithm = sum(-inf if error >= 1 else log1p(-error) for errors in told for error in errors if error is not None)
    unknown = sum(error is None for errors in told for error in errors)
    return Prediction(exp(logarithm / max(len(circuits), 1)), unknown)


def select(candidates: Iterable[Candidate], *, max_calibration_age: float = A_DAY) -> Selection:
    """The candidate with the largest score; among equal ones the one with the youngest calibration, then by name.

    A candidate whose calibration is older than allowed is chosen only where all are.

    Args:
        candidates: Backends and what is known of them.
        max_calibration_age: Seconds.

    Raises:
        BackendError: none can be chosen.
        ProviderUnavailableError: none can be chosen now, for some could not be asked.

    Example:
        >>> select([Candidate("near", queue=0, success=0.5), Candidate("good", queue=1, success=0.9)]).chosen
        'good'
        >>> select([Candidate("near", queue=0, success=0.5), Candidate("good", queue=9, success=0.9)]).chosen
        'near'
    """
    given = tuple(candidates)
    stale = [item for item in given if (item.calibration_age or 0) > max_calibration_age]
    ordered = sorted(given, key=lambda item: _rank(item, stale=item in stale))
    if not ordered or ordered[0].score is None:
        _check_reached(given)
        told = "; ".join(f"{item.name}: {item.excluded or 'unknown success'}" for item in ordered)
        raise BackendError("backend.candidates", given=told or "no candidate", expected="a backend that can run it")
    return Selection(ordered[0].name, tuple(ordered))


def _check_reached(candidates: Iterable[Candidate]) -> None:
    silent = [f"{item.name}: {item.excluded}" for item in candidates if not item.reached]
    if silent:
        raise ProviderUnavailableError(f"no backend can be chosen now. {'; '.join(silent)}")


def _errors(circuit: QuantumCircuit, target: Target) -> list[float | None]:
    return [
        _error(target, instruction.operation.name, tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits))
        for instruction in circuit.data
        if instruction.operation.name not in _NO_GATE
    ]


def _error(target: Target, name: str, qubits: tuple[int, ...]) -> float | None:
    by_qubits = target[name] if name in target.operation_names else {}
    properties = (by_qubits or {}).get(qubits)
    return None if properties is None else properties.error


def _rank(candidate: Candidate, *, stale: bool) -> tuple[Any, ...]:
    age = inf if candidate.calibration_age is None else candidate.calibration_age
    score = candidate.score
    return score is None, stale, -(score or 0.0), age, candidate.name
