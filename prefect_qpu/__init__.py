"""Quantum experiments as Prefect flows: from simulator to QPU and back, recorded, replayable and compared."""
