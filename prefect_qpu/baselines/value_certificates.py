"""Checking the expectation values that classical methods claim, with the bounds on their errors."""

from math import isclose
from typing import Any

from qiskit.quantum_info import Clifford, SparsePauliOp

from prefect_qpu.baselines import matrix_product, pauli_propagation, statevector
from prefect_qpu.baselines.circuit_values import (
    GOOD,
    LIGHT_CONES,
    STABILISERS,
    STATE_VECTOR,
    Bounded,
    Problem,
    by_light_cones,
    by_matrix_product,
    by_propagation,
    small_cones,
)
from prefect_qpu.baselines.protocol import Baseline, Clock
from prefect_qpu.baselines.rotations import elementary
from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Encoding

METHODS = (STATE_VECTOR, STABILISERS, LIGHT_CONES, pauli_propagation.METHOD, matrix_product.METHOD)
_RELATIVE = 1e-6
"""By how much a repeated bound may differ: the order of sums depends on the machine."""


def check_value(encoding: Encoding, baseline: Baseline, seconds: float, clock: Clock) -> None:
    """Return if the value is that of the circuit, within the claimed error.

    Where the exact value can be had in time, by another method than the claim's if possible, it must lie within the
    claimed error. Elsewhere the claim is made again with the recorded effort, and both its numbers are compared.

    Args:
        encoding: What the workload encodes today.
        baseline: The claim.
        seconds: Wall seconds; a claim that took longer has three times its own.
        clock: Seconds of a monotonic clock.

    Raises:
        CertificateError: it belongs to another problem, proves another value, or takes too long to be made again.
    """
    _check_problem(encoding, baseline)
    end = clock() + max(seconds, 3 * baseline.seconds)
    error = baseline.error or 0.0
    if baseline.exact != (error < GOOD):
        raise CertificateError(f"the value is called {'' if baseline.exact else 'in'}exact, but its error is {error}")
    exact = _exact_value(encoding, baseline, end - clock())
    if exact is not None:
        if not abs(exact - baseline.value) <= error + GOOD * max(1.0, abs(exact)):
            raise _disagreement(baseline, f"the exact value is {exact}")
        return
    value, bound = _again(encoding, baseline, end, clock)
    if not isclose(value, baseline.value, rel_tol=_RELATIVE, abs_tol=_RELATIVE):
        raise _disagreement(baseline, f"the method gives {value}")
    if not isclose(bound, error, rel_tol=_RELATIVE, abs_tol=GOOD):
        raise CertificateError(f"the error is said to be {error} or less, but only {bound} is proven")


def _check_problem(encoding: Encoding, baseline: Baseline) -> None:
    certificate = baseline.certificate
    parameters = {name: float(value) for name, value in encoding.parameters.items()}
    for key, expected in (("circuit", circuit_hash(encoding.circuit)), ("parameters", parameters)):
        if certificate.get(key) != expected:
            raise CertificateError(f"the certificate is for the {key} {certificate.get(key)!r}, not for {expected!r}")
    if certificate.get("method") not in METHODS:
        raise CertificateError(f"there is no method {certificate.get('method')!r}")
    if baseline.observable not in encoding.observables:
        raise CertificateError(f"the workload has no observable {baseline.observable!r}")


def _exact_value(encoding: Encoding, baseline: Baseline, seconds: float) -> float | None:
    """The exact value of the claim's observable, if it can be had in time."""
    operator = encoding.observables[baseline.observable]
    values = statevector.exact_values(Encoding(encoding.circuit, {"": operator}, encoding.parameters), seconds)
    if values is not None:
        return values[""]
    one = {baseline.observable: operator}
    problem = Problem.of(Encoding(encoding.circuit, one, encoding.parameters))
    if problem.clifford:
        return _stabilised(operator, encoding)
    cones = small_cones(problem, seconds)
    return None if cones is None else by_light_cones(problem, cones).values[baseline.observable][0]


def _stabilised(operator: SparsePauliOp, encoding: Encoding) -> float:
    """The value in a stabiliser state, from Qiskit's tableau instead of rotations."""
    carried = operator.paulis.evolve(Clifford(elementary(encoding)), frame="h")
    diagonal = ~carried.x.any(axis=1)
    signs = (-1.0) ** (carried.phase[diagonal] // 2)
    return float((operator.coeffs[diagonal].real * signs).sum())


def _again(encoding: Encoding, baseline: Baseline, end: float, clock: Clock) -> Bounded:
    problem, effort = Problem.of(encoding), baseline.certificate.get("effort")
    again: Any = {pauli_propagation.METHOD: by_propagation, matrix_product.METHOD: by_matrix_product}.get(
        baseline.certificate["method"]
    )
    found = again(problem, effort, lambda: end - clock()) if again and isinstance(effort, int) else None
    if found is None:
        raise CertificateError(f"the {baseline.method} value could not be made again in time")
    value: Bounded = found.values[baseline.observable]
    return value


def _disagreement(baseline: Baseline, found: str) -> CertificateError:
    claim = f"{baseline.value} with an error of {baseline.error or 0.0} or less"
    return CertificateError(f"the {baseline.method} baseline claims {claim}, but {found}")
