"""The benchmark of methods on a real Prefect server."""

from typing import Any

import pytest
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import ArtifactFilter, ArtifactFilterKey

from prefect_qpu.flows.mitigation_benchmark import mitigation_benchmark
from prefect_qpu.records import RecordStore
from tests.experiments import ghz_document

pytestmark = pytest.mark.server

METHODS = ["raw", "readout", {"method": "zne", "options": {"fit": "linear"}}, {"method": "cdr"}]
BACKENDS = [{"kind": "aer", "device": "FakeManilaV2"}, {"kind": "aer", "device": "FakeLimaV2"}]


async def benchmarked(**changes: Any) -> dict[tuple[str, str, str], dict[str, Any]]:
    document = ghz_document(shots=1000)
    given = {"methods": METHODS, "backends": BACKENDS, "seeds": 3} | changes
    found = await mitigation_benchmark(experiment=document, **given)
    return {(item["backend"], item["observable"], item["method"]): item for item in found}


async def test_methods_are_held_against_raw_on_every_backend_and_shown(flow_store: RecordStore) -> None:
    found = await benchmarked()
    assert {key[0] for key in found} == {"aer-manila", "aer-lima"}
    assert {key[2] for key in found} == {"raw", "readout", "zne(fit=linear)"}
    readout = found["aer-manila", "parity", "readout"]
    assert readout["seeds"] == 3
    assert readout["reduction"] > 2
    assert readout["reduction_interval"][0] < readout["reduction"] < readout["reduction_interval"][1]
    assert readout["worth"] == "reduces the error"
    assert readout["shots_of_raw"] == 2
    page = flow_store.folder / "reports" / "ghz-check-mitigation-benchmark.html"
    assert "the circuit is Clifford" in page.read_text()
    async with get_client() as client:
        keys = ["ghz-check-mitigation-benchmark", "ghz-check-mitigation-benchmark-table"]
        shown = await client.read_artifacts(artifact_filter=ArtifactFilter(key=ArtifactFilterKey(any_=keys)))
    assert {item.key for item in shown} == set(keys)


async def test_a_repeated_call_takes_everything_from_the_store(flow_store: RecordStore) -> None:
    first = await benchmarked(backends=None, seeds=2)
    jobs = {run.id: flow_store.submissions.for_run(run.id)["primary"].job_id for run in flow_store.runs.list()}
    again = await benchmarked(backends=None, seeds=2)
    assert len(jobs) == 2
    assert {run.id: flow_store.submissions.for_run(run.id)["primary"].job_id for run in flow_store.runs.list()} == jobs
    assert again == first


async def test_more_seeds_measure_only_what_is_new(flow_store: RecordStore) -> None:
    await benchmarked(backends=None, seeds=2)
    known = {run.id for run in flow_store.runs.list()}
    await benchmarked(backends=None, seeds=3)
    assert len({run.id for run in flow_store.runs.list()} - known) == 1
