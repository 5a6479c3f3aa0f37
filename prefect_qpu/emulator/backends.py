"""The devices that the emulator serves, from the client's own snapshots, and the history of their calibrations."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from importlib.util import find_spec
from math import floor
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import select

from prefect_qpu.emulator.drift import dated, drifted
from prefect_qpu.emulator.schema import CalibrationRow
from prefect_qpu.emulator.settings import Settings
from prefect_qpu.errors import BackendError
from prefect_qpu.records.database import Database

_LONGEST_HISTORY = 1000


@dataclass(frozen=True)
class Device:
    """A device: its name at the service, and the snapshot behind it."""

    name: str
    snapshot: str
    mock: bool = False
    """Whether it answers with random bits, for dry runs."""

    @classmethod
    def named(cls, text: str) -> "Device":
        """The device of ``torino`` or ``ibm_torino``, or under another name of ``ibm_fez=torino``.

        Raises:
            BackendError: there is no such snapshot.

        Example:
            >>> Device.named("torino"), Device.named("ibm_fez=torino").snapshot
            (Device(name='ibm_torino', snapshot='torino', mock=False), 'torino')
        """
        alias, equals, given = text.rpartition("=")
        snapshot = given.lower().removeprefix("ibm_").removeprefix("ibmq_").removeprefix("fake_")
        if snapshot not in snapshots():
            close = get_close_matches(snapshot, snapshots(), n=1)
            raise BackendError(
                "device",
                given=text,
                expected="a device whose snapshot the client carries, such as torino",
                hint=f"Did you mean {close[0]}?" if close else "",
            )
        return cls(alias if equals else f"ibm_{snapshot}", snapshot)

    def dry(self) -> "Device":
        """Its double for dry runs, under the name that the client asks for."""
        return Device(f"mock_{self.name.partition('_')[2]}", self.snapshot, mock=True)

    @property
    def num_qubits(self) -> int:
        """Number of qubits."""
        return int(_document(self.snapshot, "conf")["n_qubits"])

    def configuration(self) -> dict[str, Any]:
        """The configuration as the service sends it."""
        published = _document(self.snapshot, "conf")
        online = datetime.fromisoformat(published["online_date"]).astimezone(UTC)
        told = {"backend_name": self.name, "online_date": online.strftime("%Y-%m-%dT%H:%M:%SZ")}
        # The device's own flag ``simulator`` stays as it is: with another value, the client would check less.
        return {**published, **told, "emulator": True}

    def properties(self, calibration: CalibrationRow) -> dict[str, Any]:
        """The properties at a calibration as the service sends them."""
        published = _document(self.snapshot, "props")
        now = drifted(published, calibration.number, seed=calibration.seed, strength=calibration.drift)
        return {**dated(now, calibration.taken_at), "backend_name": self.name}


def snapshots() -> list[str]:
    """Names of the snapshots that the client carries."""
    return [path.name for path in sorted(_folder().iterdir()) if (path / f"props_{path.name}.json").exists()]


@dataclass
class Calibrations:
    """The history of the devices' calibrations: one by schedule, or at once by `calibrate`."""

    database: Database
    _rows: dict[str, list[CalibrationRow]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def current(self, device: Device, settings: Settings, now: datetime) -> CalibrationRow:
        """The calibration that is valid now; those that have become due are added to the history."""
        with self._lock:
            rows = self._history(device)
            if not rows:
                self._add(device, 0, now.replace(microsecond=0), settings)
            last, period = rows[-1], settings.calibration_s
            due = floor((now - last.taken_at).total_seconds() / period)
            for step in range(max(1, due - _LONGEST_HISTORY), due + 1):
                self._add(device, last.number + step, last.taken_at + timedelta(seconds=step * period), settings)
            return rows[-1]

    def calibrate(self, device: Device, settings: Settings, now: datetime) -> CalibrationRow:
        """A new calibration, now."""
        last = self.current(device, settings, now)
        with self._lock:
            self._add(device, last.number + 1, now, settings)
            return self._history(device)[-1]

    def before(self, device: Device, settings: Settings, now: datetime, moment: datetime) -> CalibrationRow:
        """The calibration that was valid at a time; the first one for a time before it."""
        self.current(device, settings, now)
        history = self._history(device)
        return next((row for row in reversed(history) if row.taken_at <= moment), history[0])

    def by_id(self, device: Device, identifier: str) -> CalibrationRow | None:
        """The calibration of this id."""
        return next((row for row in self._history(device) if row.id == identifier), None)

    def _history(self, device: Device) -> list[CalibrationRow]:
        if device.name not in self._rows:
            query = select(CalibrationRow).where(CalibrationRow.device == device.name).order_by(CalibrationRow.number)
            with self.database.reading() as session:
                self._rows[device.name] = list(session.scalars(query))
        return self._rows[device.name]

    def _add(self, device: Device, number: int, taken_at: datetime, settings: Settings) -> None:
        row = CalibrationRow(
            device=device.name, number=number, taken_at=taken_at, seed=settings.seed, drift=settings.drift
        )
        with self.database.writing() as session:
            session.add(row)
        self._rows[device.name].append(row)


def devices(names: Iterable[str]) -> dict[str, Device]:
    """Devices and their doubles for dry runs, by name."""
    served = [Device.named(name) for name in names]
    return {device.name: device for device in [*served, *(device.dry() for device in served)]}


@lru_cache(maxsize=64)
def _document(snapshot: str, kind: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((_folder() / snapshot / f"{kind}_{snapshot}.json").read_text())
    return document


def _folder() -> Path:
    # The client is not imported, which would take seconds.
    client = find_spec("qiskit_ibm_runtime")
    assert client is not None
    assert client.submodule_search_locations is not None
    return Path(client.submodule_search_locations[0]) / "fake_provider" / "backends"
