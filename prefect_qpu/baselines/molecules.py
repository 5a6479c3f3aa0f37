"""The opponents of molecules: diagonalisation with the right number of electrons, and beyond it PySCF."""

import time
from collections.abc import Mapping
from math import isclose
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines import correlated, coupled_cluster, ground_states
from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.baselines.electrons import electrons_of
from prefect_qpu.baselines.measuring import Measured, versions_of
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.baselines.sectors import Sector, conserves
from prefect_qpu.baselines.spin_models import GROUND_STATE, check_ground_energy, ground_energy, operator_hash
from prefect_qpu.errors import CertificateError

if TYPE_CHECKING:
    from prefect_qpu.workloads.molecule import MoleculeWorkload

FULL, CLUSTERS = "full configuration interaction", "CCSD(T)"
FULL_PROOF, CLUSTER_PROOF = "full-configuration-interaction", "coupled-cluster"
"""Kinds of certificates."""
_CONVERGED = 1e-7
"""Hartree; by how much two programs may differ in one energy."""
_MOST_SINGLES = 0.02
"""Lee and Taylor 1989, https://doi.org/10.1002/qua.560360824: above, one determinant does not describe the state."""
_CANONICAL = 1e-5
"""Hartree; what a Fock matrix may have off its diagonal."""


