"""Checking what a classical opponent claims, from the problem alone and without its solver."""

import time
from collections.abc import Mapping
from math import isclose
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.baselines.bounds import ODD_CYCLES, SEMIDEFINITE, odd_cycle_bound, semidefinite_bound
from prefect_qpu.baselines.protocol import Baseline
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Workload
from prefect_qpu.workloads.graph import Graph
from prefect_qpu.workloads.maxcut import MaxCutWorkload
from prefect_qpu.workloads.spin_model import ENERGY
from prefect_qpu.workloads.tfim import TfimWorkload

MOST_NODES_RECOUNTED = 26
"""Largest graph whose optimum, if it was counted, is counted again; 26 nodes take about a second."""
MOST_SITES_DIAGONALISED = 10
"""Longest chain whose energy is also found by diagonalisation, without the mapping to fermions."""
_SECONDS = 10.0
_CHUNK = 64


def check_certificate(workload: Workload, baseline: Baseline) -> None:
    """Return if the certificate proves the value.

    The cut of an assignment is recounted. A bound is computed again from the multipliers of its dual, by a program that
    knows no solver. That brute force overlooked nothing is proven again, by counting in another way, up to
    `MOST_NODES_RECOUNTED` nodes; above, that claim stands on the solver. The energy of a chain is computed again by
    another routine, a short chain is diagonalised. An expectation value is computed again, as
    `prefect_qpu.baselines.value_certificates.check_value` tells.

    Raises:
        CertificateError: it belongs to another problem, or proves another value.

    Example:
        >>> from prefect_qpu.baselines import solve_baseline
        >>> workload = MaxCutWorkload(graph=[[0, 1], [1, 2], [2, 0]])
        >>> check_certificate(workload, solve_baseline(workload, workload.encode(), 1.0).baselines[0])
    """
    kind = baseline.certificate.get("kind")
    if kind in {"brute-force", "cut"} and isinstance(workload, MaxCutWorkload):
        check_cut(workload.graph, baseline)
    elif kind == "free-fermions" and isinstance(workload, TfimWorkload) and workload.shape.is_chain:
        _check_energy(workload, baseline)
    elif kind == "expectation":
        from prefect_qpu.baselines.value_certificates import check_value

        check_value(workload.encode(), baseline, _SECONDS, time.perf_counter)
    else:
        workload.check(baseline)


def check_cut(graph: Graph, baseline: Baseline) -> None:
    """Return if the assignment has the cut, and the bound is proven.

    Raises:
        CertificateError: they are not.
    """
    _same_problem(baseline.certificate, "graph", graph.hash)
    assignment = baseline.certificate.get("assignment")
    if not isinstance(assignment, str) or len(assignment) != graph.nodes or not set(assignment) <= {"0", "1"}:
        raise CertificateError(
            f"the assignment {assignment!r} is not one character 0 or 1 for each of {graph.nodes} nodes"
        )
    _same_value(baseline, graph.cut(assignment), "the assignment cuts")
    if baseline.exact and (baseline.bound is None or not _close(baseline.bound, baseline.value)):
        raise CertificateError(f"the value {baseline.value} is called the best, but its bound is {baseline.bound}")
    if baseline.bound is not None:
        _check_bound(graph, baseline.bound, baseline.certificate)


def _check_bound(graph: Graph, claimed: float, certificate: Mapping[str, Any]) -> None:
    if certificate["kind"] == "cut":
        proven = _proven_bound(graph, certificate.get("proof"))
    elif graph.nodes <= MOST_NODES_RECOUNTED:
        proven = _largest_cut(graph)
    else:
        return
    if not _close(claimed, proven):
        raise CertificateError(
            f"no cut is said to exceed {claimed}, but the largest cut is proven to be {proven} or less"
        )


def _proven_bound(graph: Graph, proof: Any) -> float:
    kind = proof.get("kind") if isinstance(proof, Mapping) else None
    if kind == SEMIDEFINITE:
        return semidefinite_bound(graph, proof.get("multipliers", []))
    if kind == ODD_CYCLES:
        return odd_cycle_bound(graph, proof)
    raise CertificateError(f"a proof of the kind {kind!r} bounds no cut")


def _check_energy(workload: TfimWorkload, baseline: Baseline) -> None:
    _same_problem(baseline.certificate, "couplings", list(workload.couplings))
    _same_problem(baseline.certificate, "fields", list(workload.fields))
    if baseline.observable != ENERGY:
        raise CertificateError(f"the workload has no observable {baseline.observable!r}")
    hopping = np.diag(workload.fields) + np.diag(workload.couplings, 1)
    _same_value(baseline, -float(np.linalg.svd(hopping, compute_uv=False).sum()), "the singular values give")
    if workload.shape.sites <= MOST_SITES_DIAGONALISED:
        matrix = workload.hamiltonian().to_matrix(sparse=True).real
        _same_value(baseline, float(np.linalg.eigvalsh(matrix.toarray())[0]), "diagonalisation gives")
    if baseline.bound is None or not _close(baseline.bound, baseline.value):
        raise CertificateError(f"the value {baseline.value} is called the best, but its bound is {baseline.bound}")


def _largest_cut(graph: Graph) -> float:
    """The largest cut, by the energies ``sum w s_u s_v`` of all spins of two halves and of what joins them."""
    middle = (graph.nodes + 1) // 2
    weights = np.zeros((graph.nodes, graph.nodes))
    for u, v, weight in graph.edges:
        weights[u, v] = weight
    first, second = _all_spins(middle - 1), _all_spins(graph.nodes - middle)
    first = np.hstack([np.ones((len(first), 1)), first])  # node 0 stays in part 0: the complement is the same cut
    inside = np.einsum("si,ij,sj->s", second, weights[middle:, middle:], second)
    lowest = np.inf
    for start in range(0, len(first), _CHUNK):
        rows = first[start : start + _CHUNK]
        energies = (rows @ weights[:middle, middle:]) @ second.T + inside
        own = np.einsum("si,ij,sj->s", rows, weights[:middle, :middle], rows)
        lowest = min(lowest, float((energies.min(axis=1) + own).min()))
    return (float(graph.weights.sum()) - lowest) / 2


def _all_spins(nodes: int) -> NDArray[np.float64]:
    spins: NDArray[np.float64] = 1.0 - 2.0 * ((np.arange(2**nodes)[:, None] >> np.arange(nodes)) & 1)
    return spins


def _same_problem(certificate: Mapping[str, Any], key: str, expected: object) -> None:
    if certificate.get(key) != expected:
        raise CertificateError(f"the certificate is for the {key} {certificate.get(key)!r}, not for {expected!r}")


def _same_value(baseline: Baseline, value: float, found: str) -> None:
    if not _close(value, baseline.value):
        raise CertificateError(f"the {baseline.method} baseline claims {baseline.value}, but {found} {value}")


def _close(first: float, second: float) -> bool:
    return isclose(first, second, rel_tol=1e-9, abs_tol=1e-9)
