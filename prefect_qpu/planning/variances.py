"""The variance that one shot is expected to have: what sample sizes are planned from before anything is measured.

The device is taken to leave the ideal state with probability *p*, and the fully mixed state otherwise. Of the weighted
Paulis of a group, whose sum is *X*, the variance of one shot is then ``p <X**2> + (1 - p) sum(weights**2) - (p
<X>)**2``. *p* is the square of the predicted success of the transpiled circuit: a readout error *e* turns a sign, which
takes the factor ``1 - 2 e`` and not ``1 - e`` from a signal; of gate errors this is more than they take, on the side of
more shots. Where the ideal values cannot be computed in time, the variance is that of the mixed state: terms
independent and of mean 0.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines.circuit_values import exact_expectations
from prefect_qpu.mitigation import Measurement
from prefect_qpu.observables import Group, constant_of, norm_of
from prefect_qpu.workloads import Encoding

MOST_TERMS = 64
"""Terms of one observable in one group up to which its square is computed."""


@dataclass(frozen=True)
class Expected:
    """What is expected of one observable."""

    variance: float
    """Of one shot of each group, added up."""
    norm: float
    """Largest distance from the fully mixed value."""
    ideal: float | None
    """None if it cannot be computed in time."""
    shift: float | None
    """By how much noise is predicted to move the raw value."""
    model: str
    """What the variance was computed from."""


@dataclass(frozen=True)
class Moments:
    """Ideal first and second moments of each observable in each group, as far as they can be had in time."""

    observables: Mapping[str, SparsePauliOp]
    parts: Mapping[str, SparsePauliOp]
    """What a group measures of an observable, by ``<group> <observable>``."""
    known: Mapping[str, float]
    """Values of the parts, and of their squares by ``<group> <observable> squared``."""

    def expected(self, left: float) -> dict[str, Expected]:
        """What is expected of every observable where noise leaves this part of the ideal signal."""
        return {
            name: _expected(name, operator, self.parts, self.known, left) for name, operator in self.observables.items()
        }


def moments_of(encoding: Encoding, measurement: Measurement, seconds: float = 10.0) -> Moments:
    """The ideal moments of the observables of a circuit.

    Args:
        encoding: The circuit before the transpiler, with one value for each parameter.
        measurement: Observables and groups.
        seconds: Wall seconds after which ideal values are done without.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> from prefect_qpu.observables import group_terms
        >>> bell = QuantumCircuit(2)
        >>> _, _ = bell.h(0), bell.cx(0, 1)
        >>> zz = {"zz": SparsePauliOp("ZZ")}
        >>> moments = moments_of(Encoding(bell, zz), Measurement(zz, tuple(group_terms(zz))))
        >>> found = moments.expected(left=0.8)["zz"]
        >>> round(found.variance, 9), round(found.shift, 9)
        (0.36, -0.2)
    """
    parts = {
        f"{place} {name}": operator
        for place, group in enumerate(measurement.groups)
        for name in measurement.observables
        if (operator := _part(group, name, encoding.circuit.num_qubits)) is not None
    }
    squares = {f"{key} squared": _square(operator) for key, operator in parts.items() if len(operator) <= MOST_TERMS}
    wanted = Encoding(encoding.circuit, parts | squares, parameters=encoding.parameters)
    known = exact_expectations(wanted, seconds) if parts and _single(encoding.parameters) else {}
    return Moments(measurement.observables, parts, known)


def _expected(
    name: str,
    operator: SparsePauliOp,
    parts: Mapping[str, SparsePauliOp],
    known: Mapping[str, float],
    left: float,
) -> Expected:
    own = {key: part for key, part in parts.items() if key.split(" ", 1)[1] == name}
    if not all(f"{key} squared" in known for key in own):
        variance = sum(_mixed(part) for part in own.values())
        return Expected(variance, norm_of(operator), None, None, "fully mixed state")
    variance = sum(
        left * known[f"{key} squared"] + (1 - left) * _mixed(part) - (left * known[key]) ** 2
        for key, part in own.items()
    )
    signal = sum(known[key] for key in own)
    return Expected(
        max(0.0, variance),
        norm_of(operator),
        constant_of(operator) + signal,
        -(1 - left) * signal,
        f"ideal state with probability {left:.3g}, else fully mixed",
    )


def _part(group: Group, name: str, qubits: int) -> SparsePauliOp | None:
    terms = [(term.pauli, term.weight) for term in group.terms if term.observable == name]
    return SparsePauliOp.from_list(terms, num_qubits=qubits) if terms else None


def _square(operator: SparsePauliOp) -> SparsePauliOp:
    return operator.compose(operator).simplify()


def _mixed(operator: SparsePauliOp) -> float:
    return float(sum(weight.real**2 for weight in operator.coeffs))


def _single(parameters: Mapping[str, Any]) -> bool:
    return all(getattr(value, "size", 1) == 1 for value in parameters.values())
