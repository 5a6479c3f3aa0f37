"""Task `smoke_test`: the transpiled circuits on simulators, before anything is paid for."""

import asyncio

from prefect.logging import get_run_logger

from prefect_qpu.run import Run
from prefect_qpu.stages import smoke_test as stage
from prefect_qpu.tasks.stage import stage_task


@stage_task("smoke test")
async def smoke_test(run: Run) -> stage.SmokeTest:
    """What an ideal simulator and one with the device's noise say."""
    smoke = await asyncio.to_thread(stage.smoke_test, run)
    for name, estimate in smoke.ideal.items():
        noisy = smoke.noisy.get(name)
        get_run_logger().info(
            "%s: reference %s, ideal %.4f ± %.4f, with device noise %s",
            name,
            f"{smoke.reference[name]:.4f}" if name in smoke.reference else "unknown",
            estimate.value,
            estimate.stderr,
            f"{noisy.value:.4f} ± {noisy.stderr:.4f}" if noisy else smoke.no_noisy,
        )
    return smoke
