"""What a sweep has shown: the best points, the distance from exact values, and what that says of a hypothesis."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from prefect_qpu.experiment import Experiment
from prefect_qpu.records import RecordStore, SweepRow
from prefect_qpu.sweeps.frame import frame

if TYPE_CHECKING:
    import pandas as pd

    from prefect_qpu.workloads import Objective

BEST = 10
"""Points that are named as the best ones."""
TWO_SIDED = 1.959964
"""Standard errors of a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Findings:
    """The table of a sweep and what it says of one observable under one method."""

    name: str
    observable: str
    method: str
    sense: str
    """``maximize`` or ``minimize``."""
    table: "pd.DataFrame"
    """All rows."""
    shown: "pd.DataFrame"
    """The rows of this observable and this method."""
    axes: tuple[str, ...]
    """The columns of the axes."""
    hypothesis: Mapping[str, Any] | None

    @property
    def best(self) -> "pd.DataFrame":
        """The best points, the best one first; of equal values the first ones."""
        ordered = self.shown.dropna(subset=["value [1]"])
        return ordered.sort_values("value [1]", ascending=self.sense == "minimize", kind="stable").head(BEST)

    @property
    def states(self) -> dict[str, int]:
        """Number of points by state; of several rows of a point, the first one counts."""
        first = self.table.drop_duplicates("point [1]")
        return {str(state): int(count) for state, count in first["state"].value_counts().items()}

    def agreement(self) -> dict[str, float | int] | None:
        """How the estimates lie around the exact values; none where none are known."""
        known = self.shown.dropna(subset=["deviations [standard errors]"])
        if not len(known):
            return None
        deviations, errors = known["deviations [standard errors]"].to_numpy(), known["error [1]"].to_numpy()
        return {
            "points": len(known),
            "within 95 % intervals": float(np.mean(np.abs(deviations) <= TWO_SIDED)),
            "root mean square error": float(np.sqrt(np.mean(errors**2))),
            "largest deviation in standard errors": float(np.abs(deviations).max()),
        }

    def verdict(self) -> dict[str, Any] | None:
        """How many points lie inside and outside of the hypothesis' range with 95 % confidence; none without one."""
        if self.hypothesis is None:
            return None
        rows = self.table[
            (self.table["observable"] == self.hypothesis["observable"]) & (self.table["method"] == self.method)
        ].dropna(subset=["value [1]"])
        low, high = self.hypothesis["range"]
        value, margin = rows["value [1]"], TWO_SIDED * rows["stderr [1]"]
        inside = int(((value - margin >= low) & (value + margin <= high)).sum())
        outside = int(((value + margin < low) | (value - margin > high)).sum())
        return {
            "statement": self.hypothesis["statement"],
            "inside": inside,
            "outside": outside,
            "undecided": len(rows) - inside - outside,
        }


def findings(store: RecordStore, row: SweepRow, experiment: Experiment) -> Findings:
    """What a stored execution has shown so far.

    Args:
        store: The record store.
        row: The execution.
        experiment: That of its run.
    """
    table = _with_all_columns(frame(store, row))
    objective = experiment.workload.objective()
    observable = row.document.get("observable") or _observable(objective, table)
    labels = [spec.label for spec in experiment.mitigation]
    measured = table["method"].dropna().unique()
    method = next((label for label in reversed(labels) if label in measured), measured[0] if len(measured) else "")
    shown = table[(table["observable"] == observable) & (table["method"] == method)]
    sense = row.document.get("goal") or (objective.sense if objective else "maximize")
    axes = tuple(str(name) for name in table.columns[2 : list(table.columns).index("state")])
    hypothesis = experiment.hypothesis.model_dump() if experiment.hypothesis else None
    return Findings(row.name, str(observable), str(method), str(sense), table, shown, axes, hypothesis)


def _observable(objective: "Objective | None", table: "pd.DataFrame") -> str:
    if objective is not None:
        return objective.observable
    known = table["observable"].dropna()
    return str(known.iloc[0]) if len(known) else ""


def _with_all_columns(table: "pd.DataFrame") -> "pd.DataFrame":
    """The table with the columns that only measured points have, also where there are none yet."""
    for name in ("method", "observable"):
        if name not in table:
            table[name] = None
    for name in ("value [1]", "stderr [1]", "exact [1]", "error [1]", "deviations [standard errors]"):
        if name not in table:
            table[name] = np.nan
    return table
