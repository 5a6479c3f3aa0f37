import itertools
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import Statevector

from prefect_qpu.baselines import exact_values
from prefect_qpu.errors import InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads.labs import LabsWorkload, energies

BARKER = "0000011001010"


def test_a_barker_sequence_has_the_energy_of_six() -> None:
    assert LabsWorkload(length=13).energy(BARKER) == 6.0


@given(st.text("01", min_size=3, max_size=30))
def test_rows_have_the_energies_of_their_texts(sequence: str) -> None:
    rows = np.array([[int(bit) for bit in sequence]], dtype=np.uint8)
    assert energies(rows)[0] == LabsWorkload(length=len(sequence)).energy(sequence)


def test_the_observable_has_the_energy_of_every_sequence() -> None:
    workload = LabsWorkload(length=6)
    operator = workload.encode().observables["energy"]
    for bits in itertools.product("01", repeat=6):
        text = "".join(bits)
        found = Statevector.from_label(text[::-1]).expectation_value(operator).real
        assert found == pytest.approx(workload.energy(text))


def test_the_circuit_gathers_the_parity_of_four_spins() -> None:
    workload = LabsWorkload(length=7, angles={"gamma": [0.11], "beta": [0.4]})
    rows = (np.arange(128)[:, None] >> np.arange(7)) & 1
    cost = -energies(rows.astype(np.uint8))
    state = np.full(128, 128**-0.5, dtype=complex) * np.exp(-0.11j * cost)
    turn = np.array([[np.cos(0.4), -1j * np.sin(0.4)], [-1j * np.sin(0.4), np.cos(0.4)]])
    mixer = np.eye(1)
    for _ in range(7):
        mixer = np.kron(mixer, turn)
    values = exact_values(workload.encode())
    assert values is not None
    assert values["energy"] == pytest.approx(-(abs(mixer @ state) ** 2 @ cost))


def test_more_layers_of_the_ramp_have_less_energy() -> None:
    found = [exact_values(LabsWorkload(length=8, layers=layers).encode()) for layers in (1, 2, 4, 8)]
    values = [item["energy"] for item in found if item]
    assert sorted(values, reverse=True) == values
    assert values[-1] < 0.7 * 28  # of a random sequence: the number of pairs


def test_decoding_and_local_search_never_raise_the_energy() -> None:
    bits = BitArray.from_bool_array(np.random.default_rng(1).random((30, 15)) < 0.5)
    plain = LabsWorkload(length=15).decode(bits)
    better = LabsWorkload(length=15, improve=True).decode(bits)
    assert plain is not None
    assert better is not None
    assert better.sampled == plain.value >= better.value == LabsWorkload(length=15).energy(better.solution)
    for place in range(15):
        flipped = better.solution[:place] + str(1 - int(better.solution[place])) + better.solution[place + 1 :]
        assert LabsWorkload(length=15).energy(flipped) >= better.value


def test_a_document_rebuilds_the_workload() -> None:
    workload = LabsWorkload(length=9, layers=3, improve=True)
    assert LabsWorkload.model_validate(json.loads(json.dumps(workload.document()))) == workload


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, "workload.length: got nothing"),
        ({"length": 2}, "workload.length: got 2, expected a number from 3"),
        ({"length": 67}, "workload.length: got 67, expected a number up to 66"),
        ({"length": 9, "angles": {"gamma": [], "beta": [1.0]}}, "workload.angles.gamma: got []"),
    ],
)
def test_a_malformed_problem_is_refused_by_name(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        Experiment.parse({"name": "test", "workload": {"kind": "labs", **settings}})
    assert told in str(caught.value)
