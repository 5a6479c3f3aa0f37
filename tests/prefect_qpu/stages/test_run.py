"""A run through its stages, without Prefect: repeated, interrupted, resumed and replayed."""

from collections.abc import Callable

import pytest

from prefect_qpu.errors import JobFailedError, NoAnswerError, ProviderUnavailableError, ReplayError
from prefect_qpu.latency import PRIMARY
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.replay import difference, replay
from prefect_qpu.run import Run, open_run
from prefect_qpu.stages.compare import compare
from prefect_qpu.stages.execute import mitigate, submit
from prefect_qpu.stages.fallback import fallback
from prefect_qpu.stages.promote import approve, decision, promote
from prefect_qpu.stages.smoke_test import smoke_test
from prefect_qpu.stages.transpile import transpile
from prefect_qpu.summarise import summarise
from tests.experiments import ghz


def test_fixed_seeds_give_identical_counts_and_estimates(executed: Callable[..., Run]) -> None:
    first, second = executed(ghz()), executed(ghz())
    rows = difference(first.store.runs.estimates(first.id), second.store.runs.estimates(second.id))
    assert len(rows) == 2
    assert all(row["identical"] for row in rows)
    assert summarise(first.store, first.id).counts == summarise(second.store, second.id).counts


def test_another_seed_gives_other_counts(executed: Callable[..., Run]) -> None:
    first, second = executed(ghz()), executed(ghz(seed=8))
    assert summarise(first.store, first.id).counts != summarise(second.store, second.id).counts


def test_estimates_of_an_ideal_backend_agree_with_the_exact_values(executed: Callable[..., Run]) -> None:
    run = executed(ghz(backend={"kind": "aer"}, shots=8192))
    for item in summarise(run.store, run.id).estimates:
        assert item.exact is not None
        assert abs(item.value - item.exact) <= 4 * item.stderr


