"""`Experiment`: the frozen, validated, content-hashed definition of what to run."""

import json
import re
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    SerializeAsAny,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from qiskit import QuantumCircuit

from prefect_qpu.calibration import Calibration
from prefect_qpu.definition import Definition, Probability, Seconds, Seed, Shots, as_tuple, base_folder, explain
from prefect_qpu.errors import ExperimentError
from prefect_qpu.hashing import content_hash
from prefect_qpu.prices import PriceTable
from prefect_qpu.workloads import AnyKind, Workload, workload_from

BLOCK_REFERENCE = r"^[a-z0-9-]+/[^/]+$"

Answer = Literal["cached", "simulator", "classical"]
Approval = Literal["always", "on_doubt", "never"]
BeyondSimulation = Literal["hold", "waive"]


def _block_name(name: str) -> str:
    if not re.fullmatch(BLOCK_REFERENCE, name) or not name.isprintable():
        raise ValueError("<block type>/<block name>, for example aer-backend/manila")
    return name


class BlockReference(Definition):
    """A setting that lives in a Prefect block, by name."""

    block: Annotated[str, AfterValidator(_block_name), Field(json_schema_extra={"pattern": BLOCK_REFERENCE})]
    """``<block type slug>/<block document name>``, for example ``aer-backend/manila``."""


def _calibration_of(given: object, info: ValidationInfo) -> object:
    if isinstance(given, str):
        return Calibration.read(base_folder(info) / given)
    if isinstance(given, Mapping):
        return Calibration.parse(json.dumps(given), shown="a mapping")
    return given


class AerBackendSpec(Definition):
    """Qiskit Aer: ideal, or with the noise of a device."""

    kind: Literal["aer"] = "aer"
    device: str | None = None
    """Class name of a Qiskit fake device, for example ``FakeManilaV2``; its calibration makes the noise."""
    calibration: (
        Annotated[Calibration, BeforeValidator(_calibration_of, json_schema_input_type=str | Calibration)] | None
    ) = None
    """A calibration snapshot that makes the noise, instead of a device: the path of a JSON file, or its content."""
    method: str = "automatic"
    """Aer's simulation method."""

    @model_validator(mode="after")
    def _one_source_of_noise(self) -> Self:
        if self.device is not None and self.calibration is not None:
            raise ValueError("either a device or a calibration, not both")
        return self


