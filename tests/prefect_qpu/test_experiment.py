"""The hashes of an experiment: equal for what is the same, different for whatever is not."""

import base64
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import BaseModel
from ruamel.yaml import YAML

from prefect_qpu.calibration import Calibration
from prefect_qpu.circuit_files import parse_qasm
from prefect_qpu.circuits import circuit_hash, to_qpy
from prefect_qpu.experiment import Experiment
from prefect_qpu.loading import read_experiment
from prefect_qpu.workloads import workload_class

QASM = 'OPENQASM 3.0; include "stdgates.inc"; input float[64] theta; qubit[2] q; rx(theta) q[0]; cx q[0], q[1];'
OTHER_QASM = QASM.replace("rx", "ry")
CALIBRATION = {
    "device": "bench",
    "version": "1",
    "taken_at": "2026-01-01T00:00:00Z",
    "num_qubits": 2,
    "dt": 1e-9,
    "qubits": [{"t1": 1e-4, "t2": 1e-4, "frequency": 5e9}, {}],
    "instructions": [{"name": "cx", "qubits": [0, 1], "duration": 1e-7, "error": 0.01}],
    "control_flow": ["if_else"],
}
CIRCUIT: dict[str, Any] = {
    "name": "bell",
    "workload": {
        "kind": "circuit",
        "qasm": QASM,
        "observables": {"zz": "ZZ", "energy": {"ZI": 0.5, "IX": -1.0}},
        "parameters": {"theta": 0.5},
        "expected": {"zz": 0.25},
    },
    "backend": {"kind": "aer", "device": "FakeManilaV2", "method": "automatic"},
    "shots": 1000,
    "seed": 7,
    "transpile": {"optimization_level": 3, "initial_layout": [0, 1], "routing_method": "sabre", "seed": 3},
    "mitigation": [{"method": "raw", "options": {"scale": 1}}],
    "promotion": {"tolerance": 0.1, "confidence": 0.9, "approval": "never"},
    "hypothesis": {"statement": "holds", "observable": "zz", "range": [0.0, 1.0]},
    "baseline": {"time_limit": 5.0},
    "fallback": ["cached", "classical"],
    "replicate": 0,
}
MAXCUT: dict[str, Any] = CIRCUIT | {
    "workload": {
        "kind": "maxcut",
        "graph": [[0, 1], [1, 2, 0.5], [0, 2]],
        "layers": 1,
        "angles": {"gamma": [0.5], "beta": [0.25]},
    },
    "hypothesis": None,
}
JUDGEMENT = {"name", "prices", "promotion", "hypothesis", "baseline", "submission", "fallback", "replicate"}
"""Settings that judge the measured numbers and do not make them."""

