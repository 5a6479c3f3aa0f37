"""Remitigate: other methods on the counts of a stored run, where these counts allow them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from qiskit.transpiler import Target

from prefect_qpu.errors import MitigationRefusedError, ReplayError
from prefect_qpu.experiment import AerBackendSpec, MethodSpec
from prefect_qpu.latency import PILOT, PRIMARY
from prefect_qpu.mitigation import (
    Measurement,
    MethodShare,
    Place,
    PlanContext,
    check_methods,
    combine_batch,
    places_of,
    plan_method,
    provider_options,
    share_of,
)
from prefect_qpu.observables import Estimate
from prefect_qpu.records import RecordStore, RunRow, SubmissionRow
from prefect_qpu.stages.estimates import estimate_document, estimate_rows
from prefect_qpu.stages.execute import role_of

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
    jobs = {role: row for role, row in store.submissions.for_run(run.id).items() if row.state == "done"}
    if PRIMARY not in jobs or "transpile" not in stages:
        raise ReplayError(f"run {run.id} stored no counts of a quantum job: it ended {run.outcome or run.state}")
    context = _context(store, run, stages, jobs.get(PILOT))
    shares: dict[str, list[MethodShare]] = {}
    refused: dict[str, str] = {}
    for spec in methods:
        role = role_of(spec, run.backend["kind"])
        try:
            share = _share(spec, context, jobs.get(role))
        except MitigationRefusedError as error:
            refused[spec.label] = str(error)
        else:
            shares.setdefault(role, []).append(share)
    raw = _raw(store, stages, jobs[PRIMARY], context.measurement)
    estimates: dict[str, Mapping[str, Estimate]] = {}
    for role, wanted in shares.items():
        found = combine_batch(wanted, store.submissions.results(jobs[role].id), context.measurement, raw=raw)
        estimates |= found.estimates
        refused |= found.refused
    multipliers = {share.label: share.variance_multiplier for wanted in shares.values() for share in wanted}
    exact = stages.get("smoke_test", {}).get("exact", {})
    store.runs.add_estimates(run.id, estimate_rows(exact, estimates, "quantum", multipliers))
    return {
        "run_id": run.id,
        "estimates": {
            label: {name: estimate_document(item) for name, item in found.items()} for label, found in estimates.items()
        },
        "refused": refused,
    }


def _raw(
    store: RecordStore, stages: Mapping[str, Any], primary: SubmissionRow, measurement: Measurement
) -> Mapping[str, Estimate]:
    """The run's raw estimates, that the others are held against."""
    first = MethodShare.from_document(stages[f"plan-{PRIMARY}"]["shares"][0])
    return combine_batch([first], store.submissions.results(primary.id), measurement).estimates[first.label]


def _context(store: RecordStore, run: RunRow, stages: Mapping[str, Any], pilot: SubmissionRow | None) -> PlanContext:
    """What the run's own methods were planned from."""
    return PlanContext(
        tuple(store.circuits.get(item["hash"]) for item in stages["transpile"]["circuits"]),
        Measurement.from_document(stages["encode"]["measurement"]),
        _target(store, run),
        store.experiments.get(run.experiment_hash).shots,
        run.seeds["execute"],
        pilot=None if pilot is None else tuple(store.submissions.results(pilot.id)),
        provider=run.backend["kind"],
    )


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


def _share(spec: MethodSpec, context: PlanContext, job: SubmissionRow | None) -> MethodShare:
    """What a method has in the job of its role.

    Raises:
        MitigationRefusedError: it cannot be trusted, or needs what was not executed.
    """
    if spec.options.get("allocation") == "pilot" and context.pilot is None:
        raise MitigationRefusedError("the run had no pilot")
    plan = plan_method(spec, context)
    if job is None:
        raise MitigationRefusedError(f"it needs a job with the options {provider_options(spec)}, which the run has not")
    executed, places = _executed(job), places_of(plan)
    lacking = [item.role for item, place in zip(plan.circuits, places, strict=True) if place not in executed]
    if lacking:
        named = ", ".join(dict.fromkeys(lacking[:_NAMED])) + (", ..." if len(lacking) > _NAMED else "")
        raise MitigationRefusedError(
            f"it needs {len(lacking)} of {len(places)} circuits that the run did not execute with these shots: {named}"
        )
    return share_of(spec, plan, [executed[place] for place in places], context.measurement)
