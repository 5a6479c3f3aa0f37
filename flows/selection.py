"""The choice of a backend by a rule: recorded with the numbers of all candidates, and shown."""

from prefect.artifacts import acreate_table_artifact
from prefect.logging import get_run_logger

from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.run import Run
from prefect_qpu.selection import Candidate, Selection
from prefect_qpu.tasks.publishing import published

STAGE = "selection"


async def record_selection(run: Run, selection: Selection) -> None:
    """Store why the backend of a run was chosen, and publish it as a table."""
    run.store.runs.complete_stage(run.id, STAGE, selection.document(), run.clock())
    get_run_logger().info("%s was chosen among %d backends", selection.chosen, len(selection.candidates))
    await published(
        acreate_table_artifact(
            [_row(item, chosen=item.name == selection.chosen) for item in selection.candidates],
            key=f"{artifact_prefix(run.experiment.name)}-selection",
            description=f"{selection.chosen}: {selection.document()['rule']}",
        )
    )


def _row(candidate: Candidate, *, chosen: bool) -> dict[str, str]:
    age = candidate.calibration_age
    return {
        "backend": candidate.name,
        "chosen": "yes" if chosen else candidate.excluded or "",
        "queue [jobs]": _shown(candidate.queue),
        "predicted success": "-" if candidate.success is None else f"{candidate.success:.3f}",
        "calibration age [h]": "-" if age is None else f"{age / 3600:.1f}",
        "score": "-" if candidate.score is None else f"{candidate.score:.4f}",
    }


def _shown(value: int | None) -> str:
    return "-" if value is None else str(value)
