import inspect
from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Combined, PlanContext, combine_batch, plan_batch
from prefect_qpu.mitigation.fits import Damping, extrapolate
from prefect_qpu.observables import Estimate
from prefect_qpu.providers.simulation import Simulation
from tests.prefect_qpu.mitigation.workloads import (
    NATIVE,
    calibration,
    context,
    exact,
    ghz,
    ising,
    magnetisation,
    simulated,
)


def qaoa_like() -> QuantumCircuit:
    """Deep enough that a straight line through the folds is wrong."""
    circuit = ghz()
    for _ in range(6):
        circuit.barrier()
        for qubit in range(4):
            circuit.rzz(0.4, qubit, qubit + 1)
    return circuit


TRUE = exact(ising(), magnetisation())


def run(plan: PlanContext, *methods: MethodSpec, device: str = "FakeManilaV2") -> Combined:
    batch = plan_batch(methods, plan)
    assert not batch.refused
    return combine_batch(batch.shares, simulated(batch, device), plan.measurement)


def zne(name: str = "zne", **options: object) -> MethodSpec:
    return MethodSpec(method="zne", name=name, options=options)


def error(estimate: Estimate, true: float) -> float:
    return abs(float(estimate.value) - true)


@pytest.mark.parametrize("device", NATIVE)
def test_readout_with_zne_comes_closer_to_the_truth_than_either_alone(device: str) -> None:
    plan = context(ising(), {"z": magnetisation()}, device, shots=40_000)
    found = run(plan, MethodSpec(method="readout"), zne(), zne("bare", readout="none"), device=device).estimates
    both = found["zne"]["z"]
    assert error(both, TRUE) < 3 * both.stderr + both.systematic
    assert error(both, TRUE) < min(error(found[name]["z"], TRUE) for name in ("raw", "readout", "bare"))


def test_all_requested_fits_and_the_amounts_of_noise_stand_beside_the_value() -> None:
    plan = context(ising(), {"z": magnetisation()})
    estimate = run(plan, zne(fit=["exponential", "linear", "richardson"])).estimates["zne"]["z"]
    fits = {name: fit["value"] for name, fit in estimate.metadata["fits"].items()}
    assert fits["exponential"] == estimate.value
    spread = max(abs(fits[name] - fits["exponential"]) for name in ("linear", "richardson"))
    assert 0 < estimate.systematic <= spread / 12**0.5
    assert estimate.metadata["scales"][0] == 1
    assert 2.4 < estimate.metadata["scales"][1] < 3


def test_the_systematic_error_falls_with_the_shots_that_tell_the_fits_apart() -> None:
    both = zne(fit=["exponential", "linear"])
    few, many = (
        run(context(qaoa_like(), {"zz": SparsePauliOp("IIIZZ")}, shots=shots), both).estimates["zne"]["zz"]
        for shots in (1000, 400_000)
    )
    spreads = [
        abs(item.metadata["fits"]["exponential"]["value"] - item.metadata["fits"]["linear"]["value"]) / 12**0.5
        for item in (few, many)
    ]
    assert many.systematic < 0.6 * spreads[1]
    assert few.systematic > 0.8 * spreads[0]


def test_where_the_exponential_fails_the_next_fit_answers_and_this_is_said() -> None:
    plan = context(ghz(), {"zero": SparsePauliOp("IIIIZ")})
    estimate = run(plan, zne(fit=["exponential", "linear"])).estimates["zne"]["zero"]
    assert estimate.metadata["fit"] == "linear"
    assert estimate.metadata["refused fits"] == {
        "exponential": "the value is within 3 standard errors of the asymptote"
    }
    assert abs(estimate.value) < 5 * estimate.stderr


def test_the_predicted_decay_answers_where_the_target_reports_errors_and_the_next_fit_where_it_does_not() -> None:
    plan = context(ising(), {"z": magnetisation()})
    known = run(plan, zne()).estimates["zne"]["z"].metadata
    assert (known["fit"], set(known["fits"])) == ("predicted", {"predicted", "exponential", "linear"})
    silent = replace(plan, target=target_without_errors())
    unknown = run(silent, zne()).estimates["zne"]["z"].metadata
    assert unknown["fit"] == "exponential"
    assert unknown["refused fits"] == {"predicted": "the target's errors predict no decay of the observable"}


def target_without_errors() -> Target:
    """Manila's gates on Manila's couplings."""
    known = calibration("FakeManilaV2").target()
    silent = Target(num_qubits=known.num_qubits)
    for name in known.operation_names:
        if not inspect.isclass(known.operation_from_name(name)):
            silent.add_instruction(known.operation_from_name(name), dict.fromkeys(known[name]), name=name)
    return silent


def test_a_predicted_decay_alone_has_a_systematic_error_of_what_its_paths_leave_open() -> None:
    plan = context(ising(), {"z": magnetisation()})
    estimate = run(plan, zne(fit="predicted")).estimates["zne"]["z"]
    assert 0 < estimate.systematic < estimate.stderr


