"""The commands `sweep`, `points` and `remeasure`."""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
import yaml

from prefect_qpu.blocks import PriceTable
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps import read_sweep
from tests.flows.cli.conftest import Cli
from tests.prefect_qpu.sweeps.documents import T, document
from tests.prefect_qpu.sweeps.executing import executed

ROOT = Path(__file__).parents[3]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "my sweep.yaml"
    path.write_text(yaml.safe_dump(document({T: {"start": 0.0, "stop": 3.0, "count": 6}, "replicate": [0, 1]})))
    return path


def test_a_plan_alone_buys_nothing(cli: Cli, file: Path) -> None:
    planned = json.loads(cli("sweep", str(file), "--plan-only", "--json", "--set", "packing.points_per_job=5").out)
    assert (planned["points"], planned["to_buy"], planned["number_of_jobs"], planned["fewest_jobs"]) == (12, 12, 3, 3)
    assert cli("runs").out == "no runs\n"
    assert cli("points", "scan").code == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("axes={}", "axes: got [{}], expected at least one axis"),
        ("axes.shots=[0]", "axes.shots: got 0, expected a number from 1"),
        (f"axes={{{T}: {{start: 0, stop: 1, count: 1000000000}}}}", "axes: got '1,000,000,000 points'"),
        (f"axes={{{T}: {{start: -1e+308, stop: 1e+308, count: 3}}}}", f"axes.{T}: got [-1e+308, 1e+308], expected two"),
        (f"axes={{{T}: [1{'0' * 400}]}}", f"axes.{T}.0: got 1000"),
        ("axes.replicate=[9007199254740992, 9007199254740993]", "axes.replicate: got 9007199254740992, expected"),
        ("axes.replicate=[1180591620717411303424]", "axes.replicate: got 1180591620717411303424, expected an integer"),
        (
            "axes.mitigation=[[{method: zne, options: {allocation: pilot}}]]",
            "mitigation.0: got 'zne(allocation=pilot)'",
        ),
        ("axes.mitigation=[ibm_dd]", "mitigation.0: got 'ibm_dd', expected a method without a pilot"),
        (
            "approval.price_per_second=1.6",
            "approval.price_per_second: got 1.6, expected limits only. What providers charge",
        ),
        ("experiment.workload.observables.zz=ZZZ", "experiment.workload.observables.zz: got"),
        ("experiment.backend={kind: aer, device: FakeArmonkV2}", "backend: got 'aer-armonk with 1 qubits'"),
    ],
)
def test_a_bad_sweep_is_refused_before_anything_is_stored(
    refusal: Callable[..., str], file: Path, monkeypatch: pytest.MonkeyPatch, change: str, message: str
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "prefect_qpu.flows.sweep", None)
    assert refusal("sweep", str(file), "--set", change).startswith(message)


GRAPH = {"generator": "random_regular", "degree": 3, "nodes": 4, "seed": 1}
GAMMA = "workload.parameters.gamma"


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({GAMMA: [["a"]]}, f"axes.{GAMMA}: got ['a'], expected one number for each of the 1 elements"),
        ({GAMMA: [[[1.0]]]}, f"axes.{GAMMA}: got [[1.0]], expected one number"),
        ({GAMMA: [[True]]}, f"axes.{GAMMA}: got [True], expected one number"),
        (
            {GAMMA: [[0.1]], f"{GAMMA}[0]": [0.3]},
            f"axes.{GAMMA}[0]: got 'gamma[0]', expected each parameter in one axis",
        ),
    ],
)
def test_values_of_a_vector_are_numbers_given_once(
    refusal: Callable[..., str], tmp_path: Path, axes: dict[str, object], message: str
) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(document(axes, experiment_workload={"kind": "maxcut", "graph": GRAPH})))
    assert refusal("sweep", str(path), "--plan-only").startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "axes.file: got '"),
        (f"{T},{T}\n1,2\n", f"axes.{T}: got 'the column twice', expected each column once"),
        (f"{T},replicate\n1,2,3\n4,5,6\n", "axes.file: got '"),
        (f"{T},comment\n1,hot\n", "axes.comment: got 'comment', expected one of"),
        (f"{T}\n1\nhot\n", f"axes.{T}: got '1', expected a number"),
    ],
)
def test_a_table_has_each_column_once_and_a_name_for_each_value(
    refusal: Callable[..., str], tmp_path: Path, text: str | None, message: str
) -> None:
    path = tmp_path / "sweep.yaml"
    path.write_text(yaml.safe_dump(document({"kind": "table", "file": "points.csv"})))
    if text is not None:
        (tmp_path / "points.csv").write_text(text)
    assert refusal("sweep", str(path), "--plan-only").startswith(message)


