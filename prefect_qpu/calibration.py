"""`Calibration`: a device's properties at one time, as JSON data; from a backend, and back to a target."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from statistics import median
from typing import Annotated, Any, Self

import numpy as np
from pydantic import AwareDatetime, Field, ValidationError, model_validator
from qiskit.circuit import Delay, ForLoopOp, Gate, IfElseOp, Measure, Parameter, Reset, SwitchCaseOp, WhileLoopOp
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.providers import BackendV2, QubitProperties
from qiskit.transpiler import InstructionProperties, Target

from prefect_qpu.definition import Definition, Seconds, explain
from prefect_qpu.errors import BackendError, InputError
from prefect_qpu.hashing import content_hash

_CONTROL_FLOW = {"if_else": IfElseOp, "for_loop": ForLoopOp, "switch_case": SwitchCaseOp, "while_loop": WhileLoopOp}
_SPECIAL = {"measure": Measure(), "reset": Reset(), "delay": Delay(Parameter("t"))}

FIELD = "backend.calibration"
EXPECTED = "a calibration snapshot in JSON (Calibration.write makes one)"

Positive = Annotated[float, Field(gt=0)]


class QubitCalibration(Definition):
    """Coherence of one qubit."""

    t1: Positive | None = None
    """Seconds."""
    t2: Positive | None = None
    """Seconds."""
    frequency: float | None = None
    """Hertz."""


class InstructionCalibration(Definition):
    """One instruction on given qubits."""

    name: str
    qubits: tuple[int, ...] | None = None
    """Physical qubits in order; none for an instruction that acts anywhere."""
    duration: Seconds | None = None
    """Seconds."""
    error: Annotated[float, Field(ge=0, le=1)] | None = None
    """Average gate error; for a measurement, the probability of a wrong outcome."""


class Calibration(Definition):
    """A calibration snapshot: all that a noise model and a transpiler need to know of a device."""

    device: str
    version: str = ""
    taken_at: AwareDatetime | None = None
    """When the device was calibrated, in UTC."""
    num_qubits: int = Field(ge=1)
    dt: float | None = None
    """Sample time in seconds."""
    qubits: tuple[QubitCalibration, ...]
    instructions: tuple[InstructionCalibration, ...]
    control_flow: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _check(self) -> Self:
        if len(self.qubits) != self.num_qubits:
            raise BackendError("qubits", given=f"{len(self.qubits)} qubits", expected=f"num_qubits, {self.num_qubits}")
        seen: set[tuple[str, tuple[int, ...] | None]] = set()
        for index, item in enumerate(self.instructions):
            _check_instruction(item, f"instructions.{index}", self.num_qubits)
            if (item.name, item.qubits) in seen:
                raise BackendError(f"instructions.{index}", given=[item.name, item.qubits], expected="each once")
            seen.add((item.name, item.qubits))
        for name in set(self.control_flow) - set(_CONTROL_FLOW):
            raise BackendError("control_flow", given=name, expected=f"names among {', '.join(_CONTROL_FLOW)}")
        return self

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the content."""
        return content_hash(self.model_dump(mode="json"))

    @classmethod
    def from_backend(cls, backend: BackendV2) -> "Calibration":
        """The calibration that a Qiskit backend reports now."""
        target = backend.target
        properties = target.qubit_properties or [None] * target.num_qubits
        return cls(
            device=backend.name,
            version=str(backend.backend_version or ""),
            taken_at=_taken_at(backend),
            num_qubits=target.num_qubits,
            dt=_number(target.dt),
            qubits=tuple(_qubit(item) for item in properties),
            instructions=tuple(_instructions(target)),
            control_flow=tuple(sorted(set(target.operation_names) & set(_CONTROL_FLOW))),
        )

    @classmethod
    def read(cls, path: Path) -> "Calibration":
        """The calibration in a JSON file.

        Raises:
            BackendError: there is no such file, or it is not a calibration snapshot.
        """
        try:
            raw = path.read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise BackendError(FIELD, given=str(path), expected=EXPECTED, hint=f"{reason}.") from error
        return cls.parse(raw, shown=str(path))

    @classmethod
    def parse(cls, raw: bytes | str, *, shown: str) -> "Calibration":
        """The calibration in a JSON text.

        Args:
            raw: The text.
            shown: What an error message shows as given.

        Raises:
            BackendError: it is not a calibration snapshot.
        """
        try:
            return cls.model_validate_json(raw)
        except (ValidationError, InputError) as error:
            raise BackendError(FIELD, given=shown, expected=EXPECTED, hint=_problem(error)) from error

    def write(self, path: Path) -> None:
        """Save as a JSON file."""
        path.write_text(self.model_dump_json(indent=1))

    def age(self, now: datetime) -> float | None:
        """Seconds since the calibration, or none if its time is unknown."""
        return None if self.taken_at is None else (now - self.taken_at).total_seconds()

    def target(self, qubits: Iterable[int] | None = None, *, missing_readout_error: float | None = None) -> Target:
        """The transpiler target; of some qubits only, renumbered in the order given.

        Args:
            qubits: Physical qubits to keep; none keeps all.
            missing_readout_error: What stands for a readout error that the device did not report.
        """
        chosen = list(range(self.num_qubits) if qubits is None else qubits)
        position = {qubit: index for index, qubit in enumerate(chosen)}
        target = Target(
            num_qubits=len(chosen), dt=self.dt, qubit_properties=[_properties(self.qubits[qubit]) for qubit in chosen]
        )
        for name, calibrated in self._by_name().items():
            kept = {
                _renumbered(item.qubits, position): InstructionProperties(
                    item.duration, missing_readout_error if name == "measure" and item.error is None else item.error
                )
                for item in calibrated
                if item.qubits is None or all(qubit in position for qubit in item.qubits)
            }
            if kept:
                target.add_instruction(_operations()[name], kept if None not in kept else None, name=name)
        for name in self.control_flow:
            target.add_instruction(_CONTROL_FLOW[name], name=name)
        return target

    def summary(self) -> dict[str, Any]:
        """Medians over the device, for people: seconds, hertz and error probabilities."""
        two_qubit = [item for item in self.instructions if item.qubits is not None and len(item.qubits) == 2]
        return {
            "device": self.device,
            "hash": self.hash,
            "taken_at": self.taken_at.isoformat() if self.taken_at else None,
            "num_qubits": self.num_qubits,
            "median_t1": _median(qubit.t1 for qubit in self.qubits),
            "median_t2": _median(qubit.t2 for qubit in self.qubits),
            "median_readout_error": _median(item.error for item in self.instructions if item.name == "measure"),
            "median_two_qubit_error": _median(item.error for item in two_qubit),
            "two_qubit_gate": next((item.name for item in two_qubit), None),
        }

    def _by_name(self) -> dict[str, list[InstructionCalibration]]:
        grouped: dict[str, list[InstructionCalibration]] = {}
        for item in self.instructions:
            grouped.setdefault(item.name, []).append(item)
        return grouped


