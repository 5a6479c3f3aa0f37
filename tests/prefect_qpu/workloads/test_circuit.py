import base64
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
from qiskit import QuantumCircuit, qasm2, qpy
from qiskit.circuit import Parameter, ParameterVector

from prefect_qpu.circuits import circuit_hash, to_qpy
from prefect_qpu.errors import CircuitError, ExperimentError, InputError, ObservableError, WorkloadError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads.circuit import CircuitWorkload

QASM2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q -> c;'
QASM3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c; h q[0]; cx q[0], q[1]; c = measure q;'


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    return circuit


def rotations() -> QuantumCircuit:
    """Free parameters: theta[0], theta[2] (of three) and phi."""
    circuit, theta = QuantumCircuit(1), ParameterVector("theta", 3)
    circuit.rx(theta[0] + 2 * theta[2], 0)
    circuit.rz(Parameter("phi"), 0)
    return circuit


def inline(circuit: QuantumCircuit) -> str:
    return base64.b64encode(to_qpy(circuit)).decode()


def parse(base: Path | None = None, **workload: Any) -> CircuitWorkload:
    workload.setdefault("observables", {"zz": "ZZ"})
    parsed = Experiment.parse({"name": "test", "workload": {"kind": "circuit", **workload}}, base=base).workload
    assert isinstance(parsed, CircuitWorkload)
    return parsed


def refused(kind: type[InputError], **workload: Any) -> str:
    with pytest.raises(kind) as caught:
        parse(**workload)
    return str(caught.value)


