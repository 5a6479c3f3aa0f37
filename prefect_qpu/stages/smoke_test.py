"""Stage `smoke_test`: the transpiled circuits on an ideal simulator and on one with the device's noise."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.baselines.circuit_values import exact_expectations
from prefect_qpu.errors import JobFailedError
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.gate import MOST_SHOTS, Signal, shots_for_noise
from prefect_qpu.jobs import complete, counts, intend
from prefect_qpu.mitigation import make_pub
from prefect_qpu.observables import Estimate, constant_of, estimate_from_counts
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.providers.simulation import Simulation
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import Encoded, encode
from prefect_qpu.stages.ideal_distribution import distribution_tests
from prefect_qpu.stages.transpile import Transpiled, compiled_circuits
from prefect_qpu.statistics import Mean, shared_confidence, shots_for_equivalence
from prefect_qpu.validation import target_findings

STAGE = "smoke_test"
IDEAL_ROLES = ("smoke-ideal-powered", "smoke-ideal")
"""Jobs of the ideal simulation; the first that there is decides."""
NOISE_ROLES = ("smoke-noise-powered", "smoke-noise")
"""Jobs of the simulation with noise; the first that there is decides."""
NOISE_SECONDS, LEAST_SHOTS = 30.0, 500
"""Predicted seconds for which the simulation with noise takes all shots; longer ones take fewer, these at least."""
LONGEST_SIMULATION = 300.0
"""Predicted seconds above which a smoke test is not simulated; the gate then leaves the decision to a person."""


@dataclass(frozen=True)
class SmokeTest:
    """What the simulations said."""

    findings: tuple[str, ...]
    reference: Mapping[str, float]
    """Exact or user-given values; empty if none are known."""
    exact: Mapping[str, float]
    """Exact values only."""
    ideal: Mapping[str, Estimate]
    noisy: Mapping[str, Estimate]
    no_ideal: str
    no_noisy: str
    depth: int
    two_qubit_gates: int
    payload_bytes: int
    distributions: tuple[Mapping[str, Any], ...] = ()
    """Tests of the ideal counts against the exact distribution, one for each measured basis."""
    no_distributions: str = ""


def smoke_test(run: Run) -> SmokeTest:
    """The smoke test of a run, from the store if it is there."""
    document = run.once(STAGE, lambda: _simulate(run))
    return SmokeTest(
        findings=tuple(document["findings"]),
        reference=document["reference"],
        exact=document["exact"],
        ideal=_estimates(document["ideal"]),
        noisy=_estimates(document["noisy"]),
        no_ideal=document["no_ideal"],
        no_noisy=document["no_noisy"],
        depth=document["depth"],
        two_qubit_gates=document["two_qubit_gates"],
        payload_bytes=document.get("payload_bytes", 0),  # not in records of earlier versions
        distributions=tuple(document.get("distributions", ())),
        no_distributions=document.get("no_distributions", ""),
    )


def _simulate(run: Run) -> dict[str, Any]:
    encoded, transpiled = encode(run), compiled_circuits(run)
    target = run.provider.target()
    findings = {
        finding.message: None for circuit in transpiled.circuits for finding in target_findings(circuit, target)
    }
    exact = exact_expectations(_encoding(run))
    ideal, no_ideal = _ideal(run, encoded, transpiled)
    distributions, no_distributions = _distributions(run, encoded, no_ideal)
    reference = dict(exact) | dict(encoded.expected)
    noisy, no_noisy = _noisy(run, encoded, transpiled, reference, ideal)
    return {
        "findings": list(findings),
        "reference": reference,
        "exact": dict(exact),
        "ideal": _document(ideal),
        "noisy": _document(noisy),
        "no_ideal": no_ideal,
        "no_noisy": no_noisy,
        "distributions": distributions,
        "no_distributions": no_distributions,
        "depth": max(circuit.depth() for circuit in transpiled.circuits),
        "two_qubit_gates": max(run.store.circuits.row(key).two_qubit_gates for key in transpiled.hashes),
        "payload_bytes": sum(run.store.circuits.row(key).payload_bytes for key in transpiled.hashes),
        "compiled": transpiled.key,
    }


def _encoding(run: Run) -> Any:
    return run.experiment.workload.encode()


def _ideal(run: Run, encoded: Encoded, transpiled: Transpiled) -> tuple[Mapping[str, Estimate], str]:
    """Estimates of the ideal simulation; a second, larger one if the first cannot decide the equivalence test."""
    provider = AerProvider(AerBackendSpec(), clock=run.clock)
    estimates, reason = _estimate(run, "smoke-ideal", provider, encoded, transpiled, run.experiment.shots)
    wanted = _shots_to_decide(run, estimates)
    if wanted <= run.experiment.shots or _shots_to_decide(run, estimates, power=0.5) > MOST_SHOTS:
        return estimates, reason
    powered, refused = _estimate(run, "smoke-ideal-powered", provider, encoded, transpiled, min(wanted, MOST_SHOTS))
    return (estimates, reason) if refused else (powered, reason)


def _distributions(run: Run, encoded: Encoded, no_ideal: str) -> tuple[list[dict[str, Any]], str]:
    if no_ideal:
        return [], no_ideal
    rows = run.store.submissions.for_run(run.id)
    role = next(role for role in IDEAL_ROLES if role in rows and rows[role].state == "done")
    return distribution_tests(_encoding(run), encoded.measurement.groups, counts(run, role), run.policy.power)


def signals(
    encoded: Encoded, reference: Mapping[str, float], ideal: Mapping[str, Estimate], noisy: Mapping[str, Estimate]
) -> list[Signal]:
    """The observables as the gate sees them."""
    return [
        Signal(name, constant_of(operator), reference.get(name), ideal.get(name), noisy.get(name))
        for name, operator in encoded.measurement.observables.items()
    ]


def _noisy(
    run: Run,
    encoded: Encoded,
    transpiled: Transpiled,
    reference: Mapping[str, float],
    ideal: Mapping[str, Estimate],
) -> tuple[Mapping[str, Estimate], str]:
    """Estimates with the device's noise; with more shots if that is cheap and the gate would be in doubt."""
    calibration = run.provider.calibration()
    if calibration is None:
        return {}, "the backend has no noise" if run.provider.simulator else "the backend reports no error rates"
    provider = AerProvider(AerBackendSpec(), calibration=calibration, clock=run.clock)

    def predicted(shots: int) -> float:
        return _seconds(_pubs(encoded, transpiled, shots), provider)

    shots = affordable_shots(run.experiment.shots, predicted)
    estimates, reason = _estimate(run, NOISE_ROLES[-1], provider, encoded, transpiled, shots)
    wanted = min(shots_for_noise(run.policy, signals(encoded, reference, ideal, estimates)), MOST_SHOTS)
    if reason or wanted <= shots or predicted(wanted) > max(NOISE_SECONDS, predicted(shots)):
        return estimates, reason
    powered, refused = _estimate(run, NOISE_ROLES[0], provider, encoded, transpiled, wanted)
    return (estimates, reason) if refused else (powered, reason)


