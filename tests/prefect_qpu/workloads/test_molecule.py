import builtins
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.quantum_info import SparsePauliOp
from scipy.linalg import expm

from prefect_qpu.baselines import check_certificate, exact_values, solve_baseline
from prefect_qpu.baselines.sectors import Sector
from prefect_qpu.errors import InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads.fermions import as_operator, excitation_rotations, ladder, multiplied
from prefect_qpu.workloads.molecule import MoleculeWorkload
from prefect_qpu.workloads.pauli_files import hamiltonian_of, parse_openfermion

EXAMPLES = Path(__file__).parents[3] / "examples"
TERMS = {"ZI": 0.5, "XX": -0.25, "II": 1.0}
PUBLISHED = {"H 0 0 0; H 0 0 0.7414": -1.1372701747, "Li 0 0 0; H 0 0 1.6": -7.8823243789}
"""Full configuration interaction, STO-3G, in Hartree."""


def parse(base: Path | None = None, **workload: Any) -> MoleculeWorkload:
    parsed = Experiment.parse({"name": "test", "workload": {"kind": "molecule", **workload}}, base=base).workload
    assert isinstance(parsed, MoleculeWorkload)
    return parsed


def matrix(terms: dict[tuple[int, int], complex], qubits: int) -> np.ndarray[Any, Any]:
    real = dict(terms.items())
    imaginary = as_operator({bits: -1j * weight for bits, weight in real.items()}, qubits).to_matrix()
    return as_operator(real, qubits).to_matrix() + 1j * imaginary


def test_ladder_operators_anticommute() -> None:
    for first in range(3):
        for second in range(3):
            creates, destroys = ladder(first, creates=True), ladder(second, creates=False)
            both = multiplied(destroys, creates)
            for bits, weight in multiplied(creates, destroys).items():
                both[bits] = both.get(bits, 0) + weight
            kept = {bits: weight for bits, weight in both.items() if abs(weight) > 1e-12}
            assert kept == ({(0, 0): 1.0} if first == second else {})


@pytest.mark.parametrize(("source", "target"), [([0], [2]), ([3], [0]), ([0, 1], [2, 3]), ([0, 3], [1, 2])])
def test_the_rotations_of_an_excitation_are_its_exponential(source: list[int], target: list[int]) -> None:
    moved = np.eye(16, dtype=complex)
    for orbital, creates in [(o, True) for o in target] + [(o, False) for o in reversed(source)]:
        letters = SparsePauliOp.from_sparse_list(
            [("Z" * orbital + "X", list(range(orbital + 1)), 0.5),
             ("Z" * orbital + "Y", list(range(orbital + 1)), -0.5j if creates else 0.5j)], 4,
        )  # fmt: skip
        moved = moved @ letters.to_matrix()
    expected = expm(0.3 * (moved - moved.conj().T))
    found = np.eye(16, dtype=complex)
    for letters_, qubits, weight in excitation_rotations(source, target):
        found = expm(-0.3j * weight * SparsePauliOp.from_sparse_list([(letters_, qubits, 1.0)], 4).to_matrix()) @ found
    assert found == pytest.approx(expected, abs=1e-12)
    occupied = "".join("1" if orbital in source else "0" for orbital in range(4))
    workload = MoleculeWorkload(
        hamiltonian={"ZIII": 1.0, "XXXX": 0.3},
        occupied=occupied,
        excitations=[{"source": source, "target": target, "angle": 0.3}],
    )
    state = expected[:, int(occupied[::-1], 2)]
    values = exact_values(workload.encode())
    assert values is not None
    assert values["energy"] == pytest.approx((state.conj() @ workload.operator.to_matrix() @ state).real)


def test_every_way_to_give_a_hamiltonian_gives_the_same_document(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps(TERMS))
    (tmp_path / "b.json").write_text(json.dumps({"paulis": list(TERMS), "coeffs": [[w, 0.0] for w in TERMS.values()]}))
    (tmp_path / "c.txt").write_text("QubitOperator:\n0.5 [Z1] +\n(-0.25+0j) [X0 X1] +\n1 []\n")
    ways = [
        "a.json",
        "b.json",
        "c.txt",
        TERMS,
        [["ZI", 0.5], ["XX", -0.25], ["II", 1]],
        {"Z1": 0.5, "X1 X0": -0.25, "": 1.0},
    ]
    assert len({json.dumps(parse(tmp_path, hamiltonian=way).document()) for way in ways}) == 1


def test_the_text_of_openfermion_keeps_signs_and_repeated_terms() -> None:
    text = "0.5 [Z0] -\n0.25 [X0 Y2] +\n(1e-3+0j) [Z0]"
    assert dict(parse_openfermion(text).to_list()) == {"IIZ": 0.501, "YIX": -0.25}


def test_the_example_has_the_published_energy() -> None:
    workload = parse(EXAMPLES, hamiltonian="h2.openfermion.txt", occupied="1100",
                     excitations=[{"source": [0, 1], "target": [2, 3], "angle": -0.1130681}])  # fmt: skip
    (baseline,) = solve_baseline(workload, workload.encode(), 10.0).baselines
    values = exact_values(workload.encode())
    assert values is not None
    assert baseline.value == pytest.approx(PUBLISHED["H 0 0 0; H 0 0 0.7414"], abs=1e-9)
    assert values["energy"] == pytest.approx(baseline.value, abs=1e-9)
    assert baseline.exact
    check_certificate(workload, baseline)


