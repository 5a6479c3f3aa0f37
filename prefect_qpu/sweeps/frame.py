"""All points of a sweep as one tidy table: a row for each point, method and observable, with units in the names."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.records.sweeps import FAILED
from prefect_qpu.sweeps.plan import AnalysisUnit, Plan
from prefect_qpu.sweeps.points import KEY_BYTES

if TYPE_CHECKING:
    import pandas as pd

PARAMETERS = "workload.parameters."
DIMENSIONLESS, ANGLE = "1", "rad"


def frame(store: RecordStore, sweep: SweepRow | str) -> "pd.DataFrame":
    """The points of a sweep, one row for each point, method and observable; a point without estimates has one row.

    The columns are ``point`` (its place), ``key`` (its address), one for each axis, ``state``, ``method``,
    ``observable``, ``value``, ``stderr``, ``systematic``, ``exact``, ``error`` (value minus exact), ``deviations``
    (error in standard errors), ``shots used``, ``measured at``, ``job`` and ``reason`` (why there is no value), those
    that hold numbers with their units.

    Args:
        store: The record store.
        sweep: The execution, or what `prefect_qpu.records.sweeps.Sweeps.resolve` finds it by.

    Raises:
        RecordNotFoundError: there is no such sweep.

    Example:
        >>> from prefect_qpu.providers.aer import AerProvider
        >>> from prefect_qpu.sweeps.analysis import analyse_ready
        >>> from prefect_qpu.sweeps.definition import Sweep
        >>> from prefect_qpu.sweeps.members import backend_key
        >>> from prefect_qpu.sweeps.running import complete
        >>> from prefect_qpu.sweeps.starting import start
        >>> turned = 'OPENQASM 3.0; include "stdgates.inc"; input float alpha; qubit q; rx(alpha) q;'
        >>> workload = {"kind": "circuit", "qasm": turned, "observables": {"z": "Z"}}
        >>> experiment = {"name": "turn", "workload": workload, "shots": 100, "seed": 1}
        >>> axes = {"workload.parameters.alpha": [0.0, 3.141592653589793]}
        >>> sweep = Sweep.parse({"experiment": experiment, "axes": axes})
        >>> backend = sweep.experiment.backend
        >>> simulator = {backend_key(sweep.experiment.document()["backend"]): AerProvider(backend)}
        >>> store = RecordStore.open("sqlite://")
        >>> execution = start(store, sweep, simulator, run_id="one")
        >>> complete(execution, 0, sleep=lambda seconds: None)
        True
        >>> analyse_ready(execution, 0)
        ['points-00000']
        >>> frame(store, "turn")["value [1]"].tolist()
        [1.0, -1.0]
    """
    import pandas as pd

    row = store.sweeps.resolve(sweep) if isinstance(sweep, str) else sweep
    view = View(store, row)
    parts = [view.rows_of(owner) for owner in view.owners()]
    table = pd.concat([part for part in parts if len(part)], ignore_index=True) if any(map(len, parts)) else _empty()
    table = table.sort_values(["point [1]", "_row"], kind="stable", ignore_index=True).drop(columns="_row")
    coordinates = pd.DataFrame(view.coordinates())
    return coordinates.merge(table, on="point [1]", how="left") if len(coordinates) else table


def _empty() -> "pd.DataFrame":
    import pandas as pd

    return pd.DataFrame({"point [1]": np.zeros(0, dtype=np.int64), "_row": np.zeros(0, dtype=np.int64)})


class View:
    """A stored execution as its points are read: some are its own, others were bought before."""

    def __init__(self, store: RecordStore, row: SweepRow) -> None:
        self._store, self.row = store, row
        self.plan = Plan.from_document(store.sweeps.plan(row))
        self.arrays = store.submissions.parameters(row.arrays_hash)
        self._plans: dict[int, Plan] = {row.id: self.plan}
        self._values: dict[str, NDArray[np.float64]] = {}

    def owners(self) -> list[int]:
        """The executions that have bought points of this sweep; this one first."""
        return [self.row.id, *sorted({int(owner) for owner in self.arrays["owner"]} - {0, self.row.id})]

    def unit_of(self, key: str) -> str:
        """The unit of the values of an axis or an observable."""
        given: Mapping[str, str] = self.row.document.get("units", {})
        return given.get(key, given.get(label(key), ANGLE if key.startswith(PARAMETERS) else DIMENSIONLESS))

    def coordinates(self) -> dict[str, Any]:
        """The place, the address and the axes of each point, by the names of the columns."""
        keys = np.ascontiguousarray(self.arrays["key"]).view(f"V{KEY_BYTES}").ravel()
        named = {"point [1]": np.arange(self.plan.count), "key": [key.tobytes().hex() for key in keys]}
        parameters = self.parameters()
        for key, levels in self.plan.axes.items():
            values = parameters[key] if levels is None else _values(levels, self.arrays[f"axis {key}"])
            named[self.column(key)] = values
        return named

    def column(self, key: str) -> str:
        """Name of the column of an axis."""
        levels = self.plan.axes.get(key)
        numeric = levels is None or all(isinstance(level, int | float) for level in levels)
        return f"{label(key)} [{self.unit_of(key)}]" if numeric else label(key)

    def parameters(self) -> dict[str, Any]:
        """The values of the circuit parameters that are axes."""
        found: dict[str, Any] = {key: np.full(self.plan.count, np.nan) for key in self.plan.parameters}
        for owner in self.owners() if found else ():
            mine, places = self._places(owner)
            for key, column in found.items():
                values = self._bought_values(owner, label(key))[places]
                found[key] = _filled(column, mine, values)
        return found

    def rows_of(self, owner: int) -> "pd.DataFrame":
        """The rows of all points that one execution has bought."""
        import pandas as pd

        mine, places = self._places(owner)
        point_at = np.full(self._plan(owner).bought, -1, dtype=np.int64)
        point_at[places] = mine
        blocks = [block for block in _blocks(self._store, self._plan(owner), point_at) if len(block["point [1]"])]
        return pd.concat([pd.DataFrame(block) for block in blocks], ignore_index=True) if blocks else _empty()

    def _places(self, owner: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Which points of the sweep an execution has bought, and their places among those that it bought."""
        mine = np.flatnonzero(self.arrays["owner"] == (0 if owner == self.row.id else owner))
        return mine, self.arrays["place"][mine]

    def _plan(self, owner: int) -> Plan:
        if owner not in self._plans:
            self._plans[owner] = Plan.from_document(self._store.sweeps.plan(self._store.sweeps.by_id(owner)))
        return self._plans[owner]

    def _bought_values(self, owner: int, name: str) -> NDArray[np.float64]:
        """The values of a parameter, or of the elements of a vector, at the points that an execution has bought."""
        plan, found = self._plan(owner), {}
        for piece in plan.pieces:
            if piece.part == 0 and piece.values:  # noqa: PD011
                first = plan.groups[piece.group].first
                stored = self._stored(piece.values)
                found[first + piece.start, first + piece.stop] = _of_name(stored, name)
        width = max((values.shape[1] for values in found.values() if values.ndim == 2), default=0)
        whole = np.full((plan.bought, width) if width else plan.bought, np.nan)
        for (start, stop), values in found.items():
            whole[start:stop] = values
        return whole

    def _stored(self, values: str) -> Mapping[str, NDArray[Any]]:
        if values not in self._values:
            self._values[values] = self._store.submissions.parameters(values)  # type: ignore[assignment]
        return self._values[values]  # type: ignore[return-value]


