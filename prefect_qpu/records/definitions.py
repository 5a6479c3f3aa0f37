"""Stored experiments and calibrations."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from prefect_qpu.calibration import Calibration
from prefect_qpu.experiment import Experiment
from prefect_qpu.hashing import canonical_json
from prefect_qpu.latency import Clock
from prefect_qpu.records import blobs, schema
from prefect_qpu.records.circuits import Circuits
from prefect_qpu.records.database import Database, insert_missing, required

_AT_A_TIME = 500
"""Hashes in one query: databases limit its parameters."""


class Experiments:
    """Experiments by the hash of their definition."""

    def __init__(self, database: Database, clock: Clock, circuits: Circuits) -> None:
        self._database, self._clock, self._circuits = database, clock, circuits

    def add(self, experiment: Experiment) -> str:
        """The hash under which the experiment is stored, with the circuit that its document refers to."""
        document = experiment.document()
        if "circuit" in document["workload"]:
            self._circuits.add(experiment.workload.encode().circuit)
        row = {
            "hash": experiment.hash,
            "execution_hash": experiment.execution_hash,
            "name": experiment.name,
            "document": document,
            "created_at": self._clock(),
        }
        with self._database.writing() as session:
            insert_missing(session, schema.Experiment, row)
        return experiment.hash

    def get(self, key: str) -> Experiment:
        """The experiment with this hash.

        Raises:
            RecordNotFoundError: there is none, or its circuit is missing.
        """
        return Experiment.parse(self.document(key), circuits=self._circuits.get)

    def document(self, key: str) -> dict[str, Any]:
        """The definition of the experiment with this hash as JSON data.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return required(session, schema.Experiment, key, "experiment").document

    def documents(self, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
        """The definitions of many experiments by hash, without those that are not stored."""
        wanted = sorted(set(keys))
        query = select(schema.Experiment.hash, schema.Experiment.document)
        with self._database.reading() as session:
            found = [
                (row.hash, row.document)
                for start in range(0, len(wanted), _AT_A_TIME)
                for row in session.execute(query.where(schema.Experiment.hash.in_(wanted[start : start + _AT_A_TIME])))
            ]
        return dict(found)


class Calibrations:
    """Calibration snapshots by the hash of their content."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._known: set[str] = set()

    def add(self, calibration: Calibration) -> str:
        """The hash under which the calibration is stored."""
        if calibration.hash not in self._known:
            self._store(calibration)
            self._known.add(calibration.hash)
        return calibration.hash

    def get(self, key: str) -> Calibration:
        """The calibration with this hash.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            required(session, schema.Calibration, key, "calibration")
            return Calibration.model_validate_json(blobs.contents(session, [key])[key])

    def _store(self, calibration: Calibration) -> None:
        blob = blobs.packed(canonical_json(calibration.model_dump(mode="json")).encode())
        row = {
            "hash": blob["hash"],
            "device": calibration.device,
            "taken_at": calibration.taken_at,
            "created_at": self._clock(),
        }
        with self._database.writing() as session:
            blobs.put(session, [blob])
            insert_missing(session, schema.Calibration, row)
