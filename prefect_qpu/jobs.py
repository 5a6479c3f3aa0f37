"""Exactly-once submission: the intent is stored first, the provider is asked before anything is sent twice."""

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any

from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.circuits import to_qpy
from prefect_qpu.errors import InvalidResultError, JobCancelledError, JobFailedError
from prefect_qpu.hashing import content_hash
from prefect_qpu.latency import provider_spans
from prefect_qpu.mitigation import make_pub
from prefect_qpu.providers import JobRequest, JobResult, JobState, JobStatus, Provider
from prefect_qpu.records import SubmissionRow
from prefect_qpu.run import Run

MAX_ATTEMPTS = 3
CLAIM = timedelta(minutes=20)
"""How long one process alone may send a request: longer than a provider's client waits for an answer."""
FIRST_INTERVAL, LONGEST_INTERVAL, GROWTH = 0.01, 5.0, 1.4


class Action(StrEnum):
    """What to do next with a submission."""

    SUBMIT = "submit"
    """The provider has no job of this request: send it."""
    ADOPT = "adopt"
    """The provider has a job that we do not know: it is ours."""
    WAIT = "wait"
    FETCH = "fetch"
    """The job is done and its result is not stored."""
    RESUBMIT = "resubmit"
    """The provider is to blame for the end of the job: a new attempt."""
    GIVE_UP = "give up"
    FINISHED = "finished"
    """The result is stored."""


def decide(stored: JobState | None, job_id: str | None, attempt: int, told: Sequence[JobStatus]) -> Action:
    """What to do next, from our row and from what the provider says; a pure function.

    Args:
        stored: `JobState.DONE` if the results are stored, else none.
        job_id: The provider's job, if known.
        attempt: Number of this attempt, from 1.
        told: What the provider says: of the job if its id is known, of all jobs with the tag otherwise.

    Example:
        >>> decide(None, None, 1, []), decide(None, None, 1, [JobStatus("j1", JobState.QUEUED)])
        (<Action.SUBMIT: 'submit'>, <Action.ADOPT: 'adopt'>)
    """
    if stored is JobState.DONE:
        return Action.FINISHED
    if job_id is None:
        return Action.ADOPT if told else Action.SUBMIT
    state = told[0].state if told else JobState.LOST
    if not state.final:
        return Action.WAIT
    if state is JobState.DONE:
        return Action.FETCH
    again = state is JobState.LOST or (state is JobState.FAILED and told[0].retryable)
    return Action.RESUBMIT if again and attempt < MAX_ATTEMPTS else Action.GIVE_UP


def intend(
    run: Run,
    role: str,
    pubs: Sequence[SamplerPub],
    *,
    seed: int,
    provider: Provider | None = None,
    options: Mapping[str, Any] | None = None,
) -> SubmissionRow:
    """The stored intent to execute PUBs in a role of a run; the one that is stored already, if there is one.

    Runs share a submission only at providers whose jobs outlive the process that made them.
    """
    provider = provider or run.provider
    calibration = provider.calibration()
    documents = [_pub_document(run, pub) for pub in pubs]
    settings = {"backend": provider.describe(), "options": dict(options or {}), "seed": seed, "pubs": documents}
    return run.store.submissions.intend(
        run.id,
        role,
        content_hash=content_hash(settings if provider.durable else settings | {"run": run.id, "role": role}),
        replicate=run.experiment.replicate if provider.durable else None,
        provider=provider.kind,
        backend=provider.name,
        pubs=documents,
        options=dict(options or {}),
        seed=seed,
        payload_bytes=sum(_payload(pub) for pub in pubs),
        calibration_hash=run.store.calibrations.add(calibration) if calibration else None,
        now=run.clock(),
    )


def advance(run: Run, role: str, provider: Provider | None = None) -> Action:
    """Take the one next step for the submission of a role, and say which it was.

    Raises:
        JobFailedError: the job failed and no attempt is left.
        JobCancelledError: the job was cancelled.
        ProviderUnavailableError: nothing is known; call again later.
    """
    provider = provider or run.provider
    row = run.store.submissions.for_run(run.id)[role]
    if row.job_id is None and not _claimed(run, row):
        return Action.WAIT
    stored = JobState.DONE if row.state == JobState.DONE else None
    told = [] if stored else _ask(provider, row)
    action = decide(stored, row.job_id, row.attempt, told)
    for status in told if row.job_id else ():
        run.store.submissions.record_status(row.id, status, run.clock())
    _STEPS.get(action, _nothing)(run, row, provider, told)
    if action in {Action.FETCH, Action.FINISHED}:
        _keep_provider_spans(run, role, row.id)
    return action


