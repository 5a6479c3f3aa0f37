"""The workload ``maxcut``: part the nodes of a graph in two so that the edges between the parts weigh most."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator
from qiskit import QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.definition import base_folder
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.decoding import Rows, Search, best_answer, shot_values
from prefect_qpu.workloads.fixed_angles import Angles, fixed_angles
from prefect_qpu.workloads.graph import Graph, weighted_graph
from prefect_qpu.workloads.graph_files import read_graph
from prefect_qpu.workloads.graph_generators import generated_graph
from prefect_qpu.workloads.protocol import Answer, Encoding, Objective, Workload
from prefect_qpu.workloads.qaoa import AngleSpec, ZTerm, angle_values, angles_document, checked_angles, qaoa_state
from prefect_qpu.workloads.reduction import Reduced, ReductionSpec, reduced

OBSERVABLE = "cut"


def graph_from(value: Any, info: ValidationInfo) -> Graph:
    """The graph of a path, an edge list, a mapping with ``edges`` and ``nodes``, or the settings of a generator."""
    field = info.field_name or "graph"
    match value:
        case Graph():
            return value
        case str():
            return read_graph(base_folder(info) / value, field)
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
    improve: bool = False
    """Whether classical local search improves the sampled solutions; the comparison charges and labels it."""

    reduction: ReductionSpec | None = None
    """How the graph is made smaller before it is encoded; the solutions are those of the whole graph."""

    _angles: Angles = PrivateAttr()
    _reduced: Reduced | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _choose_angles(self) -> Self:
        self._reduced = reduced(self.graph, self.reduction) if self.reduction else None
        if not np.any(self.encoded.weights):
            expected = "a graph of which the reduction leaves something; it has solved this one"
            raise WorkloadError("reduction", given=self.reduction and self.reduction.method, expected=expected)
        given = self.angles
        self._angles = checked_angles(given, self.layers) if given else fixed_angles(self.encoded, self.layers)
        return self

    @property
    def encoded(self) -> Graph:
        """The graph whose node ``i`` is qubit ``i``."""
        return self._reduced.graph if self._reduced else self.graph

    def document(self) -> dict[str, Any]:
        """The graph and the angles themselves, whether they were read, generated or looked up."""
        return {
            "kind": self.kind,
            "graph": self.graph.document(),
            "layers": self.layers,
            "angles": angles_document(self._angles),
            **({"improve": True} if self.improve else {}),
            **({"reduction": self.reduction.model_dump()} if self.reduction else {}),
        }

    def encode(self) -> Encoding:
        """The QAOA circuit with the free parameters ``gamma[i]`` and ``beta[i]``, and the observable ``cut``."""
        return Encoding(
            circuit=qaoa_circuit(self.encoded, self.layers),
            observables={OBSERVABLE: cut_operator(self.encoded, self._reduced.offset if self._reduced else 0.0)},
            parameters=angle_values(self._angles),
            reduction=self._reduced.details if self._reduced else {},
        )

    def observable_names(self) -> set[str]:
        """``cut``."""
        return {OBSERVABLE}

    def objective(self) -> Objective:
        """The cut is to be large."""
        return Objective(OBSERVABLE, "maximize")

    def decode(self, bits: BitArray) -> Answer | None:
        """The largest cut among the shots, of equal ones the first in order of text; node 0 is always in part 0."""
        search = Search(
            sense="maximize",
            values=self.graph.cuts,
            count=self.graph.cut,
            climb=self._climb if self.improve else None,
            lift=self._lift,
            canonical=lambda rows: np.unique(rows ^ rows[:, :1], axis=0),
        )
        return best_answer(bits, self.encoded.nodes, search)

    def sample_values(self, bits: BitArray) -> NDArray[np.float64]:
        """The value of each shot."""
        return shot_values(bits, lambda rows: self.graph.cuts(self._lift(rows)))

    def _lift(self, rows: Rows) -> Rows:
        return self._reduced.lifted(rows) if self._reduced else rows

    def _climb(self, rows: Rows) -> Rows:
        from prefect_qpu.baselines.local_search import climb, weight_matrix

        return (climb(weight_matrix(self.graph), 1 - 2 * rows.astype(np.float64)) < 0).astype(np.uint8)


def qaoa_circuit(graph: Graph, layers: int) -> QuantumCircuit:
    """The QAOA state preparation: in each layer ``exp(-i gamma C)``, then ``exp(-i beta sum X)``, from all plus.

    ``C = sum w (1 - Z_u Z_v) / 2`` is the cut, so an edge is ``rzz(-gamma w)`` up to a global phase.
    """
    terms: list[ZTerm] = [((u, v), -weight / 2) for u, v, weight in graph.edges]
    return qaoa_state(graph.nodes, terms, layers)


def cut_operator(graph: Graph, offset: float = 0.0) -> SparsePauliOp:
    """The cut as an observable: ``offset + sum w (1 - Z_u Z_v) / 2``."""
    terms: list[tuple[str, list[int], float]] = [("", [], offset + float(graph.weights.sum()) / 2)]
    terms += [("ZZ", [u, v], -weight / 2) for u, v, weight in graph.edges]
    return SparsePauliOp.from_sparse_list(terms, num_qubits=graph.nodes)