def test_replay_is_equal_to_the_last_bit_with_every_provider_unreachable(
    executed: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = executed(ghz())

    def unreachable(*_: object, **__: object) -> None:
        raise ProviderUnavailableError("no provider")

    for verb in ("submit", "status", "result", "find", "calibration", "target"):
        monkeypatch.setattr(AerProvider, verb, unreachable)
    found = replay(run.store, run.id)
    assert found["identical"]
    assert {(row["source"], row["observable"]) for row in found["estimates"]} == {
        (source, observable)
        for source in ("quantum", "smoke test, ideal", "smoke test, noisy")
        for observable in ("parity", "energy")
    }


def test_replay_of_a_run_without_counts_says_why(opened: Callable[..., Run]) -> None:
    run = opened(ghz())
    with pytest.raises(ReplayError, match="stored no counts"):
        replay(run.store, run.id)


def test_a_stage_that_is_called_again_does_no_work_again(executed: Callable[..., Run]) -> None:
    run = executed(ghz())
    spans = run.store.runs.spans(run.id)
    submissions = run.store.submissions.for_run(run.id)
    smoke_test(run)
    transpile(run)
    submit(run)
    mitigate(run)
    compare(run)
    assert run.store.runs.spans(run.id) == spans
    assert run.store.submissions.for_run(run.id) == submissions


def test_a_run_that_is_opened_again_keeps_its_drawn_seeds(opened: Callable[..., Run]) -> None:
    first = opened(ghz(seed=None), run_id="the-run")
    assert opened(ghz(seed=None), run_id="the-run").seeds == first.seeds
    assert opened(ghz(seed=None)).seeds != first.seeds


def test_a_job_that_died_with_its_process_is_attempted_again_once(
    opened: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from prefect_qpu.jobs import complete
    from prefect_qpu.providers import aer

    run = opened(ghz(), run_id="the-run")
    submit(run)
    monkeypatch.setattr(aer, "_jobs", {})
    again = open_run(run.store, run.experiment, AerProvider(run.experiment.backend), run_id="the-run")  # type: ignore[arg-type]
    complete(again, PRIMARY)
    row = again.store.submissions.for_run(again.id)[PRIMARY]
    assert (row.attempt, row.state) == (2, "done")


def test_a_tolerance_that_cannot_be_met_is_rejected_and_falls_back_to_a_labelled_simulation(
    opened: Callable[..., Run],
) -> None:
    run = opened(ghz(promotion={"tolerance": 1e-9}))
    assert promote(run)["outcome"] == "rejected"
    answer = fallback(run, "rejected")
    assert answer["source"] == "simulator"
    assert answer["refused"] == [
        {"source": "cached", "reason": "no earlier run of this experiment has a quantum answer"}
    ]
    assert {row.source for row in run.store.runs.estimates(run.id)} == {"simulator"}


def test_a_cached_answer_is_the_earlier_quantum_one_under_another_policy(
    executed: Callable[..., Run], opened: Callable[..., Run]
) -> None:
    earlier = executed(ghz())
    run = opened(ghz(promotion={"tolerance": 1e-9}))
    assert fallback(run, "rejected")["details"]["run_id"] == earlier.id
    before, now = (item.store.runs.estimates(item.id) for item in (earlier, run))
    assert [(row.value, row.stderr) for row in now] == [(row.value, row.stderr) for row in before]
    assert {(row.source, row.details["run_id"]) for row in now} == {("cached", earlier.id)}


def test_a_changed_backend_is_not_the_same_experiment_for_the_cache(
    executed: Callable[..., Run], opened: Callable[..., Run]
) -> None:
    executed(ghz())
    run = opened(ghz(backend={"kind": "aer", "device": "FakeLimaV2"}, fallback=["cached"]))
    with pytest.raises(NoAnswerError, match="no earlier run"):
        fallback(run, "rejected")


def test_the_classical_answer_has_no_statistical_error(opened: Callable[..., Run]) -> None:
    run = opened(ghz(fallback=["classical"]))
    assert fallback(run, "rejected")["source"] == "classical"
    rows = {row.observable: row for row in run.store.runs.estimates(run.id)}
    assert rows["parity"].value == pytest.approx(1.0)
    assert rows["parity"].stderr == 0.0


def test_without_a_fallback_there_is_no_answer(opened: Callable[..., Run]) -> None:
    with pytest.raises(NoAnswerError, match="the fallback chain is empty"):
        fallback(opened(ghz(fallback=[])), "rejected")


def test_a_person_decides_once(opened: Callable[..., Run]) -> None:
    run = opened(ghz(promotion={"approval": "always"}))
    assert promote(run)["outcome"] == "held"
    approve(run, approved=True, by="Ada", reason="looks right")
    approve(run, approved=False, by="Bob", reason="too late")
    held = decision(run)
    assert (held["outcome"], held["by"], held["reason"]) == ("promoted", "Ada", "looks right")
    assert held["held_by"] == "the policy asks for a person's approval"


def test_a_simulation_that_fails_ends_as_a_failed_job(opened: Callable[..., Run]) -> None:
    from prefect_qpu.jobs import complete

    document = {
        "kind": "circuit",
        "qasm": 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; rx(0.3) q[0];',
        "observables": {"z": "Z"},
    }
    run = opened(ghz(workload=document, hypothesis=None, backend={"kind": "aer", "method": "stabilizer"}))
    submit(run)
    with pytest.raises(JobFailedError):
        complete(run, PRIMARY)


def test_only_the_job_of_the_run_is_charged_as_queue_and_execution(executed: Callable[..., Run]) -> None:
    run = executed(ghz())
    summary = summarise(run.store, run.id)
    own = [span for span in summary.spans if span.role == PRIMARY]
    assert {span.role for span in summary.spans if span.source == "provider"} >= {"smoke-ideal", "smoke-noise", PRIMARY}
    assert summary.comparison is not None
    assert summary.comparison["cost"]["execution [s]"] == sum(span.seconds for span in own if span.stage == "execution")
    assert summary.seconds_by_stage["queue"] == sum(span.seconds for span in own if span.stage == "queue")


def test_the_summary_fits_its_own_schema(executed: Callable[..., Run]) -> None:
    import json

    import jsonschema

    from prefect_qpu.summary import RunSummary

    run = executed(ghz())
    document = json.loads(summarise(run.store, run.id).model_dump_json())
    jsonschema.validate(document, RunSummary.model_json_schema(mode="serialization"))
    assert document["source"] == "quantum"
    assert document["baseline"]["value"] == pytest.approx(1.0)


def test_a_noise_prediction_in_doubt_is_drawn_again_with_the_shots_that_decide(executed: Callable[..., Run]) -> None:
    run = executed(ghz(shots=50, promotion={"min_signal": 0.6, "tolerance": 0.1}))
    decided = decision(run)
    shots = {item["details"]["shots"] for item in decided["criteria"] if item["name"] == "noise_distinguishable"}
    rows = run.store.submissions.for_run(run.id)
    assert decided["outcome"] == "promoted"
    assert {pub["shots"] for pub in rows["smoke-noise"].pubs} == {50}
    assert {pub["shots"] for pub in rows["smoke-noise-powered"].pubs} == {min(shots)}
    assert min(shots) > 50
    assert replay(run.store, run.id)["identical"]
