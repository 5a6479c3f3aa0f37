"""The command `mitigation-benchmark`: on the server of these tests, and what it refuses before one starts."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from prefect_qpu.records import RecordStore
from tests.experiments import GHZ
from tests.flows.cli.test_commands import FILE

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "ghz state.qasm").write_text(GHZ)
    experiment = tmp_path / "ghz.yaml"
    experiment.write_text(FILE + "shots: 500\nseed: 7\nmitigation: [raw, readout]\n")
    return str(experiment)


@pytest.mark.server
def test_every_method_on_every_backend_has_a_line_and_a_verdict(
    cli: Cli, prefect_server: None, file: str, tmp_path: Path, store: RecordStore
) -> None:
    line = [file, "--seeds", "2", "--backend", "FakeManilaV2", "--backend", "FakeLimaV2"]
    pages = ["--report-folder", str(tmp_path / "pages")]
    code, out, err = cli("mitigation-benchmark", *line, "--method", "readout", *pages, "--json")
    found = json.loads(out)
    assert {(item["backend"], item["method"]) for item in found} == {
        (backend, method) for backend in ("aer-manila", "aer-lima") for method in ("raw", "readout")
    }
    assert all(item["worth"] for item in found)
    assert code == 0
    assert "one after another" in err
    assert len(list((tmp_path / "pages").iterdir())) == 1
    bought = len(store.runs.list())
    code, out, _ = cli("mitigation-benchmark", *line, "--method", "readout", *pages)
    assert (code, len(store.runs.list()), bought) == (0, 4, 4)
    assert "error reduction" in out
    assert "aer-lima" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "1"], "seeds: got 1, expected a number from 2 to 1000"),
        (["--method", "magic"], "mitigation.0: got 'magic', expected one of"),
        (["--method", "["], "--method.0: got '[', expected a name, or a mapping in YAML or JSON"),
        (["--backend", "FakeNowhere"], "backend"),
        (["--set", "seed=null"], "seed: got nothing, expected a seed, from which the others are counted"),
    ],
)
def test_what_cannot_be_benchmarked_is_told_before_anything_starts(
    refusal: Callable[..., str], file: str, arguments: list[str], message: str
) -> None:
    assert refusal("mitigation-benchmark", file, *arguments).startswith(message)
