"""Runs with more than one job: a pilot before the others, and options of the provider beside them."""

from typing import Any

import pytest

from prefect_qpu.errors import ExperimentError
from prefect_qpu.experiment import AerBackendSpec, Experiment, MethodSpec
from prefect_qpu.jobs import complete
from prefect_qpu.latency import PILOT, PRIMARY
from prefect_qpu.mitigation import check_methods
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from prefect_qpu.records import RecordStore
from prefect_qpu.remitigate import remitigate
from prefect_qpu.replay import replay
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.execute import job_roles, mitigate, submit
from prefect_qpu.sweeps.members import check_one_job
from tests.experiments import ghz
from tests.prefect_qpu.emulator.emulators import Emulator
from tests.prefect_qpu.providers.conftest import account, server, shared  # noqa: F401 - fixtures

PILOTED = {"method": "readout", "name": "piloted", "options": {"readout": "none", "allocation": "pilot"}}
DECOUPLED = {"method": "ibm_dd", "options": {"sequence": "XY4"}}
TWIRLED = {"method": "ibm_twirling", "name": "twirled", "options": {"measure": True, "randomizations": 8}}


def opened(store: RecordStore, mitigation: list[object]) -> Run:
    experiment: Experiment = ghz(mitigation=mitigation)
    assert isinstance(experiment.backend, AerBackendSpec)
    return open_run(store, experiment, AerProvider(experiment.backend))


def execute(run: Run) -> None:
    for roles in job_roles(run):
        for role in roles:
            submit(run, role)
        for role in roles:
            if role in run.store.submissions.for_run(run.id):
                complete(run, role)


def shots_by_role(run: Run) -> dict[str, list[int]]:
    return {role: [pub["shots"] for pub in row.pubs] for role, row in run.store.submissions.for_run(run.id).items()}


def sent_options(provider: IBMQuantumProvider, job_id: str) -> dict[str, Any]:
    """The options of a job as the service has them."""
    found: dict[str, Any] = provider._ask("asking", lambda opened: opened.service.job(job_id).inputs["options"])
    return found


def test_without_a_wish_for_it_there_is_no_pilot(store: RecordStore) -> None:
    run = opened(store, ["raw", "readout"])
    assert job_roles(run) == ((PRIMARY,),)


def test_a_pilot_runs_first_and_its_variances_split_the_shots(store: RecordStore) -> None:
    run = opened(store, ["raw", PILOTED])
    assert job_roles(run) == ((PILOT,), (PRIMARY,))
    execute(run)
    shots = shots_by_role(run)
    assert shots[PILOT] == [100, 100]
    raw, own = shots[PRIMARY][:2], shots[PRIMARY][2:]
    assert raw == [2000, 2000]
    assert sum(own) + sum(shots[PILOT]) == 4000
    assert own[0] != own[1]
    assert set(mitigate(run)["estimates"]) == {"raw", "piloted"}


def test_another_process_repeats_nothing_of_the_pilot(store: RecordStore) -> None:
    run = opened(store, ["raw", PILOTED])
    submit(run, PILOT)
    complete(run, PILOT)
    again = open_run(store, run.experiment, run.provider, run_id=run.id)
    first = store.submissions.for_run(run.id)[PILOT]
    execute(again)
    assert store.submissions.for_run(run.id)[PILOT].job_id == first.job_id
    mitigate(again)
    assert replay(store, run.id)["identical"]


def test_remitigation_uses_the_pilot_of_the_run_and_refuses_without_one(store: RecordStore) -> None:
    with_pilot, without = opened(store, ["raw", PILOTED]), opened(store, ["raw"])
    for run in (with_pilot, without):
        execute(run)
        mitigate(run)
    spec = MethodSpec.model_validate(PILOTED | {"name": "later"})
    found = remitigate(store, with_pilot.id, [spec])
    rows = {(row.method, row.observable): row.value for row in store.runs.estimates(with_pilot.id)}
    assert found["estimates"]["later"]["energy"]["value"] == rows["piloted", "energy"]
    assert remitigate(store, without.id, [spec])["refused"] == {"later": "the run had no pilot"}


def test_options_of_the_provider_are_refused_where_it_has_none(store: RecordStore) -> None:
    run = opened(store, ["raw", DECOUPLED])
    assert job_roles(run) == ((PRIMARY,),)
    execute(run)
    (reason,) = mitigate(run)["refused"].values()
    assert reason == "it is an option of IBM Quantum's sampler, which the provider aer has not"


@pytest.mark.parametrize("name", ["ibm_trex", "ibm_zne", "ibm_resilience"])
def test_what_only_the_estimator_has_is_refused_with_that_reason(name: str) -> None:
    with pytest.raises(ExperimentError, match="Resilience is an option of IBM's estimator, which returns no counts"):
        check_methods([MethodSpec(method=name)])


@pytest.mark.parametrize(
    ("method", "options", "message"),
    [
        ("ibm_dd", {"decouple": "xx"}, "decoupling by the provider or by `decouple`, not both"),
        ("ibm_dd", {"sequence": "CPMG"}, "XY4"),
        ("ibm_twirling", {"gates": False}, "gates or measurements to twirl"),
        ("ibm_twirling", {"twirl": 4}, "twirling by the provider or by `twirl`, not both"),
    ],
)
def test_malformed_options_of_the_provider_are_refused_before_anything_runs(
    method: str, options: dict[str, object], message: str
) -> None:
    with pytest.raises(ExperimentError, match=message):
        check_methods([MethodSpec(method=method, options=options)])


@pytest.mark.server
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_each_set_of_options_is_one_job_of_its_own_and_bought_once(
    store: RecordStore,
    server: Emulator,  # noqa: F811
    account: IBMAccount,  # noqa: F811
) -> None:
    provider = IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), account)
    experiment = ghz(mitigation=["raw", "readout", DECOUPLED, TWIRLED], shots=200)
    run = open_run(store, experiment, provider)
    ((primary, decoupled, twirled),) = job_roles(run)
    for _ in range(2):
        execute(run)
    jobs = {tag: job for job in server.ask("GET", "/jobs?limit=1000")["jobs"] for tag in job["tags"]}
    rows = store.submissions.for_run(run.id)
    assert list(rows) == [primary, decoupled, twirled]
    assert len({jobs[row.request_hash]["id"] for row in rows.values()}) == 3
    sent = [sent_options(provider, str(row.job_id)) for row in rows.values()]
    assert "dynamical_decoupling" not in sent[0]
    assert sent[1]["dynamical_decoupling"]["sequence_type"] == "XY4"
    assert sent[2]["twirling"]["num_randomizations"] == 8
    found = mitigate(run)
    assert set(found["estimates"]) == {"raw", "readout", "ibm_dd(sequence=XY4)", "twirled"}
    assert found["estimates"]["twirled"]["parity"]["flags"]
    assert replay(store, run.id)["identical"]
    assert "options" in remitigate(store, run.id, [MethodSpec(method="ibm_dd")])["refused"]["ibm_dd"]


@pytest.mark.parametrize("method", [PILOTED, DECOUPLED])
def test_a_sweep_whose_points_share_jobs_refuses_methods_with_jobs_of_their_own(method: dict[str, Any]) -> None:
    with pytest.raises(ExperimentError, match=r"mitigation.1: got .* The points of a sweep share jobs"):
        check_one_job([MethodSpec(method="raw"), MethodSpec.model_validate(method)])
