"""One stage of a run each: thin Prefect tasks over the library, idempotent through the record store."""

from prefect_qpu.tasks.baseline import baseline
from prefect_qpu.tasks.compare import compare
from prefect_qpu.tasks.encode import encode
from prefect_qpu.tasks.fallback import fallback
from prefect_qpu.tasks.measure import measure
from prefect_qpu.tasks.mitigate import mitigate
from prefect_qpu.tasks.plan_sweep import plan_sweep
from prefect_qpu.tasks.poll import poll
from prefect_qpu.tasks.promote import promote
from prefect_qpu.tasks.report import report
from prefect_qpu.tasks.report_sweep import report_sweep
from prefect_qpu.tasks.smoke_test import smoke_test
from prefect_qpu.tasks.submit import submit
from prefect_qpu.tasks.transpile import transpile

__all__ = [
    "baseline",
    "compare",
    "encode",
    "fallback",
    "measure",
    "mitigate",
    "plan_sweep",
    "poll",
    "promote",
    "report",
    "report_sweep",
    "smoke_test",
    "submit",
    "transpile",
]
