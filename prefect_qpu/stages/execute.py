"""Stages `submit`, `poll` and `mitigate`: one job for all methods, its counts, and every method's estimates."""

from dataclasses import replace
from typing import Any

from prefect_qpu.experiment import MethodSpec
from prefect_qpu.hashing import content_hash
from prefect_qpu.jobs import Action, abandon, advance, advance_in_time, counts, dealings, intend
from prefect_qpu.latency import OPTIONS, PILOT, PRIMARY, bought
from prefect_qpu.mitigation import Combined, Measurement, MethodShare, combine_batch, plan_batch, provider_options
from prefect_qpu.mitigation.provider_side import PROVIDER as IBM
from prefect_qpu.mitigation.shots import pilot_shots
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore, SubmissionRow
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.estimates import estimate_document, estimate_rows
from prefect_qpu.stages.transpile import Transpiled, transpile

WITHOUT = "without-"
"""First part of the mark of a job that a run does without."""


def job_roles(run: Run) -> tuple[tuple[str, ...], ...]:
    """The jobs of a run, in rounds: all of a round are out together, and the next one needs their counts.

    One job serves all methods. A pilot comes before it where a method asks for one, and methods with options of the
    provider have a job of their own for each set of options.
    """
    pilot = any(spec.options.get("allocation") == "pilot" for spec in run.experiment.mitigation)
    others = [role for role in _methods_by_role(run, run.provider) if role != PRIMARY]
    return (((PILOT,),) if pilot else ()) + ((PRIMARY, *others),)


def submit(run: Run, role: str = PRIMARY) -> SubmissionRow | None:
    """The submission that holds the circuits of all methods of a role, accepted by the provider.

    None if no method of the role trusts the circuits, so that there is nothing to execute.
    """
    return submit_as(run, role, transpile(run), run.provider, run.seeds["execute"])


def submit_as(run: Run, role: str, transpiled: Transpiled, provider: Provider, seed: int) -> SubmissionRow | None:
    """The submission of a role: planned, stored, and sent unless the provider has it already."""
    plan = run.once(f"plan-{role}", lambda: _plan(run, role, transpiled, provider, seed))
    if plan["request_hash"] is None:
        return None
    row = run.store.submissions.for_run(run.id)[role]
    if row.job_id is None:
        with run.measured("submit" if role == PRIMARY else f"submit-{role}"):
            advance(run, role, provider)
    return run.store.submissions.for_run(run.id)[role]


def poll(run: Run, role: str = PRIMARY) -> Action:
    """One short look at the job of a role; `Action.FINISHED` when its counts are stored, or if there is none.

    Raises:
        JobOverdueError: the job is past its deadline, and was cancelled or left to the reconciler.
        ProviderError: as `prefect_qpu.jobs.advance`.
    """
    if role not in run.store.submissions.for_run(run.id):
        return Action.FINISHED
    return advance_in_time(run, role)


def do_without(run: Run, role: str, reason: str) -> None:
    """Let a run go on without the counts of a job with options of its own: its methods are refused, with the reason."""
    run.once(f"{WITHOUT}{role}", lambda: {"reason": reason})


def leave(run: Run) -> list[str]:
    """The ids of the jobs whose cancellation was asked for, of a run that takes its answer from elsewhere.

    Jobs that another run waits for go on, and all of them if the policy keeps what is past its deadline.
    """
    rows = run.store.submissions.for_run(run.id)
    if run.experiment.submission.past_deadline == "keep":
        return []
    return abandon(dealings(run), [row for role, row in rows.items() if bought(role)], run_id=run.id)


def mitigate(run: Run) -> dict[str, Any]:
    """The estimates of every method from the stored counts, as JSON data by method and observable."""
    return run.once("mitigate", lambda: _combine_jobs(run))


