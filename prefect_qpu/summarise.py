"""Building a `RunSummary` from the record store alone."""

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from prefect_qpu.latency import seconds_by_stage
from prefect_qpu.records import BaselineRow, RecordStore, RunRow, SubmissionRow
from prefect_qpu.summary import (
    BackendSummary,
    BaselineSummary,
    CircuitSize,
    CircuitSummary,
    CriterionSummary,
    DecisionSummary,
    EstimateSummary,
    ExperimentSummary,
    RunSummary,
    SpanSummary,
    SubmissionSummary,
    TestSummary,
)

MOST_COUNTS = 64
"""Outcomes of each circuit that a summary names; the rest is pooled as ``other``."""


def summarise(store: RecordStore, run_id: str) -> RunSummary:
    """The summary of a run, from its rows in the store.

    Raises:
        RecordNotFoundError: there is no such run.
    """
    row = store.runs.get(run_id)
    stages = store.runs.stages(row.id)
    submissions = store.submissions.for_run(row.id)
    baselines = [_baseline(item) for item in store.runs.baselines(row.id)]
    comparison = stages.get("compare")
    spans = store.runs.spans(row.id)
    return RunSummary(
        **{name: value for name, value in _fields(row, RunSummary).items() if name != "backend"},
        run_id=row.id,
        experiment=_experiment(store, row),
        backend=_backend(store, row),
        selection=stages.get("selection"),
        decision=_decision(store, row),
        estimates=[EstimateSummary(**_fields(item, EstimateSummary)) for item in store.runs.estimates(row.id)],
        refused=(stages.get("mitigate") or stages.get("plan-primary") or {}).get("refused", {}),
        simulations=_simulations(stages.get("smoke_test", {})),
        counts=_counts(store, stages, submissions, ("primary", "fallback")),
        ideal_counts=_counts(store, stages, submissions, ("smoke-ideal-powered", "smoke-ideal")),
        answer=comparison.get("answer") if comparison else None,
        baseline=_judged(baselines, comparison),
        baselines=baselines,
        no_baseline=(stages.get("baseline") or {}).get("reason") or None,
        comparison=comparison,
        fallback=stages.get("fallback"),
        spans=[
            SpanSummary(
                stage=span.stage,
                start=span.started_at,
                end=span.ended_at,
                seconds=span.seconds,
                source=span.source,
                role=span.details.get("role"),
            )
            for span in spans
        ],
        seconds_by_stage=seconds_by_stage(spans),
        submissions=[_submission(store, role, item) for role, item in submissions.items()],
        circuits=_circuits(store, stages),
    )


