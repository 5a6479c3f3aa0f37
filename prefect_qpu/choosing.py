"""Gathering what the rule of choice wants to know of each backend, and pinning a provider to the chosen one."""

from collections.abc import Mapping
from typing import Any

from qiskit import QuantumCircuit
from qiskit.transpiler import Target

from prefect_qpu.errors import BackendError, CircuitError, ProviderUnavailableError
from prefect_qpu.experiment import Experiment
from prefect_qpu.latency import Clock, utc_now
from prefect_qpu.observables import group_terms
from prefect_qpu.providers import Provider
from prefect_qpu.selection import A_DAY, Candidate, Selection, predicted_success, select
from prefect_qpu.transpiling import compile_in_bases


def choose(provider: Provider, experiment: Experiment, *, clock: Clock = utc_now) -> tuple[Provider, Selection]:
    """The provider pinned to the best of its candidates, and the choice with all its numbers.

    Args:
        provider: One whose `Provider.candidates` are to be compared.
        experiment: What is to run; its policy's largest calibration age counts, or else a day.
        clock: Source of the time.

    Raises:
        BackendError: no candidate can run the experiment.
    """
    gathered = [gather(provider.pinned(name), experiment, clock=clock) for name in provider.candidates()]
    age = getattr(experiment.promotion, "max_calibration_age", None)
    selection = select(gathered, max_calibration_age=A_DAY if age is None else age)
    return provider.pinned(selection.chosen), selection


def settled(
    provider: Provider,
    experiment: Experiment,
    stored: Mapping[str, Any] | None,
    *,
    clock: Clock = utc_now,
) -> tuple[Provider, Selection | None]:
    """The provider at one backend: that of the stored run, the only candidate, or the best one.

    Args:
        provider: Where the experiment may run.
        experiment: What is to run.
        stored: The backend of the run as it is recorded (`Provider.describe`), if the run exists already.
        clock: Source of the time.

    Raises:
        BackendError: no candidate can run the experiment, or the stored backend is not one of the provider.
    """
    if stored is not None:
        return provider.pinned(str(stored["name"])), None
    if not provider.chooses:
        return provider.pinned(provider.name), None
    return choose(provider, experiment, clock=clock)


def gather(provider: Provider, experiment: Experiment, *, clock: Clock = utc_now) -> Candidate:
    """What there is to know of one backend; one that cannot run the experiment is excluded with the reason."""
    name = provider.name
    try:
        state, target, calibration = provider.availability(), provider.target(), provider.calibration()
    except (ProviderUnavailableError, BackendError) as error:
        return Candidate(name, excluded=str(error), reached=isinstance(error, BackendError))
    known = {
        "num_qubits": target.num_qubits,
        "queue": state.pending,
        "calibration_age": calibration.age(clock()) if calibration else None,
        "calibration_hash": calibration.hash if calibration else None,
    }
    if not state.operational:
        return Candidate(name, **known, excluded=f"runs no jobs now ({state.message})")
    try:
        circuits = compiled(experiment, target)
    except CircuitError as error:
        return Candidate(name, **known, excluded=str(error))
    prediction = predicted_success(circuits, target)
    return Candidate(name, **known, success=prediction.success, unknown_errors=prediction.unknown)


def compiled(experiment: Experiment, target: Target) -> list[QuantumCircuit]:
    """The circuits that the experiment would measure on a target.

    Where the run will draw its seed, another one serves here: the choice must not depend on chance.
    """
    encoding, options = experiment.workload.encode(), experiment.transpile
    seed = next((seed for seed in (options.seed, experiment.seed) if seed is not None), 0)
    bases = [group.basis for group in group_terms(encoding.observables)]
    return compile_in_bases(encoding.circuit, bases, target, options, seed)[1]