def _combine_jobs(run: Run) -> dict[str, Any]:
    *_, last = job_roles(run)
    merged: dict[str, Any] = {"source": "quantum", "estimates": {}, "refused": {}}
    for role in last:
        absent = run.stage(f"{WITHOUT}{role}")
        found = _refused_by(run, role, absent["reason"]) if absent else combine_role(run, role, "quantum")
        for name in ("estimates", "refused"):
            merged[name] |= found[name]
    return merged


def _refused_by(run: Run, role: str, reason: str) -> dict[str, Any]:
    """The methods of a job that gave no counts."""
    return {"estimates": {}, "refused": {spec.label: reason for spec in _methods_by_role(run, run.provider)[role]}}


def combine_role(run: Run, role: str, source: str) -> dict[str, Any]:
    """The estimates from the counts of a role, stored under a source."""
    plan = run.stage(f"plan-{role}")
    assert plan is not None
    combined = combine_plan(run.store, run.id, role)
    multipliers = {share["label"]: share["variance_multiplier"] for share in plan["shares"]}
    exact = (run.stage("smoke_test") or {}).get("exact", {})
    run.store.runs.add_estimates(run.id, estimate_rows(exact, combined.estimates, source, multipliers))
    return {
        "source": source,
        "estimates": {
            label: {name: estimate_document(item) for name, item in by_observable.items()}
            for label, by_observable in combined.estimates.items()
        },
        "refused": {**plan.get("refused", {}), **combined.refused},
    }


def combine_plan(store: RecordStore, run_id: str, role: str) -> Combined:
    """The estimates of a role from the store alone; those of another job are held against the run's raw values."""
    stages, submissions = store.runs.stages(run_id), store.submissions.for_run(run_id)
    measurement = Measurement.from_document(stages["encode"]["measurement"])
    shares = [MethodShare.from_document(share) for share in stages[f"plan-{role}"]["shares"]]
    raw = None
    if role.startswith(OPTIONS):
        first = [MethodShare.from_document(share) for share in stages[f"plan-{PRIMARY}"]["shares"]][:1]
        counted = store.submissions.results(submissions[PRIMARY].id)
        raw = next(iter(combine_batch(first, counted, measurement).estimates.values()))
    results = store.submissions.results(submissions[role].id) if role in submissions else []
    return combine_batch(shares, results, measurement, raw=raw)


def _methods_by_role(run: Run, provider: Provider) -> dict[str, list[MethodSpec]]:
    """The methods of each job; what a provider does not have stays in the first one, whose plan tells so."""
    roles: dict[str, list[MethodSpec]] = {PRIMARY: []}
    for spec in run.experiment.mitigation:
        roles.setdefault(role_of(spec, provider.kind), []).append(spec)
    return roles


def role_of(spec: MethodSpec, kind: str) -> str:
    """The role of the job that holds a method's circuits, at a provider of this kind.

    Example:
        >>> role_of(MethodSpec(method="zne"), "ibm"), role_of(MethodSpec(method="ibm_dd"), "ibm")
        ('primary', 'options-2e1f0263')
    """
    options = provider_options(spec) if kind == IBM else {}
    return f"{OPTIONS}{content_hash(options)[:8]}" if options else PRIMARY


def _plan(run: Run, role: str, transpiled: Transpiled, provider: Provider, seed: int) -> dict[str, Any]:
    encoded = encode(run)
    context = transpiled.context(run, encoded, provider)
    methods, options = _methods_by_role(run, provider).get(role, run.experiment.mitigation), {}
    if role == PILOT:
        methods, context = [], replace(context, shots=pilot_shots(context.shots))
    elif PILOT in run.store.submissions.for_run(run.id):
        context = replace(context, pilot=tuple(counts(run, PILOT)))
    if role.startswith(OPTIONS):
        options = provider_options(methods[0])
    batch = plan_batch(methods, context, encoded.parameters, raw=not options)
    row = intend(run, role, batch.pubs, seed=seed, provider=provider, options=options) if batch.pubs else None
    return {
        "request_hash": row.request_hash if row else None,
        "shares": [share.document() for share in batch.shares],
        "refused": dict(batch.refused),
    }
