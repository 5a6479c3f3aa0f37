"""Lattices of spins: sites, bonds, and bonds that can act at once."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import ValidationInfo

from prefect_qpu.errors import WorkloadError

MOST_SITES = 1000
_SMALLEST_RING = 3

Bond = tuple[int, int]


@dataclass(frozen=True)
class Lattice:
    """Sites called 0, 1, ... and bonds between them, by which all sites hang together."""

    sites: int
    bonds: tuple[Bond, ...]
    """Smaller site, larger site; ascending."""

    def document(self) -> dict[str, Any]:
        """The lattice as JSON data."""
        return {"sites": self.sites, "bonds": [list(bond) for bond in self.bonds]}

    @property
    def is_chain(self) -> bool:
        """Whether it is an open chain whose sites are numbered along it."""
        return self.bonds == tuple((site, site + 1) for site in range(self.sites - 1))

    @cached_property
    def colours(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the bonds by colour: those of one colour have no common site; even and odd bonds of a chain.

        Example:
            >>> named_lattice({"lattice": "chain", "sites": 4}).colours
            ((0, 2), (1,))
        """
        used: dict[int, int] = defaultdict(int)
        groups: dict[int, list[int]] = defaultdict(list)
        for number, (u, v) in enumerate(self.bonds):
            taken = used[u] | used[v]
            first_free = ~taken & (taken + 1)
            used[u] |= first_free
            used[v] |= first_free
            groups[first_free.bit_length()].append(number)
        return tuple(tuple(groups[colour]) for colour in sorted(groups))

    @cached_property
    def sides(self) -> tuple[int, ...]:
        """0 or 1 for each site, different at the two ends of a bond wherever the lattice allows it."""
        neighbours: dict[int, list[int]] = defaultdict(list)
        for u, v in self.bonds:
            neighbours[u].append(v)
            neighbours[v].append(u)
        sides, waiting = {0: 0}, [0]
        while waiting:
            site = waiting.pop()
            for other in neighbours[site]:
                if other not in sides:
                    sides[other] = 1 - sides[site]
                    waiting.append(other)
        return tuple(sides[site] for site in range(self.sites))


def lattice_from(value: Any, info: ValidationInfo) -> Lattice | None:
    """The lattice of a family's name with its extents, or of ``{sites, bonds}``; none stays none."""
    field = info.field_name or "lattice"
    match value:
        case None | Lattice():
            return value
        case Mapping() if "lattice" in value:
            return named_lattice(value, field)
        case Mapping() if set(value) == {"sites", "bonds"} and isinstance(value["bonds"], list | tuple):
            return _checked(_extent(value, "sites", field), value["bonds"], field)
    raise WorkloadError(field, given=value, expected=f"{{lattice: {' or '.join(FAMILIES)}, ...}} or {{sites, bonds}}")


def named_lattice(given: Mapping[str, Any], field: str = "lattice") -> Lattice:
    """The lattice of a family.

    Raises:
        WorkloadError: there is no such family, or its extents are missing, unknown or too large.

    Example:
        >>> named_lattice({"lattice": "ladder", "rungs": 2}).bonds
        ((0, 1), (0, 2), (1, 3), (2, 3))
    """
    name = given["lattice"]
    if name not in FAMILIES:
        raise WorkloadError(f"{field}.lattice", given=name, expected=f"one of {', '.join(FAMILIES)}")
    extents, make = FAMILIES[name]
    unknown = sorted(set(given) - {"lattice", "periodic", *extents})
    if unknown:
        expected = f"the keys {', '.join(extents)} and periodic of a {name}"
        raise WorkloadError(field, given=unknown, expected=expected)
    periodic = given.get("periodic", False)
    if not isinstance(periodic, bool) or (periodic and name == "heavy_hex"):
        expected = "false, for a heavy-hex lattice" if name == "heavy_hex" else "true or false"
        raise WorkloadError(f"{field}.periodic", given=periodic, expected=expected)
    sites, bonds = make(periodic, *(_extent(given, extent, field) for extent in extents))
    return _checked(sites, bonds, field)


