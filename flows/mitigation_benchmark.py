"""Flow `mitigation_benchmark`: one protocol over methods, backends and seeds; what each method is worth, and costs."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact, acreate_table_artifact
from prefect.logging import get_run_logger
from pydantic import Field

from prefect_qpu.baselines.circuit_values import exact_expectations
from prefect_qpu.errors import ProviderError
from prefect_qpu.experiment import Experiment
from prefect_qpu.flows.prepare import experiment_from, open_store, prepare
from prefect_qpu.mitigation_study import FEWEST_SEEDS, MOST_SEEDS, Sample, points, study
from prefect_qpu.records import EstimateRow, RecordStore
from prefect_qpu.reports.markdown import artifact_prefix
from prefect_qpu.reports.studied import study_markdown, study_rows, write_study
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import job_roles
from prefect_qpu.tasks import encode, mitigate, poll, submit, transpile
from prefect_qpu.tasks.publishing import published

Seeds = Annotated[int, Field(ge=FEWEST_SEEDS, le=MOST_SEEDS)]


@flow(name="mitigation-benchmark", persist_result=False)
async def mitigation_benchmark(
    experiment: str | dict[str, Any],
    methods: list[str | dict[str, Any]] | None = None,
    backends: list[dict[str, Any]] | None = None,
    seeds: Seeds = 5,
    record_store: str | None = None,
    report_folder: str | None = None,
) -> list[dict[str, Any]]:
    """Repeat one experiment with every method on every backend, and say which method reduces the error by how much.

    Each backend and seed is a run of its own, whose id follows from what it runs: a repeated call goes on where an
    earlier one stopped, and buys nothing twice. All methods of a run share its job. The runs come one after another,
    and the flow is not suspended while a job is queued: at a QPU it holds its process for all queues together.

    Args:
        experiment: Path of an experiment file, an experiment as a mapping, or the hash of a stored experiment.
        methods: Mitigation methods as in an experiment file; none takes the experiment's.
        backends: Backends as in an experiment file; none takes the experiment's.
        seeds: How many seeds, counted from the experiment's own.
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
        report_folder: Where the HTML page is written; none means ``reports`` beside the record store.
    """
    with await open_store(record_store) as store:
        protocol = await asyncio.to_thread(experiment_from, experiment, store)
        wanted = points(protocol, methods, backends, seeds)
        samples: list[Sample] = []
        refused: dict[str, str] = {}
        get_run_logger().info(
            "%d runs, one after another: this process waits for the jobs of each, also while they are queued; called "
            "again, the benchmark goes on where it was cut off",
            len(wanted),
        )
        for point in wanted:
            store.experiments.add(point)
            samples += await _measured(point, record_store, refused)
        findings = study(samples)
        await _show(
            protocol.name, findings, refused, Path(report_folder) if report_folder else store.folder / "reports"
        )
    return [item.document() for item in findings]


async def _measured(point: Experiment, record_store: str | None, refused: dict[str, str]) -> list[Sample]:
    """The estimates of one backend and seed; those that are stored are not measured again."""
    run_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"mitigation-benchmark:{point.hash}"))
    prepared = await prepare(point.hash, record_store, run_id)
    with prepared.store:
        run = open_run(prepared.store, prepared.experiment, prepared.provider, run_id=run_id)
        try:
            estimated = await _execute(run)
        except ProviderError as error:
            run.finish("failed", error=f"{type(error).__name__}: {error}")
            get_run_logger().warning("%s, seed %d gave no counts: %s", run.provider.name, run.seeds["execute"], error)
            return []
        refused |= estimated["refused"]
        exact = await asyncio.to_thread(exact_expectations, run.experiment.workload.encode())
        return [_sample(run, row, exact) for row in _estimates(prepared.store, run.id)]


async def _execute(run: Run) -> dict[str, Any]:
    await encode(run)
    await transpile(run)
    for roles in job_roles(run):
        for role in roles:
            await submit(run, role)
        for role in roles:
            await poll(run, role=role)
    found: dict[str, Any] = await mitigate(run)
    run.finish("promoted")
    return found


def _estimates(store: RecordStore, run_id: str) -> list[EstimateRow]:
    return [row for row in store.runs.estimates(run_id) if row.point == 0]


def _sample(run: Run, row: EstimateRow, exact: Mapping[str, float]) -> Sample:
    cost = row.details.get("cost", {})
    return Sample(
        backend=run.provider.name,
        observable=row.observable,
        method=row.method,
        seed=run.seeds["execute"],
        value=row.value,
        stderr=row.stderr,
        systematic=row.systematic,
        exact=exact.get(row.observable),
        shots=cost.get("shots", row.shots),
        circuits=cost.get("circuits", 0),
        seconds=cost.get("plan_seconds", 0.0) + cost.get("combine_seconds", 0.0),
        flagged=bool(row.details.get("flags")),
    )


async def _show(name: str, findings: Sequence[Any], refused: Mapping[str, str], folder: Path) -> None:
    """The table, the text and the page; one that cannot be written costs no result."""
    key = f"{artifact_prefix(name)}-mitigation-benchmark"
    text = study_markdown(name, findings, refused)
    await published(acreate_table_artifact(study_rows(findings), key=f"{key}-table", description=name))
    await published(acreate_markdown_artifact(text, key=key, description=name))
    try:
        path = await asyncio.to_thread(write_study, folder / f"{key}.html", name, findings, refused)
    except OSError as error:
        get_run_logger().error("The page could not be written: %s", error)
    else:
        get_run_logger().info("Report: %s", path)
