"""Starting sweeps from the command line: bad input is told before a server starts or a row is stored."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from prefect_qpu.experiment import AerBackendSpec, BlockReference, Experiment
from prefect_qpu.flows.cli import output
from prefect_qpu.flows.cli.starting import failure, reach_server, use_store
from prefect_qpu.preflight import preflight
from prefect_qpu.providers import Provider
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.answering import answered
from prefect_qpu.sweeps.definition import Sweep, read_sweep
from prefect_qpu.sweeps.members import backend_key
from prefect_qpu.sweeps.plan import Plan
from prefect_qpu.sweeps.points import expand
from prefect_qpu.sweeps.policy import held
from prefect_qpu.sweeps.starting import preview

CODES = {"Measured": 0, "Partial": 1, "Held": 3}


def answer_sweep(store: RecordStore, sweep: Sweep, folder: Path | None) -> dict[str, Any] | None:
    """What a sweep has shown, if all of its points were measured before; neither Prefect nor a provider is needed."""
    row = answered(store, sweep)
    if row is None:
        return None
    output.note("All points were measured before: nothing is run. To measure them again: --fresh")
    if not _page(store, row.run_id, folder).exists():
        report_of_sweep(store, row.run_id, folder)
    found = summary(store, row.run_id, folder)
    return found | {"bought": 0, "reused": found["points"], "number_of_jobs": 0}


def run_sweep(
    store: RecordStore, file: Path, settings: Sequence[str], folder: Path | None, *, fresh: bool, runner: str
) -> tuple[int, dict[str, Any]]:
    """Run a sweep in this process; the exit code, and what the sweep has shown.

    Raises:
        InputError: the sweep, or a block that it names, is not valid.
        RunFailedError: the sweep failed.
    """
    use_store(store)
    check(read_sweep(file, list(settings)))
    where = str(folder.absolute()) if folder else None
    code, run_id = asyncio.run(_start(str(file.absolute()), settings, where, fresh=fresh, runner=runner))
    return code, summary(store, run_id, folder)


async def _start(file: str, settings: Sequence[str], folder: str | None, **options: Any) -> tuple[int, str]:
    from prefect_qpu.flows.sweep import sweep

    await reach_server()
    state = await sweep(definition=file, settings=list(settings), report_folder=folder, return_state=True, **options)
    if state.name in CODES:
        return CODES[state.name], str(await state.aresult(raise_on_failure=False))
    raise await failure(state, "sweep")


def check(sweep: Sweep) -> None:
    """Refuse a sweep that cannot start; what a block holds is not known yet.

    Raises:
        InputError: something does not fit.
    """
    checked: set[tuple[str, str]] = set()
    for group in expand(sweep).groups:
        spec = group.experiment.backend
        key = group.problem.circuit_hash, backend_key(group.experiment.document()["backend"])
        if key not in checked:
            preflight(group.experiment, AerProvider(spec) if isinstance(spec, AerBackendSpec) else None)
            checked.add(key)


def planned_document(store: RecordStore, sweep: Sweep, *, fresh: bool) -> dict[str, Any]:
    """The plan as JSON data; nothing is bought, and no point is claimed."""
    resolved = _resolved(sweep)
    swept = resolved.on("a plan only") if fresh else resolved
    plan = preview(store, swept, _providers(swept))
    return {
        "name": sweep.name,
        "hash": resolved.hash,
        "points": plan.count,
        "measured_before": plan.reused,
        "to_buy": plan.bought,
        "number_of_jobs": len(plan.jobs),
        "fewest_jobs": sum(backend.least_jobs for backend in plan.backends),
        "pubs": plan.total("pubs"),
        "executions": plan.total("executions"),
        "payload_bytes": plan.total("payload_bytes"),
        "qpu_seconds": plan.total("seconds", charged=True),
        "simulation_seconds": round(plan.total("seconds", charged=False), 3),
        **_cost(plan),
        "held": held(plan, sweep.approval),
        "jobs": [asdict(job) for job in plan.jobs],
    }


def _cost(plan: Plan) -> dict[str, Any]:
    """The money for jobs at providers that charge; none if a price is not known."""
    return {"cost": plan.cost(), "currency": plan.currency} if plan.total("seconds", charged=True) else {}


def summary(store: RecordStore, run_id: str, folder: Path | None) -> dict[str, Any]:
    """What a sweep has shown, as JSON data."""
    from prefect_qpu.sweeps.findings import findings

    row = store.sweeps.get(run_id)
    plan = Plan.from_document(store.sweeps.plan(row))
    found = findings(store, row, store.experiments.get(store.runs.get(run_id).experiment_hash))
    best = found.best[["point [1]", *found.axes, "value [1]", "stderr [1]"]]
    return {
        "run": run_id,
        "points": plan.count,
        "bought": plan.bought,
        "reused": plan.reused,
        "number_of_jobs": len(plan.jobs),
        **{f"points_{state}": count for state, count in found.states.items()},
        "observable": found.observable,
        "method": found.method,
        "best": best.to_dict("records"),
        "report": str(_page(store, run_id, folder)),
    }


def _page(store: RecordStore, run_id: str, folder: Path | None) -> Path:
    return (folder or store.folder / "reports") / f"{run_id}.html"


def show_sweep(store: RecordStore, run_id: str, folder: Path | None, *, json: bool) -> None:
    """Print what a sweep has shown."""
    print_sweep(store.sweeps.get(run_id).name, summary(store, run_id, folder), json=json)


def print_sweep(name: str, found: Mapping[str, Any], *, json: bool) -> None:
    """Print facts of a sweep, for people or as JSON."""
    if json:
        output.print_json(found)
        return
    output.print_facts(name, {key: value for key, value in found.items() if not isinstance(value, list)})
    for best in found.get("best", [])[:3]:
        told = ", ".join(
            f"{key} {value:.6g}" if isinstance(value, float) else f"{key} {value}" for key, value in best.items()
        )
        output.answer(f"  best             {told}")


def report_of_sweep(store: RecordStore, run_id: str, folder: Path | None) -> Path:
    """Path of the page of a sweep, which was written again."""
    from prefect_qpu.reports.sweep_page import write_sweep_page
    from prefect_qpu.sweeps.findings import findings

    row = store.sweeps.get(run_id)
    found = findings(store, row, store.experiments.get(store.runs.get(run_id).experiment_hash))
    return write_sweep_page(_page(store, run_id, folder), store, row, found)


def rerun(store: RecordStore, sweep: str, point: str) -> dict[str, Any]:
    """A point before and again."""
    from prefect_qpu.sweeps.repeating import find_point, repeat

    found = find_point(store, store.sweeps.resolve(sweep), point)
    settings = [item["setting"] for item in store.sweeps.plan(found.owner)["backends"]]
    return repeat(store, found, {backend_key(setting): _provider(setting) for setting in settings})


def _resolved(sweep: Sweep) -> Sweep:
    """The sweep with what the blocks of its experiment hold."""
    experiment = sweep.experiment
    named = (experiment.backend, experiment.promotion, experiment.prices)
    if not any(isinstance(item, BlockReference) for item in named):
        return sweep
    from prefect_qpu.flows.prepare import resolve_blocks

    async def resolved() -> Experiment:
        await reach_server()
        return (await resolve_blocks(experiment))[0]

    return sweep.with_backend(asyncio.run(resolved()))


def _providers(sweep: Sweep) -> dict[str, Provider]:
    settings = [group.experiment.document()["backend"] for group in expand(sweep).groups]
    return {backend_key(setting): _provider(setting) for setting in settings}


def _provider(setting: dict[str, Any]) -> Provider:
    if "block" not in setting:
        return AerProvider(AerBackendSpec.model_validate(setting))
    from prefect_qpu.flows.prepare import resolve_backend

    async def resolved() -> Provider:
        await reach_server()
        return (await resolve_backend(BlockReference(**setting)))[1]

    return asyncio.run(resolved())