def _extent(given: Mapping[str, Any], name: str, field: str) -> int:
    extent = given.get(name)
    if isinstance(extent, bool) or not isinstance(extent, int) or not 1 <= extent <= MOST_SITES:
        raise WorkloadError(f"{field}.{name}", given=extent, expected=f"an integer from 1 to {MOST_SITES}")
    return extent


Shape = tuple[int, Iterable[Bond]]


def _chain(periodic: bool, sites: int) -> Shape:  # noqa: FBT001
    return _grid(periodic, 1, sites)


def _ladder(periodic: bool, rungs: int) -> Shape:  # noqa: FBT001
    """Site ``2 r`` and ``2 r + 1`` are rung ``r``."""
    bonds = [(2 * rung, 2 * rung + 1) for rung in range(rungs)]
    bonds += [(2 * rung + leg, 2 * rung + leg + 2) for rung in range(rungs - 1) for leg in (0, 1)]
    if periodic and rungs >= _SMALLEST_RING:
        bonds += [(leg, 2 * rungs - 2 + leg) for leg in (0, 1)]
    return 2 * rungs, bonds


def _grid(periodic: bool, rows: int, columns: int) -> Shape:  # noqa: FBT001
    """Site ``row * columns + column``; a side of less than three sites does not close."""
    bonds = []
    for row in range(rows):
        for column in range(columns):
            site = row * columns + column
            if column + 1 < columns or (periodic and columns >= _SMALLEST_RING):
                bonds.append((site, row * columns + (column + 1) % columns))
            if row + 1 < rows or (periodic and rows >= _SMALLEST_RING):
                bonds.append((site, (row + 1) % rows * columns + column))
    return rows * columns, bonds


def _heavy_hex(periodic: bool, rows: int, columns: int) -> Shape:  # noqa: ARG001, FBT001
    """Hexagons in rows and columns, with a further site in the middle of each edge; as on IBM's processors."""
    from networkx import hexagonal_lattice_graph

    hexagons = hexagonal_lattice_graph(rows, columns)
    corners = {corner: number for number, corner in enumerate(sorted(hexagons.nodes))}
    bonds = []
    for middle, (first, second) in enumerate(sorted(map(sorted, hexagons.edges)), start=len(corners)):
        bonds += [(corners[first], middle), (corners[second], middle)]
    return len(corners) + len(hexagons.edges), bonds


FAMILIES: Mapping[str, tuple[tuple[str, ...], Callable[..., Shape]]] = {
    "chain": (("sites",), _chain),
    "ladder": (("rungs",), _ladder),
    "square": (("rows", "columns"), _grid),
    "heavy_hex": (("rows", "columns"), _heavy_hex),
}


def _checked(sites: int, bonds: Iterable[Any], field: str) -> Lattice:
    if not 2 <= sites <= MOST_SITES:
        raise WorkloadError(field, given=f"{sites} sites", expected=f"from 2 to {MOST_SITES} sites")
    found: set[Bond] = set()
    for index, bond in enumerate(bonds):
        if not _is_bond(bond, sites):
            expected = f"two different sites from 0 to {sites - 1}"
            raise WorkloadError(f"{field}.bonds", given=bond, expected=expected, hint=f"Bond {index}.")
        found.add((min(bond), max(bond)))
    lattice = Lattice(sites, tuple(sorted(found)))
    _require_connected(lattice, field)
    return lattice


def _is_bond(bond: Any, sites: int) -> bool:
    if not isinstance(bond, list | tuple) or len(bond) != 2 or bond[0] == bond[1]:
        return False
    return all(isinstance(site, int) and not isinstance(site, bool) and 0 <= site < sites for site in bond)


def _require_connected(lattice: Lattice, field: str) -> None:
    groups = list(range(lattice.sites))

    def root(site: int) -> int:
        while groups[site] != site:
            site = groups[site]
        return site

    for u, v in lattice.bonds:
        groups[root(u)] = root(v)
    loose = [site for site in range(lattice.sites) if root(site) != root(0)]
    if loose:
        expected = "bonds by which all sites hang together"
        raise WorkloadError(f"{field}.bonds", given=f"no way from site 0 to site {loose[0]}", expected=expected)
