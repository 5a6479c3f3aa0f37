from pathlib import Path

import pytest
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import RecordNotFoundError
from prefect_qpu.records import RecordStore

from .conftest import bell


def test_an_experiment_comes_back_without_its_files(store: RecordStore, store_url: str, tmp_path: Path) -> None:
    file = tmp_path / "bell.qasm"
    file.write_text('OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; h q[0]; cx q[0],q[1];')
    experiment = bell(workload={"kind": "circuit", "observables": {"zz": "ZZ"}, "file": str(file)})
    key = store.experiments.add(experiment)
    file.unlink()
    with RecordStore.open(store_url) as other:
        again = other.experiments.get(key)
    assert again.hash == key == experiment.hash
    assert again.workload.encode().circuit == experiment.workload.encode().circuit


def test_an_experiment_is_stored_once(store: RecordStore) -> None:
    assert store.experiments.add(bell()) == store.experiments.add(bell())
    assert store.experiments.document(bell().hash) == bell().document()


def test_an_unknown_experiment_is_named(store: RecordStore) -> None:
    with pytest.raises(RecordNotFoundError, match="no experiment 'abc'"):
        store.experiments.get("abc")


def test_a_calibration_comes_back_with_its_hash(store: RecordStore, store_url: str) -> None:
    calibration = Calibration.from_backend(FakeManilaV2())
    key = store.calibrations.add(calibration)
    assert store.calibrations.add(calibration) == key == calibration.hash
    with RecordStore.open(store_url) as other:
        assert other.calibrations.get(key) == calibration
        assert other.calibrations.add(calibration) == key


def test_an_unknown_calibration_is_named(store: RecordStore) -> None:
    with pytest.raises(RecordNotFoundError, match="no calibration 'abc'"):
        store.calibrations.get("abc")