class TranspileOptions(Definition):
    """Options of the transpiler; all others are Qiskit's defaults."""

    optimization_level: Annotated[int, Field(ge=0, le=3)] = 2
    initial_layout: Annotated[tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(as_tuple)] | None = None
    """Physical qubit of each circuit qubit, in order; none lets the transpiler choose."""
    routing_method: str | None = None
    seed: Seed | None = None
    """Seed of the transpiler; none means the experiment's seed."""

    @field_validator("initial_layout")
    @classmethod
    def _distinct(cls, layout: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if layout is not None and len(set(layout)) < len(layout):
            raise ValueError("each physical qubit at most once")
        return layout


def _json_data(options: dict[str, Any]) -> dict[str, Any]:
    try:
        content_hash(options)
    except (TypeError, ValueError):
        raise ValueError("JSON data in Unicode, without NaN and infinity") from None
    return options


def _one_line(name: str) -> str:
    if name != name.strip() or not name.isprintable():
        raise ValueError("one line of text without spaces at its ends")
    return name


def _option_text(value: object) -> str:
    return "+".join(map(_option_text, value)) if isinstance(value, list | tuple) else str(value)


class MethodSpec(Definition):
    """One mitigation method and its options.

    Example:
        >>> MethodSpec(method="zne", options={"readout": "none", "fit": ["linear", "exponential"]}).label
        'zne(fit=linear+exponential, readout=none)'
    """

    method: str
    options: Annotated[dict[str, Any], AfterValidator(_json_data)] = Field(default_factory=dict)
    name: Annotated[str, Field(min_length=1, max_length=60), AfterValidator(_one_line)] | None = None
    """What the estimates are called; none means the method and those options that were given."""

    @property
    def label(self) -> str:
        """The name under which estimates of this method are stored and shown."""
        given = ", ".join(f"{key}={_option_text(value)}" for key, value in sorted(self.options.items()))
        return self.name or (f"{self.method}({given})" if given else self.method)


class Promotion(Definition):
    """The gate's policy: what must hold before a job is paid for."""

    tolerance: Annotated[float, Field(gt=0)] = 0.05
    """Largest difference of two expectation values that counts as agreement, in units of the observable."""
    confidence: Probability = 0.95
    """One minus the level of every test."""
    looks: Annotated[int, Field(ge=1, le=100)] = 1
    """How often the gate is asked about the same experiment, until it promotes; the level is divided by it."""
    power: Probability = 0.999
    """Chance that a correct ideal simulation passes; sets its number of shots."""
    min_signal: Annotated[float, Field(ge=0, le=1)] = 0.05
    """Least part of the ideal signal that device noise may leave."""
    beat_trivial: bool = True
    """Whether the predicted value must beat the trivial guess (a fully mixed state)."""
    max_calibration_age: Seconds | None = None
    """Largest age of the calibration in seconds; none means a day on hardware and no limit on a simulator."""
    require_hypothesis: bool = False
    """Whether an experiment without a stated hypothesis is rejected."""
    approval: Approval = "on_doubt"
    """When a person decides: always, if a criterion is inconclusive, or never (doubt then rejects)."""
    beyond_simulation: BeyondSimulation = "hold"
    """What becomes of criteria that ask for a simulation which is too large: in doubt, or waived and labelled so."""
    max_depth: Annotated[int, Field(ge=1)] | None = None
    """Largest depth of a transpiled circuit."""
    max_two_qubit_gates: Annotated[int, Field(ge=0)] | None = None
    """Largest number of two-qubit gates of a transpiled circuit."""
    max_qubits: Annotated[int, Field(ge=1)] | None = None
    """Largest number of qubits of the encoded circuit."""
    max_parameters: Annotated[int, Field(ge=0)] | None = None
    """Largest number of free parameters of the encoded circuit."""
    max_payload_bytes: Annotated[int, Field(ge=1)] | None = None
    """Largest size of all transpiled circuits together, as QPY before compression."""


class Hypothesis(Definition):
    """What the experiment is expected to show."""

    statement: Annotated[str, Field(min_length=1)]
    observable: str
    range: Annotated[tuple[float, float], BeforeValidator(as_tuple)]
    """Lowest and highest expected value, in units of the observable."""

    @field_validator("range")
    @classmethod
    def _ordered(cls, bounds: tuple[float, float]) -> tuple[float, float]:
        if bounds[0] > bounds[1]:
            raise ValueError("the lower bound before the upper one")
        return bounds


class SubmissionPolicy(Definition):
    """How a job is bought and waited for; nothing here changes what is measured."""

    attempts: Annotated[int, Field(ge=1, le=100)] = 3
    """Jobs that may be bought for one request, where each earlier one failed by the provider's fault."""
    settle: Annotated[float, Field(gt=0)] = 600.0
    """Seconds for which a job may still appear at the provider after a sending whose answer was lost."""
    inline: Seconds = 60.0
    """Seconds for which a deployed run keeps its process while its job is out; then it is suspended."""
    deadline: Seconds | None = None
    """Seconds after the submission when the fallback answers instead; none waits for ever."""
    past_deadline: Literal["cancel", "keep"] = "cancel"
    """What becomes of a job past its deadline: cancelled, or kept and its result stored when it ends."""


class BaselineOptions(Definition):
    """How long the classical opponent may take."""

    time_limit: Annotated[float, Field(gt=0)] = 10.0
    """Wall seconds."""


def _method_of(entry: object) -> object:
    return {"method": entry} if isinstance(entry, str) else entry


def _methods_of(entries: object) -> object:
    return tuple(_method_of(entry) for entry in entries) if isinstance(entries, list | tuple) else entries


def _distinct_answers(answers: tuple[Answer, ...]) -> tuple[Answer, ...]:
    if len(set(answers)) < len(answers):
        raise ValueError("each source of an answer once")
    return answers


class Experiment(Definition):
    """What to run: a problem, a backend, shots, and how the answer is judged.

    Example:
        >>> experiment = Experiment.model_validate({
        ...     "name": "bell", "shots": 1000, "seed": 7,
        ...     "workload": {"kind": "circuit", "observables": {"zz": "ZZ"},
        ...                  "qasm": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];'}})
        >>> experiment.shots, experiment.mitigation[0].method
        (1000, 'raw')
    """

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_one_line)]
    workload: Annotated[SerializeAsAny[Workload], BeforeValidator(workload_from), AnyKind()]
    backend: Annotated[AerBackendSpec | BlockReference, Field(union_mode="left_to_right")] = AerBackendSpec()
    shots: Shots = 4096
    """Shots of each measured circuit."""
    seed: Seed | None = None
    """Seed of transpiler and simulators; none draws one for the run and records it."""
    transpile: TranspileOptions = TranspileOptions()
    mitigation: Annotated[
        tuple[MethodSpec, ...],
        BeforeValidator(_methods_of, json_schema_input_type=list[str | MethodSpec]),
        Field(min_length=1),
    ] = (MethodSpec(method="raw"),)
    promotion: Annotated[Promotion | BlockReference, Field(union_mode="left_to_right")] = Promotion()
    hypothesis: Hypothesis | None = None
    baseline: BaselineOptions = BaselineOptions()
    prices: Annotated[PriceTable | BlockReference | None, Field(union_mode="left_to_right")] = None
    """What the comparison charges for jobs, shots, QPU time and classical time; none leaves money out."""
    submission: SubmissionPolicy = SubmissionPolicy()
    fallback: Annotated[tuple[Answer, ...], BeforeValidator(as_tuple), AfterValidator(_distinct_answers)] = (
        "cached",
        "simulator",
        "classical",
    )
    """Where an answer may come from if the quantum path is refused or fails, in order; empty for nowhere."""
    replicate: Annotated[int, Field(ge=0)] | None = None
    """Number of this repetition: another number is another paid job, the same number never is."""

    @model_validator(mode="after")
    def _hypothesis_names_an_observable(self) -> Self:
        names = self.workload.observable_names()
        if self.hypothesis is not None and names is not None and self.hypothesis.observable not in names:
            raise ExperimentError(
                "hypothesis.observable",
                given=self.hypothesis.observable,
                expected=f"one of the observables {', '.join(sorted(names))}",
            )
        return self

    @classmethod
    def parse(
        cls,
        data: Mapping[str, Any],
        *,
        base: Path | None = None,
        circuits: Callable[[str], QuantumCircuit] | None = None,
    ) -> Self:
        """The experiment of a definition as it stands in a file, or of an experiment's `document`.

        Args:
            data: The definition.
            base: Folder that the paths in the definition start from; none means the current folder.
            circuits: Looks up a stored circuit by its hash.

        Raises:
            InputError: the definition is malformed; the message tells the dotted fields, what they hold and what is
                expected.

        Example:
            >>> Experiment.parse({"name": "bell", "workload": {"kind": "bell"}})  # doctest: +ELLIPSIS
            Traceback (most recent call last):
            prefect_qpu.errors.WorkloadError: workload.kind: got 'bell', expected one of circuit, ....
        """
        try:
            return cls.model_validate(data, context={"base": base or Path(), "circuits": circuits})
        except ValidationError as error:
            raise explain(error) from error

    def changed(self, **settings: Any) -> "Experiment":
        """The same experiment with other values of some settings, validated again."""
        return Experiment.model_validate({name: getattr(self, name) for name in type(self).model_fields} | settings)

    def document(self) -> dict[str, Any]:
        """The definition as plain JSON data with all defaults; what was read from files stands in it by content."""
        return self.model_dump(mode="json") | {"workload": self.workload.document()}

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the whole definition; paths do not count, the content of the files does."""
        return content_hash(self.document())

    @cached_property
    def execution_hash(self) -> str:
        """SHA-256 of what decides the measured numbers: two experiments that differ in their judgement share it."""
        judgement = {"name", "promotion", "hypothesis", "baseline", "prices", "submission", "fallback", "replicate"}
        return content_hash({key: value for key, value in self.document().items() if key not in judgement})
