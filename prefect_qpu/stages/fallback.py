"""Stage `fallback`: an answer from elsewhere, labelled, where the quantum path was refused or failed."""

from collections.abc import Callable, Mapping
from typing import Any

from prefect_qpu.errors import NoAnswerError, QpuError
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.jobs import complete
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.run import Run
from prefect_qpu.stages.baseline import baseline
from prefect_qpu.stages.estimates import baseline_rows, cached_rows
from prefect_qpu.stages.execute import combine_role, submit_as
from prefect_qpu.stages.transpile import compiled_circuits

STAGE = "fallback"
ROLE = "fallback"


def fallback(run: Run, reason: str) -> dict[str, Any]:
    """The first answer that the experiment's chain can give, as JSON data: ``source``, ``reason``, ``refused``.

    Args:
        run: The run whose quantum path gave no answer.
        reason: Why it gave none.

    Raises:
        NoAnswerError: the chain is empty or nothing in it could answer.
    """
    return run.once(STAGE, lambda: _first_answer(run, reason))


def _first_answer(run: Run, reason: str) -> dict[str, Any]:
    refused = []
    for source in run.experiment.fallback:
        try:
            details = _ANSWERS[source](run)
        except QpuError as error:
            refused.append({"source": source, "reason": str(error)})
        else:
            return {"source": source, "reason": reason, "refused": refused, "details": details}
    tried = "; ".join(f"{item['source']}: {item['reason']}" for item in refused) or "the fallback chain is empty"
    raise NoAnswerError(f"{reason}. {tried}")


def _cached(run: Run) -> dict[str, Any]:
    """The newest answer of the same execution; the block of a backend may have meant an emulated one before."""
    earlier = run.store.runs.latest_answer(
        run.experiment.execution_hash, excluding=run.id, simulator=run.provider.simulator
    )
    if earlier is None:
        raise NoAnswerError("no earlier run of this experiment has a quantum answer")
    run.store.runs.add_estimates(run.id, cached_rows(run, earlier.id))
    return {"run_id": earlier.id, "measured_at": earlier.started_at.isoformat(), "backend": earlier.backend}


def _simulator(run: Run) -> dict[str, Any]:
    """All methods, on a simulator with the noise of the backend that was asked for."""
    provider = AerProvider(AerBackendSpec(), calibration=run.provider.calibration(), clock=run.clock)
    submit_as(run, ROLE, compiled_circuits(run), provider, run.seeds["fallback"])
    with run.measured("simulate-fallback"):
        complete(run, ROLE, provider)
    combine_role(run, ROLE, "simulator")
    return {"backend": provider.describe()}


def _classical(run: Run) -> dict[str, Any]:
    document = baseline(run)
    if not document["baselines"]:
        raise NoAnswerError(document["reason"])
    run.store.runs.add_estimates(run.id, baseline_rows(document["baselines"]))
    return {"methods": sorted({item["method"] for item in document["baselines"]})}


_ANSWERS: Mapping[str, Callable[[Run], dict[str, Any]]] = {
    "cached": _cached,
    "simulator": _simulator,
    "classical": _classical,
}
