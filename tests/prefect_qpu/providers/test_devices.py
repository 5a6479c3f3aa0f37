"""The calibrations of fake devices are kept as files, and a file that is not right is not used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from qiskit_ibm_runtime.fake_provider import FakeLimaV2

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import BackendError
from prefect_qpu.providers.devices import device_calibration


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """The file in which a calibration is kept."""
    device_calibration("FakeLimaV2", tmp_path / "devices")
    (path,) = (tmp_path / "devices").iterdir()
    return path


def test_what_is_kept_is_what_the_device_reports(kept: Path) -> None:
    fresh = Calibration.from_backend(FakeLimaV2())
    again = device_calibration("FakeLimaV2", kept.parent)
    assert (again, again.hash) == (fresh, fresh.hash)


def test_a_kept_calibration_needs_no_import_of_the_devices(kept: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from prefect_qpu.providers.devices import device_calibration; "
        "device_calibration('FakeLimaV2', Path(sys.argv[1])); print('qiskit_ibm_runtime' in sys.modules)"
    )
    found = subprocess.run([sys.executable, "-c", code, str(kept.parent)], capture_output=True, text=True, check=True)
    assert found.stdout == "False\n"


@pytest.mark.parametrize("damage", ["cut", "changed", "other", "binary"])
def test_a_damaged_file_is_made_anew(kept: Path, damage: str) -> None:
    whole = kept.read_text()
    document = json.loads(whole)
    document["calibration"]["qubits"][0]["t1"] = 1.0
    texts = {"cut": whole[:100], "changed": json.dumps(document), "other": "[1]", "binary": "\x00\xff"}
    kept.write_text(texts[damage], encoding="latin-1")
    assert device_calibration("FakeLimaV2", kept.parent) == Calibration.from_backend(FakeLimaV2())
    assert kept.read_text() == whole


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert device_calibration("FakeLimaV2", tmp_path / "file").num_qubits == 5


@pytest.mark.parametrize("name", ["FakeLima", "../FakeLimaV2", "", "FakeProviderForBackendV2"])
def test_an_unknown_device_is_refused_and_leaves_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BackendError, match="class name of a Qiskit fake device"):
        device_calibration(name, tmp_path)
    assert list(tmp_path.iterdir()) == []
