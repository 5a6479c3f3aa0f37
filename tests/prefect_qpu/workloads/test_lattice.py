from typing import Any

import networkx as nx
import pytest

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.lattice import Lattice, named_lattice
from prefect_qpu.workloads.tfim import TfimWorkload


def graph(lattice: Lattice) -> nx.Graph:
    return nx.Graph(lattice.bonds)


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ({"lattice": "chain", "sites": 7}, nx.path_graph(7)),
        ({"lattice": "chain", "sites": 7, "periodic": True}, nx.cycle_graph(7)),
        ({"lattice": "ladder", "rungs": 5}, nx.ladder_graph(5)),
        ({"lattice": "ladder", "rungs": 5, "periodic": True}, nx.circular_ladder_graph(5)),
        ({"lattice": "square", "rows": 3, "columns": 4}, nx.grid_2d_graph(3, 4)),
        ({"lattice": "square", "rows": 3, "columns": 4, "periodic": True}, nx.grid_2d_graph(3, 4, periodic=True)),
        ({"lattice": "square", "rows": 2, "columns": 3, "periodic": True}, nx.circular_ladder_graph(3)),
        ({"lattice": "heavy_hex", "rows": 1, "columns": 1}, nx.cycle_graph(12)),
    ],
)
def test_a_family_is_the_known_graph(given: dict[str, Any], known: nx.Graph) -> None:
    lattice = named_lattice(given)
    assert lattice.sites == known.number_of_nodes()
    assert nx.is_isomorphic(graph(lattice), known)


def test_a_heavy_hex_lattice_has_few_neighbours_and_long_rings() -> None:
    lattice = graph(named_lattice({"lattice": "heavy_hex", "rows": 2, "columns": 2}))
    assert {degree for _, degree in lattice.degree} == {2, 3}
    assert {len(ring) for ring in nx.minimum_cycle_basis(lattice)} == {12}
    assert len(nx.minimum_cycle_basis(lattice)) == 4


@pytest.mark.parametrize("name", ["ladder", "square", "heavy_hex"])
def test_bonds_of_a_colour_have_no_common_site_and_sides_alternate(name: str) -> None:
    extents = {"rungs": 4} if name == "ladder" else {"rows": 2, "columns": 3}
    lattice = named_lattice({"lattice": name, **extents})
    for colour in lattice.colours:
        ends = [site for number in colour for site in lattice.bonds[number]]
        assert len(ends) == len(set(ends))
    assert sorted(number for colour in lattice.colours for number in colour) == list(range(len(lattice.bonds)))
    assert all(lattice.sides[u] != lattice.sides[v] for u, v in lattice.bonds)


@pytest.mark.parametrize(
    ("lattice", "told"),
    [
        ({"lattice": "cube", "sites": 3}, "lattice.lattice: got 'cube', expected one of chain, ladder"),
        ({"lattice": "chain"}, "lattice.sites: got nothing, expected an integer from 1"),
        ({"lattice": "chain", "sites": 1}, "lattice: got '1 sites', expected from 2"),
        ({"lattice": "chain", "sites": 4, "rows": 2}, "got ['rows'], expected the keys sites and periodic of a chain"),
        ({"lattice": "chain", "sites": 4, "periodic": "yes"}, "lattice.periodic: got 'yes', expected true or false"),
        ({"lattice": "heavy_hex", "rows": 1, "columns": 1, "periodic": True}, "expected false, for a heavy-hex"),
        ({"lattice": "square", "rows": 40, "columns": 40}, "got '1600 sites'"),
        ({"sites": 3, "bonds": [[0, 1]]}, "no way from site 0 to site 2"),
        ({"sites": 3, "bonds": [[0, 3]]}, "lattice.bonds: got [0, 3], expected two different sites from 0 to 2"),
        (7, "expected {lattice: chain or ladder or square or heavy_hex, ...} or {sites, bonds}"),
    ],
)  # fmt: skip
def test_a_malformed_lattice_is_refused_by_name(lattice: Any, told: str) -> None:
    with pytest.raises(WorkloadError) as caught:
        TfimWorkload(lattice=lattice)
    assert told in str(caught.value)