# The changed value of every setting, by its path; a new field has no value here, and a test fails.
SETTINGS: dict[str, Any] = {
    "name": "other",
    "backend.device": "FakeLimaV2",
    "backend.method": "statevector",
    "backend.block": "aer-backend/other",
    "backend.calibration.device": "other",
    "backend.calibration.version": "2",
    "backend.calibration.taken_at": "2026-01-02T00:00:00Z",
    "backend.calibration.num_qubits": None,
    "backend.calibration.dt": 2e-9,
    "backend.calibration.qubits.t1": 2e-4,
    "backend.calibration.qubits.t2": 2e-4,
    "backend.calibration.qubits.frequency": 6e9,
    "backend.calibration.instructions.name": "cz",
    "backend.calibration.instructions.qubits": [1, 0],
    "backend.calibration.instructions.duration": 2e-7,
    "backend.calibration.instructions.error": 0.02,
    "backend.calibration.control_flow": [],
    "shots": 1001,
    "seed": 8,
    "transpile.optimization_level": 2,
    "transpile.initial_layout": [1, 0],
    "transpile.routing_method": "basic",
    "transpile.seed": 4,
    "mitigation.method": "other",
    "mitigation.options": {"scale": 2},
    "mitigation.name": "other",
    "promotion.tolerance": 0.2,
    "promotion.looks": 3,
    "promotion.confidence": 0.8,
    "promotion.power": 0.9,
    "promotion.min_signal": 0.1,
    "promotion.beat_trivial": False,
    "promotion.max_calibration_age": 60.0,
    "promotion.require_hypothesis": True,
    "promotion.approval": "always",
    "promotion.beyond_simulation": "waive",
    "promotion.max_depth": 10,
    "promotion.max_two_qubit_gates": 10,
    "promotion.max_qubits": 10,
    "promotion.max_parameters": 10,
    "promotion.max_payload_bytes": 10,
    "promotion.block": "promotion-policy/other",
    "hypothesis.statement": "still holds",
    "hypothesis.observable": "energy",
    "hypothesis.range": [0.0, 0.5],
    "baseline.time_limit": 6.0,
    "prices.currency": "EUR",
    "prices.providers.per_job": {"per_job": 0.5},
    "prices.providers.per_shot": {"per_shot": 0.001},
    "prices.providers.per_qpu_second": {"per_qpu_second": 1.6},
    "prices.classical_hour": 0.2,
    "prices.block": "price-table/other",
    "submission.attempts": 5,
    "submission.settle": 30.0,
    "submission.inline": 10.0,
    "submission.deadline": 3600.0,
    "submission.past_deadline": "keep",
    "fallback": ["classical", "cached"],
    "replicate": 1,
}
BASES: dict[str, dict[str, Any]] = {
    "backend.block": CIRCUIT | {"backend": {"block": "aer-backend/manila"}},
    "backend.calibration": CIRCUIT | {"backend": {"calibration": CALIBRATION}},
    "prices.block": CIRCUIT | {"prices": {"block": "price-table/2026"}},
    "promotion.block": CIRCUIT | {"promotion": {"block": "promotion-policy/strict"}},
}


def inline(program: str) -> str:
    return base64.b64encode(to_qpy(parse_qasm(program))).decode()


CIRCUIT_SETTINGS: dict[str, Any] = {
    "qasm": OTHER_QASM,
    "observables": {"zz": "ZX", "energy": {"ZI": 0.5, "IX": -1.0}},
    "parameters": {"theta": 0.75},
    "expected": {"zz": 0.5},
}
MAXCUT_SETTINGS: dict[str, Any] = {
    "graph": [[0, 1], [1, 2, 0.75], [0, 2]],
    "angles.gamma": [0.75],
    "angles.beta": [0.5],
}
TFIM = {"name": "chain", "shots": 100, "workload": {"kind": "tfim", "sites": 3}}
TFIM_SETTINGS: dict[str, Any] = {"sites": 4, "coupling": [1.0, 0.5], "field": 0.75}
SOURCES = {"file", "python", "qasm", "qpy", "circuit"}


