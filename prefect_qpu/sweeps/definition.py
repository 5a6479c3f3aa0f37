"""`Sweep`: an experiment, and the axes along which it is varied."""

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from prefect_qpu.definition import Definition, Seconds, explain
from prefect_qpu.errors import ExperimentError, InputError
from prefect_qpu.experiment import Experiment
from prefect_qpu.hashing import content_hash
from prefect_qpu.loading import read_document
from prefect_qpu.sweeps.designs import Design, Grid, Sampled, Table, Zip, count
from prefect_qpu.sweeps.levels import Count, Levels
from prefect_qpu.sweeps.tables import read_columns

AnyDesign = Annotated[Grid | Zip | Sampled | Table, Field(discriminator="kind")]
PARAMETERS = "workload.parameters."
DESIGNS: Mapping[str, type[Design]] = {
    "grid": Grid,
    "zip": Zip,
    "random": Sampled,
    "latin_hypercube": Sampled,
    "sobol": Sampled,
    "table": Table,
}
_VARIED = ("shots", "seed", "replicate", "backend", "mitigation")
_PREFIXES = (PARAMETERS, "workload.", "transpile.")


_NAME = "^(shots|seed|replicate|backend|mitigation|workload[.].+|transpile[.].+)$"
_GivenAxes = Annotated[
    dict[Annotated[str, Field(pattern=_NAME)], Levels],
    Field(min_length=1, json_schema_extra={"additionalProperties": False}),
]
_GivenDesign = _GivenAxes | AnyDesign
"""What stands in a file: a design, or a mapping of axes, which is a grid."""


def _as_read(given: object) -> object:
    """What `Sweep.parse` has read: a path stands in files only."""
    return given


def _designs_of(given: object, info: ValidationInfo) -> object:
    """A mapping of axes as a grid, one design as a list of one."""
    if isinstance(given, Mapping):
        given = [given]
    if not isinstance(given, list | tuple):
        return given
    if not given or any(isinstance(item, Mapping) and not item for item in given):
        raise ExperimentError("axes", given=given, expected="at least one axis")
    return tuple(item if isinstance(item, Design) else _design_of(item, info) for item in given)


def _design_of(item: object, info: ValidationInfo) -> Design:
    if not isinstance(item, Mapping):
        raise ExperimentError("axes", given=item, expected="a mapping of axes, or a design")
    written = item if "kind" in item else {"kind": "grid", "axes": item}
    kind = DESIGNS.get(written["kind"]) if isinstance(written["kind"], str) else None
    if kind is None:
        raise ExperimentError("axes.kind", given=written["kind"], expected=f"one of {', '.join(DESIGNS)}")
    try:
        return kind.model_validate(written, context=info.context)
    except ValidationError as error:
        found = explain(error, model=kind)
        raise (found if found.field.split(".")[0] == "axes" else found.within("axes")) from error


def _known_keys(designs: tuple[Design, ...]) -> tuple[Design, ...]:
    for design in designs:
        for key in design.varied():
            check_key(key)
    return designs


def check_key(key: str) -> None:
    """Refuse an axis that changes no measured number.

    Raises:
        ExperimentError: names the axis, and what may be varied.
    """
    if key not in _VARIED and not (key.startswith(_PREFIXES) and all(key.split("."))):
        expected = f"one of {', '.join(_VARIED)}, or a key under workload or transpile"
        raise ExperimentError(f"axes.{key}", given=key, expected=expected)


class Approval(Definition):
    """Above which plan a person decides; none for no limit."""

    max_jobs: Count | None = None
    """Jobs at providers that charge."""
    max_seconds: Seconds | None = None
    """Estimated QPU seconds."""
    max_cost: Annotated[float, Field(ge=0)] | None = None
    """Estimated cost by the prices of the experiment, in their currency."""

    @model_validator(mode="before")
    @classmethod
    def _without_prices(cls, data: Any) -> Any:
        for key in ("price_per_second", "currency"):
            if isinstance(data, Mapping) and key in data:
                raise ExperimentError(
                    f"approval.{key}",
                    given=data[key],
                    expected="limits only",
                    hint="What providers charge stands in the experiment: "
                    "prices: {currency: USD, providers: {default: {per_qpu_second: 1.6}}}.",
                )
        return data


