import pytest
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Batch, PlanContext, check_methods, combine_batch, plan_batch
from tests.prefect_qpu.mitigation.workloads import (
    NATIVE,
    context,
    exact,
    ghz,
    ising,
    magnetisation,
    off_target,
    simulated,
    two_qubit_gates,
)

MIXED = {"z": magnetisation(), "xx": SparsePauliOp("IIIXX")}


def planned(plan: PlanContext, method: str = "readout", **options: object) -> Batch:
    return plan_batch([MethodSpec(method=method, options=options, name="it")], plan)


@pytest.mark.parametrize("readout", ["factorised", "mthree", "trex"])
def test_every_readout_correction_comes_closer_than_raw_counts(readout: str) -> None:
    if readout == "mthree":
        pytest.importorskip("mthree", exc_type=ImportError)
    parity = SparsePauliOp("XXXXX")
    plan = context(ghz(), {"parity": parity})
    batch = planned(plan, readout=readout)
    found = combine_batch(batch.shares, simulated(batch), plan.measurement).estimates
    assert abs(found["it"]["parity"].value - 1) < abs(found["raw"]["parity"].value - 1) / 3


def test_two_calibration_circuits_serve_all_groups_and_methods() -> None:
    plan = context(ising(), MIXED)
    batch = plan_batch([MethodSpec(method="readout"), MethodSpec(method="zne")], plan)
    assert [share.label for share in batch.shares] == ["raw", "readout", "zne"]
    assert len(batch.pubs) == 2 * 3 + 2


@pytest.mark.parametrize("device", NATIVE)
def test_twirled_circuits_stay_on_the_device_with_as_many_two_qubit_gates(device: str) -> None:
    plan = context(ising(), {"z": magnetisation()}, device)
    batch = planned(plan, "twirling", twirl=4)
    own = [batch.pubs[index].circuit for index in batch.shares[1].pubs]
    assert len(own) == 4
    assert all(off_target(circuit, device) == [] and two_qubit_gates(circuit) == 24 for circuit in own)
    assert all(circuit.layout == plan.circuits[0].layout for circuit in own)


def test_each_twirl_leaves_the_ideal_value_as_it_is() -> None:
    from prefect_qpu.providers.simulation import Simulation

    plan = context(ising(), {"z": magnetisation()}, shots=8000)
    batch = planned(plan, "twirling", twirl=8)
    counts, _ = Simulation(batch.pubs, None, 3).run()
    found = combine_batch(batch.shares, counts, plan.measurement).estimates["it"]["z"]
    assert abs(found.value - exact(ising(), magnetisation())) < 4 * found.stderr < 0.03


def test_twirling_is_the_same_for_the_same_seed_and_another_for_another() -> None:
    first, again, other = (
        [pub.circuit for pub in planned(context(ising(), {"z": magnetisation()}, seed=seed), "twirling").pubs]
        for seed in (7, 7, 8)
    )
    assert first == again != other


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeSherbrooke"])
def test_decoupling_touches_no_idle_qubit_and_changes_no_measurement(device: str) -> None:
    plan = context(ghz(), {"zz": SparsePauliOp("IIIZZ")}, device)
    before = plan.circuits[0]
    (circuit,) = (planned(plan, "decoupling").pubs[1].circuit,)
    used = {before.find_bit(qubit).index for item in before.data for qubit in item.qubits}
    touched = {circuit.find_bit(qubit).index for item in circuit.data for qubit in item.qubits}
    assert touched == used
    assert circuit.count_ops()["x"] > before.count_ops().get("x", 0)
    measured = [[(item.qubits, item.clbits) for item in c.get_instructions("measure")] for c in (before, circuit)]
    assert sorted(map(str, measured[0])) == sorted(map(str, measured[1]))
    assert circuit.layout == before.layout


def test_a_method_that_refuses_is_left_out_with_its_reason() -> None:
    plan = context(ghz(2), {"zz": SparsePauliOp("ZZ")}, shots=10)
    batch = plan_batch([MethodSpec(method="twirling", options={"twirl": 50})], plan)
    assert batch.refused == {"twirling(twirl=50)": "10 shots cannot be split over 50 random variants"}
    assert [share.label for share in batch.shares] == ["raw"]


def test_equal_circuits_of_one_method_get_shots_of_their_own() -> None:
    plan = context(ghz(2), {"zz": SparsePauliOp("ZZ")})
    batch = planned(plan, "twirling", twirl=40)
    assert len(set(batch.shares[1].pubs)) == 40


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("zne", {"scale": [1, 3]}, "mitigation.0.options.scale: got unknown key 'scale', expected one of readout"),
        ("zne", {"scales": [3, 1]}, "expected different scales in ascending order"),
        ("zne", {"fit": ["cubic"]}, "mitigation.0.options.fit.0: got 'cubic'"),
        ("readout", {"readout": "magic"}, "mitigation.0.options.readout: got 'magic'"),
        ("readout", {"masks": 12}, "mitigation.0.options.masks: got 12, expected a power of 2"),
        ("twirling", {"twirl": -1}, "mitigation.0.options.twirl: got -1"),
    ],
)
def test_options_are_checked_before_anything_runs(method: str, options: dict, message: str) -> None:
    with pytest.raises(ExperimentError, match=message.replace("[", r"\[").replace(".", r"\.")):
        check_methods([MethodSpec(method=method, options=options)])