def _simulations(smoke: Mapping[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    return {
        kind: {name: {key: item[key] for key in ("value", "stderr", "shots")} for name, item in smoke[kind].items()}
        for kind in ("ideal", "noisy")
        if kind in smoke
    }


def _experiment(store: RecordStore, row: RunRow) -> ExperimentSummary:
    document = store.experiments.document(row.experiment_hash)
    experiment = store.experiments.get(row.experiment_hash)
    return ExperimentSummary(
        name=experiment.name,
        hash=row.experiment_hash,
        execution_hash=experiment.execution_hash,
        workload=experiment.workload.kind,
        shots=experiment.shots,
        definition=document,
    )


def _backend(store: RecordStore, row: RunRow) -> BackendSummary:
    calibration = store.calibrations.get(row.calibration_hash) if row.calibration_hash else None
    return BackendSummary(
        name=row.backend["name"],
        kind=row.backend["kind"],
        simulator=row.backend["simulator"],
        calibration_hash=row.calibration_hash,
        calibration_time=calibration.taken_at if calibration else None,
        calibration=calibration.summary() if calibration else None,
        settings=dict(row.backend),
    )


def _decision(store: RecordStore, row: RunRow) -> DecisionSummary | None:
    stored = {item.decided_by: item.document for item in store.runs.decisions(row.id)}
    if "policy" not in stored:
        return None
    policy, person = stored["policy"], stored.get("person")
    return DecisionSummary(
        outcome=(person or policy)["outcome"],
        reason=(person or policy)["reason"],
        criteria=[
            CriterionSummary.model_validate({**item, "test": _test(item["details"])}) for item in policy["criteria"]
        ],
        by=person["by"] if person else "policy",
        held_by=policy["reason"] if person else None,
    )


def _test(details: Mapping[str, Any]) -> TestSummary | None:
    """The test that a criterion's details tell of; earlier versions told less."""
    if not details.get("test"):
        return None
    known = {name: details[name] for name in TestSummary.model_fields if details.get(name) is not None}
    return TestSummary.model_validate(known)


def _baseline(item: BaselineRow) -> BaselineSummary:
    stored = {name: item.document[name] for name in BaselineSummary.model_fields if name in item.document}
    return BaselineSummary.model_validate(stored | _fields(item, BaselineSummary))


def _fields(row: Any, model: type[BaseModel]) -> dict[str, Any]:
    """What a row and a model have in common."""
    return {name: getattr(row, name) for name in model.model_fields if hasattr(row, name)}


def _judged(baselines: Sequence[BaselineSummary], comparison: Mapping[str, Any] | None) -> BaselineSummary | None:
    observable = comparison["observable"] if comparison else None
    return next((item for item in baselines if observable in {None, item.observable}), None)


def _counts(
    store: RecordStore,
    stages: Mapping[str, Any],
    submissions: Mapping[str, SubmissionRow],
    roles: Sequence[str],
) -> dict[str, dict[str, int]]:
    """The most frequent outcomes of each measured basis, of the first of the roles that has results."""
    role = next((name for name in roles if name in submissions and submissions[name].state == "done"), None)
    if role is None or "encode" not in stages:
        return {}
    bases = [group["basis"] for group in stages["encode"]["measurement"]["groups"]]
    results = store.submissions.results(submissions[role].id)
    return {
        basis: _most_frequent(bits.get_counts()) for basis, bits in zip(bases, results, strict=False) if not bits.shape
    }


def _most_frequent(counts: Mapping[str, int]) -> dict[str, int]:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = dict(ranked[:MOST_COUNTS])
    rest = sum(count for _, count in ranked[MOST_COUNTS:])
    return shown | ({"other": rest} if rest else {})


def _submission(store: RecordStore, role: str, row: SubmissionRow) -> SubmissionSummary:
    metadata = store.submissions.result_metadata(row.id) if row.state == "done" else {}
    return SubmissionSummary(
        **_fields(row, SubmissionSummary)
        | {"calibration_hash": store.waiting.calibration(row.id) or row.calibration_hash},
        surplus_jobs=store.waiting.surplus(row.id),
        role=role,
        attempts=row.attempt,
        shots=[pub["shots"] for pub in row.pubs],
        executed=list(metadata.get("pubs", [])),
    )


def _circuits(store: RecordStore, stages: Mapping[str, Any]) -> list[CircuitSummary]:
    encoded = stages.get("encode")
    if encoded is None:
        return []
    before = CircuitSize(hash=encoded["circuit"], **encoded["metrics"])
    compiled = stages.get("transpile") or _compiled_in_smoke_test(store, stages)
    if compiled is None:
        return [CircuitSummary(before=before)]
    return [
        CircuitSummary(
            basis=item["basis"],
            before=before,
            after=CircuitSize(**{key: value for key, value in item.items() if key != "basis"}),
            qubits=compiled["qubits"],
        )
        for item in compiled["circuits"]
    ]


def _compiled_in_smoke_test(store: RecordStore, stages: Mapping[str, Any]) -> dict[str, Any] | None:
    smoke = stages.get("smoke_test")
    return store.circuits.transpiled(smoke["compiled"]) if smoke else None
