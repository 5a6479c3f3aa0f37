"""Points: each with an address of its own, and in groups that differ in nothing but the values of arrays."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit

from prefect_qpu.circuits import circuit_hash
from prefect_qpu.errors import ExperimentError, InputError
from prefect_qpu.experiment import Experiment, MethodSpec
from prefect_qpu.hashing import canonical_json, content_hash
from prefect_qpu.loading import backend_setting
from prefect_qpu.mitigation import Measurement, check_methods, provider_options
from prefect_qpu.observables import group_terms
from prefect_qpu.sweeps.definition import PARAMETERS, Sweep
from prefect_qpu.sweeps.designs import product
from prefect_qpu.sweeps.levels import Column

MOST_GROUPS = 5_000
"""Experiments that differ in more than circuit parameters; each is checked, transpiled and planned by itself."""
KEY_BYTES = 16
LAST_REPLICATE = 2**53 - 1
"""Above it, addresses could not tell two replicates apart: a float has no more digits."""

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True)
class Problem:
    """What a workload became, once for all groups that share it."""

    circuit: QuantumCircuit
    circuit_hash: str
    measurement: Measurement
    parameters: Mapping[str, float]
    """The experiment's own value of each free parameter."""


@dataclass(frozen=True)
class Group:
    """Points that differ in circuit parameters and replicates only."""

    experiment: Experiment
    """What all of them have in common; it has no replicate."""
    problem: Problem
    settings: Mapping[str, Any]
    """The values of those axes that are not arrays."""
    indices: Integers
    """Places of the points in the sweep."""
    parameters: Mapping[str, Floats]
    """The value of each free parameter at each point; empty where the circuit has none."""
    replicates: Integers

    def __len__(self) -> int:
        return len(self.indices)

    def content(self, occasion: str | None) -> dict[str, Any]:
        """All that decides the counts of a point, but its arrays."""
        experiment = self.experiment
        return {
            "circuit": self.problem.circuit_hash,
            "observables": _weights(self.problem.measurement),
            "parameters": sorted(self.parameters),
            "backend": experiment.document()["backend"],
            "shots": experiment.shots,
            "seed": experiment.seed,
            "transpile": experiment.transpile.model_dump(mode="json"),
            "mitigation": [spec.model_dump(mode="json") for spec in experiment.mitigation],
            "occasion": occasion,
        }

    def keys(self, occasion: str | None) -> NDArray[np.bytes_]:
        """The address of each point: 16 bytes of BLAKE2b over the common content, the values and the replicate."""
        common = content_hash(self.content(occasion)).encode()
        values = (
            np.stack([self.parameters[name] for name in sorted(self.parameters)], axis=-1)
            if self.parameters
            else (np.zeros((len(self), 0)))
        )
        # Zero has two signs, which mean the same angle.
        rows = np.concatenate([values + 0.0, self.replicates[:, None].astype(float)], axis=1).astype("<f8")
        raw, width = rows.tobytes(), rows.shape[1] * 8
        digests = [
            hashlib.blake2b(raw[start : start + width], digest_size=KEY_BYTES, key=common[:64]).digest()
            for start in range(0, len(raw), width)
        ]
        return np.array(digests, dtype=f"S{KEY_BYTES}") if digests else np.zeros(0, dtype=f"S{KEY_BYTES}")


@dataclass(frozen=True)
class Points:
    """All points of a sweep."""

    columns: Mapping[str, Column]
    """The value of each axis at each point."""
    groups: tuple[Group, ...]
    keys: NDArray[np.void]
    """The address of each point."""

    def __len__(self) -> int:
        return len(self.keys)