@pytest.mark.parametrize("atoms", PUBLISHED)
def test_geometries_have_the_published_energies(atoms: str) -> None:
    pytest.importorskip("pyscf")
    workload = parse(molecule={"atoms": atoms})
    (baseline,) = solve_baseline(workload, workload.encode(), 20.0).baselines
    assert baseline.value == pytest.approx(PUBLISHED[atoms], abs=1e-6)
    assert baseline.exact
    check_certificate(workload, baseline)


def test_an_active_space_lies_between_hartree_fock_and_all_orbitals() -> None:
    pytest.importorskip("pyscf")
    atoms = "Li 0 0 0; H 0 0 1.6"
    workload = parse(molecule={"atoms": atoms, "active": {"electrons": 2, "orbitals": 3}})
    (baseline,) = solve_baseline(workload, workload.encode(), 20.0).baselines
    hartree_fock = exact_values(workload.encode())
    assert hartree_fock is not None
    assert workload.reference == "110000"
    assert PUBLISHED[atoms] < baseline.value < hartree_fock["energy"] == pytest.approx(-7.8618647698, abs=1e-6)
    assert parse(**workload.document()) == workload


def test_only_states_with_the_right_electrons_are_looked_at() -> None:
    from prefect_qpu.baselines.molecules import sector_of

    example = EXAMPLES / "h2.openfermion.txt"
    assert sector_of(MoleculeWorkload(hamiltonian=str(example), occupied="1100")) == Sector(
        4, (((0, 2), 1), ((1, 3), 1))
    )
    hop = {"XXI": 1.0, "YYI": 1.0, "IXX": 1.0, "IYY": 1.0}
    assert sector_of(MoleculeWorkload(hamiltonian=hop, occupied="100")) == Sector(3, (((0, 1, 2), 1),))
    assert sector_of(MoleculeWorkload(hamiltonian={"XI": 1.0, "ZZ": 1.0})) == Sector(2)


def test_a_circuit_of_ones_own_follows_the_occupied_orbitals() -> None:
    qasm = 'OPENQASM 3.0; include "stdgates.inc"; input float turn; qubit[2] q; ry(turn) q[0]; cx q[0], q[1];'
    workload = parse(
        hamiltonian={"ZZ": 1.0, "IZ": 0.5}, occupied="01", circuit={"qasm": qasm, "parameters": {"turn": 0.4}}
    )
    values = exact_values(workload.encode())
    assert values == {"energy": pytest.approx(-1 + 0.5 * np.cos(0.4))}
    again = parse(**json.loads(json.dumps(workload.document())))
    assert again == workload


def test_without_pyscf_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded = builtins.__import__

    def refuse(name: str, *arguments: Any, **options: Any) -> Any:
        if name.startswith("pyscf"):
            raise ImportError(name)
        return loaded(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(InputError, match="Install the extra chemistry"):
        parse(molecule={"atoms": "H 0 0 0; H 0 0 1"})


@pytest.mark.parametrize(
    ("workload", "told"),
    [
        ({}, "workload.hamiltonian: got nothing, expected either hamiltonian or molecule"),
        ({"hamiltonian": "none.txt"}, "expected a readable file"),
        ({"hamiltonian": 3}, "workload.hamiltonian: got 3, expected a path"),
        ({"hamiltonian": {"ZZ": 1.0, "Z": 1.0}}, "got 'Z', expected labels of one length, 2"),
        ({"hamiltonian": {"ZQ": 1.0}}, "got 'ZQ', expected letters I, X, Y, Z"),
        ({"hamiltonian": {"Z0 X0": 1.0}}, "different qubits"),
        ({"hamiltonian": {"ZZ": [0.0, 1.0]}}, "expected a real, finite number as the weight"),
        ({"hamiltonian": {"II": 1.0}}, "expected a term that is not constant"),
        ({"hamiltonian": TERMS, "occupied": "1"}, "workload.occupied: got '1', expected 2 characters"),
        ({"hamiltonian": TERMS, "excitations": [{"source": [0], "target": [2], "angle": 0.1}]}, "excitations.0"),
        ({"hamiltonian": TERMS, "circuit": {"qasm": "OPENQASM 3.0; qubit[3] q;"}}, "expected a circuit of 2 qubits"),
        ({"hamiltonian": TERMS, "circuit": {"qasm": "nonsense;"}}, "workload.circuit.qasm"),
        ({"hamiltonian": TERMS, "molecule": {"atoms": "H 0 0 0"}}, "got 'both', expected either"),
    ],
)  # fmt: skip
def test_a_malformed_molecule_is_refused_by_name(tmp_path: Path, workload: dict[str, Any], told: str) -> None:
    with pytest.raises(InputError) as caught:
        parse(tmp_path, **workload)
    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("molecule", "told"),
    [
        ({"atoms": "Qq 0 0 0"}, "expected a molecule that PySCF accepts"),
        ({"atoms": "H 0 0 0"}, "expected a molecule that PySCF accepts"),
        ({"atoms": "H 0 0 0; H 0 0 1", "active": {"electrons": 1, "orbitals": 1}}, "workload.molecule.active"),
    ],
)
def test_a_malformed_geometry_is_refused_by_name(molecule: dict[str, Any], told: str) -> None:
    pytest.importorskip("pyscf")
    with pytest.raises(InputError) as caught:
        parse(molecule=molecule)
    assert told in str(caught.value)


def test_a_text_that_is_no_operator_is_refused() -> None:
    for text in ("", "hello", "0.5 [Z0] + 3", "x [Z0]", "0.5 [Q0]"):
        with pytest.raises(InputError, match="hamiltonian"):
            parse_openfermion(text)
    with pytest.raises(InputError, match="weights by label"):
        hamiltonian_of(["ZZ"])
