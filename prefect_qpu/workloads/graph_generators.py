"""Generated graphs: families of networkx, drawn from a seed."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import Field, ValidationError, model_validator

from prefect_qpu.definition import Definition, Seed, explain
from prefect_qpu.errors import InputError, WorkloadError
from prefect_qpu.workloads.graph import MOST_NODES, Graph, weighted_graph

Nodes = Annotated[int, Field(ge=2, le=MOST_NODES)]
Side = Annotated[int, Field(ge=1, le=MOST_NODES)]

_SMALLEST_TORUS = 3


class Generator(Definition, ABC):
    """A family of graphs with its parameters."""

    generator: str
    weights: Literal["unit", "signs"] = "unit"
    """All 1, or +1 and -1 with equal chance."""
    seed: Seed | None = None
    """Of the edges and of the signs."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.weights == "signs" and self.seed is None:
            raise WorkloadError("seed", given=None, expected="an integer from 0, since the signs are drawn")
        self._refuse()
        return self

    def _refuse(self) -> None:
        """Raise a `WorkloadError` where parameters contradict each other."""

    @property
    @abstractmethod
    def _size(self) -> int:
        """Number of nodes."""

    @abstractmethod
    def _pairs(self) -> Iterable[tuple[int, int]]:
        """The edges."""

    def graph(self, field: str = "graph") -> Graph:
        """The graph; the same parameters give the same graph."""
        pairs = sorted((min(pair), max(pair)) for pair in self._pairs())
        signs = np.random.default_rng(self.seed).choice([-1.0, 1.0], len(pairs)).tolist()
        weights = signs if self.weights == "signs" else [1.0] * len(pairs)
        return weighted_graph(
            [[u, v, weight] for (u, v), weight in zip(pairs, weights, strict=True)], nodes=self._size, field=field
        )


class RandomRegular(Generator):
    """A graph drawn uniformly from those whose every node has the same number of edges."""

    generator: Literal["random_regular"] = "random_regular"
    degree: Annotated[int, Field(ge=1)]
    nodes: Nodes
    seed: Seed

    @property
    def _size(self) -> int:
        return self.nodes

    def _refuse(self) -> None:
        if self.nodes <= self.degree:
            raise WorkloadError("nodes", given=self.nodes, expected=f"more nodes than the degree, {self.degree}")
        if self.degree * self.nodes % 2:
            given = f"degree {self.degree} and {self.nodes} nodes"
            raise WorkloadError(
                "", given=given, expected="an even product of degree and nodes (each edge has two ends)"
            )

    def _pairs(self) -> Iterable[tuple[int, int]]:
        from networkx import random_regular_graph

        edges: Iterable[tuple[int, int]] = random_regular_graph(self.degree, self.nodes, self.seed).edges
        return edges


class ErdosRenyi(Generator):
    """A graph in which each pair of nodes has an edge with the same probability."""

    generator: Literal["erdos_renyi"] = "erdos_renyi"
    nodes: Nodes
    probability: Annotated[float, Field(gt=0, le=1)]
    seed: Seed

    @property
    def _size(self) -> int:
        return self.nodes

    def _pairs(self) -> Iterable[tuple[int, int]]:
        from networkx import gnp_random_graph

        edges: Iterable[tuple[int, int]] = gnp_random_graph(self.nodes, self.probability, self.seed).edges
        return edges


class Cycle(Generator):
    """A ring."""

    generator: Literal["cycle"] = "cycle"
    nodes: Annotated[int, Field(ge=3, le=MOST_NODES)]

    @property
    def _size(self) -> int:
        return self.nodes

    def _pairs(self) -> Iterable[tuple[int, int]]:
        return ((node, (node + 1) % self.nodes) for node in range(self.nodes))


class Complete(Generator):
    """All pairs of nodes."""

    generator: Literal["complete"] = "complete"
    nodes: Nodes

    @property
    def _size(self) -> int:
        return self.nodes

    def _pairs(self) -> Iterable[tuple[int, int]]:
        return ((u, v) for v in range(self.nodes) for u in range(v))


class Grid(Generator):
    """A rectangle of nodes, each joined to its neighbours; node ``row * columns + column``."""

    generator: Literal["grid"] = "grid"
    rows: Side
    columns: Side
    periodic: bool = False
    """Whether opposite sides are joined."""

    @property
    def _size(self) -> int:
        return self.rows * self.columns

    def _refuse(self) -> None:
        if not 2 <= self._size <= MOST_NODES:
            raise WorkloadError("", given=f"{self._size} nodes", expected=f"2 to {MOST_NODES} nodes")
        if self.periodic and min(self.rows, self.columns) < _SMALLEST_TORUS:
            given = f"{self.rows} rows and {self.columns} columns"
            raise WorkloadError("", given=given, expected=f"at least {_SMALLEST_TORUS} of each if periodic")

    def _pairs(self) -> Iterable[tuple[int, int]]:
        for row, column in np.ndindex(self.rows, self.columns):
            for down, right in ((1, 0), (0, 1)):
                if self.periodic or (row + down < self.rows and column + right < self.columns):
                    other = (row + down) % self.rows * self.columns + (column + right) % self.columns
                    yield row * self.columns + column, other


_FAMILIES: dict[str, type[Generator]] = {
    "random_regular": RandomRegular,
    "erdos_renyi": ErdosRenyi,
    "cycle": Cycle,
    "complete": Complete,
    "grid": Grid,
}


def generated_graph(settings: Mapping[str, Any], field: str = "graph") -> Graph:
    """The graph that settings with the key ``generator`` describe.

    Raises:
        InputError: there is no such family, or its parameters do not fit.

    Example:
        >>> generated_graph({"generator": "cycle", "nodes": 3}).edges
        ((0, 1, 1.0), (0, 2, 1.0), (1, 2, 1.0))
    """
    family = _FAMILIES.get(str(settings["generator"]))
    if family is None:
        raise WorkloadError(
            f"{field}.generator", given=settings["generator"], expected=f"one of {', '.join(_FAMILIES)}"
        )
    try:
        generator = family.model_validate(settings)
    except ValidationError as error:
        raise explain(error, field) from error
    except InputError as error:
        raise error.within(field) from error
    return generator.graph(field)
