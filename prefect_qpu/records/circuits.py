"""Stored circuits, and the cache of what the transpiler made of them."""

from collections.abc import Sequence
from threading import Lock
from typing import Any

from qiskit import QuantumCircuit
from sqlalchemy import select

from prefect_qpu.circuits import circuit_hash, circuit_metrics, from_qpy, to_qpy
from prefect_qpu.errors import RecordNotFoundError
from prefect_qpu.latency import Clock
from prefect_qpu.records import blobs, schema
from prefect_qpu.records.database import Database, insert_missing, required
from prefect_qpu.records.rows import CircuitRow

MEMO_SIZE = 256
"""Decoded circuits that a store keeps in memory."""


class Circuits:
    """Circuits by the hash of their structure; the first circuit that is stored under a hash is kept."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock
        self._memo = _Memo(MEMO_SIZE)

    def add(self, circuit: QuantumCircuit) -> str:
        """The hash under which the circuit is stored now, if it was not before."""
        key = circuit_hash(circuit)
        if key not in self._memo and not self._stored(key):
            self._store(key, circuit)
        return key

    def get(self, key: str) -> QuantumCircuit:
        """A copy of the circuit with this hash.

        Raises:
            RecordNotFoundError: there is none.
        """
        return self.get_many([key])[0]

    def get_many(self, keys: Sequence[str]) -> list[QuantumCircuit]:
        """Copies of the circuits with these hashes, in this order.

        Raises:
            RecordNotFoundError: one of them is missing.
        """
        known = {key: circuit for key in set(keys) if (circuit := self._memo.get(key)) is not None}
        decoded = self._load([key for key in dict.fromkeys(keys) if key not in known])
        for key, circuit in decoded.items():
            self._memo.put(key, circuit)
        known |= decoded
        return [known[key].copy() for key in keys]

    def row(self, key: str) -> CircuitRow:
        """Size of the circuit with this hash.

        Raises:
            RecordNotFoundError: there is none.
        """
        with self._database.reading() as session:
            return CircuitRow.of(required(session, schema.Circuit, key, "circuit"))

    def add_transpiled(self, key: str, circuit_hash: str, document: dict[str, Any]) -> None:
        """Keep what the transpiler made of a circuit; the first document of a key is kept."""
        row = {"key": key, "circuit_hash": circuit_hash, "document": document, "created_at": self._clock()}
        with self._database.writing() as session:
            insert_missing(session, schema.Transpilation, row)

    def transpiled(self, key: str) -> dict[str, Any] | None:
        """What the transpiler made under this key, or none."""
        with self._database.reading() as session:
            record = session.get(schema.Transpilation, key)
            return record.document if record else None

    def _stored(self, key: str) -> bool:
        with self._database.reading() as session:
            return session.scalar(select(schema.Circuit.hash).where(schema.Circuit.hash == key)) is not None

    def _store(self, key: str, circuit: QuantumCircuit) -> None:
        metrics, blob = circuit_metrics(circuit), blobs.packed(to_qpy(circuit))
        row = {
            "hash": key,
            "blob_hash": blob["hash"],
            "num_qubits": circuit.num_qubits,
            "depth": metrics.depth,
            "two_qubit_gates": metrics.two_qubit_gates,
            "size": metrics.size,
            "payload_bytes": blob["size"],
            "created_at": self._clock(),
        }
        with self._database.writing() as session:
            blobs.put(session, [blob])
            insert_missing(session, schema.Circuit, row)

    def _load(self, keys: Sequence[str]) -> dict[str, QuantumCircuit]:
        if not keys:
            return {}
        with self._database.reading() as session:
            names = blobs.circuit_blobs(session, keys)
            missing = [key for key in keys if key not in names]
            if missing:
                raise RecordNotFoundError("circuit", missing[0])
            payloads = blobs.contents(session, names.values())
        return {key: from_qpy(payloads[name]) for key, name in names.items()}


class _Memo:
    """The circuits that were used last; safe in several threads."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._circuits: dict[str, QuantumCircuit] = {}

    def __contains__(self, key: str) -> bool:
        return key in self._circuits

    def get(self, key: str) -> QuantumCircuit | None:
        with self._lock:
            circuit = self._circuits.pop(key, None)
            if circuit is not None:
                self._circuits[key] = circuit
            return circuit

    def put(self, key: str, circuit: QuantumCircuit) -> None:
        with self._lock:
            self._circuits[key] = circuit
            while len(self._circuits) > self._size:
                del self._circuits[next(iter(self._circuits))]
