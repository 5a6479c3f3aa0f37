"""Exactly-once submission: the intent is stored first, and the provider is asked before anything is sent twice."""

from prefect_qpu.jobs.abandoning import abandon, has_news, overdue
from prefect_qpu.jobs.decision import Action, Known, decide
from prefect_qpu.jobs.intent import intend
from prefect_qpu.jobs.reconciling import Reconciled, reconcile
from prefect_qpu.jobs.running import (
    FIRST_INTERVAL,
    GROWTH,
    advance,
    advance_in_time,
    complete,
    counts,
    dealings,
    longest_interval,
)
from prefect_qpu.jobs.steps import Dealings

__all__ = [
    "FIRST_INTERVAL",
    "GROWTH",
    "Action",
    "Dealings",
    "Known",
    "Reconciled",
    "abandon",
    "advance",
    "advance_in_time",
    "complete",
    "counts",
    "dealings",
    "decide",
    "has_news",
    "intend",
    "longest_interval",
    "overdue",
    "reconcile",
]
