"""Three-valued tests, limits and sample sizes for gates.

Formulas, sources, and how often each is wrong: docs/statistics.md.
"""

from prefect_qpu.statistics.demands import Demand
from prefect_qpu.statistics.distance_limits import Kind
from prefect_qpu.statistics.distances import Distance, distance, near, shots_for_distance
from prefect_qpu.statistics.equivalence import agrees, equivalence, estimate_reach, exceeds, systematic_of
from prefect_qpu.statistics.goodness import goodness_of_fit, shots_to_notice
from prefect_qpu.statistics.means import Mean, Reach, limits, reach, reach_of
from prefect_qpu.statistics.proportions import clopper_pearson, shots_to_succeed, succeeds, wilson
from prefect_qpu.statistics.quantiles import interval, normal_quantile, shared_confidence
from prefect_qpu.statistics.replicates import Spread, between_runs, replicates_for_equivalence, stable
from prefect_qpu.statistics.results import TestResult, Verdict
from prefect_qpu.statistics.sizes import shots_for_equivalence, shots_to_exceed

__all__ = [
    "Demand",
    "Distance",
    "Kind",
    "Mean",
    "Reach",
    "Spread",
    "TestResult",
    "Verdict",
    "agrees",
    "between_runs",
    "clopper_pearson",
    "distance",
    "equivalence",
    "estimate_reach",
    "exceeds",
    "goodness_of_fit",
    "interval",
    "limits",
    "near",
    "normal_quantile",
    "reach",
    "reach_of",
    "replicates_for_equivalence",
    "shared_confidence",
    "shots_for_distance",
    "shots_for_equivalence",
    "shots_to_exceed",
    "shots_to_notice",
    "shots_to_succeed",
    "stable",
    "succeeds",
    "systematic_of",
    "wilson",
]
