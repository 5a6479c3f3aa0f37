"""The workloads `ghz` and `mirror`: their answer is known without a simulation."""

import json
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit import transpile
from qiskit.quantum_info import DensityMatrix, Statevector

from prefect_qpu.baselines import check_certificate, solve_baseline
from prefect_qpu.errors import InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads import Workload
from prefect_qpu.workloads.bit_strings import equal_bits, polarization, right_bits, success_probability
from prefect_qpu.workloads.ghz import GhzWorkload
from prefect_qpu.workloads.mirror import MirrorWorkload


def parse(**workload: Any) -> Workload:
    return Experiment.parse({"name": "test", "workload": workload}).workload


def noisy(qubits: int, seed: int) -> DensityMatrix:
    random = np.random.default_rng(seed)
    drawn = random.normal(size=(2**qubits, 3)) + 1j * random.normal(size=(2**qubits, 3))
    matrix = drawn @ drawn.conj().T
    return DensityMatrix(matrix / np.trace(matrix))


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_products_of_z_add_up_to_the_probabilities(seed: int) -> None:
    state = noisy(4, seed)
    probabilities = state.probabilities_dict()  # the last character is qubit 0
    bits = "0110"
    wrong = {text: sum(a != b for a, b in zip(text[::-1], bits, strict=True)) for text in probabilities}
    by_hand = sum((-0.5) ** wrong[text] * value for text, value in probabilities.items())
    expected = {
        "success": probabilities[bits[::-1]],
        "polarization": (256 * by_hand - 1) / 255,
        "right": sum((1 - wrong[text] / 4) * value for text, value in probabilities.items()),
        "equal": probabilities["0000"] + probabilities["1111"],
    }
    found = {
        "success": success_probability(bits, Random(1)),
        "polarization": polarization(bits, Random(1)),
        "right": right_bits(bits),
        "equal": equal_bits(4, Random(1)),
    }
    assert {name: state.expectation_value(item).real for name, item in found.items()} == pytest.approx(expected)


def test_a_drawn_sample_of_products_is_near_the_probability() -> None:
    state = Statevector.from_label("0" * 11).evolve(transpile_free_rotation(11))
    exact = state.probabilities_dict()["0" * 11]
    drawn = state.expectation_value(success_probability("0" * 11, Random(3))).real
    assert 0.3 < exact < 0.9
    assert abs(drawn - exact) < 4 / 16
    assert len(success_probability("0" * 11, Random(3))) <= 256


def transpile_free_rotation(qubits: int) -> Any:
    from qiskit import QuantumCircuit

    circuit = QuantumCircuit(qubits)
    circuit.rx(0.5, range(qubits))
    return circuit


@pytest.mark.parametrize("preparation", ["chain", "tree"])
@pytest.mark.parametrize("qubits", [2, 3, 7, 10])
def test_the_ghz_state_has_all_its_values(preparation: str, qubits: int) -> None:
    encoding = GhzWorkload(qubits=qubits, preparation=preparation).encode()
    state = Statevector(encoding.circuit)
    assert state.probabilities_dict(decimals=9) == pytest.approx({"0" * qubits: 0.5, "1" * qubits: 0.5})
    for name, operator in encoding.observables.items():
        assert state.expectation_value(operator).real == pytest.approx(encoding.expected[name]) == 1.0


def test_the_tree_is_shallow() -> None:
    assert GhzWorkload(qubits=64, preparation="tree").encode().circuit.depth() == 7


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_fidelity_is_never_below_its_bound(seed: int) -> None:
    encoding = GhzWorkload(qubits=3).encode()
    ideal = Statevector(encoding.circuit)
    state = DensityMatrix(0.6 * ideal.to_operator().data + 0.4 * noisy(3, seed).data)
    bound = state.expectation_value(encoding.observables["fidelity_bound"]).real
    assert bound <= np.real(ideal.data.conj() @ state.data @ ideal.data) + 1e-12


