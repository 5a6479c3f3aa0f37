"""The best angles of one QAOA layer for a quadratic objective, from the closed form of its expectation value.

Ozaeta, van Dam and McMahon 2022 (https://arxiv.org/abs/2012.03421): one layer's expectation values of ``Z`` and ``ZZ``
are products of cosines over the neighbours. So a classical computer finds the best angles without any simulation.
"""

from math import pi

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize

from prefect_qpu.workloads.fixed_angles import Angles
from prefect_qpu.workloads.quadratic_form import QuadraticForm

_STEPS = 60
_LARGEST = 1.6
"""Of the cost angles that are tried, over the root mean square of the local fields."""
_MOST_WORK = 4e7
"""Products of a scan, above which the ramp serves instead; this many take about a second."""
_DIGITS = 5
"""Of the angles: rounding must not depend on the machine, since the hash of an experiment holds them."""


def affordable(form: QuadraticForm) -> bool:
    """Whether `best_angles` takes about a second or less."""
    return len(form.couplings) * form.spins * _STEPS <= _MOST_WORK


def best_angles(form: QuadraticForm) -> Angles:
    """The angles of one layer that make the form's expectation value largest.

    Example:
        >>> angles = best_angles(QuadraticForm((0.0, 0.0), ((0, 1, -0.5),)))  # one edge of a cut
        >>> round(angles.gamma[0] / pi, 3), round(angles.beta[0] / pi, 3)
        (0.5, 0.125)
    """
    layer = _Layer(form)
    scale = float(np.sqrt((layer.matrix**2).sum() / form.spins + np.mean(layer.fields**2)))
    gammas = np.linspace(_LARGEST / _STEPS, _LARGEST, _STEPS) / scale
    steps = sorted(range(-2 * _STEPS, 2 * _STEPS + 1), key=abs)  # of equal angles the smallest
    betas = np.array(steps) * (pi / 4 / _STEPS)
    scan = np.array([layer.values(gamma, betas) for gamma in gammas])
    first, second = np.unravel_index(scan.round(12).argmax(), scan.shape)
    start = [gammas[first], betas[second]]
    found = minimize(lambda x: -layer.values(x[0], np.array([x[1]]))[0], start, method="Nelder-Mead")
    gamma, beta = found.x
    return Angles((round(float(gamma) * scale, _DIGITS) / scale,), (round(float(beta), _DIGITS),))


class _Layer:
    """The form's expectation value after one layer."""

    def __init__(self, form: QuadraticForm) -> None:
        self.fields = np.array(form.fields)
        self.matrix = np.zeros((form.spins, form.spins))
        self.u = np.array([edge[0] for edge in form.couplings], dtype=int)
        self.v = np.array([edge[1] for edge in form.couplings], dtype=int)
        self.weights = np.array([edge[2] for edge in form.couplings])
        self.matrix[self.u, self.v] = self.matrix[self.v, self.u] = self.weights
        self.constant = form.constant

    def values(self, gamma: float, betas: NDArray[np.float64]) -> NDArray[np.float64]:
        """For one cost angle and several mixer angles."""
        fields, matrix, u, v = 2 * gamma * self.fields, 2 * gamma * self.matrix, self.u, self.v
        single = float((self.fields * np.sin(fields)) @ np.cos(matrix).prod(axis=1))
        # The factor of the pair itself is taken out of the products over the other neighbours of one of its ends.
        rest_u, rest_v = matrix[u].copy(), matrix[v].copy()
        pairs = np.arange(len(u))
        rest_u[pairs, v] = rest_v[pairs, u] = 0
        crossed = np.cos(fields[u]) * np.cos(rest_u).prod(axis=1) + np.cos(fields[v]) * np.cos(rest_v).prod(axis=1)
        mixed = float((self.weights * np.sin(matrix[u, v])) @ crossed) / 2
        both = np.cos(fields[u] + fields[v]) * np.cos(rest_u + rest_v).prod(axis=1)
        both = both - np.cos(fields[u] - fields[v]) * np.cos(rest_u - rest_v).prod(axis=1)
        double = float(self.weights @ both) / 2
        found: NDArray[np.float64] = (
            self.constant + np.sin(2 * betas) * single + np.sin(4 * betas) * mixed - np.sin(2 * betas) ** 2 * double
        )
        return found
