"""The opponents of spin models: diagonalisation of the Hamiltonian, and evolution without the error of steps."""

import time
from collections.abc import Callable, Sequence
from math import inf, isclose
from typing import TYPE_CHECKING, Any

from qiskit.quantum_info import SparsePauliOp, Statevector

from prefect_qpu.baselines import density_matrix, evolution, ground_states
from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.baselines.clusters import cluster_bound, narrow_order
from prefect_qpu.baselines.matrix_product_operators import product_operator
from prefect_qpu.baselines.measuring import Measured, versions_of
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.baselines.sectors import Sector
from prefect_qpu.errors import CertificateError
from prefect_qpu.hashing import content_hash

if TYPE_CHECKING:
    from prefect_qpu.workloads.spin_model import EvolutionSpec, SpinModel

GROUND_STATE, EVOLUTION = "ground-state", "evolution"
"""Kinds of certificates."""
DIAGONALISATION, EXACT_EVOLUTION = "diagonalisation", "exact evolution"
PRODUCT_STATE = "matrix product ground state"
_SHARE = 0.7
"""Of the time, what the search for a state may take; the rest is for the bound."""
_ROUNDING = 1e-8


def answers(
    workload: "SpinModel", time_limit: float, seed: int, *, clock: Clock = time.perf_counter
) -> BaselineReport | None:
    """The ground energy, or the values after the evolution; none leaves it to other methods.

    Example:
        >>> from prefect_qpu.workloads.heisenberg import HeisenbergWorkload
        >>> ring = {"lattice": "chain", "sites": 4, "periodic": True}
        >>> (found,) = answers(HeisenbergWorkload(lattice=ring, angles=[]), 10.0, seed=1).baselines
        >>> found.method, round(found.value, 9), found.exact
        ('diagonalisation', -8.0, True)
    """
    if workload.evolution is not None:
        return _after(workload, workload.evolution, time_limit, clock)
    if workload.kind == "tfim" and workload.shape.is_chain:
        return None  # free fermions
    operator, sectors = workload.hamiltonian(), sectors_of(workload)
    if ground_states.predicted_seconds(operator, sectors) > time_limit:
        return BaselineReport((product_energy(workload, time_limit, seed, clock),))
    return BaselineReport((ground_energy(operator, sectors, seed, clock),))


def ground_energy(
    operator: SparsePauliOp, sectors: Sequence[Sector], seed: int, clock: Clock = time.perf_counter
) -> Baseline:
    """The smallest eigenvalue in some sectors, with what encloses it."""
    with Measured(clock) as measured:
        found = ground_states.lowest_energy(operator, sectors, seed)
    exact = found.bound is not None and _near(found.value, found.bound)
    return Baseline(
        method=DIAGONALISATION,
        observable="energy",
        value=found.value,
        bound=found.bound,
        exact=exact,
        certificate={"kind": GROUND_STATE, "hamiltonian": operator_hash(operator), "proof": found.proof},
        seconds=measured.seconds,
        details={"states": found.states, "residual": found.residual},
        peak_bytes=measured.peak_bytes,
        seed=seed,
        versions=versions_of("scipy", "numpy"),
        error=None if found.bound is not None else found.residual,
    )


def product_energy(workload: "SpinModel", time_limit: float, seed: int, clock: Clock = time.perf_counter) -> Baseline:
    """The energy of a matrix product state, with the lower bound of small parts of the lattice."""
    operator, order = workload.hamiltonian(), narrow_order(workload.shape)
    end = clock() + _SHARE * time_limit
    with Measured(clock) as measured:
        found = _product_state(operator, order, seed, lambda: end - clock())
        seconds = clock() - end + _SHARE * time_limit
        bound = cluster_bound(operator, order)
    return Baseline(
        method=PRODUCT_STATE,
        observable="energy",
        value=found.energy,
        bound=bound,
        exact=False,
        certificate={"kind": PRODUCT_STATE, "hamiltonian": operator_hash(operator), "bonds": found.bond},
        seconds=measured.seconds,
        details={"bonds": found.bond, "deviation": found.deviation, "seconds_to_value": seconds},
        peak_bytes=measured.peak_bytes,
        seed=seed,
        versions=versions_of("scipy", "numpy"),
        error=found.deviation,
    )


def _product_state(
    operator: SparsePauliOp, order: Sequence[int], seed: int, left: Callable[[], float], most_bonds: int = 128
) -> density_matrix.Found:
    tensors = product_operator(operator, order)
    assert tensors is not None  # terms of these models are real
    return density_matrix.ground_state(tensors, seed, left, most_bonds=most_bonds)


def _check_product_energy(workload: "SpinModel", baseline: Baseline) -> None:
    """From another start, with the same bonds, the energy must be found within the deviations."""
    operator, order = workload.hamiltonian(), narrow_order(workload.shape)
    bonds = baseline.certificate.get("bonds")
    if baseline.certificate.get("hamiltonian") != operator_hash(operator) or not isinstance(bonds, int):
        raise CertificateError("the certificate is about another Hamiltonian")
    found = _product_state(operator, order, (baseline.seed or 0) + 1, lambda: inf, bonds)
    slack = found.deviation + (baseline.error or 0.0) + _ROUNDING * abs(found.energy)
    if abs(found.energy - baseline.value) > slack:
        raise CertificateError(f"the energy is said to be {baseline.value}, but a state of {found.energy} is found")
    bound = cluster_bound(operator, order)
    same = bound is not None and baseline.bound is not None and isclose(bound, baseline.bound, rel_tol=_ROUNDING)
    if baseline.exact or not (same or bound is baseline.bound):
        raise CertificateError(f"the energy is proven to be at least {bound}, not {baseline.bound}")