def _filled(column: NDArray[Any], mine: NDArray[np.int64], values: NDArray[np.float64]) -> NDArray[Any]:
    """The column with the values of some points; those of a vector are lists."""
    if values.ndim == 1:
        column[mine] = values
        return column
    lists = column if column.dtype == object else np.full(len(column), None, dtype=object)
    for place, row in zip(mine.tolist(), values.tolist(), strict=True):
        lists[place] = row
    return lists


def label(key: str) -> str:
    """A short name of an axis."""
    return key.removeprefix(PARAMETERS)


def _of_name(stored: Mapping[str, NDArray[Any]], name: str) -> NDArray[np.float64]:
    if name in stored:
        return stored[name]
    elements = sorted(
        (key for key in stored if key.startswith(f"{name}[")), key=lambda key: int(key.partition("[")[2].rstrip("]"))
    )
    points = len(next(iter(stored.values())))
    return np.stack([stored[key] for key in elements], axis=-1) if elements else np.full(points, np.nan)


def _values(levels: list[Any], codes: NDArray[np.int64]) -> Any:
    shown = [level if isinstance(level, int | float | str) else _text(level) for level in levels]
    if all(isinstance(level, int | float) for level in shown):
        return np.asarray(shown)[codes]
    return np.array(shown, dtype=object)[codes]


