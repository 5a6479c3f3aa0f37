"""The opponents of molecules: diagonalisation with the right number of electrons."""

import time
from typing import TYPE_CHECKING

from prefect_qpu.baselines import ground_states
from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.baselines.sectors import Sector, conserves
from prefect_qpu.baselines.spin_models import GROUND_STATE, check_ground_energy, ground_energy
from prefect_qpu.errors import CertificateError

if TYPE_CHECKING:
    from prefect_qpu.workloads.molecule import MoleculeWorkload


def answers(
    workload: "MoleculeWorkload", time_limit: float, seed: int, *, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The ground energy with the occupied orbitals' numbers of electrons.

    In the basis of the Hamiltonian's orbitals that is the full configuration interaction. Where the matrix is too
    large, the value of the same circuit by a classical method.

    Example:
        >>> from prefect_qpu.workloads.molecule import MoleculeWorkload
        >>> workload = MoleculeWorkload(hamiltonian={"Z0": -0.4, "Z1": -0.4, "X0 X1": 0.2}, occupied="00")
        >>> (found,) = answers(workload, 10.0, seed=1).baselines
        >>> found.method, round(found.value, 6), found.exact
        ('diagonalisation', -0.824621, True)
    """
    sector = sector_of(workload)
    if ground_states.predicted_seconds(workload.operator, [sector]) > time_limit:
        return solve_values(workload.encode(), time_limit, clock=clock)
    return BaselineReport((ground_energy(workload.operator, [sector], seed, clock),))


def check(workload: "MoleculeWorkload", baseline: Baseline) -> None:
    """Return if the energy and its bound are found again, as `check_ground_energy` does it.

    Raises:
        CertificateError: they are not.
    """
    if baseline.certificate.get("kind") != GROUND_STATE:
        kind = baseline.certificate.get("kind")
        raise CertificateError(f"a certificate of the kind {kind!r} proves nothing about a molecule")
    check_ground_energy(workload.operator, [sector_of(workload)], baseline)


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
