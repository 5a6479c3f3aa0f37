import json
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Statevector
from scipy.linalg import expm

from prefect_qpu.baselines import exact_values
from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads.heisenberg import HeisenbergWorkload
from prefect_qpu.workloads.spin_model import SpinModel
from prefect_qpu.workloads.tfim import TfimWorkload

LADDER = {"lattice": "ladder", "rungs": 2}
SPINS: dict[str, Any] = {"kind": "heisenberg", "lattice": LADDER}
HEX = {"lattice": "heavy_hex", "rows": 1, "columns": 1}


def parse(**workload: Any) -> SpinModel:
    parsed = Experiment.parse({"name": "test", "workload": workload}).workload
    assert isinstance(parsed, SpinModel)
    return parsed


def test_the_heisenberg_hamiltonian_has_a_term_for_each_direction() -> None:
    workload = HeisenbergWorkload(
        lattice={"lattice": "chain", "sites": 3}, coupling=[1.0, -2.0], anisotropy=0.5, field=[0.0, 0.0, 3.0], angles=[]
    )
    assert {label: weight.real for label, weight in workload.hamiltonian().to_list()} == {
        "IXX": 1.0, "IYY": 1.0, "IZZ": 0.5, "XXI": -2.0, "YYI": -2.0, "ZZI": -1.0, "ZII": -3.0,
    }  # fmt: skip


def test_singlets_have_the_energy_of_their_bonds() -> None:
    workload = HeisenbergWorkload(lattice=LADDER, angles=[])
    assert exact_values(workload.encode()) == {"energy": pytest.approx(-6.0)}


def test_each_layer_evolves_under_the_bonds_of_each_colour() -> None:
    workload = HeisenbergWorkload(lattice={"lattice": "chain", "sites": 4}, angles=[[0.3, 0.2], [0.1, 0.4]])
    hamiltonian = workload.hamiltonian()
    odd = hamiltonian[[label[0] == label[3] == "I" for label in hamiltonian.paulis.to_labels()]]
    even = (hamiltonian - odd).simplify()
    state = Statevector(workload.start()).data
    for first, second in workload.angles or []:
        state = expm(-1j * second * even.to_matrix()) @ expm(-1j * first * odd.to_matrix()) @ state
    encoding = workload.encode()
    values = exact_values(encoding)
    assert values is not None
    assert values["energy"] == pytest.approx((state.conj() @ hamiltonian.to_matrix() @ state).real)


MODELS = {
    "heisenberg": lambda **spec: HeisenbergWorkload(lattice=LADDER, anisotropy=0.7, field=0.4, evolution=spec),
    "tfim": lambda **spec: TfimWorkload(lattice=LADDER, field=0.8, evolution=spec),
}


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("model", MODELS)
def test_the_error_of_the_steps_falls_with_the_order_of_the_formula(model: str, order: int) -> None:
    errors = []
    for steps in (8, 16):
        workload = MODELS[model](time=1.0, steps=steps, order=order)
        exact = expm(-1j * workload.hamiltonian().to_matrix()) @ Statevector(workload.start()).data
        errors.append(1 - abs(np.vdot(exact, Statevector(workload.encode().circuit).data)))
    assert errors[0] / errors[1] == pytest.approx(4.0**order, rel=0.25)


def test_an_evolution_begins_with_known_magnetisations() -> None:
    spec = {"time": 1e-9, "steps": 1}
    neel = exact_values(HeisenbergWorkload(lattice=HEX, evolution=spec).encode())
    up = exact_values(TfimWorkload(lattice=HEX, evolution=spec).encode())
    shown = exact_values(HeisenbergWorkload(lattice=LADDER, initial="1100", evolution=spec).encode())
    assert neel is not None
    assert up is not None
    assert shown is not None
    assert (neel["magnetization"], neel["staggered_magnetization"], neel["correlation"]) == pytest.approx((0, 1, -1))
    assert (up["magnetization"], up["staggered_magnetization"], up["correlation"]) == pytest.approx((1, 0, 1))
    assert (shown["magnetization"], shown["correlation"]) == pytest.approx((0, 0))


def test_a_magnetisation_that_is_conserved_stays() -> None:
    workload = HeisenbergWorkload(lattice=LADDER, initial="1000", evolution={"time": 2.0, "steps": 3})
    values = exact_values(workload.encode())
    assert values is not None
    assert values["magnetization"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    "workload",
    [
        {**SPINS, "angles": [[0.1, 0.2]], "coupling": 0.5},
        {"kind": "heisenberg", "lattice": HEX, "evolution": {"time": 1.0, "steps": 2, "order": 1}},
        {"kind": "tfim", "lattice": LADDER, "field": 0.7},
        {"kind": "tfim", "sites": 5, "evolution": {"time": 1.0, "steps": 2}},
    ],
)
def test_a_document_rebuilds_the_experiment(workload: dict[str, Any]) -> None:
    first = parse(**workload)
    second = parse(**json.loads(json.dumps(first.document())))
    assert second == first
    assert circuit_hash(second.encode().circuit) == circuit_hash(first.encode().circuit)


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({"kind": "heisenberg"}, "workload.lattice: got nothing"),
        ({"kind": "heisenberg", "lattice": LADDER}, "workload.angles: got nothing, expected either angles"),
        ({**SPINS, "angles": [[0.1]]}, "angles.0: got [0.1], expected one number for each of 2"),
        ({**SPINS, "angles": [], "initial": "01"}, "expected singlets, neel, or 4 characters"),
        ({**SPINS, "angles": [], "coupling": [1.0]}, "workload.coupling: got '1 values'"),
        ({**SPINS, "angles": [], "evolution": {"time": 1.0, "steps": 1}}, "either angles"),
        ({"kind": "tfim"}, "workload.sites: got nothing, expected either sites, of a chain, or lattice"),
        ({"kind": "tfim", "sites": 4, "lattice": LADDER}, "either sites, of a chain, or lattice"),
        ({"kind": "tfim", "sites": 4, "evolution": {"time": 0.0, "steps": 1}}, "workload.evolution.time"),
        ({"kind": "tfim", "sites": 4, "evolution": {"time": 1.0, "steps": 1, "order": 3}}, "workload.evolution.order"),
        ({"kind": "tfim", "sites": 4, "layers": 2, "evolution": {"time": 1.0, "steps": 1}}, "either layers and angles"),
    ],
)  # fmt: skip
def test_a_model_that_contradicts_itself_is_refused(workload: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(**workload)
    assert told in str(caught.value)