def test_a_measured_sweep_is_answered_at_once_with_its_report(cli: Cli, file: Path, store: RecordStore) -> None:
    execution = executed(store, read_sweep(file))
    page = store.folder / "reports" / "run-one.html"
    for missing in (True, False):
        assert page.exists() is not missing
        code, out, err = cli("sweep", str(file), "--json")
        found = json.loads(out)
        assert (code, found["run"], found["report"]) == (0, "run-one", str(page))
        assert (found["points"], found["bought"], found["reused"], found["number_of_jobs"]) == (12, 0, 12, 0)
        assert err.startswith("All points were measured before")
    assert page.exists()
    assert store.sweeps.list() == [execution.row]
    own = file.parent / "elsewhere"
    assert f"{own}/run-one.html" in cli("sweep", str(file), "--report-folder", str(own)).out
    assert (own / "run-one.html").exists()


def test_a_measured_sweep_is_answered_without_importing_prefect(file: Path, store: RecordStore) -> None:
    executed(store, read_sweep(file))
    code = f"""import sys
from prefect_qpu.flows.cli import execute
assert execute(["sweep", {str(file)!r}, "--store", {store.url!r}, "--json"]) == 0
assert "prefect" not in sys.modules"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (ended.returncode, json.loads(ended.stdout)["bought"]) == (0, 0), ended.stderr


@pytest.mark.server
def test_a_sweep_its_table_and_one_point_again(cli: Cli, file: Path, tmp_path: Path, prefect_server: None) -> None:
    code, out, _ = cli("sweep", str(file), "--json")
    found = json.loads(out)
    assert (code, found["bought"], found["points_measured"]) == (0, 12, 12)
    assert Path(found["report"]).exists()
    table = pd.read_csv(io.StringIO(cli("points", "scan").out))
    assert len(table) == 24
    assert {"alpha [rad]", "replicate [1]", "value [1]", "stderr [1]", "exact [1]"} <= set(table.columns)
    cli("points", found["run"][:8], "--format", "parquet", "--out", str(tmp_path / "points.parquet"))
    assert len(pd.read_parquet(tmp_path / "points.parquet")) == 24
    assert len(json.loads(cli("points", "scan", "--format", "json").out)) == 24
    assert json.loads(cli("show", found["run"], "--json").out) == found
    assert "Drag to zoom" in Path(cli("report", found["run"]).out.strip()).read_text()
    code, out, _ = cli("remeasure", "scan", table["key"][0], "--json")
    again = json.loads(out)
    assert (code, again["agrees"], len(again["estimates"])) == (0, True, 2)
    repeated = json.loads(cli("sweep", str(file), "--json").out)
    assert repeated == found | {"bought": 0, "reused": 12, "number_of_jobs": 0}


@pytest.mark.server
def test_a_plan_alone_is_priced_by_a_block(cli: Cli, file: Path, prefect_server: None) -> None:
    PriceTable(currency="EUR", providers={"aer": {"per_job": 1.0}}).save("sweeps", overwrite=True)  # type: ignore[arg-type, unused-coroutine]
    priced = ("--set", "experiment.prices={block: price-table/sweeps}")
    assert json.loads(cli("sweep", str(file), "--plan-only", "--json", *priced).out)["to_buy"] == 12
    code, _, err = cli("sweep", str(file), "--plan-only", "--set", "experiment.prices={block: price-table/none}")
    assert (code, err.splitlines()[-1].startswith("error: prices: got 'price-table/none'")) == (2, True)


def test_the_example_is_valid(cli: Cli) -> None:
    printed = json.loads(cli("sweep", str(ROOT / "examples/sweep.yaml"), "--plan-only", "--json").out)
    assert (printed["points"], printed["number_of_jobs"]) == (49, 1)
