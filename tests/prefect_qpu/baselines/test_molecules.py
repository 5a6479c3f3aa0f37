"""The opponents of molecules, beyond diagonalisation."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qiskit.quantum_info import PauliList, SparsePauliOp

from prefect_qpu.baselines import Baseline, check_certificate, correlated, coupled_cluster, molecules, solve_baseline
from prefect_qpu.baselines.electrons import Electrons, electrons_of, majoranas
from prefect_qpu.baselines.ground_states import lowest_energy
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.fermions import as_operator, electronic_hamiltonian, ordered_product
from prefect_qpu.workloads.molecule import MoleculeWorkload

H2 = Path(__file__).parents[3] / "examples" / "h2.openfermion.txt"
LIH, OH = {"atoms": "Li 0 0 0; H 0 0 1.6"}, {"atoms": "O 0 0 0; H 0 0 1.0", "spin": 1}
PUBLISHED = {"LiH": -7.8823243789}
"""Full configuration interaction, STO-3G, 1.6 angstrom, in Hartree."""


def drawn(orbitals: int, seed: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Integrals with the symmetries of real orbitals."""
    random = np.random.default_rng(seed)
    one_body, two_body = random.normal(size=(orbitals,) * 2), random.normal(size=(orbitals,) * 4)
    for order in ((1, 0, 2, 3), (0, 1, 3, 2), (2, 3, 0, 1)):
        two_body = (two_body + two_body.transpose(order)) / 2
    return (one_body + one_body.T) / 2, two_body


