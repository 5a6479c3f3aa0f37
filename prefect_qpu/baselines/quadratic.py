"""Quadratic objectives as MaxCut: the portfolio's value, and the certificates of its cuts, carry over."""

import time
from collections.abc import Mapping
from dataclasses import replace
from math import isclose
from typing import TYPE_CHECKING, Any

from prefect_qpu.baselines.protocol import Baseline, BaselineReport, Clock
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.quadratic_form import CutProblem, QuadraticForm

if TYPE_CHECKING:
    from prefect_qpu.workloads.quadratic import QuadraticWorkload

KIND = "quadratic"
_ROUNDING = 1e-9


def best_value(
    workload: "QuadraticWorkload", time_limit: float, seed: int, *, clock: Clock = time.perf_counter
) -> BaselineReport:
    """The best value that the solvers of MaxCut find, and a bound on every other.

    Example:
        >>> from prefect_qpu.workloads.quadratic import QuboWorkload
        >>> report = best_value(QuboWorkload(matrix=[[-1, 2], [0, -1]]), 1.0, seed=1)
        >>> [(item.method, item.value, item.bound, item.exact) for item in report.baselines]
        [('brute force', -1.0, -1.0, True)]
    """
    from prefect_qpu.baselines.solve import largest_cut_baseline

    problem = _small(workload).cut_problem
    cut = largest_cut_baseline(problem.graph, time_limit, seed, clock)
    solution = problem.assignment(cut.certificate["assignment"])
    value = workload.value(solution)
    bound = value if cut.exact else _signed(workload, problem.value(_bound(cut)))
    certificate = {
        "kind": KIND,
        "problem": workload.form.hash,
        "solution": solution,
        "cut": {"value": cut.value, "bound": cut.bound, "certificate": cut.certificate},
    }
    found = replace(cut, observable=workload.observable, value=value, bound=bound, certificate=certificate)
    return BaselineReport((replace(found, details=_details(workload, cut.details, problem)),))


def check_value(workload: "QuadraticWorkload", baseline: Baseline) -> None:
    """Return if the solution has the value, and the certificate of the cut proves the bound.

    Raises:
        CertificateError: it belongs to another problem, or proves another value or bound.
    """
    from prefect_qpu.baselines.certificates import check_cut

    certificate = baseline.certificate
    solution, cut = certificate.get("solution"), certificate.get("cut")
    if certificate.get("kind") != KIND or certificate.get("problem") != workload.form.hash:
        raise CertificateError(f"the certificate is not about this {workload.kind} workload")
    if not isinstance(solution, str) or len(solution) != workload.form.spins or not set(solution) <= {"0", "1"}:
        raise CertificateError(f"the solution {solution!r} is not one character 0 or 1 for each variable")
    _same(baseline.value, workload.value(solution), "the solution has the value")
    if not isinstance(cut, dict) or not {"value", "bound", "certificate"} <= set(cut):
        raise CertificateError("the certificate has no cut")
    problem = _small(workload).cut_problem
    claim = replace(baseline, value=cut["value"], bound=cut["bound"], certificate=cut["certificate"])
    check_cut(problem.graph, claim)
    _same(baseline.value, _signed(workload, problem.value(claim.value)), "the cut is worth")
    if baseline.bound is not None:
        _same(baseline.bound, _signed(workload, problem.value(_bound(claim))), "the bound is proven to be")


def _details(workload: "QuadraticWorkload", details: Mapping[str, Any], problem: CutProblem) -> dict[str, Any]:
    """The portfolio's details with values of the objective in place of cuts."""
    solvers = {
        solver: {
            name: _signed(workload, problem.value(item)) if name in {"value", "bound"} and item is not None else item
            for name, item in attempt.items()
        }
        for solver, attempt in details["solvers"].items()
    }
    return {**details, "solvers": solvers}


def _small(workload: "QuadraticWorkload") -> QuadraticForm:
    """The form that is to be small."""
    return workload.form if workload.sense == "minimize" else workload.form.negative()


def _signed(workload: "QuadraticWorkload", value: float) -> float:
    return value if workload.sense == "minimize" else -value


def _bound(cut: Baseline) -> float:
    return cut.value if cut.bound is None else cut.bound


def _same(claimed: float, found: float, what: str) -> None:
    if not isclose(claimed, found, rel_tol=_ROUNDING, abs_tol=_ROUNDING):
        raise CertificateError(f"the baseline claims {claimed}, but {what} {found}")