def answers(
    workload: "MoleculeWorkload", time_limit: float, seed: int, *, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The ground energy with the occupied orbitals' numbers of electrons.

    In the basis of the Hamiltonian's orbitals that is the full configuration interaction: by diagonalisation, then by
    PySCF. Beyond its reach PySCF's CCSD(T), which is neither exact nor an upper bound. Without PySCF, or for
    Hamiltonians that are not of electrons, the value of the same circuit by a classical method.

    Example:
        >>> from prefect_qpu.workloads.molecule import MoleculeWorkload
        >>> workload = MoleculeWorkload(hamiltonian={"Z0": -0.4, "Z1": -0.4, "X0 X1": 0.2}, occupied="00")
        >>> (found,) = answers(workload, 10.0, seed=1).baselines
        >>> found.method, round(found.value, 6), found.exact
        ('diagonalisation', -0.824621, True)
    """
    sector = sector_of(workload)
    if ground_states.predicted_seconds(workload.operator, [sector]) <= time_limit:
        return BaselineReport((ground_energy(workload.operator, [sector], seed, clock),))
    found = by_pyscf(workload, time_limit, seed, clock)
    return solve_values(workload.encode(), time_limit, clock=clock) if found is None else BaselineReport((found,))


def by_pyscf(
    workload: "MoleculeWorkload", time_limit: float, seed: int, clock: Clock = time.perf_counter
) -> Baseline | None:
    """The energy over all determinants, or of CCSD(T); none without PySCF, time, convergence, or electrons."""
    molecule = molecule_of(workload) if correlated.has_pyscf() else None
    if molecule is None:
        return None
    if correlated.predicted_seconds_full(molecule) <= time_limit:
        return _full(workload, molecule, seed, clock)
    if correlated.predicted_seconds_cluster(molecule) <= time_limit:
        return _clusters(workload, molecule, clock)
    return None


def molecule_of(workload: "MoleculeWorkload") -> correlated.Molecule | None:
    """The integrals of the workload's Hamiltonian; none if it is not one of electrons with spin."""
    spins, electrons = _spins(workload), electrons_of(workload.operator)
    spatial = electrons.spatial(*spins) if spins and electrons else None
    if spins is None or electrons is None or spatial is None:
        return None
    up, down = (len(chosen) for chosen in _occupied(workload, spins))
    return correlated.Molecule(electrons.constant, *spatial, up, down)


def _full(workload: "MoleculeWorkload", molecule: correlated.Molecule, seed: int, clock: Clock) -> Baseline | None:
    with Measured(clock) as measured:
        found = correlated.full_energy(molecule, seed)
    if found is None:
        return None
    return Baseline(
        method=FULL,
        observable="energy",
        value=found.energy,
        bound=None,
        exact=False,
        certificate={"kind": FULL_PROOF, "hamiltonian": operator_hash(workload.operator)},
        seconds=measured.seconds,
        details={"determinants": molecule.determinants, "residual": found.residual},
        peak_bytes=measured.peak_bytes,
        seed=seed,
        versions=versions_of("pyscf", "scipy", "numpy"),
        error=max(found.residual, _CONVERGED),
    )


def _clusters(workload: "MoleculeWorkload", molecule: correlated.Molecule, clock: Clock) -> Baseline | None:
    spins = _spins(workload)
    assert spins is not None
    occupied = [
        [spin.index(orbital) for orbital in chosen]
        for spin, chosen in zip(spins, _occupied(workload, spins), strict=True)
    ]
    with Measured(clock) as measured:
        found = correlated.cluster_energy(molecule, occupied)
    if found is None:
        return None
    up, down = found.orbitals
    return Baseline(
        method=CLUSTERS,
        observable="energy",
        value=found.total,
        bound=None,
        exact=False,
        certificate={
            "kind": CLUSTER_PROOF,
            "hamiltonian": operator_hash(workload.operator),
            "orbitals": {"up": up.tolist(), "down": down.tolist()},
        },
        seconds=measured.seconds,
        details={
            "determinants": molecule.determinants,
            "hartree_fock": found.determinant,
            "ccsd": found.determinant + found.doubles,
            "triples": found.triples,
            "t1": found.singles,
            "caution": _caution(found),
        },
        peak_bytes=measured.peak_bytes,
        versions=versions_of("pyscf", "scipy", "numpy"),
    )


def _caution(found: correlated.ClusterEnergy) -> str:
    doubt = f"; its singles (T1 = {found.singles:.3f}) tell that one determinant is a poor start"
    return f"{CLUSTERS} is no bound: the ground energy may lie above or below" + doubt * (found.singles > _MOST_SINGLES)


def check(workload: "MoleculeWorkload", baseline: Baseline) -> None:
    """Return if the energy, and what is claimed of it, is found again.

    That of a diagonalisation as `check_ground_energy` does it; that of CCSD(T) by this package's own equations in spin
    orbitals, about the certificate's Hartree-Fock state; that over all determinants by PySCF from another start.

    Raises:
        CertificateError: it is not.
    """
    kind = baseline.certificate.get("kind")
    if kind == GROUND_STATE:
        check_ground_energy(workload.operator, [sector_of(workload)], baseline)
        return
    if kind not in {FULL_PROOF, CLUSTER_PROOF}:
        raise CertificateError(f"a certificate of the kind {kind!r} proves nothing about a molecule")
    if baseline.certificate.get("hamiltonian") != operator_hash(workload.operator):
        raise CertificateError("the certificate is about another Hamiltonian")
    if baseline.exact or baseline.bound is not None or baseline.observable != "energy":
        raise CertificateError(f"an energy of {baseline.method} is neither exact nor has it a bound")
    (_check_full if kind == FULL_PROOF else _check_clusters)(workload, baseline)


def _check_full(workload: "MoleculeWorkload", baseline: Baseline) -> None:
    molecule = molecule_of(workload)
    if not correlated.has_pyscf():
        raise CertificateError("without PySCF (extra chemistry) the energy over all determinants cannot be found again")
    found = None if molecule is None else correlated.full_energy(molecule, (baseline.seed or 0) + 1)
    if found is None:
        raise CertificateError("the Hamiltonian has no energy over all determinants")
    _same(baseline, found.energy)
    if baseline.error is None or not baseline.error >= _CONVERGED:
        raise CertificateError(f"the error is said to be {baseline.error}, but no less than {_CONVERGED} is known")


def _check_clusters(workload: "MoleculeWorkload", baseline: Baseline) -> None:
    if baseline.error is not None:
        raise CertificateError("nothing bounds the error of CCSD(T)")
    spins, electrons = _spins(workload), electrons_of(workload.operator)
    if spins is None or electrons is None:
        raise CertificateError("the Hamiltonian is not one of electrons with spin")
    counts = [len(chosen) for chosen in _occupied(workload, spins)]
    turned = electrons.turned(_canonical(baseline.certificate.get("orbitals"), spins, counts))
    _check_fock(turned.fock(slice(sum(counts))))
    found = coupled_cluster.energies(turned, sum(counts))
    if found is None:
        raise CertificateError("the amplitudes of the clusters do not converge")
    _same(baseline, found.total)


def _canonical(given: Any, spins: tuple[tuple[int, ...], ...], counts: list[int]) -> NDArray[np.float64]:
    """The certificate's spin orbitals as columns, the occupied ones first."""
    size = sum(map(len, spins))
    columns: dict[str, list[NDArray[np.float64]]] = {"occupied": [], "empty": []}
    for name, spin, count in zip(("up", "down"), spins, counts, strict=True):
        whole = np.zeros((size, len(spin)))
        try:
            part = np.array((given if isinstance(given, Mapping) else {})[name], dtype=float)
            whole[list(spin)] = part.reshape(len(spin), len(spin))
        except (KeyError, TypeError, ValueError) as error:
            raise CertificateError(f"there are no {len(spin)} orbitals with spin {name}") from error
        columns["occupied"].append(whole[:, :count])
        columns["empty"].append(whole[:, count:])
    found = np.hstack([*columns["occupied"], *columns["empty"]])
    if not np.allclose(found.T @ found, np.eye(size), atol=ground_states.GOOD):
        raise CertificateError("the orbitals are not orthogonal")
    return found


def _check_fock(fock: NDArray[np.float64]) -> None:
    off = float(abs(fock - np.diag(np.diag(fock))).max())
    if not off < _CANONICAL:
        raise CertificateError(f"the orbitals are not those of a Hartree-Fock state: they couple by {off} Hartree")


def _same(baseline: Baseline, found: float) -> None:
    if not isclose(baseline.value, found, rel_tol=0, abs_tol=_CONVERGED):
        raise CertificateError(f"the energy is said to be {baseline.value}, but it is {found}")


def sector_of(workload: "MoleculeWorkload") -> Sector:
    """The states with the occupied orbitals' numbers of electrons, as far as the Hamiltonian conserves them.

    Tried are electrons of each spin, where spins alternate or stand in two blocks; all electrons together; no number.
    """
    qubits, occupied = workload.operator.num_qubits, workload.reference
    everyone = tuple(range(qubits))
    half = qubits // 2
    for groups in ((everyone[::2], everyone[1::2]), (everyone[:half], everyone[half:]), (everyone,)):
        if all(conserves(workload.operator, group) for group in groups):
            return Sector(qubits, tuple((group, sum(occupied[qubit] == "1" for qubit in group)) for group in groups))
    return Sector(qubits)


def _spins(workload: "MoleculeWorkload") -> tuple[tuple[int, ...], tuple[int, ...]] | None:
    """Spin orbitals with spin up, and with spin down; none where the Hamiltonian mixes them."""
    groups = [group for group, _ in sector_of(workload).ones]
    return (groups[0], groups[1]) if len(groups) == 2 and len(groups[0]) == len(groups[1]) else None


def _occupied(workload: "MoleculeWorkload", spins: tuple[tuple[int, ...], tuple[int, ...]]) -> list[list[int]]:
    return [[orbital for orbital in spin if workload.reference[orbital] == "1"] for spin in spins]
