"""Every setting of every kind of workload changes both hashes of an experiment."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads import workload_class, workload_kinds
from tests.prefect_qpu.test_experiment import paths

FOLDER = Path(__file__).parents[3] / "examples"
K5 = [[u, v] for v in range(5) for u in range(v)]
ANGLES = {"gamma": [0.5], "beta": [0.25]}
TWO = {"gamma": [0.5, 0.5], "beta": [0.25, 0.25]}
LADDER = {"lattice": "ladder", "rungs": 2}
EVOLUTION = {"time": 1.0, "steps": 2}
H2 = {"atoms": "H 0 0 0; H 0 0 0.74"}

Change = tuple[dict[str, Any], dict[str, Any]]
"""Settings before and after."""


def evolutions(base: dict[str, Any]) -> dict[str, Change]:
    later = {"time": 2.0}, {"steps": 3}, {"order": 1}
    return {f"evolution.{key}": (base | {"evolution": EVOLUTION}, base | {"evolution": EVOLUTION | more})
            for more in later for key in more}  # fmt: skip


def angles(base: dict[str, Any]) -> dict[str, Change]:
    return {
        "angles.gamma": (base | {"angles": ANGLES}, base | {"angles": ANGLES | {"gamma": [0.75]}}),
        "angles.beta": (base | {"angles": ANGLES}, base | {"angles": ANGLES | {"beta": [0.5]}}),
        "layers": (base | {"angles": ANGLES}, base | {"angles": TWO, "layers": 2}),
    }


def each(base: dict[str, Any], **values: Any) -> dict[str, Change]:
    return {name: (base, base | {name: value}) for name, value in values.items()}


COUPLED = {"couplings": [[0, 1, 1.0], [1, 2, -0.5]]}
MATRIX = {"matrix": [[1.0, -2.0], [0.0, 0.5]]}
SPINS = {"lattice": LADDER, "angles": [[0.1, 0.2]]}
CHAIN = {"lattice": {"lattice": "chain", "sites": 4}}
LABELS = {"hamiltonian": {"ZZII": 1.0, "XXXX": 0.5}, "occupied": "1100"}
MOVE = {"source": [0], "target": [2], "angle": 0.1}
QASM = 'OPENQASM 3.0; include "stdgates.inc"; input float turn; qubit[4] q; ry(turn) q[0];'
ACTIVE = {"electrons": 2, "orbitals": 2}
GRAPH = {"graph": K5}
CUBIC = {"graph": {"generator": "random_regular", "degree": 3, "nodes": 12, "seed": 1}}
KINDS: dict[str, dict[str, Change]] = {
    "ghz": each({"qubits": 4}, qubits=5, preparation="tree", seed=2),
    "mirror": each({"qubits": 4}, qubits=5, layers=4, density=0.75, pairs=[[0, 1], [2, 3]], seed=2),
    "labs": each({"length": 5}, length=6, improve=True) | angles({"length": 5}),
    "maxcut": each(GRAPH, graph=[*K5, [4, 5]], improve=True)
    | angles(GRAPH)
    | {
        "reduction.method": (GRAPH, GRAPH | {"reduction": {"method": "core"}}),
        "reduction.size": (
            CUBIC | {"reduction": {"method": "communities", "size": 2}},
            CUBIC | {"reduction": {"method": "communities", "size": 3}},
        ),
    },
    "ising": each(COUPLED, couplings=[[0, 1, 1.0]], fields=0.5, constant=1.0, spins=4, sense="maximize", improve=True)
    | angles(COUPLED),
    "qubo": each(MATRIX, matrix=[[1.0]], constant=1.0, sense="maximize", improve=True) | angles(MATRIX),
    "heisenberg": each(SPINS, lattice=CHAIN["lattice"], coupling=0.5, anisotropy=0.5, field=0.5, initial="neel",
                       angles=[[0.1, 0.3]])
    | evolutions({"lattice": LADDER}),
    "tfim": each({"sites": 3}, sites=4, coupling=0.5, field=0.5)
    | angles({"sites": 3})
    | evolutions({"sites": 3})
    | {"lattice": (CHAIN, {"lattice": LADDER})},
    "molecule": each(LABELS, hamiltonian={"ZZII": 1.0}, occupied="0011")
    | {
        "excitations.source": (LABELS | {"excitations": [MOVE]}, LABELS | {"excitations": [MOVE | {"source": [1]}]}),
        "excitations.target": (LABELS | {"excitations": [MOVE]}, LABELS | {"excitations": [MOVE | {"target": [3]}]}),
        "excitations.angle": (LABELS | {"excitations": [MOVE]}, LABELS | {"excitations": [MOVE | {"angle": 0.2}]}),
        "circuit.qasm": (LABELS, LABELS | {"circuit": {"qasm": QASM, "parameters": {"turn": 0.1}}}),
        "circuit.parameters": (
            LABELS | {"circuit": {"qasm": QASM, "parameters": {"turn": 0.1}}},
            LABELS | {"circuit": {"qasm": QASM, "parameters": {"turn": 0.2}}},
        ),
        "molecule.atoms": ({"molecule": H2}, {"molecule": {"atoms": "H 0 0 0; H 0 0 0.8"}}),
        "molecule.basis": ({"molecule": H2}, {"molecule": H2 | {"basis": "6-31g"}}),
        "molecule.charge": ({"molecule": H2}, {"molecule": H2 | {"charge": 1, "spin": 1}}),
        "molecule.spin": ({"molecule": H2}, {"molecule": H2 | {"spin": 2}}),
        "molecule.active.electrons": (
            {"molecule": {"atoms": "Li 0 0 0; H 0 0 1.6", "active": ACTIVE}},
            {"molecule": {"atoms": "Li 0 0 0; H 0 0 1.6", "active": {"electrons": 4, "orbitals": 2}}},
        ),
        "molecule.active.orbitals": (
            {"molecule": {"atoms": "Li 0 0 0; H 0 0 1.6", "active": ACTIVE}},
            {"molecule": {"atoms": "Li 0 0 0; H 0 0 1.6", "active": {"electrons": 2, "orbitals": 3}}},
        ),
    },
}  # fmt: skip


def cases() -> Iterator[Any]:
    for kind, changes in KINDS.items():
        for path, (before, after) in changes.items():
            yield pytest.param(kind, before, after, id=f"{kind}: {path}")


@pytest.mark.parametrize(("kind", "before", "after"), list(cases()))
def test_another_value_of_a_setting_is_another_experiment(
    kind: str, before: dict[str, Any], after: dict[str, Any]
) -> None:
    if "molecule" in before:
        pytest.importorskip("pyscf")
    experiments = [
        Experiment.parse({"name": "test", "workload": {"kind": kind, **settings}}, base=FOLDER)
        for settings in (before, after)
    ]
    assert experiments[0].hash != experiments[1].hash
    assert experiments[0].execution_hash != experiments[1].execution_hash


def test_every_setting_of_every_kind_is_in_the_table() -> None:
    for kind, changes in KINDS.items():
        assert set(changes) == set(paths(workload_class(kind))) - {"file"}, kind  # another way to give the same
    assert {*KINDS, "circuit"} == set(workload_kinds())
