"""Task `transpile`: ISA circuits for the target as it is now."""

import asyncio

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger

from prefect_qpu.reports.markdown import artifact_prefix, calibration_markdown
from prefect_qpu.run import Run
from prefect_qpu.stages import transpile as stage
from prefect_qpu.tasks.publishing import published
from prefect_qpu.tasks.stage import stage_task


@stage_task("transpile")
async def transpile(run: Run) -> stage.Transpiled:
    """The measured ISA circuits, from the cache if this content was compiled before."""
    transpiled = await asyncio.to_thread(stage.transpile, run)
    rows = [run.store.circuits.row(key) for key in transpiled.hashes]
    get_run_logger().info(
        "%d circuits for %s, depth up to %d, up to %d two-qubit gates, on qubits %s",
        len(rows),
        run.provider.name,
        max(row.depth for row in rows),
        max(row.two_qubit_gates for row in rows),
        list(transpiled.qubits),
    )
    calibration = run.provider.calibration()
    if calibration is not None:
        await published(
            acreate_markdown_artifact(
                calibration_markdown(calibration, transpiled.qubits, run.clock()),
                key=f"{artifact_prefix(run.experiment.name)}-calibration",
                description=f"Calibration of {calibration.device}",
            )
        )
    return transpiled
