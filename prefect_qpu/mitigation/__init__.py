"""Mitigation methods in two stages: plan circuits, combine counts."""

from prefect_qpu.mitigation.batch import (
    METHODS,
    Batch,
    Combined,
    MethodShare,
    Place,
    check_methods,
    combine_batch,
    make_pub,
    places_of,
    plan_batch,
    plan_method,
    provider_options,
    share_of,
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
    "Place",
    "PlanContext",
    "PlannedCircuit",
    "check_methods",
    "combine_batch",
    "make_pub",
    "places_of",
    "plan_batch",
    "plan_method",
    "provider_options",
    "share_of",
]
