"""Stage `promote`: the gate's decision by policy, and a person's where the policy leaves it to one."""

from typing import Any

from prefect_qpu.gate import Decision, Evidence, Outcome, decide
from prefect_qpu.latency import Span
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import encode
from prefect_qpu.stages.smoke_test import signals, smoke_test

STAGE = "promote"


def promote(run: Run) -> dict[str, Any]:
    """The policy's decision as JSON data: ``outcome``, ``reason``, ``criteria``; stored once."""
    document = run.once(STAGE, lambda: judge(run).document())
    run.store.runs.add_decision(run.id, "policy", document["outcome"], document, run.clock())
    return document


def judge(run: Run) -> Decision:
    """The gate's decision on what the smoke test saw."""
    return decide(run.policy, evidence(run))


def evidence(run: Run) -> Evidence:
    """What the gate looks at."""
    smoke = smoke_test(run)
    calibration = run.provider.calibration()
    return Evidence(
        findings=smoke.findings,
        signals=signals(encode(run), smoke.reference, smoke.ideal, smoke.noisy),
        depth=smoke.depth,
        two_qubit_gates=smoke.two_qubit_gates,
        qubits=encode(run).circuit.num_qubits,
        parameters=encode(run).circuit.num_parameters,
        payload_bytes=smoke.payload_bytes,
        # A service that emulates devices calibrates them as often as a real one does.
        simulator=run.provider.simulator and not run.provider.durable,
        calibration_age=calibration.age(run.clock()) if calibration else None,
        hypothesis=run.experiment.hypothesis,
        no_ideal=smoke.no_ideal,
        no_noisy=smoke.no_noisy,
        distributions=smoke.distributions,
        no_distributions=smoke.no_distributions,
        noiseless=run.provider.simulator and calibration is None,
    )


def approve(run: Run, *, approved: bool, by: str, reason: str) -> dict[str, Any]:
    """A person's decision on a held run as JSON data; the first one is kept."""
    outcome = Outcome.PROMOTED if approved else Outcome.REJECTED
    document = {"outcome": str(outcome), "reason": reason or f"decided by {by}", "by": by}
    now = run.clock()
    run.store.runs.add_decision(run.id, "person", str(outcome), document, now)
    held = next(row for row in run.store.runs.decisions(run.id) if row.decided_by == "policy")
    run.keep(Span("approval", held.decided_at, now))
    return decision(run)


def decision(run: Run) -> dict[str, Any]:
    """The decision that holds: the person's if there is one, with the policy's criteria."""
    stored = {row.decided_by: row.document for row in run.store.runs.decisions(run.id)}
    policy = stored["policy"]
    return {**policy, **stored["person"], "held_by": policy["reason"]} if "person" in stored else policy
