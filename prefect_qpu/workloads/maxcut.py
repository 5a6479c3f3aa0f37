"""The workload ``maxcut``: part the nodes of a graph in two so that the edges between the parts weigh most."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator
from qiskit import QuantumCircuit
from qiskit.circuit import ParameterVector
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import Definition, as_tuple
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.fixed_angles import Angles, fixed_angles
from prefect_qpu.workloads.graph import Edge, Graph, weighted_graph
from prefect_qpu.workloads.graph_files import read_graph
from prefect_qpu.workloads.graph_generators import generated_graph
from prefect_qpu.workloads.protocol import Answer, Encoding, Objective, Workload

OBSERVABLE = "cut"

Radians = Annotated[tuple[float, ...], BeforeValidator(as_tuple)]


class AngleSpec(Definition):
    """QAOA angles in radians, one for each layer."""

    gamma: Radians
    beta: Radians


def graph_from(value: Any, info: ValidationInfo) -> Graph:
    """The graph of a path, an edge list, a mapping with ``edges`` and ``nodes``, or the settings of a generator."""
    field = info.field_name or "graph"
    match value:
        case Graph():
            return value
        case str():
            return read_graph(Path((info.context or {}).get("base") or ".") / value, field)
        case Mapping() if "generator" in value:
            return generated_graph(value, field)
        case Mapping() if "edges" in value and set(value) <= {"edges", "nodes"}:
            return weighted_graph(value["edges"], nodes=_node_count(value.get("nodes"), field), field=field)
        case list() | tuple():
            return weighted_graph(value, field=field)
    raise WorkloadError(
        field,
        given=value,
        expected="a path, a list of edges, a mapping of edges and nodes, or a mapping with generator",
    )


def _node_count(nodes: Any, field: str) -> int | None:
    if nodes is None or (isinstance(nodes, int) and not isinstance(nodes, bool)):
        return nodes
    raise WorkloadError(f"{field}.nodes", given=nodes, expected="the number of nodes")


class MaxCutWorkload(Workload):
    """MaxCut by QAOA (Farhi, Goldstone and Gutmann 2014, https://arxiv.org/abs/1411.4028); qubit ``i`` is node ``i``.

    Example:
        >>> workload = MaxCutWorkload(graph={"generator": "random_regular", "degree": 3, "nodes": 8, "seed": 1})
        >>> workload.encode().circuit.num_qubits, workload.objective()
        (8, Objective(observable='cut', sense='maximize'))
    """

    kind: Literal["maxcut"] = "maxcut"
    graph: Annotated[Graph, BeforeValidator(graph_from, json_schema_input_type=Any)]
    """Path of a file, edge list, ``{edges, nodes}``, or ``{generator, ...}``."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    angles: AngleSpec | None = None
    """None takes fixed angles for the graph's degree, with ``gamma`` divided by the mean absolute weight."""

    _angles: Angles = PrivateAttr()

    @model_validator(mode="after")
    def _choose_angles(self) -> Self:
        self._angles = self._given_angles(self.angles) if self.angles else fixed_angles(self.graph, self.layers)
        return self

    def _given_angles(self, given: AngleSpec) -> Angles:
        for name, values in (("gamma", given.gamma), ("beta", given.beta)):
            if len(values) != self.layers:
                expected = f"one value for each of the {self.layers} layers"
                raise WorkloadError(f"angles.{name}", given=list(values), expected=expected)
        return Angles(given.gamma, given.beta)

    def document(self) -> dict[str, Any]:
        """The graph and the angles themselves, whether they were read, generated or looked up."""
        return {
            "kind": self.kind,
            "graph": self.graph.document(),
            "layers": self.layers,
            "angles": {"gamma": [*map(float, self._angles.gamma)], "beta": [*map(float, self._angles.beta)]},
        }

    def encode(self) -> Encoding:
        """The QAOA circuit with the free parameters ``gamma[i]`` and ``beta[i]``, and the observable ``cut``."""
        values = {f"gamma[{layer}]": value for layer, value in enumerate(self._angles.gamma)}
        values |= {f"beta[{layer}]": value for layer, value in enumerate(self._angles.beta)}
        return Encoding(
            circuit=qaoa_circuit(self.graph, self.layers),
            observables={OBSERVABLE: cut_operator(self.graph)},
            parameters={name: np.asarray(value, dtype=float) for name, value in values.items()},
        )

    def observable_names(self) -> set[str]:
        """``cut``."""
        return {OBSERVABLE}

    def objective(self) -> Objective:
        """The cut is to be large."""
        return Objective(OBSERVABLE, "maximize")

    def decode(self, bits: BitArray) -> Answer | None:
        """The largest cut among the shots, of equal ones the first in order of text; node 0 is always in part 0."""
        if bits.num_bits != self.graph.nodes:
            raise WorkloadError(
                "counts", given=f"{bits.num_bits} bits", expected=f"{self.graph.nodes} bits, one a node"
            )
        sampled = _assignments(bits)
        if not len(sampled):
            return None
        cuts = self.graph.cuts(sampled)
        best = sampled[np.isclose(cuts, cuts.max(), rtol=1e-12)]
        solution = min("".join(map(str, row)) for row in best)
        return Answer(self.graph.cut(solution), solution, "best of the sampled solutions")


def qaoa_circuit(graph: Graph, layers: int) -> QuantumCircuit:
    """The QAOA state preparation: in each layer ``exp(-i gamma C)``, then ``exp(-i beta sum X)``, from all plus.

    ``C = sum w (1 - Z_u Z_v) / 2`` is the cut, so an edge is ``rzz(-gamma w)`` up to a global phase, and the mixer is
    ``rx(2 beta)``. The edges of a layer commute; those without a common node stand together, which makes it shallow.
    """
    gamma, beta = ParameterVector("gamma", layers), ParameterVector("beta", layers)
    circuit = QuantumCircuit(graph.nodes)
    circuit.h(range(graph.nodes))
    for layer in range(layers):
        for u, v, weight in _parallel(graph.edges):
            circuit.rzz(-weight * gamma[layer], u, v)
        circuit.rx(2 * beta[layer], range(graph.nodes))
    return circuit


def cut_operator(graph: Graph) -> SparsePauliOp:
    """The cut as an observable: ``sum w (1 - Z_u Z_v) / 2``."""
    terms: list[tuple[str, list[int], float]] = [("", [], float(graph.weights.sum()) / 2)]
    terms += [("ZZ", [u, v], -weight / 2) for u, v, weight in graph.edges]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=graph.nodes)


def _parallel(edges: Sequence[Edge]) -> list[Edge]:
    """The edges, ordered by a greedy edge colouring."""
    colours: dict[Edge, int] = {}
    used: dict[int, int] = defaultdict(int)
    for edge in edges:
        u, v, _ = edge
        taken = used[u] | used[v]
        first_free = ~taken & (taken + 1)
        used[u] |= first_free
        used[v] |= first_free
        colours[edge] = first_free.bit_length()
    return sorted(edges, key=lambda edge: (colours[edge], edge))


def _assignments(bits: BitArray) -> NDArray[np.uint8]:
    """The different sampled parts of each node, node 0 first and always in part 0."""
    rows = np.unique(bits.array.reshape(-1, bits.array.shape[-1]), axis=0)
    unpacked = np.unpackbits(rows, axis=-1)[:, ::-1][:, : bits.num_bits]
    different: NDArray[np.uint8] = np.unique(unpacked ^ unpacked[:, :1], axis=0)
    return different
