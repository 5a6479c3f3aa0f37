"""Sweeps: an experiment varied along axes, planned first, broadcast in batches, resumed without paying twice."""

from prefect_qpu.sweeps.definition import Sweep, read_sweep
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.packing import Caps, Cost, Family, Packed, Slice, pack

__all__ = ["Caps", "Cost", "Family", "Packed", "Slice", "Sweep", "frame", "pack", "read_sweep"]
