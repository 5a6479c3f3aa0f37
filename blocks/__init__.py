"""Prefect blocks: record store, backend, promotion policy, stage latency."""

from prefect_qpu.blocks.aer_backend import AerBackend
from prefect_qpu.blocks.promotion_policy import PromotionPolicy
from prefect_qpu.blocks.record_store import RecordStore
from prefect_qpu.blocks.stage_latency import StageLatency

__all__ = ["AerBackend", "PromotionPolicy", "RecordStore", "StageLatency"]
