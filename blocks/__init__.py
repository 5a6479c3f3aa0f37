"""Prefect blocks: record store, backends and their credentials, promotion policy, prices, stage latency."""

from prefect_qpu.blocks.aer_backend import AerBackend
from prefect_qpu.blocks.ibm_quantum import IBMQuantumBackend, IBMQuantumCredentials
from prefect_qpu.blocks.price_table import PriceTable
from prefect_qpu.blocks.promotion_policy import PromotionPolicy
from prefect_qpu.blocks.qiskit_backend import QiskitBackend
from prefect_qpu.blocks.record_store import RecordStore
from prefect_qpu.blocks.stage_latency import StageLatency

__all__ = [
    "AerBackend",
    "IBMQuantumBackend",
    "IBMQuantumCredentials",
    "PriceTable",
    "PromotionPolicy",
    "QiskitBackend",
    "RecordStore",
    "StageLatency",
]
