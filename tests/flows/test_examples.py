"""Every kind of workload runs through the flow from a file of `examples/`."""

from pathlib import Path

import pytest
import yaml

from prefect_qpu.baselines import Baseline, check_certificate
from prefect_qpu.flows.hybrid_run import hybrid_run
from prefect_qpu.loading import read_experiment
from prefect_qpu.records import RecordStore
from prefect_qpu.summarise import summarise
from prefect_qpu.workloads import workload_kinds

pytestmark = [pytest.mark.server, pytest.mark.slow]

FOLDER = Path(__file__).parents[2] / "examples"
FILES = sorted(
    path for path in FOLDER.glob("*.yaml") if path.stem != "hardware" and "workload" in yaml.safe_load(path.read_text())
)


def test_every_kind_has_an_example() -> None:
    assert {read_experiment(path).workload.kind for path in FILES} == set(workload_kinds())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
async def test_an_example_runs_and_its_opponents_are_proven(path: Path, flow_store: RecordStore) -> None:
    state = await hybrid_run(experiment=str(path), return_state=True)
    summary = summarise(flow_store, str(state.state_details.flow_run_id))
    assert (summary.state, summary.outcome, summary.source) == ("ended", "promoted", "quantum")
    assert summary.comparison is not None
    assert summary.comparison["verdict"] in {"quantum better", "classical better", "not distinguishable"}
    assert summary.comparison["hypothesis"]["verdict"] == "supported"
    assert summary.comparison["services"][:2] == ["record store", "workflow server"]
    workload = read_experiment(path).workload
    for item in summary.baselines:
        check_certificate(workload, Baseline(**item.model_dump(exclude={"gap"})))
    page = (flow_store.folder / "reports" / f"{summary.run_id}.html").read_text()
    assert summary.comparison["verdict"] in page
