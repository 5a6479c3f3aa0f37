from dataclasses import replace
from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import SparsePauliOp, random_pauli_list

from prefect_qpu.baselines import Baseline, check_certificate, clusters, density_matrix, ground_states, solve_baseline
from prefect_qpu.baselines.density_matrix import ground_state
from prefect_qpu.baselines.evolution import by_chebyshev, by_taylor
from prefect_qpu.baselines.free_fermions import ground_energy
from prefect_qpu.baselines.ground_states import lowest_energy, positive_bound, predicted_seconds
from prefect_qpu.baselines.matrix_product_operators import product_operator
from prefect_qpu.baselines.sectors import Sector, restricted
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Workload
from prefect_qpu.workloads.heisenberg import HeisenbergWorkload
from prefect_qpu.workloads.tfim import TfimWorkload

LADDER = {"lattice": "ladder", "rungs": 4}


def drawn_operator(qubits: int, seed: int) -> SparsePauliOp:
    random = np.random.default_rng(seed)
    return SparsePauliOp(random_pauli_list(qubits, 12, seed=seed, phase=False), random.normal(size=12))


@given(st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_the_matrix_on_all_states_is_that_of_qiskit(seed: int) -> None:
    operator = drawn_operator(4, seed)
    assert restricted(operator, Sector(4).states()).toarray() == pytest.approx(operator.to_matrix())


@pytest.mark.parametrize("ones", range(5))
def test_a_sector_holds_the_states_with_its_number_of_ones(ones: int) -> None:
    sector = Sector(6, (((0, 2, 3, 5), ones),))
    expected = [state for state in range(64) if (state & 0b101101).bit_count() == ones]
    assert sector.states().tolist() == expected
    assert sector.size == len(expected)


def test_the_sectors_together_have_all_energies() -> None:
    operator = HeisenbergWorkload(lattice=LADDER, field=0.3, angles=[]).hamiltonian()
    parts = [restricted(operator, Sector(8, ((tuple(range(8)), ones),)).states()).toarray() for ones in range(9)]
    energies = np.sort(np.concatenate([np.linalg.eigvalsh(part) for part in parts]))
    assert energies == pytest.approx(np.linalg.eigvalsh(operator.to_matrix()))


def test_a_number_that_is_not_conserved_is_refused() -> None:
    with pytest.raises(ValueError, match="does not conserve"):
        restricted(SparsePauliOp("XI"), Sector(2, (((0, 1), 1),)).states())


def test_a_large_matrix_is_enclosed_by_a_positive_vector() -> None:
    operator = TfimWorkload(sites=11, field=0.9).hamiltonian()
    found = lowest_energy(operator, [Sector(11)])
    known = ground_energy([1.0] * 10, [0.9] * 11)
    assert found.proof == "positive vector"
    assert found.bound is not None
    assert found.bound <= known + 1e-12
    assert found.value == pytest.approx(known, abs=1e-9) == pytest.approx(found.bound, rel=2e-9)


def test_any_positive_vector_gives_a_true_bound() -> None:
    matrix = restricted(HeisenbergWorkload(lattice=LADDER, angles=[]).hamiltonian(), Sector(8).states())
    lowest = np.linalg.eigvalsh(matrix.toarray())[0]
    for seed in range(5):
        bound = positive_bound(matrix, np.random.default_rng(seed).normal(size=256), enough=-inf)
        assert bound is not None
        assert bound <= lowest


def test_signs_that_conflict_give_no_bound() -> None:
    triangle = {"sites": 3, "bonds": [[0, 1], [1, 2], [0, 2]]}
    operator = HeisenbergWorkload(lattice=triangle, angles=[]).hamiltonian()
    assert positive_bound(restricted(operator, Sector(3).states()), np.ones(8)) is None


def test_without_a_proof_a_medium_matrix_is_diagonalised() -> None:
    ring = {"lattice": "chain", "sites": 11, "periodic": True}
    workload = HeisenbergWorkload(lattice=ring, angles=[])
    found = lowest_energy(workload.hamiltonian(), [Sector(11, ((tuple(range(11)), 5),))])
    assert found.proof == "all eigenvalues"
    assert found.states == 462


def test_sixteen_spins_of_a_heisenberg_chain_have_their_known_energy() -> None:
    (baseline,) = solved(HeisenbergWorkload(lattice={"lattice": "chain", "sites": 16}, angles=[]))
    assert baseline.exact
    assert baseline.value / 4 == pytest.approx(-6.9117371455749, abs=1e-10)


def solved(workload: Workload) -> tuple[Baseline, ...]:
    return solve_baseline(workload, workload.encode(), 20.0).baselines


@pytest.mark.parametrize(
    "workload",
    [
        HeisenbergWorkload(lattice={"lattice": "ladder", "rungs": 3}, anisotropy=0.4, angles=[]),
        HeisenbergWorkload(lattice=LADDER, field=[0.5] * 8, angles=[]),
        HeisenbergWorkload(lattice={"lattice": "heavy_hex", "rows": 1, "columns": 1}, angles=[]),
        TfimWorkload(lattice={"lattice": "square", "rows": 3, "columns": 3}),
    ],
    ids=["anisotropic ladder", "ladder in a field", "heavy-hex", "Ising square"],
)
def test_the_ground_energy_is_that_of_the_whole_hamiltonian(workload: HeisenbergWorkload | TfimWorkload) -> None:
    from scipy.sparse.linalg import eigsh

    (baseline,) = solved(workload)
    whole = eigsh(workload.hamiltonian().to_matrix(sparse=True), k=1, which="SA")[0][0]
    assert baseline.value == pytest.approx(whole)
    assert baseline.exact
    check_certificate(workload, baseline)


def test_a_lattice_too_large_to_diagonalise_has_a_matrix_product_state_and_a_bound(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(clusters, "WIDTH", 8)
    monkeypatch.setattr(density_matrix, "_BONDS", (8, 16))
    workload = HeisenbergWorkload(lattice={"lattice": "chain", "sites": 30}, angles=[[0.14, 0.22]])
    assert predicted_seconds(workload.hamiltonian(), [Sector(30, ((tuple(range(30)), 15),))]) == inf
    baseline = solve_baseline(workload, workload.encode(), 5.0).baselines[0]
    assert (baseline.method, baseline.exact) == ("matrix product ground state", False)
    assert -13.1113557588 < baseline.value / 4 < -12.8  # the lowest energy; how near depends on the machine
    assert baseline.bound is not None
    assert 1.12 * baseline.value < baseline.bound < baseline.value
    check_certificate(workload, baseline)
    with pytest.raises(CertificateError, match="a state of"):
        check_certificate(workload, replace(baseline, value=baseline.value * 1.01))


def test_the_state_of_a_long_ising_chain_has_the_energy_of_free_fermions() -> None:
    operator = product_operator(TfimWorkload(sites=40, field=1.2).hamiltonian(), range(40))
    assert operator is not None
    found = ground_state(operator, seed=2)
    assert found.energy == pytest.approx(ground_energy([1.0] * 39, [1.2] * 40), abs=1e-7)
    assert found.deviation < 1e-3


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_the_variance_and_the_energy_are_those_of_the_whole_matrix(seed: int) -> None:
    operator = drawn_operator(6, seed)
    odd = [label.count("Y") % 2 for label in operator.paulis.to_labels()]
    operator = SparsePauliOp(operator.paulis, np.where(odd, 0.0, operator.coeffs.real)).simplify() + SparsePauliOp(
        "IIIIIZ"
    )
    tensors = product_operator(operator, [3, 0, 5, 1, 4, 2])
    assert tensors is not None
    found = ground_state(tensors, seed=1)
    levels = np.linalg.eigvalsh(operator.to_matrix())
    assert found.energy >= levels[0] - 1e-9
    assert abs(levels - found.energy).min() <= found.deviation + 1e-6


@pytest.mark.parametrize("lattice", [LADDER, {"lattice": "heavy_hex", "rows": 1, "columns": 1}])
def test_parts_bound_the_energy_of_the_whole(lattice: dict[str, Any]) -> None:
    workload = HeisenbergWorkload(lattice=lattice, field=0.2, angles=[])
    whole = solved(workload)[0].value
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clusters, "WIDTH", 6)
        bound = clusters.cluster_bound(workload.hamiltonian(), clusters.narrow_order(workload.shape))
    assert bound is not None
    assert 1.3 * whole < bound <= whole + 1e-9


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"value": -30.0, "bound": -30.0}, "the energy is said to be -30.0"),
        ({"bound": -20.0}, "the energy is proven to be at least"),
        ({"bound": None}, "nothing proves"),
        ({"certificate": {"kind": "ground-state", "hamiltonian": "other"}}, "another Hamiltonian"),
        ({"certificate": {"kind": "evolution"}}, "proves nothing about this heisenberg workload"),
    ],
)
def test_a_tampered_energy_is_refused(changes: dict[str, Any], told: str) -> None:
    workload = HeisenbergWorkload(lattice=LADDER, angles=[])
    (baseline,) = solved(workload)
    with pytest.raises(CertificateError, match=told):
        check_certificate(workload, replace(baseline, **changes))


