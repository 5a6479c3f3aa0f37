"""How a device's properties wander from one calibration to the next: a seeded walk around the published snapshot.

Each logarithm of T1, T2, gate error and readout error follows a stationary first-order autoregression whose standard
deviation is the strength of the drift. It is a function of seed and number alone, so that a history needs no storage.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.hashing import derive_seed

_PERSISTENCE = 0.8
_MEMORY = 32
"""Calibrations after which a shock is forgotten: 0.8**32 is below 0.1 %."""
_READOUT = {"readout_error", "prob_meas0_prep1", "prob_meas1_prep0"}
_LARGEST_ERROR = 0.5


def drifted(published: Mapping[str, Any], number: int, *, seed: int, strength: float) -> dict[str, Any]:
    """The properties at one calibration; number 0 is the snapshot as it was published.

    Args:
        published: Properties as the service sends them.
        number: Which calibration, counted from 0.
        seed: Seed of the walk.
        strength: Standard deviation of the logarithms.
    """
    qubits = published["qubits"]
    factors = np.exp(strength * walk(number, 3 * len(qubits) + len(published["gates"]), seed))
    times, readout, gates = np.split(factors, [2 * len(qubits), 3 * len(qubits)])
    return {
        **published,
        "qubits": [
            _qubit(values, times[2 * index : 2 * index + 2], readout[index]) for index, values in enumerate(qubits)
        ],
        "gates": [_gate(gate, factor) for gate, factor in zip(published["gates"], gates, strict=True)],
    }


def walk(number: int, width: int, seed: int) -> NDArray[np.float64]:
    """The state of ``width`` independent walks after ``number`` steps, which start at 0.

    Example:
        >>> walk(0, 2, seed=1).tolist()
        [0.0, 0.0]
    """
    state = np.zeros(width)
    for step in range(max(1, number - _MEMORY), number + 1):
        shocks = np.random.default_rng(derive_seed(seed, f"calibration-{step}")).standard_normal(width)
        state = _PERSISTENCE * state + np.sqrt(1 - _PERSISTENCE**2) * shocks
    return state


def dated(properties: Mapping[str, Any], taken_at: datetime) -> dict[str, Any]:
    """The properties as if the device had been calibrated at another time: all dates moved alike, written in UTC."""
    shift = taken_at - datetime.fromisoformat(properties["last_update_date"])
    return {
        **properties,
        "last_update_date": _moved(properties["last_update_date"], shift),
        "qubits": [_all_moved(values, shift) for values in properties["qubits"]],
        "gates": [{**gate, "parameters": _all_moved(gate["parameters"], shift)} for gate in properties["gates"]],
        "general": _all_moved(properties["general"], shift),
    }


def _qubit(values: list[dict[str, Any]], times: NDArray[np.float64], readout: float) -> list[dict[str, Any]]:
    factors = {"T1": times[0], "T2": times[1], **dict.fromkeys(_READOUT, readout)}
    scaled = [_scaled(value, factors.get(value["name"], 1.0), error=value["name"] in _READOUT) for value in values]
    longest = next((2 * value["value"] for value in scaled if value["name"] == "T1"), np.inf)
    return [{**value, "value": min(value["value"], longest)} if value["name"] == "T2" else value for value in scaled]


def _gate(gate: dict[str, Any], factor: float) -> dict[str, Any]:
    parameters = [
        _scaled(value, factor, error=True) if value["name"] == "gate_error" else value for value in gate["parameters"]
    ]
    return {**gate, "parameters": parameters}


def _scaled(value: dict[str, Any], factor: float, *, error: bool) -> dict[str, Any]:
    given = value["value"]
    # A whole error marks an element that is out of order.
    if factor == 1 or (error and given >= _LARGEST_ERROR):
        return value
    return {**value, "value": float(min(given * factor, _LARGEST_ERROR) if error else given * factor)}


def _all_moved(values: list[dict[str, Any]], shift: timedelta) -> list[dict[str, Any]]:
    return [{**value, "date": _moved(value["date"], shift)} for value in values]


def _moved(text: str, shift: timedelta) -> str:
    moved = (datetime.fromisoformat(text) + shift).astimezone(UTC)
    return moved.strftime("%Y-%m-%dT%H:%M:%SZ")
