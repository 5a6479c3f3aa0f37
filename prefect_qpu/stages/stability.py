"""How far the answer scatters between runs of the same experiment."""

from typing import Any

from prefect_qpu.records import RunRow
from prefect_qpu.run import Run
from prefect_qpu.statistics import between_runs, stable

LEAST_RUNS = 2


def stability(run: Run, method: str, observable: str, exact: float | None) -> dict[str, Any] | None:
    """The spread of an observable over this run and earlier ones on the same backend; none where this one is the first.

    Where the exact value is known, also whether the mean agrees with it, whatever differs between runs. Simulations
    with the same seed are the same run: one of them counts.

    Args:
        run: This run, its estimates stored.
        method: Label of the mitigation method.
        observable: Its name.
        exact: Its exact value, if it is known.
    """
    row = run.store.runs.get(run.id)
    earlier = run.store.runs.answers(row.execution_hash, backend=row.backend["name"], before=row.started_at)
    runs = [row, *(item for item in earlier if item.id != row.id)]
    if row.backend["simulator"]:
        runs = list({item.seeds["execute"]: item for item in reversed(runs)}.values())
    found = [pair for item in runs if (pair := _estimate(run, item, method, observable)) is not None]
    if len(found) < LEAST_RUNS:
        return None
    values, stderrs = zip(*found, strict=True)
    spread = between_runs(values, stderrs, confidence=run.policy.confidence)
    document = {"observable": observable, "method": method, **spread.document(), "agreement": None}
    if exact is not None:
        result = stable(values, stderrs, exact, run.policy.tolerance, confidence=run.policy.confidence)
        document["agreement"] = result.document()
    return document


def _estimate(run: Run, row: RunRow, method: str, observable: str) -> tuple[float, float] | None:
    for item in run.store.runs.estimates(row.id):
        if (item.source, item.method, item.observable, item.point) == ("quantum", method, observable, 0):
            return item.value, item.stderr
    return None