def test_the_predicted_decay_finds_a_value_that_relaxation_keeps_from_decaying_to_the_mixed_one() -> None:
    values = 0.3 + 0.3 * np.exp(-0.2 * np.array([1.0, 2.9, 4.8]))
    shown = Damping(0.2, 0.0)
    predicted, mixed = (
        extrapolate(fit, [1.0, 2.9, 4.8], values, 0.0, shown).value for fit in ("predicted", "exponential")
    )
    assert predicted == pytest.approx(0.6)
    assert mixed < 0.595


def test_the_error_of_the_shared_calibration_is_not_averaged_away() -> None:
    plan = context(ghz(), {"parity": SparsePauliOp("XXXXX")})
    many, few = (
        run(plan, zne(fit="linear", calibration_shots=shots)).estimates["zne"]["parity"].stderr
        for shots in (100_000, 200)
    )
    assert few > 1.5 * many


def test_more_fit_parameters_than_scales_are_refused() -> None:
    plan = context(ising(), {"z": magnetisation()})
    refused = plan_batch([zne(scales=[1, 3], fit="quadratic")], plan).refused
    assert refused == {"zne": "a quadratic fit needs 3 noise scales, got 2"}


def test_shots_that_the_multiplier_makes_useless_are_refused_with_the_shots_that_would_do() -> None:
    plan = context(ghz(), {"parity": SparsePauliOp("XXXXX")}, shots=4)
    reason = plan_batch([zne(scales=[1, 1.5, 2, 2.5], fit="richardson")], plan).refused["zne"]
    assert "multiplies the variance by" in reason
    assert "it takes at least" in reason


def test_a_neyman_split_keeps_the_total_and_lowers_the_predicted_variance() -> None:
    plan = context(ising(), {"z": magnetisation()})
    batch = plan_batch([zne("even", fit="linear"), zne("split", fit="linear", allocation="neyman")], plan)
    _, even, split = batch.shares
    assert even.shots == split.shots
    assert split.variance_multiplier < 0.8 * even.variance_multiplier


def test_the_predicted_multiplier_is_the_measured_one() -> None:
    plan = context(ising(), {"z": magnetisation()})
    batch = plan_batch([zne(fit="linear", readout="none")], plan)
    found = combine_batch(batch.shares, simulated(batch), plan.measurement).estimates
    measured = (found["zne"]["z"].stderr / found["raw"]["z"].stderr) ** 2 * batch.shares[1].shots / plan.shots
    assert measured == pytest.approx(batch.shares[1].variance_multiplier, rel=0.15)


def test_each_estimate_carries_its_cost() -> None:
    plan = context(ising(), {"z": magnetisation()})
    cost = run(plan, zne()).estimates["zne"]["z"].metadata["cost"]
    assert (cost["circuits"], cost["shots"]) == (5, 20_000)
    assert cost["plan_seconds"] > 0 < cost["combine_seconds"]


def test_nine_of_ten_intervals_hold_the_truth() -> None:
    plan = context(ising(), {"z": magnetisation()}, "FakeTorino")
    batch = plan_batch([zne()], plan)
    repeats = 100
    long = [SamplerPub.coerce((pub.circuit, None, pub.shots * repeats)) for pub in batch.pubs]
    drawn, _ = Simulation(tuple(long), calibration("FakeTorino"), 5).run()
    random = np.random.default_rng(5)
    dealt = [np.split(bits.array[random.permutation(bits.num_shots)], repeats) for bits in drawn]
    held = 0
    for repeat in range(repeats):
        counts = [BitArray(parts[repeat], bits.num_bits) for parts, bits in zip(dealt, drawn, strict=True)]
        estimate = combine_batch(batch.shares[1:], counts, plan.measurement).estimates["zne"]["z"]
        held += abs(estimate.value - TRUE) < 1.645 * np.hypot(estimate.stderr, estimate.systematic)
    assert 84 <= held <= 97


def test_every_point_of_a_parameter_array_is_extrapolated() -> None:
    from qiskit.circuit import Parameter
    from qiskit.quantum_info import Statevector

    angle = Parameter("angle")
    circuit = ghz(3)
    circuit.rx(angle, 0)
    circuit.cx(0, 1)
    plan = context(circuit, {"z": SparsePauliOp("IZZ")})
    values = np.array([0.2, 0.9, 1.4])
    batch = plan_batch([zne()], plan, {"angle": values})
    estimate = combine_batch(batch.shares, simulated(batch), plan.measurement).estimates["zne"]["z"]
    true = [Statevector(circuit.assign_parameters([value])).expectation_value(SparsePauliOp("IZZ")) for value in values]
    assert estimate.value.shape == (3,)
    assert np.all(np.abs(estimate.value - np.real(true)) < 4 * estimate.stderr + estimate.systematic)
