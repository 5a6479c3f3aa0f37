"""What is asked: problems that encode themselves as circuits with observables, by kind."""

from prefect_qpu.workloads.protocol import Answer, Encoding, Objective, Workload
from prefect_qpu.workloads.registry import AnyKind, workload_class, workload_from, workload_kinds

__all__ = [
    "Answer",
    "AnyKind",
    "Encoding",
    "Objective",
    "Workload",
    "workload_class",
    "workload_from",
    "workload_kinds",
]
