"""Classical opponents: the best answer without a quantum computer, with a certificate that can be checked."""

from prefect_qpu.baselines.certificates import check_certificate
from prefect_qpu.baselines.protocol import Baseline, BaselineReport
from prefect_qpu.baselines.solve import solve_baseline
from prefect_qpu.baselines.statevector import exact_values

__all__ = ["Baseline", "BaselineReport", "check_certificate", "exact_values", "solve_baseline"]
