"""From PUBs to what ``backend.run`` takes, circuits under one number of shots, and from its counts back to PUBs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import gcd
from typing import Any

import numpy as np
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import InvalidResultError, JobRefusedError

MOST_REPEATS = 100
"""How often one circuit may stand in a job, so that PUBs with different shots share it."""


@dataclass(frozen=True)
class Batch:
    """Circuits of one call of ``backend.run``."""

    shots: int
    places: tuple[tuple[int, int], ...]
    """PUB and parameter set of each circuit."""

    def circuits(self, pubs: Sequence[SamplerPub]) -> list[QuantumCircuit]:
        """The circuits with their parameters bound."""
        return [_bound(pubs[pub], index) for pub, index in self.places]


def one_batch(pubs: Sequence[SamplerPub], max_shots: int | None, max_circuits: int | None) -> tuple[Batch]:
    """All PUBs in one job: circuits are repeated under the largest number of shots that divides all of theirs.

    Raises:
        JobRefusedError: it would take more circuits than the backend or reason allows.

    Example:
        >>> circuit = QuantumCircuit(1, 1)
        >>> pubs = [SamplerPub.coerce((circuit, None, shots)) for shots in (4000, 6000)]
        >>> one_batch(pubs, None, None)[0]
        Batch(shots=2000, places=((0, 0), (0, 0), (1, 0), (1, 0), (1, 0)))
    """
    common = gcd(*(pub.shots for pub in pubs))
    highest = common if max_shots is None else min(common, max_shots)
    shots = next(number for number in range(highest, 0, -1) if common % number == 0)
    repeats = max(pub.shots // shots for pub in pubs)
    size = sum(pub.parameter_values.size * (pub.shots // shots) for pub in pubs)
    if repeats > MOST_REPEATS or (max_circuits is not None and size > max_circuits):
        told = sorted({pub.shots for pub in pubs})
        most = f"{max_circuits} circuits of " if max_circuits is not None else ""
        raise JobRefusedError(
            f"shots {told} would make {size} circuits of {shots} shots in one job, the backend takes {most}"
            f"{'any number of' if max_shots is None else max_shots} shots and a circuit may be repeated {MOST_REPEATS} "
            "times: choose shots with a large common divisor"
        )
    return (Batch(shots, tuple(_places(pubs, range(len(pubs)), shots))),)


def batches_by_shots(pubs: Sequence[SamplerPub], max_circuits: int | None) -> tuple[Batch, ...]:
    """All PUBs in as few calls as there are different numbers of shots, each no longer than the backend allows."""
    made = []
    for shots in dict.fromkeys(pub.shots for pub in pubs):
        alike = [index for index, pub in enumerate(pubs) if pub.shots == shots]
        places = tuple(_places(pubs, alike, shots))
        step = max_circuits or len(places)
        made += [Batch(shots, places[start : start + step]) for start in range(0, len(places), step)]
    return tuple(made)


def counts_of(
    pubs: Sequence[SamplerPub], batches: Sequence[Batch], results: Sequence[Any], job_id: str
) -> tuple[BitArray, ...]:
    """One bit array for each PUB, with the shape of its parameter values.

    Args:
        pubs: What was asked.
        batches: How it was sent.
        results: The vendor's result of each batch.
        job_id: The job, for messages.

    Raises:
        InvalidResultError: the counts are not those of the circuits and shots that were sent.
    """
    drawn: dict[tuple[int, int], list[BitArray]] = {}
    for batch, result in zip(batches, results, strict=True):
        for position, place in enumerate(batch.places):
            told = _told(result, position, job_id)
            drawn.setdefault(place, []).append(_bits(told, pubs[place[0]].circuit.num_clbits, batch.shots, job_id))
    return tuple(_joined(pub, index, drawn) for index, pub in enumerate(pubs))


def _places(pubs: Sequence[SamplerPub], indices: Iterable[int], shots: int) -> Iterable[tuple[int, int]]:
    for pub in indices:
        for index in range(pubs[pub].parameter_values.size):
            yield from [(pub, index)] * (pubs[pub].shots // shots)


def _bound(pub: SamplerPub, index: int) -> QuantumCircuit:
    if not pub.circuit.parameters:
        return pub.circuit
    position = np.unravel_index(index, pub.parameter_values.shape) if pub.parameter_values.shape else ()
    return pub.parameter_values.bind(pub.circuit, tuple(map(int, position)))


def _told(result: Any, position: int, job_id: str) -> Mapping[Any, int]:
    try:
        told = result.get_counts(position)
    except Exception as error:  # noqa: BLE001 - each vendor has a class of its own for results
        broken = type(error).__name__
    else:
        if isinstance(told, Mapping):
            return told
        broken = type(told).__name__
    raise InvalidResultError(f"job {job_id} has no counts for circuit {position} ({broken})")


def _bits(told: Mapping[Any, int], width: int, shots: int, job_id: str) -> BitArray:
    try:
        counts: dict[int, int] = {}
        for key, number in told.items():
            outcome = _outcome(key, width)
            counts[outcome] = counts.get(outcome, 0) + _whole(number)
    except (TypeError, ValueError) as error:
        raise InvalidResultError(f"job {job_id} answered with something that is no counts: {error}") from None
    if sum(counts.values()) != shots:
        raise InvalidResultError(f"job {job_id} returned {sum(counts.values())} shots of a circuit, expected {shots}")
    return BitArray.from_counts(counts, width)


def _outcome(key: Any, width: int) -> int:
    """The bits as a number, classical bit 0 in its lowest place; a text has them register by register, last first."""
    text = key if isinstance(key, str) else hex(key)
    digits = text.replace(" ", "")
    value = int(digits, 16 if digits.startswith("0x") else 2)
    if value >> width or (not digits.startswith("0x") and len(digits) != width):
        raise ValueError(f"outcome {key!r}, expected {width} bits")
    return value


def _whole(number: Any) -> int:
    if number != int(number) or number < 0:
        raise ValueError(f"count {number!r}, expected a whole number")
    return int(number)


def _joined(pub: SamplerPub, index: int, drawn: Mapping[tuple[int, int], list[BitArray]]) -> BitArray:
    sets = [BitArray.concatenate_shots(drawn[index, number]) for number in range(pub.parameter_values.size)]
    array = np.stack([bits.array for bits in sets])
    return BitArray(array.reshape(*pub.parameter_values.shape, pub.shots, -1), pub.circuit.num_clbits)
