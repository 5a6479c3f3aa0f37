"""Sweeps that were measured before: which of them the store answers alone, and with which execution."""

import numpy as np

from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.records import RecordStore
from prefect_qpu.sweeps.analysis import analyse_ready
from prefect_qpu.sweeps.answering import answered
from prefect_qpu.sweeps.ending import finish
from prefect_qpu.sweeps.frame import frame
from prefect_qpu.sweeps.running import complete
from prefect_qpu.sweeps.starting import start
from tests.prefect_qpu.sweeps.documents import T, U, sweep
from tests.prefect_qpu.sweeps.executing import executed, key_of, planned
from tests.prefect_qpu.sweeps.test_running import Broken

ANGLES = [0.0, 1.0, 2.0]


def test_a_measured_sweep_is_answered_by_its_newest_execution(store: RecordStore) -> None:
    executed(store, sweep({T: ANGLES}))
    assert answered(store, sweep({T: ANGLES}, packing={"points_per_job": 1})) == store.sweeps.get("run-one")
    assert len(store.runs.list()) == 1


def test_a_sweep_that_has_not_ended_or_grew_is_not_answered(store: RecordStore) -> None:
    planned(store, sweep({T: ANGLES}))
    assert answered(store, sweep({T: ANGLES})) is None
    executed(store, sweep({T: ANGLES}))
    assert answered(store, sweep({T: [*ANGLES, 3.0]})) is None
    assert answered(store, sweep({T: ANGLES}, occasion="tonight")) is None


def test_points_that_have_failed_are_not_answered(store: RecordStore) -> None:
    swept = sweep({T: np.linspace(0, 4, 7).tolist()}, packing={"points_per_job": 4})
    executed(store, swept, kind=Broken)
    assert answered(store, swept) is None
    executed(store, swept, "run-two")
    assert answered(store, swept) == store.sweeps.get("run-two")


def test_another_goal_or_name_is_shown_by_an_execution_of_its_own(store: RecordStore) -> None:
    executed(store, sweep({T: ANGLES}))
    low = answered(store, sweep({T: ANGLES}, goal="minimize", title="low"))
    assert low is not None
    assert (low.name, low.document["goal"]) == ("low", "minimize")
    assert answered(store, sweep({T: ANGLES}, goal="minimize", title="low")) == low


def test_points_that_other_sweeps_have_measured_are_shown_together(store: RecordStore) -> None:
    executed(store, sweep({T: ANGLES, U: [0.2]}))
    executed(store, sweep({T: ANGLES, U: [0.3]}), "run-two")
    row = answered(store, sweep({T: ANGLES[:2], U: [0.2, 0.3]}))
    assert row is not None
    table = frame(store, row)
    assert (set(table["state"]), table["point [1]"].nunique()) == ({"measured"}, 4)
    assert (store.runs.get(row.run_id).state, store.submissions.for_run(row.run_id)) == ("ended", {})


def test_what_a_block_must_be_read_for_is_answered_for_the_same_sweep_only(store: RecordStore) -> None:
    swept = sweep({T: ANGLES}, experiment_backend={"block": "qiskit-backend/main"})
    execution = start(store, swept, {key_of(swept.experiment): AerProvider(AerBackendSpec())}, run_id="run-one")
    complete(execution, 0, lambda _: None)
    analyse_ready(execution)
    finish(execution)
    assert answered(store, swept) == execution.row
    assert answered(store, swept.model_copy(update={"title": "another"})) is None
