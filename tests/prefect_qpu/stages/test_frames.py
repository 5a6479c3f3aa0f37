"""Comparisons of several runs as one table, with what they cost."""

import io
import json
import sys
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from prefect_qpu import frames
from prefect_qpu.frames import COLUMNS, comparisons, stability, written
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run
from tests.experiments import ghz

MAXCUT = {"kind": "maxcut", "graph": {"generator": "cycle", "nodes": 5}}
PRICES = {"currency": "EUR", "providers": {"aer": {"per_job": 0.5, "per_shot": 0.001}}, "classical_hour": 3600.0}


@pytest.fixture
def table(executed: Callable[..., Run], store: RecordStore) -> pd.DataFrame:
    for seed in (1, 2):
        executed(ghz(seed=seed, prices=PRICES, shots=500))
    executed(ghz(name="cut", workload=MAXCUT, hypothesis=None))
    return comparisons(store)


def test_each_run_has_a_row_with_its_verdict_and_cost(table: pd.DataFrame, store: RecordStore) -> None:
    assert list(table.columns) == list(COLUMNS)
    assert sorted(table["name"]) == ["cut", "ghz-check", "ghz-check"]
    ghz_rows, (cut,) = table[table["name"] == "ghz-check"], table[table["name"] == "cut"].to_dict("records")
    assert set(ghz_rows["observable"]) == {"parity"}
    assert np.allclose(ghz_rows["classical_value"], 1.0)
    assert (ghz_rows["quantum_wall_s"] > ghz_rows["classical_s"]).all()
    assert np.allclose(ghz_rows["quantum_money"], 0.5 + 0.001 * ghz_rows["shots"])
    assert np.allclose(ghz_rows["classical_money"], ghz_rows["classical_s"])
    assert set(ghz_rows["currency"]) == {"EUR"}
    assert set(ghz_rows["services"]) == {3}  # the store, the device's simulator, the ideal one
    assert (cut["best_solution_value"], cut["classical_value"], cut["workload"]) == (4.0, 4.0, "maxcut")
    assert cut["time_to_solution_s"] > 0
    assert pd.isna(cut["quantum_money"])
    assert table["started_at"].is_monotonic_decreasing
    assert list(comparisons(store, name="cut")["name"]) == ["cut"]
    assert len(comparisons(store, limit=2)) == 2
    assert comparisons(store, name="other").empty


def test_repeats_are_told_apart_and_the_table_can_be_written_and_read(table: pd.DataFrame) -> None:
    # Other seeds are other executions; as repeats they are taken together here.
    found = stability(table.assign(execution_hash=table["name"]))
    (row,) = found[found["name"] == "ghz-check"].to_dict("records")
    values = table[table["name"] == "ghz-check"]["value"]
    assert (row["repeats"], row["mean"]) == (2, pytest.approx(values.mean()))
    assert row["ratio"] == pytest.approx(values.std() / row["stderr"])
    assert 0 < row["ratio"] < 5
    (single,) = found[found["name"] == "cut"].to_dict("records")
    assert np.isnan(single["std"])
    rows = json.loads(written(table, "json"))
    assert [row["run_id"] for row in rows] == list(table["run_id"])
    assert rows[0]["quantum_money"] is None
    again = pd.read_csv(io.BytesIO(written(table, "csv")))
    assert np.allclose(again["value"], table["value"])
    pd.testing.assert_frame_equal(pd.read_parquet(io.BytesIO(written(table, "parquet")))[["run_id", "value"]],
                                  table[["run_id", "value"]])  # fmt: skip


def test_without_pyarrow_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, store: RecordStore) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(frames.InputError, match=r"prefect-qpu\[parquet\]"):
        frames.written(comparisons(store), "parquet")