def spins(orbitals: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return tuple(range(0, 2 * orbitals, 2)), tuple(range(1, 2 * orbitals, 2))


@given(st.integers(1, 3), st.integers(0, 1000))
@settings(max_examples=15, deadline=None)
def test_the_integrals_of_a_hamiltonian_are_read_back(orbitals: int, seed: int) -> None:
    one_body, two_body = drawn(orbitals, seed)
    found = electrons_of(electronic_hamiltonian(one_body, two_body, 0.7))
    assert found is not None
    again = found.spatial(*spins(orbitals))
    assert again is not None
    assert found.constant == pytest.approx(0.7)
    assert again[0] == pytest.approx(one_body)
    assert again[1] == pytest.approx(two_body)


def test_spins_may_stand_in_two_blocks() -> None:
    one_body, two_body = drawn(2, seed=5)
    up, down = (0, 1), (2, 3)
    terms: dict[tuple[int, int], complex] = {}
    for p, q, r, s in np.ndindex(2, 2, 2, 2):
        for a in (up, down):
            if (r, s) == (0, 0):
                add(terms, one_body[p, q], [(a[p], True), (a[q], False)])
            for b in (up, down):
                add(terms, two_body[p, q, r, s] / 2, [(a[p], True), (b[r], True), (b[s], False), (a[q], False)])
    workload = MoleculeWorkload(hamiltonian=as_operator(terms, 4).to_list(), occupied="1010")
    found = molecules.molecule_of(workload)
    assert found is not None
    assert found.one_body == pytest.approx(one_body)
    assert found.two_body == pytest.approx(two_body)
    assert (found.up, found.down) == (1, 1)


def add(terms: dict[tuple[int, int], complex], weight: float, order: list[tuple[int, bool]]) -> None:
    for bits, part in ordered_product(order).items():
        terms[bits] = terms.get(bits, 0) + weight * part


def test_the_determinant_has_its_expectation_value() -> None:
    operator = electronic_hamiltonian(*drawn(3, seed=2), 0.3)
    found = electrons_of(operator)
    assert found is not None
    assert found.energy(slice(4)) == pytest.approx(operator.to_matrix().real[0b1111, 0b1111])


@pytest.mark.parametrize(
    "terms",
    [{"ZZZIII": 1.0}, {"XXXXXX": 0.5}, {"XIII": 1.0}, {"XXII": 0.5, "YYII": -0.5}, {"XYII": 0.5, "YXII": -0.5}],
    ids=["six Majoranas", "three bodies", "odd", "not conserved", "not real"],
)
def test_what_is_no_hamiltonian_of_electrons_has_no_integrals(terms: dict[str, float]) -> None:
    assert electrons_of(SparsePauliOp(list(terms), list(terms.values()))) is None


def test_a_field_that_tells_the_spins_apart_leaves_no_common_orbitals() -> None:
    found = electrons_of(SparsePauliOp(["IZ", "ZI"], [0.5, 0.7]))
    assert found is not None
    assert found.spatial((0,), (1,)) is None


@given(st.sets(st.integers(0, 9)))
def test_products_of_majorana_operators_are_counted(chosen: set[int]) -> None:
    flips, signs = np.zeros(5, dtype=bool), np.zeros(5, dtype=bool)
    for number in chosen:  # Z...Z X or Z...Z Y
        qubit = number // 2
        flips[qubit] ^= True
        signs[: qubit + number % 2] ^= True
    product = SparsePauliOp(PauliList.from_symplectic(signs[None], flips[None]))
    assert majoranas(product).tolist() == [len(chosen)]


def test_clusters_are_exact_for_two_electrons() -> None:
    workload = MoleculeWorkload(hamiltonian=str(H2), occupied="1100")
    electrons = electrons_of(workload.operator)
    assert electrons is not None
    found = coupled_cluster.energies(electrons, 2)
    exact = lowest_energy(workload.operator, [molecules.sector_of(workload)]).value
    assert found is not None
    assert found.total == pytest.approx(exact, abs=1e-8)
    assert found.triples == 0


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_clusters_do_not_depend_on_signs_and_order_of_equal_orbitals(seed: int) -> None:
    workload = MoleculeWorkload(hamiltonian=str(H2), occupied="1100")
    electrons = electrons_of(workload.operator)
    assert electrons is not None
    random = np.random.default_rng(seed)
    order = [*random.permutation(2), *(2 + random.permutation(2))]
    turned = electrons.turned(np.eye(4)[:, order] * random.choice([-1.0, 1.0], 4))
    first, second = coupled_cluster.energies(electrons, 2), coupled_cluster.energies(turned, 2)
    assert first is not None
    assert second is not None
    assert first.total == pytest.approx(second.total, abs=1e-9)


def test_clusters_that_have_no_fixed_point_have_no_energy() -> None:
    found = electrons_of(electronic_hamiltonian(*drawn(3, seed=4), 0.0))
    assert isinstance(found, Electrons)
    assert coupled_cluster.energies(found, 2) is None


@pytest.fixture(scope="module", params=[LIH, OH], ids=["LiH", "OH"])
def molecule(request: pytest.FixtureRequest) -> MoleculeWorkload:
    pytest.importorskip("pyscf")
    return MoleculeWorkload(molecule=request.param)


def beyond_diagonalisation(workload: MoleculeWorkload, monkeypatch: pytest.MonkeyPatch, determinants: int) -> Baseline:
    monkeypatch.setattr("prefect_qpu.baselines.ground_states.MOST_ENTRIES", 0)
    monkeypatch.setattr(correlated, "MOST_DETERMINANTS", determinants)
    (found,) = solve_baseline(workload, workload.encode(), 20.0, seed=3).baselines
    return found


def test_all_determinants_have_the_energy_of_diagonalisation(
    molecule: MoleculeWorkload, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = lowest_energy(molecule.operator, [molecules.sector_of(molecule)]).value
    found = beyond_diagonalisation(molecule, monkeypatch, 1000)
    assert found.method == "full configuration interaction"
    assert found.value == pytest.approx(exact, abs=1e-9)
    assert not found.exact
    assert found.bound is None
    check_certificate(molecule, found)


def test_coupled_clusters_are_found_again_by_other_equations(
    molecule: MoleculeWorkload, monkeypatch: pytest.MonkeyPatch
) -> None:
    exact = lowest_energy(molecule.operator, [molecules.sector_of(molecule)]).value
    found = beyond_diagonalisation(molecule, monkeypatch, 0)
    assert found.method == "CCSD(T)"
    assert found.value == pytest.approx(exact, abs=1e-5)
    assert found.details["hartree_fock"] > found.details["ccsd"] > found.value
    assert (found.exact, found.bound, found.error) == (False, None, None)
    assert "above or below" in found.details["caution"]
    check_certificate(molecule, found)


def test_the_hamiltonian_alone_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pyscf")
    again = MoleculeWorkload.model_validate(MoleculeWorkload(molecule=LIH).document())
    assert again.molecule is None
    found = beyond_diagonalisation(again, monkeypatch, 0)
    assert found.value == pytest.approx(PUBLISHED["LiH"], abs=1e-5)
    check_certificate(again, found)


def test_tampered_claims_are_refused(molecule: MoleculeWorkload, monkeypatch: pytest.MonkeyPatch) -> None:
    clusters = beyond_diagonalisation(molecule, monkeypatch, 0)
    full = beyond_diagonalisation(molecule, monkeypatch, 1000)
    certificate, (size, _) = dict(clusters.certificate), np.shape(clusters.certificate["orbitals"]["up"])
    orbitals = certificate["orbitals"]
    turned = {"up": np.linalg.qr(np.arange(size**2).reshape(size, size) + np.eye(size))[0].tolist()}
    claims = [
        (replace(clusters, value=clusters.value - 1e-6), "energy is said"),
        (replace(clusters, exact=True), "neither exact"),
        (replace(clusters, bound=clusters.value), "nor has it a bound"),
        (replace(clusters, error=1e-3), "nothing bounds"),
        (replace(clusters, certificate=certificate | {"hamiltonian": "0" * 64}), "another Hamiltonian"),
        (replace(clusters, certificate=certificate | {"orbitals": orbitals | turned}), "Hartree-Fock"),
        (replace(clusters, certificate=certificate | {"orbitals": {"up": orbitals["up"]}}), "with spin down"),
        (replace(clusters, certificate=certificate | {"orbitals": orbitals | {"up": np.ones((size, size)).tolist()}}),
         "not orthogonal"),
        (replace(full, value=full.value + 1e-6), "energy is said"),
        (replace(full, error=1e-12), "error is said"),
        (replace(full, certificate=dict(full.certificate) | {"kind": "trust"}), "proves nothing"),
    ]  # fmt: skip
    for claim, told in claims:
        with pytest.raises(CertificateError, match=told):
            check_certificate(molecule, claim)


def test_without_pyscf_or_electrons_the_circuit_is_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(correlated, "has_pyscf", lambda: False)
    found = beyond_diagonalisation(MoleculeWorkload(hamiltonian=str(H2), occupied="1100"), monkeypatch, 1000)
    assert found.method == "state vector"
    monkeypatch.undo()
    found = beyond_diagonalisation(MoleculeWorkload(hamiltonian={"XII": 1.0, "ZZI": 0.5}), monkeypatch, 1000)
    assert found.method == "state vector"
