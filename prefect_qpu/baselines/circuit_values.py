"""Expectation values of circuits of any size: which method, with which effort, and how far off its answer may be."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Any

from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.baselines import light_cones, matrix_product, pauli_propagation, statevector
from prefect_qpu.baselines.measuring import Measured, versions_of
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.baselines.rotations import Rotation, elementary, rotations
from prefect_qpu.circuits import circuit_hash
from prefect_qpu.workloads import Encoding

STATE_VECTOR = "state vector"
STABILISERS = "stabilisers"
LIGHT_CONES = "light cones"
GOOD = 1e-9
"""Bound on an error below which a value counts as exact."""
_QUICK = 1.0
"""Predicted seconds of a state vector below which nothing else is looked at."""
_FEWEST_STRINGS, _MOST_STRINGS = 1_000, 4_000_000
_FEWEST_BONDS, _MOST_BONDS = 8, 1024
_STEP = 2
_GROWTH = 6.0
"""How many times longer the next step may take, at most."""
_SHARE = 0.4
"""Of the time, what Pauli propagation may take; its bounds are the looser ones in deep circuits."""

Bounded = tuple[float, float]
"""A value and a bound on its error."""


@dataclass(frozen=True)
class Outcome:
    """What one method found."""

    values: Mapping[str, Bounded]
    details: Mapping[str, Any] = field(default_factory=dict)
    effort: int | None = None
    """The most strings or bonds that were kept; none where nothing is left out."""


@dataclass(frozen=True)
class Problem:
    """A circuit as rotations, and observables."""

    qubits: int
    turns: Sequence[Rotation]
    observables: Mapping[str, SparsePauliOp]

    @classmethod
    def of(cls, encoding: Encoding) -> "Problem":
        """The problem of an encoding, with its parameter values."""
        return cls(encoding.circuit.num_qubits, rotations(elementary(encoding)), encoding.observables)

    @property
    def clifford(self) -> bool:
        """Whether all gates are Clifford gates."""
        return all(turn.clifford for turn in self.turns)


def solve_values(encoding: Encoding, time_limit: float, *, clock: Clock = time.perf_counter) -> BaselineReport:
    """The expectation value of each observable, exact or with a bound on its error.

    Exact methods come first: the state vector of a small circuit, stabilisers for one of Clifford gates, the state
    vectors of the light cones of each term. Where none of them can be had in time, a truncated matrix product state and
    truncated Pauli propagation share the time, each with more and more effort; the one with the smaller bound stands
    first.

    Args:
        encoding: The circuit, its observables, and one value for each parameter.
        time_limit: Wall seconds; a step of which more are predicted is not started.
        clock: Seconds of a monotonic clock.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> ghz = QuantumCircuit(200)
        >>> _ = ghz.h(0)
        >>> for qubit in range(199):
        ...     _ = ghz.cx(qubit, qubit + 1)
        >>> ends = SparsePauliOp.from_sparse_list([("ZZ", [0, 199], 1.0)], 200)
        >>> (found,) = solve_values(Encoding(ghz, {"ends": ends}), time_limit=10).baselines
        >>> found.method, found.value, found.exact
        ('stabilisers', 1.0, True)
    """
    end = clock() + time_limit
    found: list[Baseline] = []
    for method, solve in _methods(encoding, lambda: end - clock()):
        with Measured(clock) as measured:
            outcome = solve()
        if outcome is not None:
            found += _baselines(method, outcome, encoding, measured)
    if not found:
        return BaselineReport((), f"neither exact nor truncated methods have a value within {time_limit:g} s")
    return BaselineReport(tuple(sorted(found, key=lambda item: item.error or 0.0)))


def exact_expectations(
    encoding: Encoding, time_limit: float = 60.0, *, clock: Clock = time.perf_counter
) -> dict[str, float]:
    """The exact expectation value of each observable, by the cheapest exact method; empty if none has it in time.

    Example:
        >>> from qiskit import QuantumCircuit
        >>> wide = QuantumCircuit(90)
        >>> _ = wide.rx(0.4, 80)
        >>> found = exact_expectations(Encoding(wide, {"z": SparsePauliOp.from_sparse_list([("Z", [80], 1.0)], 90)}))
        >>> round(found["z"], 9)
        0.921060994
    """
    end = clock() + time_limit
    exact = _exact_method(encoding, lambda: end - clock())
    outcome = exact[1]() if exact else None
    return {name: value for name, (value, _) in outcome.values.items()} if outcome else {}


Solve = Callable[[], Outcome | None]


def _methods(encoding: Encoding, left: Callable[[], float]) -> Iterator[tuple[str, Solve]]:
    """The one exact method that is cheapest, or else all others."""
    exact = _exact_method(encoding, left)
    if exact:
        yield exact
        return
    problem = Problem.of(encoding)
    yield pauli_propagation.METHOD, lambda: _escalated(by_propagation, problem, left, _SHARE)
    yield matrix_product.METHOD, lambda: _escalated(by_matrix_product, problem, left, 1.0)


def _exact_method(encoding: Encoding, left: Callable[[], float]) -> tuple[str, Solve] | None:
    """The cheapest exact method, if one can be had in time."""
    if statevector.refusal(encoding, min(_QUICK, left())) is None:
        return STATE_VECTOR, lambda: by_state_vector(encoding)
    problem = Problem.of(encoding)
    if problem.clifford:
        return STABILISERS, lambda: by_stabilisers(problem, left)
    if statevector.refusal(encoding, left()) is None:
        return STATE_VECTOR, lambda: by_state_vector(encoding)
    cones = small_cones(problem, left())
    return None if cones is None else (LIGHT_CONES, lambda: by_light_cones(problem, cones))


def small_cones(problem: Problem, seconds: float) -> list[light_cones.Cone] | None:
    """The light cones, if their state vectors can be had in time."""
    if light_cones.predicted_seconds(problem.turns, problem.observables) > seconds:
        return None
    cones = light_cones.light_cones(problem.turns, problem.observables)
    predicted = sum(statevector.predicted_seconds(cone.encoding) for cone in cones)
    return cones if predicted <= seconds else None


def by_state_vector(encoding: Encoding) -> Outcome:
    """Exact values from the whole state."""
    values = statevector.exact_values(encoding, inf) or {}
    return Outcome(_exact(values), {"bytes": statevector.predicted_bytes(encoding)})


def by_stabilisers(problem: Problem, left: Callable[[], float]) -> Outcome | None:
    """Exact values of a circuit of Clifford gates."""
    found = by_propagation(problem, max(map(len, problem.observables.values())), left)
    return None if found is None else Outcome(found.values)


def by_light_cones(problem: Problem, cones: Sequence[light_cones.Cone]) -> Outcome:
    """Exact values from the state vectors of the light cones."""
    values = {name: _constant(operator) for name, operator in problem.observables.items()}
    for cone in cones:
        for key, value in (statevector.exact_values(cone.encoding, inf) or {}).items():
            name, coefficient = cone.terms[key]
            values[name] += coefficient * value
    widest = max((cone.encoding.circuit.num_qubits for cone in cones), default=0)
    return Outcome(_exact(values), {"cones": len(cones), "qubits of the widest": widest})


def by_propagation(problem: Problem, effort: int, left: Callable[[], float]) -> Outcome | None:
    """Values from at most so many Pauli strings."""
    values, most = {}, 0
    for name, operator in problem.observables.items():
        found = pauli_propagation.propagate(operator, problem.turns, most_strings=effort, left=left)
        if found is None:
            return None
        values[name], most = (found.value, found.error), max(most, found.strings)
    return Outcome(_within_range(values, problem), {"strings": most}, effort)


def by_matrix_product(problem: Problem, effort: int, left: Callable[[], float]) -> Outcome | None:
    """Values from a state of at most such a bond dimension."""
    turns = light_cones.joint_cone(problem.turns, problem.observables)
    circuit = light_cones.rotation_circuit(turns, range(problem.qubits))
    found = matrix_product.evolve(circuit, problem.observables, most_bonds=effort, left=left)
    if found is None:
        return None
    values = {name: (value, found.errors[name]) for name, value in found.values.items()}
    return Outcome(_within_range(values, problem), {"bonds": found.bond, "distance": found.distance}, effort)


def _escalated(
    solve: Callable[[Problem, int, Callable[[], float]], Outcome | None],
    problem: Problem,
    left: Callable[[], float],
    share: float,
) -> Outcome | None:
    """The outcome with the smallest bounds of those that the time allows."""
    spared = (1 - share) * left()
    low, high = (_FEWEST_STRINGS, _MOST_STRINGS) if solve is by_propagation else (_FEWEST_BONDS, _MOST_BONDS)
    began, best, needed, effort = left(), None, 0.0, low
    while effort <= high and needed < left() - spared:
        before = left()
        outcome = solve(problem, effort, lambda: left() - spared)
        if outcome is None:
            break
        if best is None or _worst(outcome) <= _worst(best):
            best = replace(outcome, details={**outcome.details, "seconds_to_value": began - left()})
        if _worst(outcome) < GOOD:
            break
        needed = _GROWTH * (before - left())
        effort *= _STEP if low == _FEWEST_BONDS else _STEP**2
    return best


def _worst(outcome: Outcome) -> float:
    return max((error for _, error in outcome.values.values()), default=0.0)


def _within_range(values: Mapping[str, Bounded], problem: Problem) -> dict[str, Bounded]:
    """With no larger bound than the farthest end of the possible values."""
    bounded = {}
    for name, (value, error) in values.items():
        operator = problem.observables[name]
        constant, reach = _constant(operator), matrix_product.spread(operator)
        bounded[name] = (value, min(error, reach + abs(value - constant)))
    return bounded


def _constant(operator: SparsePauliOp) -> float:
    terms = operator.simplify().to_sparse_list()
    return float(sum(coefficient.real for letters, _, coefficient in terms if not letters))


def _exact(values: Mapping[str, float]) -> dict[str, Bounded]:
    return {name: (value, 0.0) for name, value in values.items()}


def _baselines(method: str, outcome: Outcome, encoding: Encoding, measured: Measured) -> Iterator[Baseline]:
    certificate = {
        "kind": "expectation",
        "method": method,
        "effort": outcome.effort,
        "circuit": circuit_hash(encoding.circuit),
        "parameters": {name: float(value) for name, value in encoding.parameters.items()},
    }
    for name, (value, error) in outcome.values.items():
        yield Baseline(
            method,
            name,
            value,
            None,
            exact=error < GOOD,
            certificate=certificate,
            seconds=measured.seconds / len(outcome.values),
            details=outcome.details,
            peak_bytes=measured.peak_bytes,
            versions=versions_of("qiskit", "numpy", "scipy"),
            error=error,
        )
