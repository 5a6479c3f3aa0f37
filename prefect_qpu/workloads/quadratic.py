"""The workloads ``ising`` and ``qubo``: quadratic objectives of spins and of binary variables, by QAOA."""

from abc import abstractmethod
from collections.abc import Mapping
from functools import cached_property
from math import fsum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, Field, PrivateAttr, ValidationInfo, model_validator
from qiskit.primitives.containers import BitArray

from prefect_qpu.definition import base_folder
from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.decoding import Rows, Search, best_answer, shot_values
from prefect_qpu.workloads.fixed_angles import Angles
from prefect_qpu.workloads.protocol import Answer, Encoding, Objective, Sense, Workload
from prefect_qpu.workloads.qaoa import (
    AngleSpec,
    angle_values,
    angles_document,
    checked_angles,
    qaoa_state,
    ramp_angles,
)
from prefect_qpu.workloads.quadratic_files import BinaryMatrix, binary_matrix, read_json, read_matrix
from prefect_qpu.workloads.quadratic_form import MOST_VARIABLES, QuadraticForm, binary_form, spin_form

if TYPE_CHECKING:
    from prefect_qpu.baselines.protocol import Baseline, BaselineReport


class QuadraticWorkload(Workload):
    """A quadratic objective; qubit ``i`` is variable ``i``."""

    observable: ClassVar[str]

    sense: Sense = "minimize"
    """Whether the objective is to be small or large."""
    layers: Annotated[int, Field(ge=1, le=100)] = 1
    angles: AngleSpec | None = None
    """None takes the best ones for a single layer, and a linear ramp for more."""
    improve: bool = False
    """Whether classical local search improves the sampled solutions; the comparison charges and labels it."""

    _angles: Angles = PrivateAttr()

    @cached_property
    @abstractmethod
    def form(self) -> QuadraticForm:
        """The objective as a form of spins; the character 1 of a solution is a spin of -1."""

    @abstractmethod
    def value(self, solution: str) -> float:
        """The objective of one solution, from the problem as it was given."""

    @abstractmethod
    def problem(self) -> dict[str, Any]:
        """The objective as JSON data."""

    @model_validator(mode="after")
    def _choose_angles(self) -> Self:
        self._angles = checked_angles(self.angles, self.layers) if self.angles else self._best_known_angles()
        return self

    def _best_known_angles(self) -> Angles:
        from prefect_qpu.workloads.single_layer import affordable, best_angles

        if self.layers == 1 and affordable(self.form):
            return best_angles(self._gain)
        return ramp_angles(self._gain.terms, self.layers)

    @cached_property
    def _gain(self) -> QuadraticForm:
        """What is to be large."""
        return self.form if self.sense == "maximize" else self.form.negative()

    def document(self) -> dict[str, Any]:
        """The objective and the angles themselves."""
        return {
            "kind": self.kind,
            **self.problem(),
            "sense": self.sense,
            "layers": self.layers,
            "angles": angles_document(self._angles),
            "improve": self.improve,
        }

    def encode(self) -> Encoding:
        """The QAOA circuit with the free parameters ``gamma[i]`` and ``beta[i]``, and the objective."""
        return Encoding(
            circuit=qaoa_state(self.form.spins, self._gain.terms, self.layers),
            observables={self.observable: self.form.operator()},
            parameters=angle_values(self._angles),
        )

    def observable_names(self) -> set[str]:
        """The objective."""
        return {self.observable}

    def objective(self) -> Objective:
        """The objective, in its sense."""
        return Objective(self.observable, self.sense)

    def decode(self, bits: BitArray) -> Answer | None:
        """The best solution among the shots, improved by single flips if the workload says so."""
        search = Search(self.sense, self.form.values, self.value, self._climb if self.improve else None)
        return best_answer(bits, self.form.spins, search)

    def sample_values(self, bits: BitArray) -> NDArray[np.float64]:
        """The value of each shot."""
        return shot_values(bits, self.form.values)

    def _climb(self, rows: Rows) -> Rows:
        from prefect_qpu.baselines.local_search import climb, weight_matrix

        problem = self._gain.negative().cut_problem
        spins = climb(weight_matrix(problem.graph), 1 - 2 * problem.parts(rows).astype(np.float64))
        return problem.rows((spins < 0).astype(np.uint8), rows)

    def baselines(self, time_limit: float, seed: int) -> "BaselineReport":
        """The portfolio of MaxCut, on the graph that the objective is."""
        from prefect_qpu.baselines.quadratic import best_value

        return best_value(self, time_limit, seed)

    def check(self, baseline: "Baseline") -> None:
        """Recount the solution; prove the bound on the graph."""
        from prefect_qpu.baselines.quadratic import check_value

        check_value(self, baseline)