def expand(sweep: Sweep) -> Points:
    """The points of a sweep, of which no two are equal.

    An experiment is validated once for each group, never for a single point.

    Raises:
        InputError: an axis has no such values, names no parameter of the circuit, or two points are equal.

    Example:
        >>> sweep = Sweep.parse({
        ...     "experiment": {"name": "rabi", "shots": 100, "seed": 1, "workload": {"kind": "circuit",
        ...         "qasm": "OPENQASM 3.0; input angle t; qubit[1] q; U(t, 0, 0) q[0];", "observables": {"z": "Z"}}},
        ...     "axes": {"shots": [100, 200], "workload.parameters.t": {"start": 0, "stop": 3, "count": 7}}})
        >>> points = expand(sweep)
        >>> len(points), [len(group) for group in points.groups]
        (14, [7, 7])
    """
    base = _Problems(sweep)
    vectors = _vectors(base.of(sweep.experiment))
    columns = product([design.elements(vectors) for design in sweep.axes])
    arrays = {key for key in columns if key.startswith(PARAMETERS) or key == "replicate"}
    members = _members({key: column for key, column in columns.items() if key not in arrays}, sweep.count)
    groups = tuple(
        _group(sweep, base, {key: columns[key] for key in arrays}, settings, indices) for settings, indices in members
    )
    keys = np.zeros(sweep.count, dtype=f"V{KEY_BYTES}")
    for group in groups:
        keys[group.indices] = group.keys(sweep.occasion).view(f"V{KEY_BYTES}")
    _check_distinct(keys)
    return Points(columns, groups, keys)


class _Problems:
    """The problem of each workload, encoded once."""

    def __init__(self, sweep: Sweep) -> None:
        self._sweep = sweep
        self._known: dict[int, tuple[Any, Problem]] = {}

    def of(self, experiment: Experiment) -> Problem:
        """What the workload of an experiment became."""
        workload = experiment.workload
        if id(workload) not in self._known:
            encoding = workload.encode()
            measurement = Measurement(encoding.observables, tuple(group_terms(encoding.observables)))
            values = {name: float(value) for name, value in encoding.parameters.items()}
            made = Problem(encoding.circuit, circuit_hash(encoding.circuit), measurement, values)
            self._known[id(workload)] = workload, made
        return self._known[id(workload)][1]


def _vectors(problem: Problem) -> dict[str, list[str]]:
    """The axes of the elements of each vector of parameters, by the axis of the whole vector."""
    found: dict[str, list[str]] = {}
    for name in problem.parameters:
        vector, bracket, _ = name.partition("[")
        if bracket:
            found.setdefault(PARAMETERS + vector, []).append(PARAMETERS + name)
    return found


def _members(columns: Mapping[str, Column], count: int) -> list[tuple[dict[str, Any], Integers]]:
    """The points of each combination of settings, in the order in which the combinations first appear."""
    code = np.zeros(count, dtype=np.int64)
    for column in columns.values():
        # Equal levels are one setting, wherever they stand.
        distinct: dict[str, int] = {}
        same = np.array([distinct.setdefault(canonical_json(level), len(distinct)) for level in column.levels])
        code = np.unique(code * len(distinct) + same[column.codes], return_inverse=True)[1]
    combinations, first, member = np.unique(code, return_index=True, return_inverse=True)
    if len(combinations) > MOST_GROUPS:
        raise ExperimentError(
            "axes",
            given=f"{len(combinations):,} experiments that differ in more than circuit parameters and replicates",
            expected=f"at most {MOST_GROUPS:,}",
        )
    order = np.argsort(member, kind="stable")
    cut = np.split(order, np.cumsum(np.bincount(member))[:-1])
    return [
        ({key: column.levels[column.codes[first[place]]] for key, column in columns.items()}, cut[place])
        for place in np.argsort(first)
    ]


def _group(
    sweep: Sweep, problems: _Problems, arrays: Mapping[str, Column], settings: dict[str, Any], indices: Integers
) -> Group:
    experiment = _experiment(sweep, settings)
    check_methods(experiment.mitigation)
    check_one_job(experiment.mitigation)
    problem = problems.of(experiment)
    replicates: Integers = np.full(len(indices), experiment.replicate or 0, dtype=np.int64)
    values: dict[str, Floats] = {name: np.full(len(indices), value) for name, value in problem.parameters.items()}
    varied: set[str] = set()
    for key, column in sorted(arrays.items(), key=lambda item: item[0]):
        if key == "replicate":
            replicates = _replicates(column)[indices]
        else:
            own = _assigned(key, Column(column.levels, column.codes[indices]), problem)
            for name in varied.intersection(own):
                raise ExperimentError(f"axes.{key}", given=name, expected="each parameter in one axis only")
            varied |= own.keys()
            values |= own
    return Group(experiment.changed(replicate=None), problem, settings, indices, values, replicates)


