"""A lower bound on the ground energy of a large lattice, from the ground energies of small parts of it."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from qiskit.quantum_info import SparsePauliOp
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import reverse_cuthill_mckee

from prefect_qpu.baselines.ground_states import lowest_energy
from prefect_qpu.baselines.sectors import Sector, conserves
from prefect_qpu.workloads.lattice import Lattice

WIDTH = 12
"""Sites of a part."""

Term = tuple[str, tuple[int, ...], float]


def narrow_order(lattice: Lattice) -> list[int]:
    """The sites in an order in which the ends of bonds are near to each other.

    Example:
        >>> from prefect_qpu.workloads.lattice import named_lattice
        >>> narrow_order(named_lattice({"lattice": "chain", "sites": 4}))
        [0, 1, 2, 3]
    """
    if all(v - u <= 2 for u, v in lattice.bonds):
        return list(range(lattice.sites))
    u, v = np.array(lattice.bonds).T
    joined = coo_matrix((np.ones(len(u)), (u, v)), shape=(lattice.sites, lattice.sites)).tocsr()
    return [int(site) for site in reverse_cuthill_mckee(joined + joined.T, symmetric_mode=True)]


def cluster_bound(operator: SparsePauliOp, order: Sequence[int]) -> float | None:
    """What the ground energy is not below; none if a term reaches too far, or a part proves nothing.

    A Hamiltonian that is a sum of parts has no state of less energy than the sum of their ground energies (Anderson
    1951, https://doi.org/10.1103/PhysRev.83.1260). The parts are windows along the order that overlap by the reach of
    the terms; their energies are proven as `prefect_qpu.baselines.ground_states.lowest_energy` does it.

    Example:
        >>> triple = SparsePauliOp(["ZZI", "IZZ"])
        >>> round(cluster_bound(triple, [0, 1, 2]), 6)
        -2.0
    """
    place = {qubit: number for number, qubit in enumerate(order)}
    placed = [
        (letters, tuple(place[qubit] for qubit in qubits), float(weight.real))
        for letters, qubits, weight in operator.to_sparse_list()
    ]
    reach = max((max(qubits) - min(qubits) for _, qubits, _ in placed if qubits), default=0)
    if reach >= WIDTH - 1:
        return None
    windows: dict[int, list[Term]] = defaultdict(list)
    constant = 0.0
    for letters, qubits, weight in placed:
        if not qubits:
            constant += weight
            continue
        number = min(qubits) // (WIDTH - reach)
        start = number * (WIDTH - reach)
        windows[number].append((letters, tuple(qubit - start for qubit in qubits), weight))
    bounds = {key: _bound(key) for key in {tuple(sorted(terms)) for terms in windows.values()}}
    found = [bounds[tuple(sorted(terms))] for terms in windows.values()]
    return None if any(bound is None for bound in found) else constant + sum(bound for bound in found if bound)


def _bound(terms: tuple[Term, ...]) -> float | None:
    qubits = sorted({qubit for _, touched, _ in terms for qubit in touched})
    numbers = {qubit: number for number, qubit in enumerate(qubits)}
    listed = [(letters, [numbers[qubit] for qubit in touched], weight) for letters, touched, weight in terms]
    operator, everyone = SparsePauliOp.from_sparse_list(listed, len(qubits)), tuple(range(len(qubits)))
    sectors = [Sector(len(qubits))]
    if conserves(operator, everyone):
        sectors = [Sector(len(qubits), ((everyone, ones),)) for ones in range(len(qubits) + 1)]
    return lowest_energy(operator, sectors).bound