def complete(
    run: Run, role: str, provider: Provider | None = None, *, sleep: Callable[[float], None] = time.sleep
) -> list[BitArray]:
    """The counts of a role's submission, waiting here until they are stored; for short jobs."""
    pause = FIRST_INTERVAL
    while (action := advance(run, role, provider)) is not Action.FINISHED:
        if action is Action.WAIT:
            sleep(pause)
            pause = min(pause * GROWTH, LONGEST_INTERVAL)
    return counts(run, role)


def counts(run: Run, role: str) -> list[BitArray]:
    """The stored counts of a role's submission, one bit array for each PUB."""
    return run.store.submissions.results(run.store.submissions.for_run(run.id)[role].id)


def _claimed(run: Run, row: SubmissionRow) -> bool:
    """Whether this run may send the request; another run that shares it may be sending it now."""
    now = run.clock()
    return run.store.submissions.claim(row.id, run.id, now, now + CLAIM)


def _ask(provider: Provider, row: SubmissionRow) -> list[JobStatus]:
    return provider.status([row.job_id]) if row.job_id else provider.find(row.request_hash)


def _nothing(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:
    """Take no step."""


def _submit(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    request = JobRequest(tuple(_stored_pubs(run, row)), row.request_hash, row.seed, row.options)
    run.store.submissions.accepted(row.id, provider.submit(request), run.clock())


def _adopt(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:
    """Keep the most advanced job of the tag and cancel the others."""
    order = [JobState.DONE, JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.CANCELLED, JobState.LOST]
    best, *others = sorted(told, key=lambda status: order.index(status.state))
    run.store.submissions.accepted(row.id, best.job_id, run.clock())
    for status in others:
        if not status.state.final:
            provider.cancel(status.job_id)


def _fetch(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    assert row.job_id is not None
    result = provider.result(row.job_id)
    _check_result(row.job_id, _stored_pubs(run, row), result)
    run.store.submissions.store_results(row.id, result, run.clock())


def _keep_provider_spans(run: Run, role: str, submission_id: int) -> None:
    """Store when the job waited and ran; also for a run that shares the submission of another one."""
    row = run.store.submissions.get(submission_id)
    for span in provider_spans(row.job_created_at, row.job_started_at, row.job_finished_at, role):
        run.keep(span)


def _resubmit(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    run.store.submissions.new_attempt(row.id, run.clock())


def _give_up(run: Run, row: SubmissionRow, provider: Provider, told: Sequence[JobStatus]) -> None:  # noqa: ARG001
    message = told[0].message if told else ""
    if told and told[0].state is JobState.CANCELLED:
        raise JobCancelledError(f"job {row.job_id} was cancelled. {message}".strip())
    state = told[0].state if told else JobState.LOST
    raise JobFailedError(f"job {row.job_id} {state} after {row.attempt} attempts. {message}".strip(), job_id=row.job_id)


_STEPS: Mapping[Action, Callable[[Run, SubmissionRow, Provider, Sequence[JobStatus]], None]] = {
    Action.SUBMIT: _submit,
    Action.ADOPT: _adopt,
    Action.FETCH: _fetch,
    Action.RESUBMIT: _resubmit,
    Action.GIVE_UP: _give_up,
}


def _pub_document(run: Run, pub: SamplerPub) -> dict[str, Any]:
    values = {
        name: array[..., index]
        for names, array in pub.parameter_values.data.items()
        for index, name in enumerate(names)
    }
    stored = run.store.submissions.add_parameters(values) if values else None
    return {"circuit": run.store.circuits.add(pub.circuit), "shots": pub.shots, "parameters": stored}


def _stored_pubs(run: Run, row: SubmissionRow) -> list[SamplerPub]:
    """The PUBs as the record has them, so that what is executed is what is recorded."""
    return [
        make_pub(
            run.store.circuits.get(pub["circuit"]),
            pub["shots"],
            run.store.submissions.parameters(pub["parameters"]) if pub["parameters"] else {},
        )
        for pub in row.pubs
    ]


def _payload(pub: SamplerPub) -> int:
    return len(to_qpy(pub.circuit)) + 8 * int(pub.parameter_values.size) * int(pub.parameter_values.num_parameters)


def _check_result(job_id: str, pubs: Sequence[SamplerPub], result: JobResult) -> None:
    """Refuse counts that do not fit the request."""
    if len(result.counts) != len(pubs):
        raise InvalidResultError(f"job {job_id} returned {len(result.counts)} results for {len(pubs)} PUBs")
    for index, (bits, pub) in enumerate(zip(result.counts, pubs, strict=True)):
        returned = {"shots": bits.num_shots, "bits": bits.num_bits, "shape": bits.shape}
        wanted = {"shots": pub.shots, "bits": pub.circuit.num_clbits, "shape": pub.parameter_values.shape}
        if returned != wanted:
            raise InvalidResultError(f"job {job_id} returned {returned} for PUB {index}, expected {wanted}")
