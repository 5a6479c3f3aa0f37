"""Many runs as tables: one row for each comparison, units in the names of the columns."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

from prefect_qpu.errors import InputError
from prefect_qpu.records import RecordStore, RunRow

if TYPE_CHECKING:
    import pandas as pd

MOST_RUNS = 10_000
_LISTED = ("run_id", "name", "workload", "backend", "simulator", "outcome", "source", "started_at", "execution_hash")
COLUMNS = (
    *_LISTED,
    "observable",
    "method",
    "value",
    "stderr",
    "exact",
    "classical_method",
    "classical_value",
    "classical_bound",
    "best_solution_value",
    "verdict",
    "reason",
    "hypothesis",
    "quantum_wall_s",
    "queue_s",
    "execution_s",
    "classical_s",
    "qpu_s",
    "time_to_solution_s",
    "shots",
    "simulated_shots",
    "payload_bytes",
    "services",
    "quantum_money",
    "classical_money",
    "currency",
)
"""Of `comparisons`; ``_s`` are seconds, money is in the currency beside it."""


def comparisons(store: RecordStore, *, name: str | None = None, limit: int = MOST_RUNS) -> "pd.DataFrame":
    """One row for each run that came to a comparison, newest first, with the columns `COLUMNS`.

    What a run does not have is missing (NaN or None). Values of the judged observable and of the method that answered.

    Args:
        store: The record store.
        name: Only runs of experiments of this name.
        limit: At most so many runs.

    Example:
        >>> store = RecordStore.open("sqlite:///:memory:")
        >>> len(comparisons(store)), "quantum_wall_s" in comparisons(store).columns
        (0, True)
    """
    import pandas as pd

    rows = [_row(store, run, document) for run, document in _compared(store, name, limit)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def stability(frame: "pd.DataFrame") -> "pd.DataFrame":
    """How far the repeats of one execution scatter: one row for each execution, observable, method and source.

    ``repeats``, ``mean``, ``std`` (over the repeats; missing for a single one), ``stderr`` (mean of those that each run
    states) and ``ratio`` of the two: far above 1, the device drifts more than its shots scatter.

    Args:
        frame: What `comparisons` gave.
    """
    keys = ["name", "execution_hash", "observable", "method", "source"]
    groups = frame.groupby(keys, dropna=False, sort=True)
    found = groups.agg(
        repeats=("value", "count"), mean=("value", "mean"), std=("value", "std"), stderr=("stderr", "mean")
    )
    found["ratio"] = found["std"] / found["stderr"].where(found["stderr"] > 0)
    return found.reset_index()


def written(frame: "pd.DataFrame", form: Literal["csv", "json", "parquet"]) -> bytes:
    """The frame as a file: CSV, a JSON list of rows, or Parquet; times are ISO 8601 in UTC.

    Raises:
        InputError: what writes Parquet is not installed.
    """
    if form == "csv":
        return str(frame.to_csv(index=False, date_format="%Y-%m-%dT%H:%M:%S.%fZ")).encode()
    if form == "json":
        return str(frame.to_json(orient="records", date_format="iso", indent=2)).encode()
    try:
        return bytes(frame.to_parquet(index=False))
    except ImportError as error:
        hint = "Install pyarrow: pip install 'prefect-qpu[parquet]'."
        expected = "csv or json, for pyarrow is not installed"
        raise InputError("format", given="parquet", expected=expected, hint=hint) from error


def _compared(store: RecordStore, name: str | None, limit: int) -> Iterator[tuple[RunRow, dict[str, Any]]]:
    for run in store.runs.list(limit=limit, name=name):
        document = store.runs.stage(run.id, "compare")
        if document is not None:
            yield run, document


def _row(store: RecordStore, run: RunRow, document: dict[str, Any]) -> dict[str, Any]:
    cost, answer = document["cost"], document.get("answer") or {}
    currency, quantum, classical = _money(cost)
    return {
        **{key: getattr(run, key) for key in ("name", "outcome", "source", "started_at", "execution_hash")},
        "run_id": run.id,
        "workload": store.experiments.document(run.experiment_hash)["workload"]["kind"],
        "backend": run.backend["name"],
        "simulator": run.backend["simulator"],
        "observable": document["observable"],
        "method": document["method"],
        **_estimated(store, run, document),
        **_opponent(store, run, document["observable"]),
        "best_solution_value": answer.get("value"),
        "verdict": document["verdict"],
        "reason": document["reason"],
        "hypothesis": document["hypothesis"]["verdict"],
        "quantum_wall_s": cost.get("quantum wall [s]"),
        "queue_s": cost.get("queue [s]"),
        "execution_s": cost.get("execution [s]"),
        "classical_s": cost.get("classical [s]"),
        "qpu_s": cost.get("QPU [s]"),
        "time_to_solution_s": (document.get("time to solution") or {}).get("seconds"),
        "shots": cost.get("shots"),
        "simulated_shots": cost.get("simulated shots"),
        "payload_bytes": cost.get("payload [bytes]"),
        "services": len(document["services"]) if "services" in document else None,
        "quantum_money": quantum,
        "classical_money": classical,
        "currency": currency,
    }


def _estimated(store: RecordStore, run: RunRow, document: dict[str, Any]) -> dict[str, Any]:
    for row in store.runs.estimates(run.id):
        if (row.method, row.observable, row.point) == (document["method"], document["observable"], 0):
            return {"value": row.value, "stderr": row.stderr, "exact": row.exact}
    return {}


def _opponent(store: RecordStore, run: RunRow, observable: str) -> dict[str, Any]:
    for row in store.runs.baselines(run.id):
        if row.observable == observable:
            return {"classical_method": row.method, "classical_value": row.value, "classical_bound": row.bound}
    return {}


def _money(cost: dict[str, Any]) -> tuple[str | None, float | None, float | None]:
    """Currency, quantum and classical money of a cost table."""
    found = {name.partition(" [")[0]: (name[-4:-1], value) for name, value in cost.items() if "money [" in name}
    if not found:
        return None, None, None
    currency = next(iter(found.values()))[0]
    return currency, found.get("quantum money", (None, None))[1], found.get("classical money", (None, None))[1]