def _instructions(target: Target) -> Iterable[InstructionCalibration]:
    for name in sorted(set(target.operation_names) & set(_operations())):
        for qubits, properties in sorted((target[name] or {None: None}).items(), key=lambda item: item[0] or ()):
            yield InstructionCalibration(
                name=name,
                qubits=None if qubits is None else tuple(qubits),
                duration=_number(getattr(properties, "duration", None)),
                error=_number(getattr(properties, "error", None)),
            )


def _check_instruction(item: InstructionCalibration, field: str, num_qubits: int) -> None:
    if item.name not in _operations():
        raise BackendError(f"{field}.name", given=item.name, expected="the name of a standard gate of Qiskit")
    needed = _operations()[item.name].num_qubits
    if item.qubits is not None and not (
        len(item.qubits) == len(set(item.qubits)) == needed and all(0 <= qubit < num_qubits for qubit in item.qubits)
    ):
        expected = f"{needed} different qubits from 0 to {num_qubits - 1}"
        raise BackendError(f"{field}.qubits", given=list(item.qubits), expected=expected)


def _problem(error: ValidationError | InputError) -> str:
    """The first problem in a file, in one line."""
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return f"{first['msg']}."
        error = explain(error)
    return f"In it, {str(error).splitlines()[0]}"


def _renumbered(qubits: tuple[int, ...] | None, position: dict[int, int]) -> tuple[int, ...] | None:
    return None if qubits is None else tuple(position[qubit] for qubit in qubits)


def _qubit(properties: QubitProperties | None) -> QubitCalibration:
    return QubitCalibration(
        t1=_number(getattr(properties, "t1", None)),
        t2=_number(getattr(properties, "t2", None)),
        frequency=_number(getattr(properties, "frequency", None)),
    )


def _properties(qubit: QubitCalibration) -> QubitProperties:
    return QubitProperties(t1=qubit.t1, t2=qubit.t2, frequency=qubit.frequency)


@cache
def _operations() -> Mapping[str, Gate | Measure | Reset | Delay]:
    return {**get_standard_gate_name_mapping(), **_SPECIAL}


def _taken_at(backend: BackendV2) -> datetime | None:
    read = getattr(backend, "properties", None)
    properties = read() if callable(read) else None
    moment = getattr(properties, "last_update_date", None)
    if not isinstance(moment, datetime):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _number(value: Any) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
