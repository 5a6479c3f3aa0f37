"""Mitigation methods in two stages: plan circuits, combine counts."""

from prefect_qpu.mitigation.batch import (
    METHODS,
    Batch,
    Combined,
    MethodShare,
    check_methods,
    combine_batch,
    make_pub,
    plan_batch,
)
from prefect_qpu.mitigation.types import Measurement, Method, MethodPlan, PlanContext, PlannedCircuit

__all__ = [
    "METHODS",
    "Batch",
    "Combined",
    "Measurement",
    "Method",
    "MethodPlan",
    "MethodShare",
    "PlanContext",
    "PlannedCircuit",
    "check_methods",
    "combine_batch",
    "make_pub",
    "plan_batch",
]
