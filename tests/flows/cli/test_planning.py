"""The command `plan`: for people and as JSON, without a server, a store or a network."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.experiments import GHZ

FILE = """name: ghz
workload: {kind: circuit, file: ghz.qasm, observables: {parity: ZZZZ, coherence: XXXX}}
backend: {kind: aer, device: FakeManilaV2}
seed: 3
mitigation: [raw, readout, zne]
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "ghz.qasm").write_text(GHZ)
    path = tmp_path / "ghz.yaml"
    path.write_text(FILE)
    return str(path)


def test_json_holds_every_method_with_its_circuits_shots_seconds_and_bytes(
    cli: Callable[..., tuple[int, str, str]], file: str
) -> None:
    code, out, err = cli("plan", file, "--json", "--set", "shots=1000", "--price", "1.6")
    assert (code, err) == (0, "")
    plan = json.loads(out)
    assert [method["label"] for method in plan["methods"]] == ["raw", "readout", "zne"]
    assert plan["methods"][0]["usage"]["shots"] == 2000
    assert plan["methods"][2]["usage"]["circuits"] == 8
    assert plan["job"]["cost"] == pytest.approx(1.6 * plan["job"]["qpu_seconds"])
    for method in plan["methods"]:
        assert method["shots_setting"] > 1000
        assert {item["observable"] for item in method["precisions"]} == {"parity", "coherence"}


def test_people_read_what_is_needed_and_that_no_price_is_known(
    cli: Callable[..., tuple[int, str, str]], file: str
) -> None:
    code, out, _ = cli("plan", file)
    assert code == 0
    assert "ghz on aer-manila, a simulator" in out
    assert "unknown: neither --price nor the experiment's prices tell it" in out
    assert "zne: shots=" in out
    assert "noise is predicted to move the raw value of parity by -" in out


def test_a_refusal_is_told_and_is_no_failure(cli: Callable[..., tuple[int, str, str]], file: str) -> None:
    code, out, err = cli("plan", file, "--set", "mitigation=[raw, twirling]", "--set", "shots=5")
    assert code == 0
    assert "refused" in out
    assert err == "twirling refuses: 5 shots cannot be split over 8 random variants\n"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--price", "-1"), "price: got -1.0, expected a finite number from 0."),
        (("--set", "shots=0"), "shots: got 0"),
        (("--backend", "FakeNowhere"), "backend.device: got 'FakeNowhere'"),
        (("--set", "mitigation=[magic]"), "mitigation.0: got 'magic'"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_one_message(
    refusal: Callable[..., str], file: str, options: tuple[str, ...], message: str
) -> None:
    assert refusal("plan", file, *options).startswith(message)


def test_a_file_that_is_not_there_is_refused(refusal: Callable[..., str]) -> None:
    assert "nowhere.yaml" in refusal("plan", "nowhere.yaml")