def affordable_shots(shots: int, predicted_seconds: Callable[[int], float]) -> int:
    """The shots, or fewer where all of them would take too long and fewer would not.

    Example:
        >>> affordable_shots(4096, lambda shots: 0.1 * shots), affordable_shots(4096, lambda shots: 100.0)
        (500, 4096)
    """
    seconds = predicted_seconds(shots)
    if seconds <= NOISE_SECONDS:
        return shots
    fewer = min(shots, max(LEAST_SHOTS, int(shots * NOISE_SECONDS / seconds)))
    return fewer if predicted_seconds(fewer) < seconds else shots


def _estimate(
    run: Run, role: str, provider: AerProvider, encoded: Encoded, transpiled: Transpiled, shots: int
) -> tuple[Mapping[str, Estimate], str]:
    pubs = _pubs(encoded, transpiled, shots)
    refusal = _too_long(pubs, provider)
    if refusal:
        return {}, refusal
    seed = run.seeds["smoke-noise" if role in NOISE_ROLES else "smoke-ideal"]
    intend(run, role, pubs, seed=seed, provider=provider)
    try:
        bits = complete(run, role, provider)
    except JobFailedError as error:
        return {}, f"the simulation failed: {error}"
    measurement = encoded.measurement
    return estimate_from_counts(measurement.observables, measurement.groups, bits), ""


def _pubs(encoded: Encoded, transpiled: Transpiled, shots: int) -> list[SamplerPub]:
    return [make_pub(circuit, shots, encoded.parameters) for circuit in transpiled.circuits]


def _seconds(pubs: Sequence[SamplerPub], provider: AerProvider) -> float:
    return Simulation(tuple(pubs), provider.calibration(), None).predicted_seconds()


def _too_long(pubs: Sequence[SamplerPub], provider: AerProvider) -> str:
    seconds = _seconds(pubs, provider)
    if seconds <= LONGEST_SIMULATION:
        return ""
    return f"not simulated: it would take about {seconds:.2g} s, more than {LONGEST_SIMULATION:g} s"


def _shots_to_decide(run: Run, estimates: Mapping[str, Estimate], *, power: float | None = None) -> int:
    """Shots with which every observable's equivalence test passes, with the policy's power or another."""
    policy = run.policy
    wanted = [
        shots_for_equivalence(
            float(estimate.stderr) ** 2 * run.experiment.shots,
            policy.tolerance,
            norm=sum(mean.high for mean in estimate.means) or 1.0,
            confidence=shared_confidence(policy.confidence, policy.looks),
            power=shared_confidence(policy.power if power is None else power, len(estimates)),
        )
        for estimate in estimates.values()
    ]
    return max((shots for shots in wanted if shots is not None), default=0)


def _document(estimates: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        name: {
            "value": float(item.value),
            "stderr": float(item.stderr),
            "shots": item.shots,
            "means": [mean.document() for mean in item.means],
        }
        for name, item in estimates.items()
    }


def _estimates(document: Mapping[str, Any]) -> dict[str, Estimate]:
    return {
        name: Estimate(
            np.asarray(item["value"]),
            np.asarray(item["stderr"]),
            item["shots"],
            means=tuple(map(Mean.from_document, item.get("means", ()))),
        )
        for name, item in document.items()
    }
