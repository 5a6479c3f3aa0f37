import json
from collections.abc import Callable

import pytest

from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.jobs import complete
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import open_run
from prefect_qpu.stages.execute import mitigate, submit
from tests.experiments import ghz

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run_id(store_url: str) -> str:
    """A stored run with the circuits of the readout correction."""
    with RecordStore.open(store_url) as store:
        run = open_run(store, ghz(mitigation=["readout"]), AerProvider(AerBackendSpec(device="FakeManilaV2")))
        submit(run)
        complete(run, PRIMARY)
        mitigate(run)
        return run.id


def test_estimates_are_printed_and_refusals_decide_the_exit_code(cli: Cli, run_id: str) -> None:
    code, out, err = cli("remitigate", run_id, "--method", "{method: readout, name: again}", "--method", "zne")
    assert code == 1
    assert "again" in out
    assert "±" in out
    assert err.startswith("error: zne: it needs 4 of 8 circuits")


def test_json_holds_all(cli: Cli, run_id: str) -> None:
    code, out, err = cli("remitigate", run_id[:8], "--method", "readout", "--json")
    assert (code, err) == (0, "")
    assert set(json.loads(out)["estimates"]["readout"]) == {"parity", "energy"}


@pytest.mark.parametrize(
    ("method", "message"),
    [
        ("magic", "error: mitigation.0: got 'magic', expected one of"),
        ("{method: zne, fits: [linear]}", "error: --method.0.fits: got unknown key 'fits'"),
        ("[", "error: --method.0: got '[', expected a name, or a mapping in YAML or JSON"),
    ],
)
def test_what_is_no_method_is_bad_input(cli: Cli, run_id: str, method: str, message: str) -> None:
    code, out, err = cli("remitigate", run_id, "--method", method)
    assert (code, out) == (2, "")
    assert err.startswith(message)
