"""The promotion gate: criteria with numbers, and one decision, before anything is paid for."""

from prefect_qpu.gate.decision import Decision, Outcome, decide
from prefect_qpu.gate.evidence import Criterion, Evidence, Signal
from prefect_qpu.gate.ideal import MOST_SHOTS
from prefect_qpu.gate.noise import shots_for_noise

__all__ = ["MOST_SHOTS", "Criterion", "Decision", "Evidence", "Outcome", "Signal", "decide", "shots_for_noise"]
