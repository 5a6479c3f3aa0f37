"""A quadratic objective in one form, spins: fields, couplings, a constant; and the MaxCut problem that it is."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import WorkloadError
from prefect_qpu.hashing import content_hash
from prefect_qpu.workloads.graph import MOST_NODES, Edge, Graph
from prefect_qpu.workloads.qaoa import ZTerm, diagonal_operator

MOST_VARIABLES = MOST_NODES - 1
"""One node of the graph stands for the fields."""


@dataclass(frozen=True)
class QuadraticForm:
    """``constant + sum h_i s_i + sum J_ij s_i s_j`` of spins that are +1 for the character 0 and -1 for 1."""

    fields: tuple[float, ...]
    couplings: tuple[Edge, ...]
    """Smaller spin, larger spin, ``J``; ascending, none of them 0."""
    constant: float = 0.0

    @property
    def spins(self) -> int:
        """Number of spins."""
        return len(self.fields)

    @property
    def terms(self) -> list[ZTerm]:
        """The form without its constant, as products of Z."""
        single: list[ZTerm] = [((spin,), field) for spin, field in enumerate(self.fields) if field]
        return single + [((u, v), weight) for u, v, weight in self.couplings]

    def operator(self) -> SparsePauliOp:
        """The form as an observable."""
        return diagonal_operator(self.spins, self.terms, self.constant)

    def value(self, assignment: str) -> float:
        """The form's value.

        Example:
            >>> QuadraticForm((1.0, 0.0), ((0, 1, -2.0),)).value("01")
            3.0
        """
        spins = [1 - 2 * int(character) for character in assignment]
        linear = (field * spin for field, spin in zip(self.fields, spins, strict=True))
        return fsum([self.constant, *linear, *(weight * spins[u] * spins[v] for u, v, weight in self.couplings)])

    def values(self, rows: NDArray[np.uint8]) -> NDArray[np.float64]:
        """`value` of each row of zeros and ones."""
        spins = 1.0 - 2.0 * rows
        matrix = np.zeros((self.spins, self.spins))
        for u, v, weight in self.couplings:
            matrix[u, v] = weight
        found: NDArray[np.float64] = np.einsum("si,si->s", spins @ matrix, spins) + spins @ np.array(self.fields)
        return found + self.constant

    @property
    def hash(self) -> str:
        """SHA-256 of the form."""
        return content_hash([list(self.fields), [list(edge) for edge in self.couplings], self.constant])

    def negative(self) -> "QuadraticForm":
        """The form with the other sign."""
        couplings = tuple((u, v, -weight) for u, v, weight in self.couplings)
        return QuadraticForm(tuple(-field or 0.0 for field in self.fields), couplings, -self.constant or 0.0)

    @cached_property
    def cut_problem(self) -> "CutProblem":
        """The graph whose largest cut is the form's smallest value."""
        return CutProblem.of(self)


