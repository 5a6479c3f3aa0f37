"""Circuits that cannot be read or prepare no state, with observables and parameter values that do not fit."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import pytest
from qiskit import QuantumCircuit, qpy

Refused = Callable[..., str]

ENTRY_POINT = "an importable 'module:function' that takes no argument and returns a QuantumCircuit."
PREPARES = "expected gates that are defined, and measurements only at the end of a qubit."
HEADER = "expected a text that begins with OPENQASM 2.0; or OPENQASM 3.0;."
HEADER_2 = 'OPENQASM 2.0; include "qelib1.inc"; qreg q[1]; '
HEADER_3 = 'OPENQASM 3.0; include "stdgates.inc"; qubit[1] q; '
ROTATION = "qasm: 'OPENQASM 3.0; include \"stdgates.inc\"; input float[64] theta; qubit[1] q; rx(theta) q[0];'\n"

MODULE = """
import sys

def fails():
    print("on the way")
    raise RuntimeError("no beam")

def gives_up():
    sys.exit(7)

def wrong():
    return "a circuit"

def asks(size):
    return size

value = 3
"""


def circuit(body: str, observables: str | None = "{z: Z}") -> str:
    lines = body if observables is None else f"{body}\nobservables: {observables}"
    return "name: test\nworkload:\n  kind: circuit\n" + indent(lines, "  ")


PROGRAMS = {
    "": f"got '', {HEADER}",
    "qubit q; h q;": f"got 'qubit q; h q;', {HEADER}",
    "OPENQASM 4.0; qubit q;": f"got 'OPENQASM 4.0; qubit q;', {HEADER}",
    HEADER_2 + "h q[0": "expected valid OpenQASM 2. Line 1, column 51: unexpected end-of-file",
    HEADER_2 + "warp q[0];": "expected valid OpenQASM 2. Line 1, column 48: 'warp' is not defined in this scope.",
    HEADER_2 + "cx q[0],q[0];": "expected valid OpenQASM 2. Line 1, column 48: duplicate qubits in gate application.",
    HEADER_2
    + "h q[3];": "expected valid OpenQASM 2. Line 1, column 52: index 3 is out-of-range for register 'q' of size 1.",
    'OPENQASM 2.0; include "own.inc"; qreg q[1];': "expected valid OpenQASM 2. Line 1, column 23: unable to find 'own.",
    HEADER_3 + "h q[0": "expected valid OpenQASM 3. Line 1, column 56: no viable alternative at input '0'.",
    HEADER_3 + "input float[64] angle;": "expected valid OpenQASM 3. Line 1, column 67: unexpected 'angle'.",
    HEADER_3 + "h q[0]; ~": "expected valid OpenQASM 3. Line 1, column ",
    HEADER_3 + "warp q[0];": "expected valid OpenQASM 3. Line 1, column 51: gate 'warp' is not defined.",
    HEADER_3
    + "def f() { } f();": "expected valid OpenQASM 3. Line 1, column 51: node of type SubroutineDefinition is not ",
    'OPENQASM 3.0; include "own.inc"; qubit q;': "expected valid OpenQASM 3. Line 1, column 15: non-stdgates imports n",
    HEADER_2 + "creg c[1]; measure q[0] -> c[0]; h q[0];": "h at instruction 1 acts on qubit 0 after its measurement",
    HEADER_2 + "h q[0]; reset q[0];": f"got 'reset at instruction 1', {PREPARES}",
    HEADER_2 + "creg c[1]; if(c==1) x q[0];": f"got 'if_else at instruction 0', {PREPARES}",
    "OPENQASM 2.0; opaque f a; qreg q[1]; f q[0];": "got 'f at instruction 0, a gate without a definition', expected",
    "OPENQASM 2.0;": "got 'a circuit without qubits', expected at least one qubit.",
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_that_prepares_no_state_is_told(refused: Refused, program: str) -> None:
    told = refused(circuit(f"qasm: '{program}'"))
    assert told.startswith("workload.qasm: got ")
    assert PROGRAMS[program] in told
    assert len(told.splitlines()) == 1


def qpy_data(*circuits: QuantumCircuit) -> bytes:
    buffer = io.BytesIO()
    qpy.dump(list(circuits), buffer)
    return buffer.getvalue()


FILES = {
    "two.qpy": (qpy_data(QuantumCircuit(1), QuantumCircuit(1)), " with 2 circuits', expected exactly one circuit."),
    "cut.qpy": (qpy_data(QuantumCircuit(1))[:-20], "', expected a valid QPY file. failed to fill whole buffer."),
    "old.qpy": (b"QISKIT\x05rest", "', expected QPY data of format 13 or later. Write the circuit again with "),
    "noise.qasm": (b"\xff\xfe\x00", "', expected OpenQASM text in UTF-8 or a QPY file. 'utf-8' codec can't decode"),
    "bad.qasm": (b"OPENQASM 2.0;\nqreg q[1]\nh q[0];", "', expected valid OpenQASM 2. Line 3, column 1: "),
}


@pytest.mark.parametrize("name", FILES)
def test_a_circuit_file_that_is_damaged_is_told(refused: Refused, tmp_path: Path, name: str) -> None:
    content, told = FILES[name]
    (tmp_path / name).write_bytes(content)
    assert refused(circuit(f"file: {name}")).startswith(f"workload.file: got '{tmp_path}/{name}{told}")


def test_a_circuit_file_that_is_not_there_is_told(refused: Refused, tmp_path: Path) -> None:
    missing = f"workload.file: got '{tmp_path}/nowhere.qasm', expected a readable file. No such file or directory."
    assert refused(circuit("file: nowhere.qasm")) == missing
    assert refused(circuit("file: '.'")).endswith("expected a readable file. Is a directory.")
    assert refused(circuit("file: /proc/nowhere")).startswith(
        "workload.file: got '/proc/nowhere', expected a readable "
    )
    assert refused(circuit('file: "a\\0b"')).endswith("expected a readable file. embedded null byte.")


def test_inline_qpy_that_is_none_is_told(refused: Refused) -> None:
    assert refused(circuit("qpy: '###'")).startswith("workload.qpy: got '###', expected QPY data in base64.")
    assert refused(circuit("qpy: aGVsbG8=")).startswith("workload.qpy: got '5 bytes', expected QPY data of format 13")


ENTRY_POINTS = {
    "beam_lab": "",
    "nowhere_lab:bell": "ModuleNotFoundError: No module named 'nowhere_lab'",
    "beam_lab:nowhere": "AttributeError: module 'beam_lab' has no attribute 'nowhere'",
    "beam_lab:fails": "RuntimeError: no beam",
    "beam_lab:gives_up": "SystemExit: 7",
    "beam_lab:wrong": "It returned str.",
    "beam_lab:asks": "TypeError: asks() missing 1 required positional argument: 'size'",
    "beam_lab:value": "TypeError: 'int' object is not callable",
}


@pytest.mark.parametrize("reference", ENTRY_POINTS)
def test_a_python_function_that_gives_no_circuit_is_told(
    refused: Refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reference: str
) -> None:
    (tmp_path / "beam_lab.py").write_text(MODULE)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    monkeypatch.delitem(sys.modules, "beam_lab", raising=False)
    told = refused(circuit(f"python: {reference}"), prelude="on the way\n" if reference.endswith("fails") else "")
    assert told == f"workload.python: got {reference!r}, expected {ENTRY_POINT} {ENTRY_POINTS[reference]}".rstrip()


SOURCES = "expected exactly one of the keys file, python, qasm, qpy, circuit."
BODIES = {
    "file: a.qasm\nqpy: aaaa": f"workload: got ['file', 'qpy'], {SOURCES}",
    "parameters: {a: 1}": f"workload: got nothing, {SOURCES}",
    "qasm: 3": "workload.qasm: got 3, expected a text.",
    "circuit: abc": "workload.circuit: got 'abc', expected a record store that holds the circuit. Give the circuit ",
    ROTATION: "workload.parameters: got nothing, expected a value for each free parameter (theta). Missing: theta.",
    ROTATION + "parameters: {thea: 1}": "workload.parameters: got ['thea'], expected the circuit's free parameters "
    "(theta).",
    ROTATION
    + "parameters: {theta: [1, 2]}": "workload.parameters: got ['theta[0]', 'theta[1]'], expected the circuit's ",
    ROTATION + "parameters: {theta: .nan}": "workload.parameters.theta: got nan, expected a finite number.",
    ROTATION + "parameters: {theta: .inf}": "workload.parameters.theta: got inf, expected a finite number.",
    ROTATION + "parameters: {theta: pi}": "workload.parameters.theta: got 'pi', expected a number or a list.",
    ROTATION + "parameters: {theta: null}": "workload.parameters.theta: got nothing, expected a number or a list.",
    ROTATION + "parameters: {theta: [[1]]}": "workload.parameters.theta.0: got [1], expected a number.",
    ROTATION + "parameters: [1]": "workload.parameters: got [1], expected a mapping.",
    ROTATION + "paramters: {theta: 1}": "workload.paramters: got unknown key 'paramters', expected one of kind, file, ",
}


@pytest.mark.parametrize("body", BODIES)
def test_a_source_or_parameter_that_does_not_fit_is_told(refused: Refused, body: str) -> None:
    assert refused(circuit(body)).startswith(BODIES[body])


OBSERVABLES = {
    None: "observables: got nothing, expected at least one observable of the circuit's 1 qubits. Name what to estimate",
    "{}": "observables: got nothing, expected at least one observable of the circuit's 1 qubits.",
    "null": "observables: got nothing, expected a mapping.",
    "Z": "observables: got 'Z', expected a mapping.",
    "[Z]": "observables: got ['Z'], expected a mapping.",
    "{'': Z}": "observables: got '', expected a name in one line of text.",
    '{"\\ud800": Z}': "observables: got '\\ud800', expected a name in one line of text.",
    "{3: Z}": "observables.3: got 3, expected a text.",
    "{z: 3}": "observables.z: got 3, expected a text or a mapping.",
    "{z: ''}": "observables.z: got '', expected a Pauli string of the letters I, X, Y, Z.",
    "{z: z}": "observables.z: got 'z', expected a Pauli string of the letters I, X, Y, Z.",
    "{z: Q}": "observables.z: got 'Q', expected a Pauli string of the letters I, X, Y, Z.",
    "{z: ZZ}": "observables.z: got 'ZZ of 2 letters', expected one letter for each of the circuit's 1 qubits. The last",
    "{z: {}}": "observables.z: got {}, expected at least one Pauli string.",
    "{z: {Z: .nan}}": "observables.z.Z: got nan, expected a finite number.",
    "{z: {Z: 1j}}": "observables.z.Z: got '1j', expected a number.",
    "{z: {Z: true}}": "observables.z.Z: got True, expected a number.",
    "{z: Z}\nexpected: {y: 0}": "expected.y: got 'y', expected the name of an observable (z).",
    "{z: Z}\nexpected: {z: .nan}": "expected.z: got nan, expected a finite number.",
    "{z: {Z: 0.5, I: 1}}\nexpected: {z: 2}": "expected.z: got 2.0, expected a value from 0.5 to 1.5, as the weights al",
}


@pytest.mark.parametrize("observables", OBSERVABLES)
def test_an_observable_that_does_not_fit_the_circuit_is_told(refused: Refused, observables: str | None) -> None:
    told = refused(circuit(f"qasm: '{HEADER_3}h q[0];'", observables))
    assert told.startswith(f"workload.{OBSERVABLES[observables]}")


def test_more_qubits_than_the_device_has_are_told(refused: Refused) -> None:
    wide = circuit("qasm: 'OPENQASM 2.0; qreg q[6];'", "{z: ZZZZZZ}")
    reason = "The circuit has 6 qubits, the device has 5: choose a larger device."
    told = f"backend: got 'aer-manila with 5 qubits', expected at least 6 qubits. {reason}"
    assert refused(wide + "\nbackend: {device: FakeManilaV2}") == told
    assert refused(wide, "--backend", "FakeManilaV2") == told
