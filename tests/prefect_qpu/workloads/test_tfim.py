from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import Operator, SparsePauliOp
from scipy.linalg import expm

from prefect_qpu.baselines import exact_values
from prefect_qpu.baselines.free_fermions import ground_energy
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.tfim import TfimWorkload

CHAIN = TfimWorkload(
    sites=4,
    coupling=[1.0, -0.5, 2.0],
    field=[0.3, 1.0, -1.0, 0.7],
    layers=2,
    angles={"gamma": [0.2, 0.5], "beta": [0.4, 0.1]},
)


def test_the_hamiltonian_has_a_term_for_each_bond_and_site() -> None:
    expected = SparsePauliOp.from_list(
        [("IIZZ", -1.0), ("IZZI", 0.5), ("ZZII", -2.0), ("IIIX", -0.3), ("IIXI", -1.0), ("IXII", 1.0), ("XIII", -0.7)]
    )
    assert CHAIN.hamiltonian().equiv(expected)


def test_the_state_evolves_under_couplings_and_fields_in_turn() -> None:
    encoding = CHAIN.encode()
    hamiltonian = CHAIN.hamiltonian()
    z_only = ["X" not in pauli for pauli in hamiltonian.paulis.to_labels()]
    bonds, sites = hamiltonian[z_only].to_matrix(), hamiltonian[~np.array(z_only)].to_matrix()
    state = np.linalg.eigh(sites)[1][:, 0]
    for gamma, beta in ((0.2, 0.4), (0.5, 0.1)):
        state = expm(-1j * beta * sites) @ expm(-1j * gamma * bonds) @ state
    circuit = encoding.circuit.assign_parameters({name: float(value) for name, value in encoding.parameters.items()})
    assert abs(np.vdot(Operator(circuit).data[:, 0], state)) == pytest.approx(1.0)


def energy(**settings: Any) -> float:
    values = exact_values(TfimWorkload(**settings).encode())
    assert values is not None
    return values["energy"]


@pytest.mark.parametrize("field", [0.5, 1.0, -1.5])
def test_one_layer_has_the_best_angles_but_for_the_ends_of_the_chain(field: float) -> None:
    chosen = energy(sites=8, field=field)
    others = [
        energy(sites=8, field=field, angles={"gamma": [gamma], "beta": [beta / abs(field)]})
        for gamma in np.linspace(0.05, 0.5, 10)
        for beta in np.linspace(0.1, 0.8, 8)
    ]
    assert ground_energy([1.0] * 7, [field] * 8) < chosen < -8 * abs(field)
    assert chosen < min(others) * 0.99


def test_the_document_is_the_same_workload() -> None:
    assert TfimWorkload.model_validate(CHAIN.document()) == CHAIN
    assert TfimWorkload(sites=3).document() == TfimWorkload(sites=3, coupling=[1, 1], field=1).document()
    assert TfimWorkload(sites=3) != TfimWorkload(sites=3, field=1.1)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"sites": 3, "coupling": [1.0]}, "coupling: got '1 values', expected one number, or 2 numbers"),
        ({"sites": 3, "field": [1.0, 1.0]}, "field: got '2 values', expected one number, or 3 numbers"),
        ({"sites": 3, "coupling": 0}, "angles, as the couplings or the fields are all 0"),
        ({"sites": 3, "field": 0}, "angles, as the couplings or the fields are all 0"),
        ({"sites": 3, "layers": 2}, "angles: got nothing, expected gamma and beta of 2 values each"),
        ({"sites": 3, "angles": {"gamma": [1], "beta": [1, 2]}, "layers": 2}, "angles.gamma"),
        ({"sites": 3, "angles": {"gamma": [1, 2], "beta": [1]}, "layers": 2}, "one value for each of the 2 layers"),
    ],
)
def test_a_chain_that_contradicts_itself_is_refused(settings: dict[str, Any], told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        TfimWorkload(**settings)
    assert told in str(caught.value)
