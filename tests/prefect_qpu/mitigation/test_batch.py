from dataclasses import replace

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp
from qiskit.transpiler import Target

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import (
    METHODS,
    Measurement,
    MethodPlan,
    MethodShare,
    PlanContext,
    PlannedCircuit,
    check_methods,
    combine_batch,
    plan_batch,
)
from prefect_qpu.observables import estimate_from_counts, group_terms
from tests.prefect_qpu.mitigation import workloads as mitigated

OBSERVABLES = {"a": SparsePauliOp(["ZZ", "XX"], [1.0, 0.5]), "b": SparsePauliOp("IZ")}
MEASUREMENT = Measurement(OBSERVABLES, tuple(group_terms(OBSERVABLES)))


def context() -> PlanContext:
    circuits = []
    for group in MEASUREMENT.groups:
        circuit = QuantumCircuit(2, 2, name=group.basis)
        circuit.rx(0.1 if group.basis == "ZZ" else 0.2, 0)
        circuit.measure([0, 1], [0, 1])
        circuits.append(circuit)
    return PlanContext(tuple(circuits), MEASUREMENT, Target(num_qubits=2), 1000, 1)


class Doubled:
    """A method that wants the measured circuits again, and one of its own."""

    def check(self, options: dict, field: str) -> None:
        """All options are welcome."""

    def plan(self, context: PlanContext, options: dict) -> MethodPlan:
        own = QuantumCircuit(2, 2)
        own.x(0)
        own.measure([0, 1], [0, 1])
        raw = [PlannedCircuit(circuit, context.shots, "measure") for circuit in context.circuits]
        return MethodPlan((*raw, PlannedCircuit(own, options["shots"], "calibrate")), {"factor": 2}, 4.0)

    def combine(self, manifest: dict, counts: list[BitArray], measurement: Measurement) -> dict:
        assert counts[-1].get_counts() == {"01": 5}
        return estimate_from_counts(measurement.observables, measurement.groups, counts[:-1])


def test_methods_share_the_circuits_that_they_have_in_common(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(METHODS, "doubled", Doubled())  # type: ignore[arg-type]
    batch = plan_batch([MethodSpec(method="raw"), MethodSpec(method="doubled", options={"shots": 5})], context())
    assert [pub.shots for pub in batch.pubs] == [1000, 1000, 5]
    assert [share.pubs for share in batch.shares] == [(0, 1), (0, 1, 2)]


def test_every_method_finds_its_own_counts_in_the_batch_also_after_a_round_trip(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(METHODS, "doubled", Doubled())  # type: ignore[arg-type]
    batch = plan_batch([MethodSpec(method="doubled", options={"shots": 5}), MethodSpec(method="raw")], context())
    bits = BitArray.from_counts({"00": 600, "11": 400}, 2)
    counts = [bits, bits, BitArray.from_counts({"01": 5}, 2)]
    shares = [MethodShare.from_document(share.document()) for share in batch.shares]
    estimates = combine_batch(shares, counts, Measurement.from_document(MEASUREMENT.document())).estimates
    assert set(estimates) == {"raw", "doubled(shots=5)"}
    assert estimates["raw"]["a"].value == estimates["doubled(shots=5)"]["a"].value == 1.5


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ExperimentError, match=r"mitigation.1: got 'magic', expected one of"):
        check_methods([MethodSpec(method="raw"), MethodSpec(method="magic")])


def test_an_option_that_a_method_does_not_have_is_refused_by_its_place() -> None:
    with pytest.raises(ExperimentError, match=r"mitigation.0.options: got {'scale': 3}, expected no options"):
        check_methods([MethodSpec(method="raw", options={"scale": 3})])


def test_a_method_that_is_asked_for_twice_is_refused() -> None:
    with pytest.raises(ExperimentError, match="each method once"):
        check_methods([MethodSpec(method="raw"), MethodSpec(method="raw")])


@pytest.mark.parametrize("options", [{}, {"readout": "trex"}, {"fit": ["exponential", "linear"]}])
def test_what_combining_took_and_at_most_may_take_are_recorded(options: dict) -> None:
    plan = mitigated.context(mitigated.ising(), {"z": mitigated.magnetisation()})
    batch = plan_batch([MethodSpec(method="zne", name="method", options=options)], plan)
    share = MethodShare.from_document(batch.shares[1].document())
    ticks = iter([0.0, 0.25])
    counts = mitigated.simulated(batch)
    found = combine_batch([share], counts, plan.measurement, lambda: next(ticks)).estimates["method"]["z"]
    cost = found.metadata["cost"]
    assert (cost["combine_seconds"], cost["combine_seconds_at_most"]) == (0.25, share.at_most)
    assert share.at_most is not None
    assert 0.25 < share.at_most < 10


def test_the_bound_grows_with_shots_bits_and_points() -> None:
    circuit = mitigated.ising()
    few, many = (
        plan_batch([], mitigated.context(circuit, {"z": mitigated.magnetisation()}, shots=shots)).shares[0].at_most
        for shots in (100, 100_000)
    )
    assert few is not None
    assert many is not None
    assert few < many
    angles = plan_batch([], context(), {"unused": np.zeros(7)}).shares[0].at_most
    once = plan_batch([], context()).shares[0].at_most
    assert once is not None
    assert angles == pytest.approx(7 * once)


def test_a_circuit_under_options_of_the_provider_is_not_the_raw_one() -> None:
    plan = replace(context(), provider="ibm")
    batch = plan_batch([MethodSpec(method="ibm_dd", options={"readout": "none"})], plan)
    assert batch.refused == {}
    assert [share.pubs for share in batch.shares] == [(0, 1), (2, 3)]
