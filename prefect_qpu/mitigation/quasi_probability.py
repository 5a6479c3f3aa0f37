"""The one place that imports mitiq, where it is used: quasi-probabilities, training angles, layerwise coefficients.

mitiq sees no circuit of ours, only stand-ins of one gate or one layer each, whose parts are numbered. So nothing can be
lost on the way through another library's circuits: order of registers, idle qubits, layout, native gates, barriers.
"""

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from math import pi

import numpy as np

from prefect_qpu.errors import ExperimentError


def check_mitiq(field: str) -> None:
    """Refuse a method that mitiq computes where it is not installed.

    Raises:
        ExperimentError: says what to install.
    """
    if find_spec("mitiq") is None:
        raise ExperimentError(
            field, given="a method of mitiq", expected="an installed mitiq", hint="Install prefect-qpu[mitiq]."
        )


def sampled_paulis(errors: Sequence[float], samples: int, seed: int) -> tuple[list[list[str]], list[int], float]:
    """Paulis that together undo local depolarising noise: for each sample, two letters for each gate; signs; norm.

    Source: K. Temme, S. Bravyi, J. Gambetta, Phys. Rev. Lett. 119, 180509 (2017).

    Args:
        errors: Average error of each two-qubit gate. Depolarising each qubit with probability ``p`` makes an average
            error of ``4 / 5 * (1 - (1 - p)**2)``.
        samples: How many.
        seed: Seed of the sampling.
    """
    with _mitiq():
        import cirq
        from mitiq.pec import represent_operation_with_local_depolarizing_noise as represent

        gate = cirq.Circuit(cirq.CNOT(*cirq.LineQubit.range(2)))
        levels = [1 - (1 - min(error, 0.7) * 5 / 4) ** 0.5 for error in errors]
        known = {level: represent(gate, level) for level in set(levels)}
        random = np.random.RandomState(seed)
        letters, signs = [], []
        for _ in range(samples):
            drawn = [known[level].sample(random) for level in levels]
            letters.append([_letters(operation.circuit) for operation, _, _ in drawn])
            signs.append(int(np.prod([sign for _, sign, _ in drawn])))
        return letters, signs, float(np.prod([known[level].norm for level in levels]))


def training_angles(angles: Sequence[float], circuits: int, fraction: float, seed: int) -> list[list[float]]:
    """Angles of Z rotations near the given ones, most of them multiples of a quarter turn; one list for each circuit.

    Source: P. Czarnik et al., Quantum 5, 592 (2021).

    Args:
        angles: Angles that are no multiples of a quarter turn.
        circuits: Number of training circuits.
        fraction: Part of the angles that stays.
        seed: Seed of the choice.
    """
    with _mitiq():
        import cirq
        from mitiq.cdr import generate_training_circuits

        numbered = cirq.Circuit([cirq.rz(angle)(cirq.LineQubit(place)) for place, angle in enumerate(angles)])
        made = generate_training_circuits(
            numbered, circuits, fraction, method_replace="closest", random_state=np.random.RandomState(seed)
        )
        return [_angles(item, list(angles)) for item in made]


def layer_scales(layers: int, degree: int, multiplier: int) -> tuple[list[list[int]], list[float]]:
    """Odd noise scales of each layer in each circuit, and the circuits' coefficients in the value without noise.

    Source: V. Russo, A. Mari, Phys. Rev. A 110, 062420 (2024).

    Args:
        layers: Number of layers.
        degree: Degree of the polynomial in the layers' scales.
        multiplier: Pairs by which a layer is folded at least.
    """
    with _mitiq():
        import cirq
        from mitiq.lre.inference.multivariate_richardson import multivariate_richardson_coefficients as coefficients
        from mitiq.lre.multivariate_scaling.layerwise_folding import get_scale_factor_vectors as scales

        line = cirq.Circuit([cirq.X(cirq.LineQubit(0))] * layers)
        vectors = [[int(scale) for scale in vector] for vector in scales(line, degree, multiplier, num_chunks=layers)]
        return vectors, [float(value) for value in coefficients(line, degree, multiplier, num_chunks=layers)]


@contextmanager
def _mitiq() -> Iterator[None]:
    """Leave out what the imports and deprecations of mitiq and cirq warn of: users cannot change it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _letters(circuit: object) -> str:
    """The Paulis after a stand-in gate on qubits 0 and 1."""
    letters = ["I", "I"]
    for operation in list(circuit.all_operations())[1:]:  # type: ignore[attr-defined]
        letters[operation.qubits[0].x] = str(operation.gate)
    return "".join(letters)


def _angles(circuit: object, angles: list[float]) -> list[float]:
    for operation in circuit.all_operations():  # type: ignore[attr-defined]
        angles[operation.qubits[0].x] = float(operation.gate.exponent) * pi
    return angles
