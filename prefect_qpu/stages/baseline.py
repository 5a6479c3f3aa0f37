"""Stage `baseline`: the classical opponent, within its time limit."""

from typing import Any

from prefect_qpu.baselines import solve_baseline
from prefect_qpu.hashing import derive_seed
from prefect_qpu.run import Run

STAGE = "baseline"


def baseline(run: Run) -> dict[str, Any]:
    """The opponents' answers as JSON data: ``baselines``, and ``reason`` where there is none."""
    document = run.once(STAGE, lambda: _solve(run))
    for item in document["baselines"]:
        run.store.runs.add_baseline(run.id, item)
    return document


def _solve(run: Run) -> dict[str, Any]:
    workload = run.experiment.workload
    report = solve_baseline(
        workload,
        workload.encode(),
        run.experiment.baseline.time_limit,
        seed=derive_seed(run.seeds["experiment"], STAGE),
    )
    return {"baselines": [item.document() for item in report.baselines], "reason": report.reason}