class Packing(Definition):
    """How points are put into jobs, beside what the backend allows."""

    in_flight: Annotated[int, Field(ge=1, le=1000)] = 5
    """Jobs that are out at once at one backend."""
    points_per_job: Count | None = None
    """Most points of one job; none means 2500 on a simulator, whose jobs die with their process, and no limit else."""


class Sweep(Definition):
    """An experiment and the axes along which it is varied.

    Example:
        >>> sweep = Sweep.parse({
        ...     "experiment": {"name": "rabi", "shots": 100, "seed": 1, "workload": {"kind": "circuit",
        ...         "qasm": "OPENQASM 3.0; input angle t; qubit[1] q; U(t, 0, 0) q[0];", "observables": {"z": "Z"}}},
        ...     "axes": {"workload.parameters.t": {"start": 0, "stop": 3, "count": 7}, "replicate": [0, 1]}})
        >>> sweep.name, sweep.count
        ('rabi', 14)
    """

    experiment: Annotated[Experiment, BeforeValidator(_as_read, json_schema_input_type=str | Experiment)]
    """What is varied, or the path of its file; values of parameters that are axes may be left out."""
    axes: Annotated[
        tuple[AnyDesign, ...],
        BeforeValidator(
            _designs_of, json_schema_input_type=_GivenDesign | Annotated[list[_GivenDesign], Field(min_length=1)]
        ),
        AfterValidator(_known_keys),
    ]
    """Designs, whose points are combined with one another; a mapping of axes is a grid."""
    title: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Name of the sweep; none means that of the experiment."""
    occasion: Annotated[str, Field(min_length=1, max_length=100)] | None = None
    """Points of another occasion are measured anew, although they are the same."""
    goal: Literal["maximize", "minimize"] | None = None
    """Which values of the observable are the best ones; none means the workload's objective."""
    observable: str | None = None
    """What is shown and ranked; none means the objective, or the first observable."""
    units: dict[str, str] = Field(default_factory=dict)
    """Unit of the values of an axis or an observable; circuit parameters are in rad if nothing else is said."""
    packing: Packing = Packing()
    approval: Approval = Approval()

    _source: Mapping[str, Any] | None = PrivateAttr(default=None)
    _base: Path = PrivateAttr(default_factory=Path)

    @property
    def name(self) -> str:
        """Name of the sweep."""
        return self.title or self.experiment.name

    @cached_property
    def count(self) -> int:
        """Number of points; they are not made for it."""
        return count(self.axes)

    @property
    def source(self) -> tuple[Mapping[str, Any], Path]:
        """The experiment as it was written, and the folder that its paths start from."""
        return self._source or self.experiment.document(), self._base

    @classmethod
    def parse(cls, data: Mapping[str, Any], *, base: Path | None = None) -> "Sweep":
        """The sweep of a definition as it stands in a file.

        Args:
            data: The definition; its experiment is a mapping, or the path of an experiment file.
            base: Folder that the paths in the definition start from; none means the current folder.

        Raises:
            InputError: the definition is malformed; nothing was made of its points.
        """
        folder = base or Path()
        written, place = _written(data.get("experiment"), folder)
        base_document = _with_swept_parameters(written, data.get("axes"), folder)
        try:
            sweep = cls.model_validate(
                {**data, "experiment": _experiment(base_document, place)}, context={"base": folder}
            )
        except ValidationError as error:
            raise explain(error) from error
        sweep._written_as(base_document, place)  # noqa: SLF001 - its own
        if sweep.observable is not None:
            _check_observable(sweep.observable, sweep.experiment)
        _ = sweep.count
        return sweep

    def on(self, occasion: str) -> "Sweep":
        """The same sweep on another occasion, so that its points are measured anew."""
        return self._changed(occasion=occasion)

    def with_backend(self, experiment: Experiment) -> "Sweep":
        """The same sweep of an experiment with what its blocks hold."""
        source = {**self.source[0], "backend": experiment.document()["backend"]}
        return self._changed(experiment=experiment, source=source)

    def _changed(self, *, source: Mapping[str, Any] | None = None, **changes: Any) -> "Sweep":
        changed = Sweep.model_validate({name: getattr(self, name) for name in type(self).model_fields} | changes)
        changed._written_as(source or self.source[0], self._base)  # noqa: SLF001 - its own
        return changed

    def _written_as(self, document: Mapping[str, Any], base: Path) -> None:
        self._source, self._base = document, base

    def document(self) -> dict[str, Any]:
        """The definition as plain JSON data; tables stand in it by content."""
        axes = [item.document() if isinstance(item, Table) else item.model_dump(mode="json") for item in self.axes]
        return self.model_dump(mode="json", exclude={"experiment", "axes"}) | {
            "experiment": self.experiment.document(),
            "axes": axes,
        }

    @cached_property
    def hash(self) -> str:
        """SHA-256 of what decides the points: two sweeps that only differ in how they are packed share it."""
        document = self.document()
        return content_hash({name: document[name] for name in ("experiment", "axes", "occasion")})


