"""How long Aer will take: a few constants; `python -m benchmarks.simulation` compares them with the measured times.

Amplitudes count what a gate touches; a noisy gate has a price of its own besides, for its error is looked up.
"""

_AMPLITUDE = 2.5e-9
_GATE = 2e-6
_NOISY_GATE = 2e-4
_SHOT = 2e-7
_OUTCOME = 3e-6
_CHARGED_PER_JOB = 2.0
_CHARGED_PER_EXECUTION = 0.00035
"""Repetition delay of 250 microseconds, circuit and readout."""


def charged_seconds(executions: int) -> float:
    """Estimated QPU time of a job: a rule of thumb of 2 s and 0.35 ms for each execution.

    Example:
        >>> charged_seconds(10_000)
        5.5
    """
    return round(_CHARGED_PER_JOB + _CHARGED_PER_EXECUTION * executions, 3)


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