def check_one_job(methods: Sequence[MethodSpec]) -> None:
    """Refuse methods that need a job of their own: the points of a sweep share jobs.

    Raises:
        ExperimentError: names the method.
    """
    for index, spec in enumerate(methods):
        if provider_options(spec) or spec.options.get("allocation") == "pilot":
            raise ExperimentError(
                f"mitigation.{index}",
                given=spec.label,
                expected="a method without a pilot and without options of the provider",
                hint="The points of a sweep share jobs.",
            )


def _experiment(sweep: Sweep, settings: Mapping[str, Any]) -> Experiment:
    """The experiment with other settings; its workload is read again only if the settings are about it."""
    if not settings:
        return sweep.experiment
    document, base = sweep.source
    changed: dict[str, Any] = dict(document)
    if not any(key.startswith("workload.") for key in settings):
        changed["workload"] = sweep.experiment.workload
    for key, value in settings.items():
        _set(changed, key.split("."), _setting(key, value))
    circuit = sweep.experiment.workload.encode().circuit
    try:
        return Experiment.parse(changed, base=base, circuits=lambda _: circuit)
    except InputError as error:
        raise error.within("axes") from error


def _setting(key: str, value: Any) -> Any:
    if key == "backend" and isinstance(value, str):
        return backend_setting(value)
    if key == "mitigation" and not isinstance(value, list | tuple):
        return [value]
    if key in {"shots", "seed"} and isinstance(value, float) and value.is_integer():
        return int(value)
    if key.startswith("transpile.") and isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def _set(document: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set a value under a dotted key, in copies of the mappings on its way."""
    *parents, last = path
    for parent in parents:
        inner = document.get(parent)
        document[parent] = dict(inner) if isinstance(inner, Mapping) else {}
        document = document[parent]
    document[last] = value


def _replicates(column: Column) -> Integers:
    for level in column.levels:
        whole = not isinstance(level, bool) and isinstance(level, int | float) and level == int(level)
        if not whole or not 0 <= level <= LAST_REPLICATE:
            expected = f"an integer from 0 to {LAST_REPLICATE}"
            raise ExperimentError("axes.replicate", given=level, expected=expected)
    return np.asarray(column.levels).astype(np.int64)[column.codes]


def _assigned(key: str, column: Column, problem: Problem) -> dict[str, Floats]:
    """The arrays of the parameters that an axis is about: one, or all elements of a vector."""
    name = key[len(PARAMETERS) :]
    if name in problem.parameters:
        for level in column.levels:
            if not _is_number(level):
                raise ExperimentError(f"axes.{key}", given=level, expected="a number")
        return {name: column.numbers()}
    elements = [item for item in problem.parameters if item.startswith(f"{name}[")]
    if not elements:
        known = ", ".join(problem.parameters) or "it has none"
        raise ExperimentError(f"axes.{key}", given=name, expected=f"one of the circuit's free parameters ({known})")
    for level in column.levels:
        if not isinstance(level, list | tuple) or len(level) != len(elements) or not all(map(_is_number, level)):
            raise ExperimentError(
                f"axes.{key}", given=level, expected=f"one number for each of the {len(elements)} elements of {name}"
            )
    table = np.asarray(column.levels, dtype=float)[column.codes]
    places = [int(item.partition("[")[2].rstrip("]")) for item in elements]
    rank = {place: index for index, place in enumerate(sorted(places))}
    return {item: table[:, rank[place]] for item, place in zip(elements, places, strict=True)}


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _check_distinct(keys: NDArray[np.void]) -> None:
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    again = np.flatnonzero(first[inverse] != np.arange(len(keys)))
    if len(again):
        place = int(again[0])
        raise ExperimentError(
            "axes",
            given=f"{len(again)} points twice, the first two of them at places {first[inverse[place]]} and {place}",
            expected="each point once",
            hint="Repetitions have different values of `replicate`.",
        )


def _weights(measurement: Measurement) -> dict[str, Any]:
    return dict(sorted(measurement.document()["observables"].items()))
