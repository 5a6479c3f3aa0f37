"""Energies of electrons by PySCF (extra ``chemistry``): full configuration interaction, and coupled clusters.

Both take the integrals of the Hamiltonian itself, so that any file of it will do; the atoms need not be known.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from math import comb, hypot, inf, sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

MOST_DETERMINANTS = 2_000_000
"""Of full configuration interaction; so many need some hundred megabytes."""
_SECONDS_PER_ENTRY = 6e-9
"""Of full configuration interaction, on two cores."""
_WORTH_THREADS = 100_000
"""Determinants below which several threads wait for each other longer than they compute."""
_SECONDS_PER_AMPLITUDE = 1e-8
_LEAST_SECONDS = 0.5


@dataclass(frozen=True)
class Molecule:
    """Electrons in real orbitals that both spins share."""

    constant: float
    one_body: Array
    """``h_pq``, in Hartree."""
    two_body: Array
    """``(pq|rs)`` in chemists' order, in Hartree."""
    up: int
    down: int

    @property
    def orbitals(self) -> int:
        """Number of orbitals."""
        return len(self.one_body)

    @property
    def determinants(self) -> int:
        """Ways to put the electrons into the orbitals."""
        return comb(self.orbitals, self.up) * comb(self.orbitals, self.down)


@dataclass(frozen=True)
class FullEnergy:
    """The ground energy over all determinants."""

    energy: float
    residual: float
    """Some eigenvalue is so near to the energy."""


@dataclass(frozen=True)
class ClusterEnergy:
    """CCSD(T), and the orbitals that it stands on."""

    determinant: float
    doubles: float
    triples: float
    singles: float
    """Norm of the singles, relative to the root of the number of electrons."""
    orbitals: tuple[Array, Array]
    """Coefficients of the canonical orbitals in those of the Hamiltonian, one a column, for spin up and down."""

    @property
    def total(self) -> float:
        """The energy."""
        return self.determinant + self.doubles + self.triples


def has_pyscf() -> bool:
    """Whether PySCF is installed; if so it is imported, so that no method's time contains that."""
    if find_spec("pyscf") is None:
        return False
    import pyscf.cc
    import pyscf.fci  # noqa: F401

    return True


def predicted_seconds_full(molecule: Molecule) -> float:
    """Predicted wall time of `full_energy`; infinite where there are too many determinants."""
    pairs = molecule.orbitals * (molecule.orbitals + 1) // 2
    if molecule.determinants > MOST_DETERMINANTS:
        return inf
    return _LEAST_SECONDS + molecule.determinants * pairs**2 * _SECONDS_PER_ENTRY


def predicted_seconds_cluster(molecule: Molecule) -> float:
    """Predicted wall time of `cluster_energy`; infinite where it has no electron to move."""
    if molecule.up + molecule.down == 0 or molecule.orbitals in {molecule.up, molecule.down}:
        return inf
    occupied = (molecule.up + molecule.down) / 2
    empty = molecule.orbitals - occupied
    return _LEAST_SECONDS + (1 + occupied) ** 3 * (1 + empty) ** 4 * _SECONDS_PER_AMPLITUDE


def full_energy(molecule: Molecule, seed: int) -> FullEnergy | None:
    """The smallest eigenvalue over all determinants, by Davidson's method; none where it does not converge.

    Args:
        molecule: The electrons.
        seed: Of the vector with which the method begins.
    """
    from pyscf import fci, lib

    with lib.with_omp_threads(1 if molecule.determinants < _WORTH_THREADS else None):
        return _davidson(molecule, seed, fci)


def _davidson(molecule: Molecule, seed: int, fci: Any) -> FullEnergy | None:
    solver = fci.direct_spin1.FCI()
    solver.verbose, solver.conv_tol, solver.max_cycle, solver.lindep = 0, 1e-11, 200, 1e-14
    electrons = (molecule.up, molecule.down)
    shape = tuple(comb(molecule.orbitals, count) for count in electrons)
    start = np.random.default_rng(seed).normal(size=shape)
    # Mostly the lowest determinant: a wholly random vector needs many more rounds.
    start = start / np.linalg.norm(start) * 0.1
    start[0, 0] += 1.0
    arguments = (molecule.one_body, molecule.two_body, molecule.orbitals, electrons)
    energy, vector = solver.kernel(*arguments, ci0=start, ecore=molecule.constant)
    if not solver.converged:
        return None
    joined = fci.direct_spin1.absorb_h1e(*arguments, 0.5)
    image = fci.direct_spin1.contract_2e(joined, vector, molecule.orbitals, electrons)
    residual = float(np.linalg.norm(image - (energy - molecule.constant) * vector))
    return FullEnergy(float(energy), residual)


def cluster_energy(molecule: Molecule, occupied: Sequence[Sequence[int]]) -> ClusterEnergy | None:
    """Coupled clusters with perturbative triples, about a Hartree-Fock state; none where one of them does not converge.

    Restricted if there are as many electrons of either spin, else unrestricted.

    Args:
        molecule: The electrons.
        occupied: Orbitals of the state from which Hartree and Fock's method begins, for spin up and down.
    """
    from pyscf import lib

    with lib.with_omp_threads(1):
        return _clusters(molecule, occupied)


def _clusters(molecule: Molecule, occupied: Sequence[Sequence[int]]) -> ClusterEnergy | None:
    from pyscf import cc

    field = _mean_field(molecule, occupied)
    if not field.converged:
        return None
    clusters = cc.CCSD(field)
    clusters.verbose, clusters.conv_tol, clusters.conv_tol_normt, clusters.max_cycle = 0, 1e-11, 1e-8, 200
    clusters.kernel()
    if not clusters.converged:
        return None
    single = field.mo_coeff.ndim == 2
    orbitals = (field.mo_coeff, field.mo_coeff) if single else tuple(field.mo_coeff)
    up, down = (float(np.linalg.norm(part)) for part in ((clusters.t1,) * 2 if single else clusters.t1))
    singles = hypot(up, down) / sqrt(2 * (molecule.up + molecule.down))
    return ClusterEnergy(float(field.e_tot), float(clusters.e_corr), float(clusters.ccsd_t()), singles, orbitals)


def _mean_field(molecule: Molecule, occupied: Sequence[Sequence[int]]) -> Any:
    """PySCF's Hartree-Fock state of these integrals."""
    from pyscf import ao2mo, gto, scf

    empty = gto.M(verbose=0)
    empty.nelectron, empty.spin, empty.incore_anyway = molecule.up + molecule.down, molecule.up - molecule.down, True
    restricted = molecule.up == molecule.down
    field = (scf.RHF if restricted else scf.UHF)(empty)
    field.conv_tol, field.conv_tol_grad, field.max_cycle = 1e-12, 1e-7, 200
    field.get_hcore = lambda *_: molecule.one_body
    field.get_ovlp = lambda *_: np.eye(molecule.orbitals)
    field.energy_nuc = lambda *_: molecule.constant
    field._eri = ao2mo.restore(8, molecule.two_body, molecule.orbitals)  # noqa: SLF001 - PySCF's way to give integrals
    filled = np.zeros((2, molecule.orbitals))
    for spin, chosen in enumerate(occupied):
        filled[spin, list(chosen)] = 1.0
    densities = np.array([np.diag(row) for row in filled])
    field.kernel(densities.sum(axis=0) if restricted else densities)
    return field