@given(st.integers(1, 6), st.integers(1, 4), st.integers(0, 10_000), st.floats(0, 1))
@settings(max_examples=30, deadline=None)
def test_a_mirror_circuit_has_one_certain_outcome(qubits: int, half: int, seed: int, density: float) -> None:
    workload = MirrorWorkload(qubits=qubits, layers=2 * half, seed=seed, density=density)
    state = Statevector(workload.circuit)
    assert state.probabilities_dict(decimals=9) == pytest.approx({workload.outcome[::-1]: 1.0})
    for operator in workload.encode().observables.values():
        assert state.expectation_value(operator).real == pytest.approx(1.0)


def test_seeds_give_different_circuits_and_outcomes() -> None:
    drawn = {MirrorWorkload(qubits=8, layers=6, seed=seed).outcome for seed in range(6)}
    assert len(drawn) > 3


def test_a_seed_draws_this_circuit_for_ever() -> None:
    workload = MirrorWorkload(qubits=4, layers=4, seed=3)
    assert (workload.outcome, dict(workload.circuit.count_ops())["cx"]) == ("1111", 4)


def test_joined_qubits_are_those_of_the_pairs_and_the_density() -> None:
    pairs = [[0, 1], [1, 2], [2, 3], [0, 3]]
    dense = MirrorWorkload(qubits=4, layers=20, density=1.0, pairs=pairs).circuit
    used = {tuple(sorted(dense.find_bit(q).index for q in item.qubits)) for item in dense.get_instructions("cx")}
    assert used == {(0, 1), (1, 2), (2, 3), (0, 3)}
    assert dense.count_ops()["cx"] == 40
    assert "cx" not in MirrorWorkload(qubits=4, layers=20, density=0.0).circuit.count_ops()


def test_a_transpiler_does_not_cancel_the_halves() -> None:
    circuit = MirrorWorkload(qubits=5, layers=10, density=1.0).circuit
    compiled = transpile(circuit, basis_gates=["rz", "sx", "x", "cx"], optimization_level=3, seed_transpiler=1)
    assert compiled.count_ops()["cx"] == circuit.count_ops()["cx"] > 0


@pytest.mark.parametrize(
    "workload", [GhzWorkload(qubits=120), MirrorWorkload(qubits=60, layers=12)], ids=["ghz", "mirror"]
)
def test_a_wide_check_is_confirmed_by_stabilisers(workload: Workload) -> None:
    report = solve_baseline(workload, workload.encode(), 20.0)
    for baseline in report.baselines:
        assert (baseline.method, baseline.value, baseline.exact) == ("stabilisers", pytest.approx(1.0), True)
    check_certificate(workload, report.baselines[0])


@pytest.mark.parametrize(
    "workload",
    [{"kind": "ghz", "qubits": 12, "preparation": "tree"}, {"kind": "mirror", "qubits": 5, "pairs": [[1, 0], [3, 4]]}],
)
def test_a_document_rebuilds_the_check(workload: dict[str, Any]) -> None:
    first = parse(**workload)
    assert parse(**json.loads(json.dumps(first.document()))) == first


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({"kind": "ghz"}, "workload.qubits: got nothing"),
        ({"kind": "ghz", "qubits": 1}, "workload.qubits: got 1, expected a number from 2"),
        ({"kind": "ghz", "qubits": 4, "preparation": "star"}, "workload.preparation: got 'star'"),
        ({"kind": "mirror", "qubits": 4, "layers": 3}, "workload.layers: got 3, expected an even number"),
        ({"kind": "mirror", "qubits": 4, "density": 2.0}, "workload.density: got 2.0"),
        ({"kind": "mirror", "qubits": 4, "pairs": [[0, 4]]}, "got [0, 4], expected two different qubits"),
        ({"kind": "mirror", "qubits": 4, "pairs": [[0]]}, "workload.pairs: got [0]"),
    ],
)  # fmt: skip
def test_a_malformed_check_is_refused_by_name(workload: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(**workload)
    assert told in str(caught.value)
