"""Stage `transpile`: measured ISA circuits for the target as it is now, cached by content."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from qiskit import QuantumCircuit

from prefect_qpu.circuits import circuit_metrics
from prefect_qpu.experiment import TranspileOptions
from prefect_qpu.hashing import content_hash
from prefect_qpu.mitigation import PlanContext
from prefect_qpu.providers import Provider
from prefect_qpu.records import RecordStore
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import Encoded, encode
from prefect_qpu.transpiling import compile_in_bases

STAGE = "transpile"


@dataclass(frozen=True)
class Transpiled:
    """Measured ISA circuits, one for each group."""

    circuits: tuple[QuantumCircuit, ...]
    hashes: tuple[str, ...]
    qubits: tuple[int, ...]
    """Physical qubit of each circuit qubit at its measurement."""
    key: str
    """Hash of circuit, target and options."""

    def context(self, run: Run, encoded: Encoded, provider: Provider | None = None) -> PlanContext:
        """What mitigation methods plan from, for the run's own provider or another one."""
        return PlanContext(
            self.circuits,
            encoded.measurement,
            run.provider.target(),
            run.experiment.shots,
            run.seeds["execute"],
            provider=(provider or run.provider).kind,
        )


def transpile(run: Run) -> Transpiled:
    """The ISA circuits that the run will execute."""
    document = run.once(STAGE, lambda: compile_for_target(run))
    return _from_document(run, document)


def compiled_circuits(run: Run) -> Transpiled:
    """The ISA circuits for the target as it is now, without ending the stage."""
    return _from_document(run, compile_for_target(run))


def compile_for_target(run: Run) -> dict[str, Any]:
    """The transpilation as JSON data, from the cache if this content was compiled before."""
    encoded, options = encode(run), run.experiment.transpile
    bases = [group.basis for group in encoded.measurement.groups]
    key = transpilation_key(encoded.circuit_hash, bases, run.provider, options, run.seeds["transpile"])
    stored = run.store.circuits.transpiled(key)
    if stored is not None:
        return stored
    made = compile_in_bases(encoded.circuit, bases, run.provider.target(), options, run.seeds["transpile"])
    return keep_transpilation(run.store, key, encoded.circuit_hash, bases, *made)


def transpilation_key(
    circuit_hash: str, bases: Sequence[str], provider: Provider, options: TranspileOptions, seed: int
) -> str:
    """Hash of all that decides what the transpiler makes."""
    calibration = provider.calibration()
    return content_hash(
        {
            "circuit": circuit_hash,
            "groups": list(bases),
            "target": calibration.hash if calibration else "ideal",
            "options": options.model_dump(mode="json"),
            "seed": seed,
            "qiskit": version("qiskit"),
        }
    )


def keep_transpilation(
    store: RecordStore,
    key: str,
    circuit_hash: str,
    bases: Sequence[str],
    qubits: Sequence[int],
    circuits: Sequence[QuantumCircuit],
) -> dict[str, Any]:
    """The transpilation as JSON data, which the cache has now."""
    document = {
        "key": key,
        "qubits": list(qubits),
        "circuits": [
            {"basis": basis, "hash": store.circuits.add(circuit), **asdict(circuit_metrics(circuit))}
            for basis, circuit in zip(bases, circuits, strict=True)
        ],
    }
    store.circuits.add_transpiled(key, circuit_hash, document)
    return document


def _from_document(run: Run, document: dict[str, Any]) -> Transpiled:
    hashes = tuple(circuit["hash"] for circuit in document["circuits"])
    return Transpiled(
        circuits=tuple(run.store.circuits.get(key) for key in hashes),
        hashes=hashes,
        qubits=tuple(document["qubits"]),
        key=document["key"],
    )
