"""Devices, the drift of their properties, and its history."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from prefect_qpu.emulator.backends import Calibrations, Device, devices
from prefect_qpu.emulator.drift import walk
from prefect_qpu.emulator.jobs import Jobs
from prefect_qpu.emulator.schema import CalibrationRow
from prefect_qpu.emulator.settings import Settings
from prefect_qpu.errors import BackendError

START = datetime(2026, 1, 1, tzinfo=UTC)
MANILA = Device("ibm_manila", "manila")
HOURLY = Settings(calibration_s=3600)


def row(number: int, seed: int = 1, drift: float = 0.1) -> CalibrationRow:
    return CalibrationRow(device=MANILA.name, number=number, taken_at=START, seed=seed, drift=drift)


@pytest.fixture
def calibrations(tmp_path: Path) -> Calibrations:
    return Calibrations(Jobs.open(tmp_path).database)


def values(properties: dict[str, object], name: str) -> list[float]:
    return [item["value"] for qubit in properties["qubits"] for item in qubit if item["name"] == name]  # type: ignore[attr-defined]


def test_every_device_has_a_double_for_dry_runs_under_the_name_that_the_client_asks_for() -> None:
    served = devices(["torino", "ibm_fez=manila"])
    assert list(served) == ["ibm_torino", "ibm_fez", "mock_torino", "mock_fez"]
    assert served["ibm_fez"].snapshot == "manila"
    assert served["mock_torino"].mock


def test_an_unknown_device_is_refused_with_a_suggestion() -> None:
    with pytest.raises(BackendError, match="Did you mean torino"):
        Device.named("torinno")


def test_the_first_calibration_is_the_published_snapshot() -> None:
    assert values(MANILA.properties(row(0)), "T1")[0] == pytest.approx(131.5286444531517)


def test_the_drift_is_the_same_for_the_same_seed() -> None:
    assert MANILA.properties(row(5)) == MANILA.properties(row(5))
    assert MANILA.properties(row(5)) != MANILA.properties(row(5, seed=2))
    assert MANILA.properties(row(5)) != MANILA.properties(row(6))


def test_the_walk_is_stationary_and_persistent() -> None:
    states = np.array([walk(number, 400, seed=3) for number in range(40, 60)])
    assert 0.85 < states.std() < 1.15
    assert 0.7 < np.mean(states[1:] * states[:-1]) / states.var() < 0.9


@pytest.mark.parametrize("number", range(1, 6))
def test_drifted_properties_stay_physical(number: int) -> None:
    properties = MANILA.properties(row(number, drift=1.0))
    assert all(0 < error <= 0.5 for error in values(properties, "readout_error"))
    assert all(t2 <= 2 * t1 for t1, t2 in zip(values(properties, "T1"), values(properties, "T2"), strict=True))


def test_dates_are_those_of_the_calibration_in_utc() -> None:
    properties = MANILA.properties(row(1))
    assert properties["last_update_date"] == "2026-01-01T00:00:00Z"
    dates = [item["date"] for qubit in properties["qubits"] for item in qubit]
    assert all(date.endswith("Z") and date <= "2026-01-01T00:00:00Z" for date in dates)


def test_calibrations_follow_the_schedule(calibrations: Calibrations) -> None:
    calibrations.current(MANILA, HOURLY, START)
    last = calibrations.current(MANILA, HOURLY, START + timedelta(hours=3, minutes=30))
    assert (last.number, last.taken_at) == (3, START + timedelta(hours=3))


def test_the_history_tells_what_was_valid_at_a_time(calibrations: Calibrations) -> None:
    now = START + timedelta(hours=5)
    calibrations.current(MANILA, HOURLY, START)
    at = [calibrations.before(MANILA, HOURLY, now, START + timedelta(minutes=minutes)).number for minutes in (-5, 90)]
    assert at == [0, 1]
    assert calibrations.by_id(MANILA, "ibm_manila-000004").taken_at == START + timedelta(hours=4)  # type: ignore[union-attr]
    assert calibrations.by_id(MANILA, "ibm_manila-000099") is None


def test_the_history_outlives_the_process(calibrations: Calibrations) -> None:
    calibrations.current(MANILA, HOURLY, START)
    calibrations.calibrate(MANILA, HOURLY, START + timedelta(minutes=1))
    again = Calibrations(calibrations.database).current(MANILA, HOURLY, START + timedelta(minutes=2))
    assert (again.number, again.taken_at) == (1, START + timedelta(minutes=1))


def test_an_emulator_that_slept_for_a_year_keeps_a_short_history(calibrations: Calibrations) -> None:
    calibrations.current(MANILA, HOURLY, START)
    last = calibrations.current(MANILA, HOURLY, START + timedelta(days=365))
    assert last.number == 365 * 24
    assert last.taken_at == START + timedelta(days=365)
