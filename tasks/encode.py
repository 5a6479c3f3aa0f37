"""Task `encode`: the workload becomes a circuit and observables."""

import asyncio

from prefect.logging import get_run_logger

from prefect_qpu.run import Run
from prefect_qpu.stages import encode as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("encode")
async def encode(run: Run) -> stage.Encoded:
    """The encoded workload of a run."""
    encoded = await asyncio.to_thread(stage.encode, run)
    get_run_logger().info(
        "Encoded as %d qubits, %d observables in %d measured groups",
        encoded.circuit.num_qubits,
        len(encoded.measurement.observables),
        len(encoded.measurement.groups),
    )
    return encoded
