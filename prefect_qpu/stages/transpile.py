"""Stage `transpile`: measured ISA circuits for the target as it is now, cached by content."""

from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from qiskit import QuantumCircuit

from prefect_qpu.circuits import circuit_metrics
from prefect_qpu.hashing import content_hash
from prefect_qpu.mitigation import PlanContext
from prefect_qpu.providers import Provider
from prefect_qpu.run import Run
from prefect_qpu.stages.encode import Encoded, encode
from prefect_qpu.transpiling import compile_preparation, measure_in_basis

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
    encoded = encode(run)
    calibration = run.provider.calibration()
    key = content_hash(
        {
            "circuit": encoded.circuit_hash,
            "groups": [group.basis for group in encoded.measurement.groups],
            "target": calibration.hash if calibration else "ideal",
            "options": run.experiment.transpile.model_dump(mode="json"),
            "seed": run.seeds["transpile"],
            "qiskit": version("qiskit"),
        }
    )
    stored = run.store.circuits.transpiled(key)
    if stored is not None:
        return stored
    document = _compile(run, encoded, key)
    run.store.circuits.add_transpiled(key, encoded.circuit_hash, document)
    return document


def _compile(run: Run, encoded: Encoded, key: str) -> dict[str, Any]:
    options, target = run.experiment.transpile, run.provider.target()
    compiled = compile_preparation(encoded.circuit, target, options, run.seeds["transpile"])
    circuits = [
        measure_in_basis(compiled, group.basis, target, optimization_level=options.optimization_level)
        for group in encoded.measurement.groups
    ]
    return {
        "key": key,
        "qubits": list(compiled.qubits),
        "circuits": [
            {"basis": group.basis, "hash": run.store.circuits.add(circuit), **asdict(circuit_metrics(circuit))}
            for group, circuit in zip(encoded.measurement.groups, circuits, strict=True)
        ],
    }


def _from_document(run: Run, document: dict[str, Any]) -> Transpiled:
    hashes = tuple(circuit["hash"] for circuit in document["circuits"])
    return Transpiled(
        circuits=tuple(run.store.circuits.get(key) for key in hashes),
        hashes=hashes,
        qubits=tuple(document["qubits"]),
        key=document["key"],
    )
