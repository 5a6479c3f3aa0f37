"""One point again: the same circuits, shots, methods and backend, as a job of its own, beside what was measured."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.errors import RecordNotFoundError
from prefect_qpu.jobs import complete, intend
from prefect_qpu.jobs import counts as counts_of_role
from prefect_qpu.mitigation import make_pub
from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.run import Run
from prefect_qpu.sweeps.combining import Combined, combined_points, joined
from prefect_qpu.sweeps.frame import View
from prefect_qpu.sweeps.plan import AnalysisUnit, Plan
from prefect_qpu.sweeps.running import Execution, Providers, resume

FAR = 5.0
"""Standard errors by which two values of the same point hardly ever differ."""


@dataclass(frozen=True)
class Found:
    """A measured point in the execution that has bought it."""

    owner: SweepRow
    place: int
    point: int
    """Its number in the sweep that was asked for."""
    key: str


def find_point(store: RecordStore, sweep: SweepRow, given: str) -> Found:
    """The point of a sweep with this number, or whose key begins so.

    Raises:
        RecordNotFoundError: there is none, or there are several.
    """
    view = View(store, sweep)
    keys = [row.tobytes().hex() for row in view.arrays["key"]]
    matches = [int(given)] if given.isdecimal() and int(given) < len(keys) else _beginning(keys, given)
    if len(matches) != 1:
        hint = f"Give a number below {len(keys)}, or the first characters of a key that only one point has."
        raise RecordNotFoundError("point", given, hint)
    (point,) = matches
    owner = int(view.arrays["owner"][point]) or sweep.id
    return Found(store.sweeps.by_id(owner), int(view.arrays["place"][point]), point, keys[point])


def repeat(
    store: RecordStore, found: Found, providers: Providers, *, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any]:
    """The estimates of a point, before and again, as JSON data; the new job is bought under the old run.

    Args:
        store: The record store.
        found: The point.
        providers: Where each backend setting leads.
        sleep: Waits for the job.

    Raises:
        RecordNotFoundError: the point was not measured.
        ProviderError: the job gives no counts.
    """
    execution = resume(store, found.owner, providers)
    unit = _unit_of(execution.plan, found.place)
    run = execution.group_run(unit.group)
    before = run.stage(unit.name)
    if before is None or before["arrays"] is None:
        raise RecordNotFoundError("measured point", str(found.point), "It has to be measured before it is repeated.")
    number = 1 + sum(name.startswith(f"again-{found.key}-") for name in run.store.submissions.states(run.id))
    role = f"again-{found.key}-{number}"
    pubs, units = _pubs(execution, unit, found.place)
    row = intend(run, role, pubs, seed=_seed(execution, unit))
    complete(run, role, sleep=sleep)
    combined = _combined(run, role, execution, unit, units)
    rows = _compared(store, before, combined, found, unit, execution.plan)
    return {
        "point": found.point,
        "key": found.key,
        "seed": row.seed,
        "job": store.submissions.get(row.id).job_id,
        "estimates": rows,
        "agrees": all(abs(item["standard_errors"]) <= FAR for item in rows),
    }


def _beginning(keys: list[str], given: str) -> list[int]:
    return [place for place, key in enumerate(keys) if given and key.startswith(given)]


def _unit_of(plan: Plan, place: int) -> AnalysisUnit:
    for unit in plan.units:
        first = plan.groups[unit.group].first
        if first + unit.start <= place < first + unit.stop:
            return unit
    raise RecordNotFoundError("point", str(place))


def _seed(execution: Execution, unit: AnalysisUnit) -> int:
    return execution.plan.jobs[execution.plan.pieces[unit.pieces[0]].job].seed


def _pubs(execution: Execution, unit: AnalysisUnit, place: int) -> tuple[list[SamplerPub], list[int]]:
    """The PUBs of one point, and which circuit of the point each of them is."""
    group, store = execution.plan.groups[unit.group], execution.store
    values: dict[str, Any] = {}
    for number in unit.pieces:
        piece = execution.plan.pieces[number]
        index = place - group.first - piece.start
        if piece.values and 0 <= index < piece.stop - piece.start:
            stored = store.submissions.parameters(piece.values)
            values = {name: array[index] for name, array in stored.items()}
    entries = [entry for part in group.parts for entry in part]
    circuits = store.circuits.get_many([group.units[entry.unit].circuit for entry in entries])
    pubs = [make_pub(circuit, entry.shots, values) for circuit, entry in zip(circuits, entries, strict=True)]
    return pubs, [entry.unit for entry in entries]


def _combined(run: Run, role: str, execution: Execution, unit: AnalysisUnit, units: list[int]) -> Combined:
    group = execution.plan.groups[unit.group]
    bits = counts_of_role(run, role)
    counts = [
        joined([item for item, owner in zip(bits, units, strict=True) if owner == place])
        for place in range(len(group.units))
    ]
    over = [
        item.reshape(1) if group.units[place].bound or group.replicated else item for place, item in enumerate(counts)
    ]
    return combined_points(group.methods(), over, execution.plan.measurement(group), 1, replicated=group.replicated)


def _compared(
    store: RecordStore, before: dict[str, Any], again: Combined, found: Found, unit: AnalysisUnit, plan: Plan
) -> list[dict[str, Any]]:
    arrays = store.submissions.parameters(before["arrays"])
    index = found.place - plan.groups[unit.group].first - unit.start
    rows = []
    for place, (method, observable, _) in enumerate(before["rows"]):
        column = again.rows.index((method, observable))
        old, old_error = float(arrays["value"][index, place]), float(arrays["stderr"][index, place])
        new, new_error = float(again.value[0, column]), float(again.stderr[0, column])
        if np.isnan(old) or np.isnan(new):
            continue
        apart = (new - old) / float(np.hypot(old_error, new_error))
        rows.append(
            {
                "method": method,
                "observable": observable,
                "before": [old, old_error],
                "again": [new, new_error],
                "standard_errors": apart,
            }
        )
    return rows
