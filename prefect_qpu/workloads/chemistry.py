"""Hamiltonians of molecules from their geometry, by PySCF (extra ``chemistry``)."""

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fermions import electronic_hamiltonian

MOST_ORBITALS = 20


class ActiveSpace(Definition):
    """The electrons and orbitals around the highest occupied one that are kept; the others stay as they are."""

    electrons: Annotated[int, Field(ge=1)]
    orbitals: Annotated[int, Field(ge=1, le=MOST_ORBITALS)]


class Geometry(Definition):
    """A molecule by its atoms."""

    atoms: Annotated[str, Field(min_length=1)]
    """``H 0 0 0; H 0 0 0.735``, in angstrom."""
    basis: str = "sto-3g"
    charge: int = 0
    spin: Annotated[int, Field(ge=0)] = 0
    """Electrons with spin up less those with spin down."""
    active: ActiveSpace | None = None
    """None keeps all electrons and orbitals."""


@dataclass(frozen=True)
class Molecule:
    """A molecule as qubits."""

    hamiltonian: SparsePauliOp
    occupied: str
    """The Hartree-Fock state, one character for each qubit, qubit 0 first."""


def molecule_of(geometry: Geometry, field: str = "molecule") -> Molecule:
    """The electronic Hamiltonian in Hartree, by Jordan-Wigner, in the orbitals of a restricted Hartree-Fock state.

    Raises:
        WorkloadError: PySCF is not installed, refuses the molecule, or does not converge; or it has too many orbitals.
    """
    space = active_space(geometry, field)
    one_body, constant = space.get_h1eff()
    orbitals = space.ncas
    from pyscf import ao2mo

    two_body = ao2mo.restore(1, space.get_h2eff(), orbitals)
    up, down = space.nelecas
    occupied = "".join(f"{int(orbital < up)}{int(orbital < down)}" for orbital in range(orbitals))
    return Molecule(electronic_hamiltonian(np.asarray(one_body), np.asarray(two_body), float(constant)), occupied)


def active_space(geometry: Geometry, field: str = "molecule") -> Any:
    """PySCF's complete active space of the molecule, after a Hartree-Fock calculation."""
    try:
        from pyscf import gto, mcscf, scf
    except ImportError as error:
        raise WorkloadError(
            field,
            given=geometry.atoms,
            expected="PySCF, which makes the Hamiltonian of a geometry",
            hint="Install the extra chemistry, or give the hamiltonian itself.",
        ) from error
    try:
        atoms = gto.M(atom=geometry.atoms, basis=geometry.basis, charge=geometry.charge, spin=geometry.spin, verbose=0)
        field_ = (scf.ROHF if geometry.spin else scf.RHF)(atoms)
        field_.conv_tol = 1e-12
        field_.kernel()
    except Exception as error:  # PySCF has no error class of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise WorkloadError(
            field, given=geometry.atoms, expected="a molecule that PySCF accepts", hint=reason
        ) from error
    if not field_.converged:
        raise WorkloadError(field, given=geometry.atoms, expected="a molecule whose Hartree-Fock state converges")
    kept = geometry.active
    electrons = kept.electrons if kept else atoms.nelectron
    orbitals = kept.orbitals if kept else int(atoms.nao)
    _check_space(electrons, orbitals, atoms, field)
    return mcscf.CASCI(field_, orbitals, electrons)


def _check_space(electrons: int, orbitals: int, atoms: Any, field: str) -> None:
    frozen = atoms.nelectron - electrons
    if orbitals > MOST_ORBITALS:
        hint = "Set active: {electrons: ..., orbitals: ...}."
        raise WorkloadError(
            field, given=f"{orbitals} orbitals", expected=f"at most {MOST_ORBITALS} orbitals", hint=hint
        )
    if frozen < 0 or frozen % 2 or electrons > 2 * orbitals or frozen // 2 + orbitals > atoms.nao:
        expected = f"an even number of the {atoms.nelectron} electrons left out, and orbitals that hold the others"
        raise WorkloadError(f"{field}.active", given=f"{electrons} electrons, {orbitals} orbitals", expected=expected)