def paths(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every setting below a model that may have more than one value."""
    for name, field in model.model_fields.items():
        models = list(models_in(field.annotation))
        for below in models:
            yield from paths(below, f"{prefix}{name}.")
        constant = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
        if not models and not constant:
            yield prefix + name


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def changed(document: Mapping[str, Any], path: str, value: Any) -> dict[str, Any]:
    result = deepcopy(dict(document))
    *parents, last = path.split(".")
    place: Any = result
    for parent in parents:
        place = place.setdefault(parent, {}) if isinstance(place, dict) else place[parent]
        place = place[0] if isinstance(place, list) else place
    place[last] = value
    return result


def base_of(path: str) -> dict[str, Any]:
    return next((base for prefix, base in BASES.items() if path.startswith(prefix)), CIRCUIT)


def test_the_table_of_changes_covers_every_setting() -> None:
    assert set(SETTINGS) == {path for path in paths(Experiment) if not path.startswith("workload.")}
    assert set(CIRCUIT_SETTINGS) | SOURCES == set(paths(workload_class("circuit")))


@pytest.mark.parametrize("path", SETTINGS)
def test_any_changed_setting_changes_the_hash(path: str) -> None:
    base = base_of(path)
    other = changed(base, path, SETTINGS[path])
    if path == "backend.calibration.num_qubits":
        other = changed(changed(base, path, 3), "backend.calibration.qubits", [*CALIBRATION["qubits"], {}])  # type: ignore[misc]
    before, after = Experiment.parse(base), Experiment.parse(other)
    assert before.hash != after.hash
    assert (before.execution_hash == after.execution_hash) == (path.split(".", maxsplit=1)[0] in JUDGEMENT)


@pytest.mark.parametrize(
    ("base", "path", "value"),
    [
        *((CIRCUIT, path, value) for path, value in CIRCUIT_SETTINGS.items()),
        *((MAXCUT, path, value) for path, value in MAXCUT_SETTINGS.items()),
        *((TFIM, path, value) for path, value in TFIM_SETTINGS.items()),
        (TFIM, "angles", {"gamma": [0.5], "beta": [0.25]}),
        (TFIM, "angles", {"gamma": [0.25], "beta": [0.5]}),
    ],
)
def test_any_changed_setting_of_the_workload_changes_both_hashes(base: dict[str, Any], path: str, value: Any) -> None:
    before, after = Experiment.parse(base), Experiment.parse(changed(base, f"workload.{path}", value))
    assert before.hash != after.hash
    assert before.execution_hash != after.execution_hash


def test_another_number_of_layers_changes_both_hashes() -> None:
    two = changed(MAXCUT, "workload.angles", {"gamma": [0.5, 0.5], "beta": [0.25, 0.25]})
    before, after = Experiment.parse(MAXCUT), Experiment.parse(changed(two, "workload.layers", 2))
    assert before.hash != after.hash
    assert before.execution_hash != after.execution_hash


@pytest.mark.parametrize("source", sorted(SOURCES))
def test_the_circuit_counts_and_not_how_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    def experiment(program: str) -> Experiment:
        circuit = Experiment.parse(changed(CIRCUIT, "workload.qasm", program)).workload.encode().circuit
        (tmp_path / "circuit.qasm").write_text(program)
        (tmp_path / "hashed_lab.py").write_text(
            f"from qiskit import qasm3\ndef made(): return qasm3.loads({program!r})"
        )
        monkeypatch.delitem(sys.modules, "hashed_lab", raising=False)
        given = {
            "file": "circuit.qasm",
            "python": "hashed_lab:made",
            "qasm": program,
            "qpy": inline(program),
            "circuit": circuit_hash(circuit),
        }
        document = changed(changed(CIRCUIT, "workload.qasm", None), f"workload.{source}", given[source])
        return Experiment.parse(document, base=tmp_path, circuits={circuit_hash(circuit): circuit}.__getitem__)

    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    first, other = experiment(QASM), experiment(OTHER_QASM)
    assert first.hash == Experiment.parse(CIRCUIT).hash
    assert other.hash != first.hash
    assert other.execution_hash != first.execution_hash


def test_a_file_moved_elsewhere_keeps_the_hash_and_a_changed_one_does_not(tmp_path: Path) -> None:
    document = changed(changed(CIRCUIT, "workload.qasm", None), "workload.file", "here.qasm")
    (tmp_path / "here.qasm").write_text(QASM)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "there.qasm").write_text(QASM)
    before = Experiment.parse(document, base=tmp_path)
    moved = Experiment.parse(changed(document, "workload.file", "elsewhere/there.qasm"), base=tmp_path)
    (tmp_path / "here.qasm").write_text(OTHER_QASM)
    rewritten = Experiment.parse(document, base=tmp_path)
    assert before.hash == moved.hash
    assert before.hash != rewritten.hash


def test_a_calibration_counts_by_its_content(tmp_path: Path) -> None:
    calibration = Calibration.model_validate_json(json.dumps(CALIBRATION))
    for name in ("a.json", "b.json"):
        calibration.write(tmp_path / name)
    inside = Experiment.parse(BASES["backend.calibration"])
    read = [
        Experiment.parse(CIRCUIT | {"backend": {"calibration": name}}, base=tmp_path) for name in ("a.json", "b.json")
    ]
    assert {experiment.hash for experiment in read} == {inside.hash}


def test_yaml_and_json_give_the_same_hash(tmp_path: Path) -> None:
    (tmp_path / "bell.json").write_text(json.dumps(CIRCUIT))
    with (tmp_path / "bell.yaml").open("w") as file:
        YAML(typ="safe", pure=True).dump(CIRCUIT, file)
    hashes = {read_experiment(tmp_path / name).hash for name in ("bell.json", "bell.yaml")}
    assert hashes == {Experiment.parse(CIRCUIT).hash}


def test_an_integer_and_the_equal_number_give_the_same_hash() -> None:
    for path, value in {"hypothesis.range": [0, 1], "baseline.time_limit": 5}.items():
        assert Experiment.parse(changed(CIRCUIT, path, value)).hash == Experiment.parse(CIRCUIT).hash


def test_a_default_that_is_written_out_gives_the_same_hash() -> None:
    short = {"name": "bell", "workload": CIRCUIT["workload"]}
    document = Experiment.parse(short).document()
    written = {key: value for key, value in document.items() if key != "workload"} | short
    assert Experiment.parse(written).hash == Experiment.parse(short).hash


def test_every_process_finds_the_same_hashes() -> None:
    code = (
        "import json, sys; from prefect_qpu.experiment import Experiment\n"
        "for document in json.load(sys.stdin):\n"
        "    found = Experiment.parse(document); print(found.hash, found.execution_hash)"
    )
    documents = [CIRCUIT, MAXCUT, BASES["backend.calibration"]]
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            input=json.dumps(documents),
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "12345")
    }
    here = [Experiment.parse(document) for document in documents]
    assert found == {"".join(f"{item.hash} {item.execution_hash}\n" for item in here)}


def shuffled(value: Any, order: random.Random) -> Any:
    if isinstance(value, Mapping):
        keys = list(value)
        order.shuffle(keys)
        return {key: shuffled(value[key], order) for key in keys}
    return [shuffled(item, order) for item in value] if isinstance(value, list) else value


@settings(max_examples=40, deadline=None)
@given(
    document=st.sampled_from([CIRCUIT, MAXCUT, BASES["backend.calibration"]]), order=st.randoms(use_true_random=False)
)
def test_the_order_of_keys_does_not_count(document: dict[str, Any], order: random.Random) -> None:
    first, second = Experiment.parse(document), Experiment.parse(shuffled(document, order))
    assert (first.hash, first.execution_hash) == (second.hash, second.execution_hash)


@settings(max_examples=40, deadline=None)
@given(
    shots=st.integers(1, 10_000_000),
    tolerance=st.floats(min_value=0, exclude_min=True, allow_nan=False, allow_infinity=False),
    theta=st.floats(allow_nan=False, allow_infinity=False),
    statement=st.text(min_size=1).filter(lambda text: text.isprintable()),
)
def test_a_stored_document_gives_the_same_hash_again(
    shots: int, tolerance: float, theta: float, statement: str
) -> None:
    document = CIRCUIT | {"shots": shots, "promotion": {"tolerance": tolerance}}
    document = changed(document, "hypothesis.statement", statement)
    first = Experiment.parse(changed(document, "workload.parameters", {"theta": theta}))
    circuit = first.workload.encode().circuit
    stored = {circuit_hash(circuit): circuit}
    second = Experiment.parse(json.loads(json.dumps(first.document())), circuits=stored.__getitem__)
    assert second == first
    assert (second.hash, second.execution_hash) == (first.hash, first.execution_hash)