def read_sweep(path: Path, overrides: tuple[str, ...] | list[str] = ()) -> Sweep:
    """The sweep in a YAML or JSON file; paths in it are relative to the file.

    Args:
        path: The file.
        overrides: ``dotted.key=value`` each; the value is read as YAML.

    Raises:
        InputError: the file, a value in it or an override is not valid.

    Example:
        >>> from json import dumps
        >>> from tempfile import TemporaryDirectory
        >>> experiment = {"name": "check", "workload": {"kind": "ghz", "qubits": 3}}
        >>> document = {"experiment": experiment, "axes": {"shots": [100, 200]}}
        >>> with TemporaryDirectory() as folder:
        ...     file = Path(folder) / "sweep.json"
        ...     _ = file.write_text(dumps(document))
        ...     read_sweep(file, ["axes.replicate=[0, 1, 2]"]).count
        6
    """
    from prefect_qpu.loading import override

    return Sweep.parse(override(read_document(path), overrides), base=path.parent)


def _written(given: Any, base: Path) -> tuple[Mapping[str, Any], Path]:
    if isinstance(given, str):
        path = base / given
        return read_document(path), path.parent
    if isinstance(given, Experiment):
        return given.document(), base
    if not isinstance(given, Mapping):
        raise ExperimentError("experiment", given=given, expected="an experiment, or the path of an experiment file")
    return given, base


def _experiment(document: Mapping[str, Any], base: Path) -> Experiment:
    try:
        return Experiment.parse(document, base=base)
    except InputError as error:
        given = error.given if isinstance(error.given, list) else []
        if error.field == "workload.parameters" and given:
            raise ExperimentError(f"axes.{PARAMETERS}{given[0]}", given=given[0], expected=error.expected) from error
        raise error.within("experiment") from error


def _with_swept_parameters(document: Mapping[str, Any], axes: object, base: Path) -> dict[str, Any]:
    """The experiment with some value for each parameter that is varied, so that none need be given twice."""
    workload = document.get("workload")
    if not isinstance(workload, Mapping) or workload.get("kind") != "circuit":
        return dict(document)
    given = workload.get("parameters") or {}
    if not isinstance(given, Mapping):
        return dict(document)
    made: dict[str, Any] = {}
    for name, levels in _named_axes(axes, base):
        first = next(iter(levels), 0.0) if isinstance(levels, list | tuple) else 0.0
        vector = name.partition("[")[0]
        if name not in given and vector not in given:
            made[name] = [0.0] * len(first) if isinstance(first, list | tuple) else 0.0
    return {**document, "workload": {**workload, "parameters": {**given, **made}}} if made else dict(document)


def _named_axes(axes: object, base: Path) -> list[tuple[str, Any]]:
    """The parameters that are varied, with their levels where they are listed."""
    items = axes if isinstance(axes, list | tuple) else [axes]
    found = [pair for item in items for pair in _levels_in(item, base).items()]
    return [(str(key)[len(PARAMETERS) :], levels) for key, levels in found if str(key).startswith(PARAMETERS)]


def _levels_in(item: object, base: Path) -> Mapping[Any, Any]:
    if isinstance(item, Design):
        return dict.fromkeys(item.varied(), ())
    if not isinstance(item, Mapping):
        return {}
    if isinstance(item.get("file"), str):
        return read_columns(base / item["file"])
    inner = item.get("axes", item.get("rows", item))
    return inner if isinstance(inner, Mapping) else {}


def _check_observable(name: str, experiment: Experiment) -> None:
    names = experiment.workload.observable_names() or set(experiment.workload.encode().observables)
    if name not in names:
        raise ExperimentError("observable", given=name, expected=f"one of the observables {', '.join(sorted(names))}")
