"""What a target says of a gate's noise: how far depolarising and relaxation damp each Pauli on its qubits."""

from math import exp

import numpy as np
from qiskit.transpiler import Target

from prefect_qpu.mitigation.types import Values

_LEAST_LEFT = 1e-6
"""Part of a Pauli that is taken to be left at least, so that its logarithm is finite."""


def log_damping(target: Target, name: str, qubits: tuple[int, ...]) -> Values:
    """Minus the logarithm of what one gate's noise leaves of each Pauli on its qubits.

    The qubits relax for the gate's duration; depolarising is added until the gate has the error that the target
    reports. A gate whose relaxation alone exceeds that error is taken to relax only. These are the rules by which Aer
    makes a device's noise; what relaxation adds besides (it also prepares the ground state) is left out.

    Source: E. Magesan et al., Phys. Rev. A 85, 042311 (2012), for the average fidelity by the damping of the Paulis.

    Args:
        target: Reports errors, durations, T1 and T2; what is missing counts as no noise.
        name: The gate.
        qubits: Its physical qubits.

    Returns:
        One number for each Pauli; the letter on qubit ``k`` (0 to 3: I, X, Y, Z) counts ``4**k``.

    Example:
        >>> from qiskit.providers.fake_provider import GenericBackendV2
        >>> target = GenericBackendV2(2, seed=1).target
        >>> log_damping(target, "cx", (0, 1)).shape, float(log_damping(target, "cx", (0, 1))[0])
        ((16,), 0.0)
    """
    reported = (target[name] or {}).get(qubits) if name in target else None
    error = getattr(reported, "error", None) or 0.0
    left = _relaxed(target, qubits, getattr(reported, "duration", None) or 0.0)
    dimension = 2 ** len(qubits)
    kept, wanted = (dimension * left.mean() + 1) / (dimension + 1), 1 - error
    if wanted < kept:
        mean = ((dimension + 1) * wanted - 1) / dimension
        left[1:] *= max(dimension**2 * mean - 1, 0.0) / (dimension**2 * left.mean() - 1)
    damping: Values = -np.log(np.maximum(left, _LEAST_LEFT))
    return damping


def _relaxed(target: Target, qubits: tuple[int, ...], duration: float) -> Values:
    """What relaxation leaves of each Pauli: ``exp(-t / T2)`` of each X and Y, ``exp(-t / T1)`` of each Z."""
    left: Values = np.ones(1)
    for qubit in qubits:
        known = target.qubit_properties[qubit] if target.qubit_properties else None
        first = getattr(known, "t1", None) or float("inf")
        second = min(getattr(known, "t2", None) or float("inf"), 2 * first)
        across, along = exp(-duration / second), exp(-duration / first)
        left = np.asarray(np.kron([1.0, across, across, along], left), dtype=np.float64)
    return left
