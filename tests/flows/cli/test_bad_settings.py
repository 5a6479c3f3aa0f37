"""Settings that cannot be run are told in one message: the field, what it holds, and what is expected."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from prefect_qpu.providers.devices import device_calibration

Refused = Callable[..., str]

WORKLOAD = """workload:
  kind: circuit
  qasm: 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
  observables: {zz: ZZ}
"""
GOOD = "name: bell\n" + WORKLOAD
DEVICE = "backend: {kind: aer, device: FakeManilaV2}\n"
KEYS = (
    "one of name, workload, backend, shots, seed, transpile, mitigation, promotion, hypothesis, baseline, prices, "
    "submission, fallback, "
)
BLOCK = "<block type>/<block name>, for example aer-backend/manila."
REQUIRED = "got nothing, expected a value. The key is required."


def hypothesis(observable: str = "zz", bounds: str = "[0, 1]", statement: str = "holds") -> str:
    return f"hypothesis: {{statement: {statement}, observable: {observable}, range: {bounds}}}"


SETTINGS = {
    "shots: many": "shots: got 'many', expected an integer.",
    "shots: 1.5": "shots: got 1.5, expected an integer.",
    "shots: true": "shots: got True, expected an integer.",
    "shots: null": "shots: got nothing, expected an integer.",
    "shots: .nan": "shots: got nan, expected an integer.",
    "shots: -5": "shots: got -5, expected a number from 1.",
    "shots: 0": "shots: got 0, expected a number from 1.",
    "shots: 100000000": "shots: got 100000000, expected a number up to 10000000.",
    "seed: -1": "seed: got -1, expected a number from 0.",
    "seed: 2147483648": "seed: got 2147483648, expected a number less than 2147483648.",
    "replicate: -1": "replicate: got -1, expected a number from 0.",
    "shot: 5": f"shot: got unknown key 'shot', expected {KEYS}replicate. Did you mean shots?",
    "3: x": "3: got 3, expected a text as the key.",
    "transpile: 3": "transpile: got 3, expected a mapping of optimization_level, ",
    "transpile: {optimization_level: 4}": "transpile.optimization_level: got 4, expected a number up to 3.",
    "transpile: {optimization_level: -1}": "transpile.optimization_level: got -1, expected a number from 0.",
    "transpile: {optimisation_level: 1}": "transpile.optimisation_level: got unknown key 'optimisation_level', "
    "expected one of optimization_level, initial_layout, routing_method, seed. Did you mean optimization_level?",
    "transpile: {seed: -1}": "transpile.seed: got -1, expected a number from 0.",
    "transpile: {routing_method: magic}": "transpile.routing_method: got 'magic', expected one of basic, ",
    "transpile: {initial_layout: [0, 0]}": "transpile.initial_layout: got [0, 0], expected each physical qubit at most",
    "transpile: {initial_layout: [0, -1]}": "transpile.initial_layout.1: got -1, expected a number from 0.",
    "transpile: {initial_layout: [0, 1]}": "transpile.initial_layout: got (0, 1), expected no layout on an ideal simul",
    DEVICE
    + "transpile: {initial_layout: [0]}": "transpile.initial_layout: got (0,), expected 2 qubits between 0 and 4.",
    DEVICE
    + "transpile: {initial_layout: [0, 9]}": "transpile.initial_layout: got (0, 9), expected 2 qubits between 0 and 4.",
    "promotion: strict": "promotion: got 'strict', expected a mapping of tolerance, ",
    "promotion: {tolerance: 0}": "promotion.tolerance: got 0, expected a number greater than 0.",
    "promotion: {tolerance: -0.1}": "promotion.tolerance: got -0.1, expected a number greater than 0.",
    "promotion: {tolerance: .nan}": "promotion.tolerance: got nan, expected a finite number.",
    "promotion: {tolerance: .inf}": "promotion.tolerance: got inf, expected a finite number.",
    "promotion: {confidence: 1.5}": "promotion.confidence: got 1.5, expected a number less than 1.",
    "promotion: {beat_trivial: 1}": "promotion.beat_trivial: got 1, expected true or false.",
    "promotion: {approval: maybe}": "promotion.approval: got 'maybe', expected 'always', 'on_doubt' or 'never'.",
    "promotion: {aproval: never}": "promotion.aproval: got unknown key 'aproval', expected one of tolerance, ",
    "promotion: {block: strict}": f"promotion.block: got 'strict', expected {BLOCK}",
    hypothesis("yy"): "hypothesis.observable: got 'yy', expected one of the observables zz.",
    hypothesis(bounds="[1, 0]"): "hypothesis.range: got [1, 0], expected the lower bound before the upper one.",
    hypothesis(bounds="[.nan, 1]"): "hypothesis.range.0: got nan, expected a finite number.",
    hypothesis(bounds="[0]"): f"hypothesis.range.1: {REQUIRED}",
    hypothesis(bounds="[0, 1, 2]"): "hypothesis.range: got (0, 1, 2), expected a list of length 2 or less.",
    hypothesis(bounds="0.5"): "hypothesis.range: got 0.5, expected a list.",
    hypothesis(statement="''"): "hypothesis.statement: got '', expected a text of length 1 or more.",
    hypothesis(statement='"\\ud800"'): "hypothesis.statement: got '\\ud800', expected a text in Unicode.",
    "hypothesis: {observable: zz, range: [0, 1]}": f"hypothesis.statement: {REQUIRED}",
    "mitigation: raw": "mitigation: got 'raw', expected a list.",
    "mitigation: []": "mitigation: got [], expected a list of length 1 or more.",
    "mitigation: [magic]": "mitigation.0: got 'magic', expected one of ",
    "mitigation: [raw, raw]": "mitigation.1: got 'raw', expected each method once.",
    "mitigation: [{method: raw, option: 3}]": "mitigation.0.option: got unknown key 'option', expected one of method, "
    "options, name. Did you mean options?",
    "mitigation: [{method: raw, options: {scale: .nan}}]": "mitigation.0.options: got {'scale': nan}, expected JSON "
    "data in Unicode, without NaN and infinity.",
    'mitigation: [{method: raw, options: {"\\ud800": 1}}]': "mitigation.0.options: got {'\\ud800': 1}, expected",
    "fallback: cached": "fallback: got 'cached', expected a list.",
    "fallback: [oracle]": "fallback.0: got 'oracle', expected 'cached', 'simulator' or 'classical'.",
    "fallback: [cached, cached]": "fallback: got ['cached', 'cached'], expected each source of an answer once.",
    "baseline: {time_limit: 0}": "baseline.time_limit: got 0, expected a number greater than 0.",
    "baseline: {time_limit: .inf}": "baseline.time_limit: got inf, expected a finite number.",
    "backend: FakeManilaV2": "backend: got 'FakeManilaV2', expected a mapping of kind, device, ",
    "backend: null": "backend: got nothing, expected a mapping of kind, device, ",
    "backend: {kind: abacus}": "backend.kind: got 'abacus', expected 'aer'",
    "backend: {devcie: FakeManilaV2}": "backend.devcie: got unknown key 'devcie', expected one of kind, device, ",
    "backend: {device: 3}": "backend.device: got 3, expected a text.",
    "backend: {method: magic}": "backend.method: got 'magic', expected one of automatic, statevector, ",
    "backend: {block: manila}": f"backend.block: got 'manila', expected {BLOCK}",
    'backend: {block: "aer-backend/\\ud800"}': f"backend.block: got 'aer-backend/\\ud800', expected {BLOCK}",
    "backend: {block: AerBackend/manila}": f"backend.block: got 'AerBackend/manila', expected {BLOCK}",
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_that_cannot_be_run_is_told(refused: Refused, setting: str) -> None:
    assert refused(f"{GOOD}{setting}\n").startswith(SETTINGS[setting])


WHOLE = {
    WORKLOAD: f"name: {REQUIRED}",
    "name: 3\n" + WORKLOAD: "name: got 3, expected a text.",
    "name: ''\n" + WORKLOAD: "name: got '', expected a text of length 1 or more.",
    "name: ' '\n" + WORKLOAD: "name: got ' ', expected one line of text without spaces at its ends.",
    'name: "two\\nlines"\n'
    + WORKLOAD: "name: got 'two\\nlines', expected one line of text without spaces at its ends.",
    f"name: {'x' * 101}\n" + WORKLOAD: f"name: got '{'x' * 101}', expected a text of length 100 or less.",
    "name: bell": f"workload: {REQUIRED}",
    "name: bell\nworkload: bell.qasm": "workload: got 'bell.qasm', expected a mapping with the key kind.",
    "name: bell\nworkload: [circuit]": "workload: got ['circuit'], expected a mapping with the key kind.",
    "name: bell\nworkload: {observables: {z: Z}}": "workload.kind: got nothing, expected one of circuit, ghz,",
    "name: bell\nworkload: {kind: sudoku}": "workload.kind: got 'sudoku', expected one of circuit, ghz,",
}


@pytest.mark.parametrize("text", WHOLE)
def test_a_name_or_workload_that_is_none_is_told(refused: Refused, text: str) -> None:
    assert refused(text).startswith(WHOLE[text])


NAMED = {
    "FakeManila": "backend.device: got 'FakeManila', expected the class name of a Qiskit fake device, for example "
    "FakeManilaV2. Near to it: FakeManilaV2, ",
    "Manila": "backend.device: got 'Manila', expected the class name of a Qiskit fake device",
    "": "backend.device: got '', expected the class name of a Qiskit fake device",
    "aer-backend/": f"backend.block: got 'aer-backend/', expected {BLOCK}",
    "a/b/c": f"backend.block: got 'a/b/c', expected {BLOCK}",
}


@pytest.mark.parametrize("name", NAMED)
def test_a_backend_that_does_not_exist_is_told(refused: Refused, name: str) -> None:
    assert refused(GOOD, "--backend", name).startswith(NAMED[name])


def calibration(**changes: Any) -> str:
    return json.dumps(json.loads(device_calibration("FakeManilaV2").model_dump_json()) | changes)


def instruction(**changes: Any) -> list[dict[str, Any]]:
    return [{"name": "cx", "qubits": [0, 1]} | changes]


WRONG_CALIBRATIONS = {
    "{": "Invalid JSON: EOF while parsing an object at line 1 column 1.",
    "{}": f"In it, device: {REQUIRED}",
    "[]": "In it, experiment: got [], expected ",
    calibration(num_qubits=6): "In it, qubits: got '5 qubits', expected num_qubits, 6.",
    calibration(colour="red"): "In it, colour: got unknown key 'colour', expected one of device, version, ",
    calibration(taken_at="2026-01-01T00:00:00"): "In it, taken_at: got '2026-01-01T00:00:00', expected",
    calibration(control_flow=["goto"]): "In it, control_flow: got 'goto', expected names among if_else, ",
    calibration(
        instructions=instruction(name="warp")
    ): "In it, instructions.0.name: got 'warp', expected the name of a ",
    calibration(
        instructions=instruction(qubits=[0, 5])
    ): "In it, instructions.0.qubits: got [0, 5], expected 2 different ",
    calibration(
        instructions=instruction(qubits=[1, 1])
    ): "In it, instructions.0.qubits: got [1, 1], expected 2 different ",
    calibration(instructions=instruction() * 2): "In it, instructions.1: got ['cx', (0, 1)], expected each once.",
    calibration(
        instructions=instruction(error=1.5)
    ): "In it, instructions.0.error: got 1.5, expected a number up to 1.",
    calibration(
        instructions=instruction(duration=-1)
    ): "In it, instructions.0.duration: got -1, expected a number from 0.",
}


@pytest.mark.parametrize("text", WRONG_CALIBRATIONS, ids=range(len(WRONG_CALIBRATIONS)))
def test_a_calibration_that_describes_no_device_is_told(refused: Refused, tmp_path: Path, text: str) -> None:
    (tmp_path / "device.json").write_text(text)
    told = refused(GOOD + "backend: {calibration: device.json}")
    expected = "expected a calibration snapshot in JSON (Calibration.write makes one)."
    assert told.startswith(f"backend.calibration: got '{tmp_path}/device.json', {expected} {WRONG_CALIBRATIONS[text]}")


def test_a_calibration_that_is_not_there_or_not_alone_is_told(refused: Refused, tmp_path: Path) -> None:
    (tmp_path / "device.json").write_text(calibration())
    missing = refused(GOOD + "backend: {calibration: nowhere.json}")
    assert missing.startswith(f"backend.calibration: got '{tmp_path}/nowhere.json', expected a calibration snapshot")
    assert missing.endswith("No such file or directory.")
    assert refused(GOOD + "backend: {calibration: '.'}").endswith("Is a directory.")
    assert refused(GOOD + 'backend: {calibration: "a\\0b"}').endswith("embedded null byte.")
    both = refused(GOOD + "backend: {device: FakeManilaV2, calibration: device.json}")
    assert both.startswith("backend: got ")
    assert both.endswith("expected either a device or a calibration, not both.")