@dataclass(frozen=True)
class CutProblem:
    """A quadratic form as MaxCut (Hammer 1965): a further node 0 stands for a spin that is +1, its edges for fields.

    ``J s_u s_v`` is ``J`` where the edge is not cut and ``-J`` where it is, so the form is ``offset - 2 cut``.
    """

    graph: Graph
    nodes: tuple[int | None, ...]
    """The node of each spin; none for a spin that changes nothing."""
    offset: float
    """The form's value of an empty cut."""

    @classmethod
    def of(cls, form: QuadraticForm) -> "CutProblem":
        """The problem of a form."""
        edges = [(0, spin + 1, field) for spin, field in enumerate(form.fields) if field]
        edges += [(u + 1, v + 1, weight) for u, v, weight in form.couplings]
        labels = sorted({node for u, v, _ in edges for node in (u, v)})
        numbers = {label: number for number, label in enumerate(labels)}
        numbered = tuple(sorted((numbers[u], numbers[v], weight) for u, v, weight in edges))
        nodes = tuple(numbers.get(spin + 1) for spin in range(form.spins))
        return cls(Graph(len(labels), numbered), nodes, fsum([form.constant, *(weight for _, _, weight in edges)]))

    @property
    def has_origin(self) -> bool:
        """Whether node 0 stands for the fields; without fields there is none."""
        return 0 not in self.nodes

    def value(self, cut: float) -> float:
        """The form's value of a cut."""
        return self.offset - 2 * cut

    def assignment(self, parts: str) -> str:
        """One character for each spin, from one for each node."""
        first = parts[0]
        return "".join("0" if node is None or parts[node] == first else "1" for node in self.nodes)

    def parts(self, rows: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part of each node, from rows of zeros and ones for the spins."""
        parts = np.zeros((len(rows), self.graph.nodes), dtype=np.uint8)
        for spin, node in enumerate(self.nodes):
            if node is not None:
                parts[:, node] = rows[:, spin]
        return parts

    def rows(self, parts: NDArray[np.uint8], like: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The other way round; a spin that changes nothing stays as it was."""
        rows = like.copy()
        turned = parts ^ parts[:, :1] if self.has_origin else parts
        for spin, node in enumerate(self.nodes):
            if node is not None:
                rows[:, spin] = turned[:, node]
        return rows


def spin_form(fields: Sequence[float], couplings: Iterable[Sequence[Any]], constant: float = 0.0) -> QuadraticForm:
    """The form of Ising fields and couplings ``[spin, spin, J]``; several couplings of one pair add up.

    Raises:
        WorkloadError: a coupling is malformed, or names a spin that has no field.

    Example:
        >>> spin_form([0.5, 0.0], [[1, 0, 2]]).couplings
        ((0, 1, 2.0),)
    """
    summed: dict[tuple[int, int], float] = defaultdict(float)
    for index, coupling in enumerate(couplings):
        u, v, weight = _entry(coupling, len(fields), "couplings", f"Coupling {index}.")
        if u == v:
            hint = f"Coupling {index}. The square of a spin is 1: add it to constant."
            raise WorkloadError("couplings", given=list(coupling), expected="two different spins", hint=hint)
        summed[min(u, v), max(u, v)] += weight
    return _form([float(field) for field in fields], summed, constant)


def binary_form(variables: int, entries: Iterable[Sequence[Any]], constant: float = 0.0) -> QuadraticForm:
    """The form of ``constant + x'Qx`` over 0 and 1, from entries ``[row, column, value]`` of ``Q``, which add up.

    Raises:
        WorkloadError: an entry is malformed.

    Example:
        >>> form = binary_form(2, [[0, 0, -1], [0, 1, 3]])
        >>> [form.value(x) for x in ("00", "10", "01", "11")]
        [0.0, -1.0, 0.0, 2.0]
    """
    fields = [0.0] * variables
    summed: dict[tuple[int, int], float] = defaultdict(float)
    shift = [constant]
    for index, entry in enumerate(entries):
        row, column, value = _entry(entry, variables, "matrix", f"Entry {index}.")
        part = value / 2 if row == column else value / 4
        shift.append(part)
        for variable in {row, column}:
            fields[variable] -= part
        if row != column:
            summed[min(row, column), max(row, column)] += part
    return _form(fields, summed, fsum(shift))


def _form(fields: list[float], summed: dict[tuple[int, int], float], constant: float) -> QuadraticForm:
    couplings = tuple((u, v, weight) for (u, v), weight in sorted(summed.items()) if weight)
    if not couplings and not any(fields):
        raise WorkloadError("", given="an objective that is constant", expected="a field or a coupling that is not 0")
    if not all(map(isfinite, (*fields, constant, *(weight for *_, weight in couplings)))):
        raise WorkloadError("", given="sums that overflow", expected="finite numbers")
    return QuadraticForm(tuple(fields), couplings, constant)


def _entry(entry: Any, variables: int, field: str, place: str) -> tuple[int, int, float]:
    if not isinstance(entry, list | tuple) or len(entry) != 3:
        raise WorkloadError(field, given=entry, expected="[variable, variable, number]", hint=place)
    u, v, value = entry
    if any(isinstance(node, bool) or not isinstance(node, int) or not 0 <= node < variables for node in (u, v)):
        raise WorkloadError(field, given=entry, expected=f"variables from 0 to {variables - 1}", hint=place)
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise WorkloadError(field, given=entry, expected="a finite number at the end", hint=place)
    return u, v, float(value)
