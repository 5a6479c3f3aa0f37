"""Remitigate: other methods on the counts of a stored run, where these counts allow them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.transpiler import Target

from prefect_qpu.errors import MitigationRefusedError, ReplayError
from prefect_qpu.experiment import AerBackendSpec, MethodSpec
from prefect_qpu.latency import PRIMARY
from prefect_qpu.mitigation import (
    Measurement,
    MethodPlan,
    MethodShare,
    Place,
    PlanContext,
    check_methods,
    combine_batch,
    places_of,
    plan_method,
    share_of,
)
from prefect_qpu.records import RecordStore, RunRow, SubmissionRow
from prefect_qpu.stages.estimates import estimate_document, estimate_rows

_NAMED = 3


def remitigate(store: RecordStore, run_id: str, methods: Sequence[MethodSpec]) -> dict[str, Any]:
    """The estimates of methods that a run did not ask for, from its stored counts; as JSON data, and in the store.

    They are the numbers that the run would have given with these methods from the start: each method is planned anew
    from the stored circuits, calibration and seed, and its circuits are looked up in the job. ``refused`` tells by
    label why a method gave nothing: it does not trust the circuits, or needs others than those that were run.

    Raises:
        ExperimentError: a method or an option is unknown.
        RecordNotFoundError: there is no such run.
        ReplayError: the run has no counts of a quantum job.
    """
    check_methods(methods)
    run = store.runs.get(run_id)
    stages = store.runs.stages(run.id)
    submission = _submission(store, run, stages)
    context = _context(store, run, stages)
    executed = _executed(submission)
    shares, refused = [], {}
    for spec in methods:
        try:
            shares.append(_share(spec, plan_method(spec, context), executed))
        except MitigationRefusedError as error:
            refused[spec.label] = str(error)
    asked = {share.label for share in shares}
    beside = [share for share in _shares(stages) if share.method == "raw" and share.label not in asked]
    combined = combine_batch([*beside, *shares], store.submissions.results(submission.id), context.measurement)
    estimates = {label: found for label, found in combined.estimates.items() if label in asked}
    multipliers = {share.label: share.variance_multiplier for share in shares}
    exact = stages.get("smoke_test", {}).get("exact", {})
    store.runs.add_estimates(run.id, estimate_rows(exact, estimates, "quantum", multipliers))
    return {
        "run_id": run.id,
        "estimates": {
            label: {name: estimate_document(item) for name, item in found.items()} for label, found in estimates.items()
        },
        "refused": {**refused, **combined.refused},
    }


def _submission(store: RecordStore, run: RunRow, stages: Mapping[str, Any]) -> SubmissionRow:
    submission = store.submissions.for_run(run.id).get(PRIMARY)
    if submission is None or submission.state != "done" or "transpile" not in stages:
        raise ReplayError(f"run {run.id} stored no counts of a quantum job: it ended {run.outcome or run.state}")
    return submission


def _shares(stages: Mapping[str, Any]) -> list[MethodShare]:
    """What the run's own methods had in the job."""
    return [MethodShare.from_document(share) for share in stages[f"plan-{PRIMARY}"]["shares"]]


def _context(store: RecordStore, run: RunRow, stages: Mapping[str, Any]) -> PlanContext:
    """What the run's own methods were planned from."""
    circuits = tuple(store.circuits.get(item["hash"]) for item in stages["transpile"]["circuits"])
    measurement = Measurement.from_document(stages["encode"]["measurement"])
    shots = store.experiments.get(run.experiment_hash).shots
    return PlanContext(circuits, measurement, _target(store, run), shots, run.seeds["execute"])


def _target(store: RecordStore, run: RunRow) -> Target:
    if run.calibration_hash is not None:
        return store.calibrations.get(run.calibration_hash).target()
    from prefect_qpu.providers.aer import AerProvider

    return AerProvider(AerBackendSpec()).target()


def _executed(submission: SubmissionRow) -> dict[Place, int]:
    """Where the counts of each circuit are."""
    seen: Counter[tuple[str, int]] = Counter()
    places: dict[Place, int] = {}
    for index, pub in enumerate(submission.pubs):
        key = (pub["circuit"], pub["shots"])
        seen[key] += 1
        places[*key, seen[key]] = index
    return places


def _share(spec: MethodSpec, plan: MethodPlan, executed: Mapping[Place, int]) -> MethodShare:
    places = places_of(plan)
    lacking = [item.role for item, place in zip(plan.circuits, places, strict=True) if place not in executed]
    if lacking:
        named = ", ".join(dict.fromkeys(lacking[:_NAMED])) + (", ..." if len(lacking) > _NAMED else "")
        raise MitigationRefusedError(
            f"it needs {len(lacking)} of {len(places)} circuits that the run did not execute with these shots: {named}"
        )
    return share_of(spec, plan, [executed[place] for place in places])