def _text(level: Any) -> str:
    if isinstance(level, list | tuple):
        return "+".join(map(_text, level))
    return str(level.get("method", level)) if isinstance(level, Mapping) else str(level)


def _blocks(store: RecordStore, plan: Plan, point_at: NDArray[np.int64]) -> list[dict[str, Any]]:
    """The columns of each method and observable in each unit; of points that this sweep holds."""
    stages = {run.run_id: store.runs.stages(run.run_id) for run in plan.backends}
    blocks: list[dict[str, Any]] = []
    for unit in plan.units:
        group = plan.groups[unit.group]
        points = point_at[group.first + unit.start : group.first + unit.stop]
        backend = plan.backends[group.backend]
        document = stages[backend.run_id].get(unit.name)
        common = {
            "measured at": backend.name,
            "job": ", ".join(plan.jobs[plan.pieces[n].job].role for n in unit.pieces),
        }
        if document is None or document["arrays"] is None:
            failed = document["failed"] if document else _reason(plan, unit, stages[backend.run_id])
            blocks.append(_unmeasured(points, "failed" if document or failed else "planned", failed, common))
            continue
        blocks += _measured(store.submissions.parameters(document["arrays"]), document, points, common)
    return blocks


def _reason(plan: Plan, unit: AnalysisUnit, stages: Mapping[str, Mapping[str, Any]]) -> str:
    """Why points that were not analysed have no value, if a job of theirs was given up."""
    roles = [plan.jobs[plan.pieces[number].job].role for number in unit.pieces]
    return "; ".join(dict.fromkeys(stages[name]["reason"] for role in roles if (name := f"{FAILED}{role}") in stages))


def _unmeasured(points: NDArray[np.int64], state: str, reason: str, common: Mapping[str, Any]) -> dict[str, Any]:
    held = points[points >= 0]
    return {"point [1]": held, "_row": np.zeros(len(held), dtype=np.int64), "state": state, **common, "reason": reason}


def _measured(
    arrays: Mapping[str, NDArray[Any]],
    document: Mapping[str, Any],
    points: NDArray[np.int64],
    common: Mapping[str, Any],
) -> list[dict[str, Any]]:
    there, names = arrays["there"].astype(bool), document["observables"]
    held = np.flatnonzero((points >= 0) & there)
    lost = points[(points >= 0) & ~there]
    blocks = [_unmeasured(lost, "failed", document["failed"], common)] if len(lost) else []
    for place, (method, observable, shots) in enumerate(document["rows"]):
        value, stderr = arrays["value"][held, place], arrays["stderr"][held, place]
        exact = arrays["exact"][held, names.index(observable)] if "exact" in arrays else np.full(len(held), np.nan)
        reason = document["refused"].get(method, "")
        blocks.append(
            {
                "point [1]": points[held],
                "_row": np.full(len(held), place),
                "state": np.where(np.isnan(value), "refused", "measured"),
                "method": method,
                "observable": observable,
                "value [1]": value,
                "stderr [1]": stderr,
                "systematic [1]": arrays["systematic"][held, place] if "systematic" in arrays else np.nan,
                "exact [1]": exact,
                "error [1]": value - exact,
                "deviations [standard errors]": (value - exact) / stderr,
                "shots used [1]": shots,
                **common,
                "reason": np.where(np.isnan(value), reason, ""),
            }
        )
    return blocks