def check_ground_energy(operator: SparsePauliOp, sectors: Sequence[Sector], baseline: Baseline) -> None:
    """Return if the energy and its bound are found again from another start; a bound is proven by that.

    Raises:
        CertificateError: they are not, or the claim is about another Hamiltonian.
    """
    if baseline.certificate.get("hamiltonian") != operator_hash(operator):
        raise CertificateError("the certificate is about another Hamiltonian")
    found = ground_states.lowest_energy(operator, sectors, seed=(baseline.seed or 0) + 1)
    if not isclose(found.value, baseline.value, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        raise CertificateError(f"the energy is said to be {baseline.value}, but it is {found.value}")
    if baseline.bound is None and not baseline.exact:
        return
    if found.bound is None or baseline.bound is None:
        raise CertificateError(f"nothing proves that the energy is not below {baseline.bound}")
    if not isclose(found.bound, baseline.bound, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        raise CertificateError(f"the energy is proven to be at least {found.bound}, not {baseline.bound}")
    if baseline.exact and not _near(baseline.value, baseline.bound):
        raise CertificateError(f"the energy {baseline.value} is called exact, but its bound is {baseline.bound}")


def check(workload: "SpinModel", baseline: Baseline) -> None:
    """Return if the claim holds; see `check_ground_energy`, and for an evolution another method's values.

    Raises:
        CertificateError: it does not.
    """
    kind, spec = baseline.certificate.get("kind"), workload.evolution
    if kind == GROUND_STATE and spec is None:
        check_ground_energy(workload.hamiltonian(), sectors_of(workload), baseline)
    elif kind == PRODUCT_STATE and spec is None:
        _check_product_energy(workload, baseline)
    elif kind == EVOLUTION and spec is not None:
        _check_evolution(workload, spec, baseline)
    else:
        raise CertificateError(f"a certificate of the kind {kind!r} proves nothing about this {workload.kind} workload")


def sectors_of(workload: "SpinModel") -> list[Sector]:
    """Where a ground state may be."""
    sites, charges = workload.shape.sites, workload.charges()
    return [Sector(sites)] if charges is None else [Sector(sites, ((tuple(range(sites)), ones),)) for ones in charges]


def operator_hash(operator: SparsePauliOp) -> str:
    """SHA-256 of the terms."""
    return content_hash(sorted([label, float(weight.real)] for label, weight in operator.to_list()))


def _near(value: float, bound: float) -> bool:
    return isclose(value, bound, rel_tol=ground_states.GOOD, abs_tol=ground_states.GOOD)


def _after(workload: "SpinModel", spec: "EvolutionSpec", time_limit: float, clock: Clock) -> BaselineReport:
    """Values after the exact evolution if they can be had, and else those of the circuit."""
    hamiltonian, observables = workload.hamiltonian(), workload.observables()
    if not affordable(hamiltonian, spec.time, time_limit):
        return solve_values(workload.encode(), time_limit, clock=clock)
    with Measured(clock) as measured:
        start = Statevector(workload.start()).data
        values = evolution.evolved_values(hamiltonian, start, spec.time, observables, evolution.by_taylor)
    certificate = {"kind": EVOLUTION, "hamiltonian": operator_hash(hamiltonian), "until": spec.time}
    return BaselineReport(
        tuple(
            Baseline(
                method=EXACT_EVOLUTION,
                observable=name,
                value=value,
                bound=None,
                exact=True,
                certificate=certificate,
                seconds=measured.seconds / len(values),
                details={"sites": workload.shape.sites},
                peak_bytes=measured.peak_bytes,
                versions=versions_of("scipy", "numpy"),
            )
            for name, value in values.items()
        )
    )


def affordable(hamiltonian: SparsePauliOp, duration: float, time_limit: float) -> bool:
    """Whether the exact evolution can be had in time."""
    small = hamiltonian.num_qubits <= evolution.MOST_QUBITS
    return small and evolution.predicted_seconds(hamiltonian, duration) <= time_limit


def _check_evolution(workload: "SpinModel", spec: "EvolutionSpec", baseline: Baseline) -> None:
    hamiltonian, observables = workload.hamiltonian(), workload.observables()
    expected: dict[str, Any] = {"hamiltonian": operator_hash(hamiltonian), "until": spec.time}
    if any(baseline.certificate.get(key) != value for key, value in expected.items()):
        raise CertificateError("the certificate is about another evolution")
    if baseline.observable not in observables:
        raise CertificateError(f"the workload has no observable {baseline.observable!r}")
    chosen = {baseline.observable: observables[baseline.observable]}
    start = Statevector(workload.start()).data
    values = evolution.evolved_values(hamiltonian, start, spec.time, chosen, evolution.by_chebyshev)
    if not isclose(values[baseline.observable], baseline.value, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        found = values[baseline.observable]
        raise CertificateError(f"the value is said to be {baseline.value}, but the evolution gives {found}")
