"""Stages `submit`, `poll` and `mitigate`: one job for all methods, its counts, and every method's estimates."""

from contextlib import suppress
from typing import Any

from prefect_qpu.errors import JobCancelledError, JobOverdueError, ProviderUnavailableError
from prefect_qpu.jobs import Action, abandon, advance, counts, dealings, intend, overdue
from prefect_qpu.latency import PRIMARY
from prefect_qpu.mitigation import MethodShare, combine_batch, plan_batch
from prefect_qpu.providers import Provider
from prefect_qpu.records import SubmissionRow
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.estimates import estimate_document, estimate_rows
from prefect_qpu.stages.transpile import Transpiled, transpile


def submit(run: Run) -> SubmissionRow:
    """The submission that holds the circuits of all methods, accepted by the provider."""
    return submit_as(run, PRIMARY, transpile(run), run.provider, run.seeds["execute"])


def submit_as(run: Run, role: str, transpiled: Transpiled, provider: Provider, seed: int) -> SubmissionRow:
    """The submission of a role: planned, stored, and sent unless the provider has it already."""
    run.once(f"plan-{role}", lambda: _plan(run, role, transpiled, provider, seed))
    row = run.store.submissions.for_run(run.id)[role]
    if row.job_id is None:
        with run.measured("submit" if role == PRIMARY else f"submit-{role}"):
            advance(run, role, provider)
    return run.store.submissions.for_run(run.id)[role]


def poll(run: Run) -> Action:
    """One short look at the job; `Action.FINISHED` when its counts are stored.

    Raises:
        JobOverdueError: the job is past its deadline, and was cancelled or left to the reconciler.
        ProviderError: as `prefect_qpu.jobs.advance`.
    """
    try:
        action = advance(run, PRIMARY)
    except ProviderUnavailableError:
        _check_deadline(run)
        raise
    return _check_deadline(run) if action is Action.WAIT else action


def _check_deadline(run: Run) -> Action:
    row, policy = run.store.submissions.for_run(run.id)[PRIMARY], run.experiment.submission
    if not overdue(row, policy, run.clock()):
        return Action.WAIT
    if policy.past_deadline == "cancel":
        abandon(dealings(run), [row], run_id=run.id)
        # The job may have ended before its cancellation arrived.
        with suppress(JobCancelledError, ProviderUnavailableError):
            if (action := advance(run, PRIMARY)) in {Action.FETCH, Action.FINISHED}:
                return action
    kept = "was asked to be cancelled" if policy.past_deadline == "cancel" else "is kept"
    raise JobOverdueError(
        f"job {row.job_id or '(not known yet)'} did not end within {policy.deadline:g} s of its submission, and {kept}"
    )


def mitigate(run: Run) -> dict[str, Any]:
    """The estimates of every method from the stored counts, as JSON data by method and observable."""
    return run.once("mitigate", lambda: combine_role(run, PRIMARY, "quantum"))


def combine_role(run: Run, role: str, source: str) -> dict[str, Any]:
    """The estimates from the counts of a role, stored under a source."""
    plan = run.stage(f"plan-{role}")
    assert plan is not None
    shares = [MethodShare.from_document(share) for share in plan["shares"]]
    measurement = encode(run).measurement
    combined = combine_batch(shares, counts(run, role), measurement)
    multipliers = {share.label: share.variance_multiplier for share in shares}
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


def _plan(run: Run, role: str, transpiled: Transpiled, provider: Provider, seed: int) -> dict[str, Any]:
    encoded = encode(run)
    context = transpiled.context(run, encoded)
    batch = plan_batch(run.experiment.mitigation, context, encoded.parameters)
    row = intend(run, role, batch.pubs, seed=seed, provider=provider)
    return {
        "request_hash": row.request_hash,
        "shares": [share.document() for share in batch.shares],
        "refused": dict(batch.refused),
    }