@pytest.mark.parametrize("evolve", [by_taylor, by_chebyshev])
def test_both_ways_to_evolve_are_exact(evolve: Any) -> None:
    operator = drawn_operator(4, 5)
    start = np.random.default_rng(1).normal(size=16).astype(complex)
    levels, basis = np.linalg.eigh(operator.to_matrix())
    expected = basis @ (np.exp(-2.5j * levels) * (basis.conj().T @ start))
    found = evolve(restricted(operator, Sector(4).states()), start, 2.5)
    assert found == pytest.approx(expected, abs=1e-10)


def test_after_an_evolution_the_opponent_has_no_error_of_steps() -> None:
    workload = TfimWorkload(lattice=LADDER, evolution={"time": 1.0, "steps": 2})
    found = {item.observable: item for item in solved(workload)}
    finer = TfimWorkload(lattice=LADDER, evolution={"time": 1.0, "steps": 400})
    from prefect_qpu.baselines import exact_values

    limit = exact_values(finer.encode())
    assert limit is not None
    assert {name: item.value for name, item in found.items()} == pytest.approx(limit, abs=1e-4)
    assert {item.method for item in found.values()} == {"exact evolution"}
    for item in found.values():
        check_certificate(workload, item)
    with pytest.raises(CertificateError, match="the evolution gives"):
        check_certificate(workload, replace(found["magnetization"], value=0.0))
    other = TfimWorkload(lattice=LADDER, evolution={"time": 2.0, "steps": 2})
    with pytest.raises(CertificateError, match="another evolution"):
        check_certificate(other, found["magnetization"])


def test_a_long_chain_evolves_with_a_bound_on_the_error_of_its_circuit() -> None:
    workload = TfimWorkload(sites=40, evolution={"time": 0.4, "steps": 2})
    assert {item.method for item in solved(workload)} == {"light cones"}
    assert ground_states.MOST_ENTRIES < 2**40
