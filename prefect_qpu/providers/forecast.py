"""How long jobs will take: on a QPU by its rule of thumb, on Aer by a few constants.

`python -m benchmarks.simulation` compares those of Aer with the measured times. Amplitudes count what a gate touches; a
noisy gate has a price of its own besides, for its error is looked up.
"""

_AMPLITUDE = 2.5e-9
_GATE = 2e-6
_NOISY_GATE = 2e-4
_SHOT = 2e-7
_OUTCOME = 3e-6
_JOB = 2.0
"""Seconds that a job takes beside its shots."""
_REPETITION_DELAY = 250e-6
"""Seconds between two shots, in which the qubits return to their ground state."""
_CIRCUIT = 100e-6
"""Seconds of a circuit with its readout, where nothing is known of it."""


def charged_seconds(executions: int, circuit_seconds: float | None = None) -> float:
    """Estimated QPU time of a job: 2 s, and for each execution its circuit and a delay of 0.25 ms.

    Other vendors than IBM count otherwise. Source: IBM Quantum documentation, "Estimate job run time".

    Args:
        executions: Shots of all circuits and parameter values.
        circuit_seconds: What the circuits of all executions take together; none means 0.1 ms for each.

    Example:
        >>> charged_seconds(10_000), charged_seconds(10_000, circuit_seconds=0.2)
        (5.5, 4.7)
    """
    circuits = _CIRCUIT * executions if circuit_seconds is None else circuit_seconds
    return round(_JOB + _REPETITION_DELAY * executions + circuits, 3)


def state_vector_seconds(qubits: int, gates: int, shots: int) -> float:
    """Seconds of an ideal simulation, whose shots are drawn from one state vector.

    Example:
        >>> state_vector_seconds(20, 100, 1000) < 1
        True
    """
    return gates * (_GATE + 2.0**qubits * _AMPLITUDE) + shots * _SHOT + min(shots, 2.0**qubits) * _OUTCOME


def density_matrix_seconds(qubits: int, gates: int) -> float:
    """Seconds of a noisy simulation on a density matrix, whatever the shots.

    Example:
        >>> 1 < density_matrix_seconds(11, 500) < 20
        True
    """
    return gates * (_NOISY_GATE + 4.0**qubits * _AMPLITUDE)


def trajectory_seconds(qubits: int, gates: int, shots: int) -> float:
    """Seconds of a noisy simulation that draws an own state vector for each shot.

    Example:
        >>> trajectory_seconds(12, 300, 4096) > trajectory_seconds(12, 300, 100)
        True
    """
    return gates * (_NOISY_GATE + shots * (_GATE + 2.0**qubits * _AMPLITUDE))