def test_every_way_to_give_a_circuit_gives_the_same_document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "two.qasm").write_text(QASM2)
    (tmp_path / "three.qasm").write_text(QASM3)
    (tmp_path / "bell.qpy").write_bytes(to_qpy(bell()))
    (tmp_path / "bell_module.py").write_text(f"from qiskit import qasm2\ndef bell(): return qasm2.loads('{QASM2}')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    files = [parse(tmp_path, file=name) for name in ("two.qasm", "three.qasm", "bell.qpy")]
    others = [parse(qasm=QASM2), parse(qasm=QASM3), parse(qpy=inline(bell())), parse(python="bell_module:bell")]
    documents = {json.dumps(workload.document()) for workload in [*files, *others]}
    assert len(documents) == 1
    assert json.loads(documents.pop())["circuit"] == circuit_hash(bell())


def test_the_document_names_no_path(tmp_path: Path) -> None:
    (tmp_path / "bell.qasm").write_text(QASM3)
    assert "bell" not in json.dumps(parse(tmp_path, file="bell.qasm").document())


def test_a_document_and_the_stored_circuit_rebuild_the_experiment() -> None:
    workload = {
        "kind": "circuit",
        "qpy": inline(rotations()),
        "observables": {"y": {"Y": 0.5, "X": 1}, "x": "X"},
        "parameters": {"theta": [0.1, 0.2, 0.3], "phi": 1},
        "expected": {"x": 0},
    }
    first = Experiment.parse({"name": "test", "workload": workload})
    stored = {circuit_hash(first.workload.encode().circuit): first.workload.encode().circuit}
    document = json.loads(json.dumps(first.document()))
    second = Experiment.parse(document, circuits=stored.__getitem__)
    assert second == first
    assert (second.hash, second.execution_hash) == (first.hash, first.execution_hash)
    assert second.workload.document() == first.workload.document()


def test_a_rebuilt_workload_needs_the_store() -> None:
    told = refused(CircuitError, circuit=circuit_hash(bell()))
    assert told.startswith("workload.circuit: got")
    assert "expected a record store" in told


def test_a_store_that_gives_another_circuit_is_not_believed() -> None:
    document = {"name": "test", "workload": parse(qasm=QASM2).document()}
    with pytest.raises(CircuitError, match="expected the hash of the stored circuit"):
        Experiment.parse(document, circuits=lambda _: rotations())


def test_the_encoding_has_values_observables_and_no_measurement() -> None:
    workload = parse(
        qpy=inline(rotations()),
        observables={"x": "X"},
        parameters={"theta": [0.1, 0.2, 0.3], "phi": 1},
        expected={"x": 0.5},
    )
    encoding = workload.encode()
    assert {name: float(value) for name, value in encoding.parameters.items()} == {
        "theta[0]": 0.1,
        "theta[2]": 0.3,
        "phi": 1.0,
    }
    assert {value.shape for value in encoding.parameters.values()} == {()}
    assert circuit_hash(encoding.circuit) == circuit_hash(rotations())
    assert encoding.expected == {"x": 0.5}
    assert workload.objective() is None


def test_changing_the_encoded_circuit_changes_no_later_encoding() -> None:
    workload = parse(qasm=QASM2)
    workload.encode().circuit.x(0)
    assert circuit_hash(workload.encode().circuit) == workload.preparation_hash


@pytest.mark.parametrize("sources", [{}, {"qasm": QASM2, "python": "a:b"}])
def test_exactly_one_circuit_is_wanted(sources: dict[str, str]) -> None:
    assert "expected exactly one of the keys file, python, qasm, qpy, circuit" in refused(WorkloadError, **sources)


def test_a_circuit_file_without_observables_is_told_what_is_missing(tmp_path: Path) -> None:
    (tmp_path / "bell.qasm").write_text(QASM3)
    told = refused(WorkloadError, base=tmp_path, file="bell.qasm", observables={})
    assert told.startswith(
        "workload.observables: got nothing, expected at least one observable of the circuit's 2 qubits"
    )
    assert "observables: {z: ZZ}" in told


@pytest.mark.parametrize(
    ("workload", "kind", "told"),
    [
        ({"file": "nowhere.qasm"}, CircuitError, "workload.file: got 'nowhere.qasm', expected a readable file"),
        ({"qasm": "OPENQASM 2.0; qreg q[1]; h q[0];"}, CircuitError, "custom instruction 'h' before definition"),
        ({"qasm": "OPENQASM 3.0; qubit q; frobnicate q;"}, CircuitError, "workload.qasm: got"),
        ({"qasm": "H 0"}, CircuitError, "expected a text that begins with OPENQASM"),
        ({"python": "json:dumps"}, CircuitError, "workload.python: got 'json:dumps'"),
        ({"python": "os:getcwd"}, CircuitError, "It returned str."),
        ({"qpy": "!!!"}, CircuitError, "workload.qpy: got '!!!', expected QPY data in base64"),
        ({"qasm": QASM2, "observables": {"z": "ZQ"}}, ObservableError, "workload.observables.z: got 'ZQ'"),
        ({"qasm": QASM2, "observables": {"z": "ZZZ"}}, ObservableError, "each of the circuit's 2 qubits"),
        ({"qasm": QASM2, "observables": {"z": {}}}, ObservableError, "at least one Pauli string"),
        ({"qasm": QASM2, "expected": {"xx": 1}}, WorkloadError, "expected the name of an observable (zz)"),
        ({"qasm": QASM2, "observables": {"z": {"ZZ": float("nan")}}}, ExperimentError, "observables.z.ZZ: got nan"),
        ({"qasm": QASM2, "obsrvables": {}}, ExperimentError, "Did you mean observables?"),
        ({"qasm": "OPENQASM 3.0; bit c;"}, CircuitError, "a circuit without qubits"),
        ({"qasm": QASM2.replace("measure", "reset q[0]; measure")}, CircuitError, "reset at instruction 2"),
    ],
)
def test_what_cannot_be_run_is_refused_by_name(workload: dict[str, Any], kind: type[InputError], told: str) -> None:
    assert told in refused(kind, **workload)


@pytest.mark.parametrize(
    ("parameters", "told"),
    [
        ({}, "Missing: phi, theta[0], theta[2]."),
        ({"phi": 1}, "Missing: theta[0], theta[2]."),
        ({"phi": 1, "theta": [0.1]}, "Missing: theta[2]."),
        ({"phi": 1, "theta": [0.1, 0.2, 0.3, 0.4]}, "got ['theta[3]'], expected the circuit's free parameters"),
        ({"phi": 1, "theta": [0.1, 0.2, 0.3], "psi": 1}, "got ['psi']"),
        ({"phi": 1, "theta": [0.1, 0.2, 0.3], "theta[0]": 1}, "workload.parameters.theta[0]: got 'two values'"),
    ],
)
def test_parameters_and_their_values_must_match(parameters: dict[str, Any], told: str) -> None:
    assert told in refused(WorkloadError, qpy=inline(rotations()), observables={"z": "Z"}, parameters=parameters)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.1", True, [0.1, float("nan")]])
def test_a_parameter_value_is_a_finite_number(value: object) -> None:
    told = refused(ExperimentError, qpy=inline(rotations()), observables={"z": "Z"}, parameters={"phi": value})
    assert told.startswith("workload.parameters.phi")


class Bomb:
    def __reduce__(self) -> tuple[Any, ...]:
        return pytest.fail, ("a pickle was loaded",)


@pytest.mark.parametrize(
    "raw",
    [pickle.dumps(Bomb()), b"QISKIT" + b"\x0a" + to_qpy(bell())[7:], to_qpy(bell())[:40], b"QISKIT", b""],
    ids=["pickle", "old format", "cut off", "header only", "empty"],
)
def test_data_that_are_not_safe_qpy_are_refused(raw: bytes, tmp_path: Path) -> None:
    assert "workload.qpy: got" in refused(CircuitError, qpy=base64.b64encode(raw).decode())
    (tmp_path / "circuit.qpy").write_bytes(raw)
    assert "workload.file: got" in refused(CircuitError, base=tmp_path, file="circuit.qpy")


def test_several_circuits_in_one_file_are_refused(tmp_path: Path) -> None:
    with (tmp_path / "two.qpy").open("wb") as file:
        qpy.dump([bell(), bell()], file)
    assert "expected exactly one circuit" in refused(CircuitError, base=tmp_path, file="two.qpy")


def test_an_include_is_found_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "mine.inc").write_text("gate both a, b { CX a, b; CX b, a; }")
    (tmp_path / "both.qasm").write_text('OPENQASM 2.0; include "mine.inc"; qreg q[2]; both q[0], q[1];')
    assert parse(tmp_path, file="both.qasm").encode().circuit.num_qubits == 2


def test_a_file_that_qiskit_writes_is_read(tmp_path: Path) -> None:
    qasm2.dump(bell(), tmp_path / "bell.qasm")
    assert parse(tmp_path, file="bell.qasm").preparation_hash == circuit_hash(bell())
