"""The instances of examples/instances: what they claim is proven here again."""

import json
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.baselines import Baseline, check_certificate
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads.graph import weighted_graph
from prefect_qpu.workloads.graph_generators import generated_graph
from prefect_qpu.workloads.maxcut import OBSERVABLE, MaxCutWorkload

FILES = sorted((Path(__file__).parents[3] / "examples" / "instances").glob("*.json"))


def claimed(stored: dict[str, Any]) -> tuple[MaxCutWorkload, Baseline]:
    workload = MaxCutWorkload(graph={"edges": stored["edges"], "nodes": stored["nodes"]})
    value = stored["optimum"]
    return workload, Baseline(
        "stored", OBSERVABLE, value, value, exact=True, certificate=stored["certificate"], seconds=0
    )


def test_there_are_some_but_not_many() -> None:
    assert 20 <= len(FILES) <= 30
    assert sum(path.stat().st_size for path in FILES) < 200_000


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_optimum_is_proven(path: Path) -> None:
    stored = json.loads(path.read_text())
    workload, baseline = claimed(stored)
    check_certificate(workload, baseline)
    for moved in (-1, 1):
        with pytest.raises(CertificateError):
            check_certificate(*claimed({**stored, "optimum": stored["optimum"] + moved}))


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_the_generator_gives_the_stored_graph(path: Path) -> None:
    stored = json.loads(path.read_text())
    assert generated_graph(stored["generator"]) == weighted_graph(stored["edges"], nodes=stored["nodes"])