class IsingWorkload(QuadraticWorkload):
    """``constant + sum h_i Z_i + sum J_ij Z_i Z_j`` by QAOA; of a solution, the character 0 is a spin of +1.

    Example:
        >>> workload = IsingWorkload(couplings=[[0, 1, 1.0], [1, 2, 1.0], [0, 2, 1.0]], fields=[0.5, 0.0, 0.0])
        >>> workload.encode().circuit.num_qubits, workload.value("100")
        (3, -1.5)
    """

    observable = "energy"

    kind: Literal["ising"] = "ising"
    file: str | None = None
    """Path of a JSON file with ``fields``, ``couplings`` and ``constant``, instead of these keys."""
    fields: Annotated[float | list[float], Field(union_mode="left_to_right")] = 0.0
    """``h`` of each spin, or one number for all."""
    couplings: list[list[Any]] = Field(default_factory=list)
    """``[spin, spin, J]`` each."""
    spins: Annotated[int, Field(ge=1, le=MOST_VARIABLES)] | None = None
    """Number of spins; none takes those that the fields and couplings name."""
    constant: float = 0.0

    @model_validator(mode="before")
    @classmethod
    def _read(cls, given: Any, info: ValidationInfo) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("file"), str):
            return given
        inline = sorted({"fields", "couplings", "spins", "constant"} & set(given))
        if inline:
            raise WorkloadError("file", given=given["file"], expected=f"either file or {', '.join(inline)}")
        content = read_json(base_folder(info) / given["file"], "file")
        if not isinstance(content, Mapping) or not set(content) <= {"fields", "couplings", "spins", "constant"}:
            raise WorkloadError(
                "file", given=given["file"], expected="a JSON object of fields, couplings, spins and constant"
            )
        return {key: value for key, value in given.items() if key != "file"} | dict(content)

    @cached_property
    def form(self) -> QuadraticForm:
        """The fields and couplings."""
        return spin_form(self._each_field(), self.couplings, self.constant)

    def value(self, solution: str) -> float:
        """The energy of a solution."""
        return self.form.value(solution)

    def problem(self) -> dict[str, Any]:
        """Fields, couplings, constant."""
        form = self.form
        return {
            "fields": list(form.fields),
            "couplings": [list(coupling) for coupling in form.couplings],
            "spins": form.spins,
            "constant": form.constant,
        }

    def _each_field(self) -> list[float]:
        named = [spin for coupling in self.couplings for spin in coupling[:2] if type(spin) is int]
        listed = self.fields if isinstance(self.fields, list) else None
        spins = self.spins or (len(listed) if listed else max(named, default=-1) + 1)
        if not 1 <= spins <= MOST_VARIABLES:
            raise WorkloadError("couplings", given=f"{spins} spins", expected=f"from 1 to {MOST_VARIABLES} spins")
        if listed is not None and len(listed) != spins:
            raise WorkloadError("fields", given=f"{len(listed)} values", expected=f"one number, or {spins} numbers")
        return listed if listed is not None else [float(self.fields)] * spins  # type: ignore[arg-type]


def matrix_from(value: Any, info: ValidationInfo) -> BinaryMatrix:
    """The matrix of a path, of rows, or of a mapping of variables and entries."""
    field = info.field_name or "matrix"
    match value:
        case BinaryMatrix():
            return value
        case str():
            return read_matrix(base_folder(info) / value, field)
    return binary_matrix(value, field)


class QuboWorkload(QuadraticWorkload):
    """``constant + x'Qx`` over binary variables by QAOA; a solution has the values of the variables as characters.

    Example:
        >>> workload = QuboWorkload(matrix=[[-1, 2], [0, -1]])
        >>> [workload.value(x) for x in ("00", "10", "01", "11")]
        [0.0, -1.0, -1.0, 0.0]
    """

    observable = "value"

    kind: Literal["qubo"] = "qubo"
    matrix: Annotated[BinaryMatrix, BeforeValidator(matrix_from, json_schema_input_type=Any)]
    """Path of a file, rows, or ``{variables, entries}``."""
    constant: float = 0.0

    @cached_property
    def form(self) -> QuadraticForm:
        """The matrix as a form of spins ``1 - 2 x``."""
        return binary_form(self.matrix.variables, self.matrix.entries, self.constant)

    def value(self, solution: str) -> float:
        """The objective of a solution."""
        taken = (value for i, j, value in self.matrix.entries if solution[i] == solution[j] == "1")
        return fsum([self.constant, *taken])

    def problem(self) -> dict[str, Any]:
        """Matrix and constant."""
        return {"matrix": self.matrix.document(), "constant": self.constant}
