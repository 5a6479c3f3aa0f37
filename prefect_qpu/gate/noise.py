"""Criteria on the prediction with device noise: enough of the signal is left."""

from collections.abc import Iterable, Sequence
from functools import partial

from prefect_qpu.experiment import Promotion
from prefect_qpu.gate.criteria import demand, ideal_value, tested, unsimulated
from prefect_qpu.gate.evidence import Criterion, Evidence, Signal
from prefect_qpu.observables import Estimate
from prefect_qpu.statistics import Reach, Verdict, estimate_reach, exceeds

NOISE_LOOKS = 2
"""Looks at the noise prediction: where the first leaves a doubt, it is drawn again."""


def noise_distinguishable(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether noise leaves enough of each observable's signal."""
    for signal in evidence.signals:
        criterion = _not_predicted("noise_distinguishable", policy, evidence, signal)
        if criterion is None:
            scale, noisy = ideal_value(signal) - signal.mixed, _noisy(signal)
            retained = (float(noisy.value) - signal.mixed) / scale
            result = exceeds(
                retained,
                float(noisy.stderr) / abs(scale),
                policy.min_signal,
                shots=noisy.shots,
                reaches=partial(_retained_reach, signal, scale, policy.min_signal),
                **demand(policy, evidence, looks=NOISE_LOOKS),
            )
            reason = f"{retained:.0%} of the ideal signal is left, at least {policy.min_signal:.0%} is wanted"
            criterion = tested("noise_distinguishable", result, signal, reason)
        yield criterion


def beats_trivial(policy: Promotion, evidence: Evidence) -> Iterable[Criterion]:
    """Whether the prediction is nearer to the ideal value than the guess of a fully mixed state."""
    if not policy.beat_trivial:
        return
    for signal in evidence.signals:
        criterion = _not_predicted("beats_trivial", policy, evidence, signal)
        if criterion is None:
            ideal, noisy = ideal_value(signal), _noisy(signal)
            gain = abs(signal.mixed - ideal) - abs(float(noisy.value) - ideal)
            result = exceeds(
                gain,
                float(noisy.stderr),
                0.0,
                shots=noisy.shots,
                reaches=partial(_gain_reach, signal),
                **demand(policy, evidence, looks=NOISE_LOOKS),
            )
            reason = f"the prediction is {gain:.4g} nearer to the ideal value than the guess {signal.mixed:.4g}"
            if gain <= 0:
                reason = f"the guess {signal.mixed:.4g} is {-gain:.4g} nearer to the ideal value than the prediction"
            criterion = tested("beats_trivial", result, signal, reason)
        yield criterion


def shots_for_noise(policy: Promotion, signals: Sequence[Signal]) -> int:
    """Shots of the simulation with noise that would decide what is in doubt; 0 if nothing is, or no number would."""
    evidence = Evidence((), signals, depth=0, two_qubit_gates=0, simulator=True, calibration_age=None)
    criteria = [*noise_distinguishable(policy, evidence), *beats_trivial(policy, evidence)]
    doubtful = [item.details.get("shots_needed") for item in criteria if item.verdict is Verdict.INCONCLUSIVE]
    return max((shots for shots in doubtful if shots is not None), default=0)


def _not_predicted(name: str, policy: Promotion, evidence: Evidence, signal: Signal) -> Criterion | None:
    """Why nothing can be said of the noisy value of an observable, or none if something can."""
    if evidence.noiseless:
        return Criterion(name, Verdict.NOT_APPLICABLE, "the backend has no noise", observable=signal.name)
    if signal.noisy is None or (signal.reference is None and signal.ideal is None):
        reason = evidence.no_noisy or evidence.no_ideal
        return unsimulated(name, policy, reason, signal)
    if abs(ideal_value(signal) - signal.mixed) <= policy.tolerance:
        reason = f"the ideal value is within the tolerance of the fully mixed value {signal.mixed:.4g}"
        return Criterion(name, Verdict.NOT_APPLICABLE, reason, observable=signal.name)
    return None


def _retained_reach(signal: Signal, scale: float, threshold: float, confidence: float) -> Reach:
    """Of the part of the signal that is left; an estimated ideal value may be off, too."""
    found = estimate_reach(_noisy(signal), confidence).scaled(1 / scale)
    if signal.reference is None and signal.ideal is not None:
        found = found.joined(estimate_reach(signal.ideal, confidence).scaled(-threshold / scale))
    return found


def _gain_reach(signal: Signal, confidence: float) -> Reach:
    """Of how much nearer the noisy value is; twice what an estimated ideal value may be off, if it is one."""
    noisy, ideal = _noisy(signal), ideal_value(signal)
    low, high = estimate_reach(noisy, confidence).around(float(noisy.value))
    seen = abs(float(noisy.value) - ideal)
    nearest = 0.0 if low <= ideal <= high else min(abs(low - ideal), abs(high - ideal))
    found = Reach(max(abs(low - ideal), abs(high - ideal)) - seen, seen - nearest)
    if signal.reference is None and signal.ideal is not None:
        own = estimate_reach(signal.ideal, confidence)
        found = found.joined(Reach(*(2 * max(own.below, own.above),) * 2))
    return found


def _noisy(signal: Signal) -> Estimate:
    assert signal.noisy is not None
    return signal.noisy
