"""Flow `hybrid_run`: smoke test, gate, hardware, mitigation, baseline, comparison, report; or a labelled fallback."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.logging import get_run_logger
from prefect.runtime import flow_run
from prefect.settings import get_current_settings
from prefect.states import Cancelled, Completed, Failed

from prefect_qpu.blocks.stage_latency import StageLatency
from prefect_qpu.errors import NoAnswerError, ProviderError
from prefect_qpu.flows.approval import wait_for_approval
from prefect_qpu.flows.cancellation import cancel_job
from prefect_qpu.flows.naming import name_flow_run
from prefect_qpu.flows.prepare import Prepared, prepare
from prefect_qpu.flows.selection import record_selection
from prefect_qpu.flows.servers import note_server
from prefect_qpu.flows.suspension import note_resumption, wait_for_job
from prefect_qpu.latency import OPTIONS
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import do_without, job_roles, leave
from prefect_qpu.tasks import (
    baseline,
    compare,
    encode,
    fallback,
    mitigate,
    promote,
    report,
    smoke_test,
    submit,
    transpile,
)

RunOutcome = Literal["promoted", "fallback", "held", "rejected"]


@flow(name="hybrid-run", persist_result=False, on_cancellation=[cancel_job])
async def hybrid_run(
    experiment: str | dict[str, Any],
    record_store: str | None = None,
    latency: str | None = None,
    report_folder: str | None = None,
) -> State[str]:
    """Run an experiment from simulator to backend and back, recorded and compared.

    The flow run ends as ``Promoted`` (the quantum path answered), ``Fallback`` (a labelled answer from elsewhere),
    ``Held`` (nobody was there to approve) or ``Rejected`` (no answer). Its result is the run's id in the record store.

    Args:
        experiment: Path of an experiment file, an experiment as a mapping, or the hash of a stored experiment.
        record_store: Name of a record store block; none takes the block ``default``, else the default database.
        latency: Name of a stage latency block; none publishes every stage.
        report_folder: Where the HTML page is written; none means ``reports`` beside the record store.
    """
    prepared = await prepare(experiment, record_store, str(flow_run.id))
    with prepared.store:
        run = open_run(
            prepared.store,
            prepared.experiment,
            prepared.provider,
            run_id=str(flow_run.id),
            flow_run_id=str(flow_run.id),
        )
        try:
            published = await StageLatency.aload(latency) if latency else None
            await _begin(run, prepared)
            outcome, message = await _answer(run)
        except (Exception, asyncio.CancelledError) as error:
            run.finish("failed", error=f"{type(error).__name__}: {error}")
            raise
        run.finish(outcome)
        await _report(run, Path(report_folder) if report_folder else None, published)
        return _state(outcome, message, run.id)


async def _begin(run: Run, prepared: Prepared) -> None:
    """Note where the run lives, whether it goes on, and why this backend; then show it under its name."""
    if prepared.resumed:
        note_resumption(run)
    else:
        note_server(run)
    if prepared.selection is not None:
        await record_selection(run, prepared.selection)
    kind = prepared.experiment.workload.kind
    await name_flow_run(prepared.experiment.name, [f"backend:{prepared.provider.name}", f"workload:{kind}"])


async def _answer(run: Run) -> tuple[RunOutcome, str]:
    await encode(run)
    await smoke_test(run)
    decision = await promote(run)
    if decision["outcome"] == "held":
        if not has_server():
            return "held", f"{decision['reason']}; no server is there on which a person could decide"
        decision = await wait_for_approval(run, decision)
    if decision["outcome"] == "held":
        return "held", decision["reason"]
    refusal = decision["reason"] if decision["outcome"] == "rejected" else await _quantum_path(run)
    if refusal is not None:
        await _attempt(baseline, run)
        try:
            answer = await fallback(run, refusal)
        except NoAnswerError as error:
            return "rejected", str(error)
    await compare(run)
    if refusal is not None:
        return "fallback", f"{answer['source']}: {refusal}"
    return "promoted", decision["reason"]


async def _quantum_path(run: Run) -> str | None:
    """Why the quantum path gave no answer, or none if it did.

    The baseline runs while the job is out; if it fails, the comparison says so, and the quantum answer stands.
    """
    try:
        await transpile(run)
        first, *rest = job_roles(run)
        await _send(run, first)
        opponent = asyncio.create_task(_attempt(baseline, run))
        try:
            await _wait(run, first, opponent)
            for roles in rest:
                await _send(run, roles)
                await _wait(run, roles, opponent)
        finally:
            await opponent
    except ProviderError as error:
        await asyncio.to_thread(leave, run)
        return f"failed: {error}"
    await mitigate(run)
    return None


async def _send(run: Run, roles: Sequence[str]) -> None:
    for role in roles:
        with _apart(run, role):
            await submit(run, role)


async def _wait(run: Run, roles: Sequence[str], meanwhile: Awaitable[object]) -> None:
    for role in roles:
        with _apart(run, role):
            await wait_for_job(run, meanwhile, role)


@contextmanager
def _apart(run: Run, role: str) -> Iterator[None]:
    """Keep the failure of a job with options of its own to the methods that asked for it."""
    try:
        yield
    except ProviderError as error:
        if not role.startswith(OPTIONS):
            raise
        do_without(run, role, f"its job gave no counts: {error}")


async def _attempt(stage: Callable[..., Any], *given: Any) -> State[Any]:
    """The state in which a stage ended, failed or not."""
    state: State[Any] = await stage(*given, return_state=True)
    return state


async def _report(run: Run, folder: Path | None, latency: StageLatency | None) -> None:
    """Write the report; the answer is stored, so a report that fails does not fail the run."""
    state = await _attempt(report, run, folder, latency)
    if not state.is_completed():
        get_run_logger().error("The report could not be written: %s", state.message)


def has_server() -> bool:
    """Whether the flow run lives on a server that outlasts it, where a person can act."""
    return bool(get_current_settings().api.url)


def _state(outcome: RunOutcome, message: str, run_id: str) -> State[str]:
    make: Mapping[str, Any] = {"promoted": Completed, "fallback": Completed, "held": Cancelled, "rejected": Failed}
    state: State[str] = make[outcome](name=outcome.capitalize(), message=message, data=run_id)
    return state
