"""Reading circuits: OpenQASM 2 and 3 text, QPY files, and Python functions."""

import base64
import binascii
import importlib
import io
import re
from contextlib import redirect_stderr
from pathlib import Path

from qiskit import QuantumCircuit, qasm2, qasm3, qpy

from prefect_qpu.errors import CircuitError

_VERSION = re.compile(r"^\s*OPENQASM\s+(\d+)(?:\.\d+)?\s*;", re.MULTILINE)
_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_LARGEST_FILE = 64 * 2**20
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_CAUSE = re.compile(r"Error: ([^\n]+)")
_PLACE = re.compile(r"(?:<input>:|line )?(\d+)[,:](\d+):? ")
"""How the parsers of OpenQASM 2 and 3 and the grammar runtime begin a message; their first column is 0."""
_MAGIC = b"QISKIT"
_OLDEST_SAFE_QPY = 13
"""Older formats hold symbolic expressions that are evaluated when they are read (CVE-2025-2000)."""


def read_circuit(path: Path, field: str = "file") -> QuantumCircuit:
    """The circuit in an OpenQASM 2, OpenQASM 3 or QPY file; which of them is told from the content.

    Raises:
        CircuitError: the file is missing, too large, or not a valid circuit.
    """
    raw = _read_bytes(path, field)
    if raw.startswith(_MAGIC):
        return _one_qpy_circuit(raw, str(path), field)
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise CircuitError(
            field, given=str(path), expected="OpenQASM text in UTF-8 or a QPY file", hint=str(error)
        ) from error
    return parse_qasm(text, field=field, shown=str(path), include=path.parent)


def parse_qasm(
    text: str, *, field: str = "qasm", shown: str | None = None, include: Path | None = None
) -> QuantumCircuit:
    """The circuit of an OpenQASM text, version 2 or 3 as its first statement says.

    Args:
        text: The program.
        field: Name of the setting, for the error message.
        shown: What the error message shows as given, instead of the text.
        include: Folder in which files of ``include`` statements are looked for.

    Raises:
        CircuitError: the text is not valid OpenQASM; the message has the line and the reason.

    Example:
        >>> parse_qasm('OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];').num_qubits
        2
    """
    version = _VERSION.search(_COMMENT.sub("", text))
    shown = shown or text
    if version is None or version[1] not in {"2", "3"}:
        raise CircuitError(field, given=shown, expected="a text that begins with OPENQASM 2.0; or OPENQASM 3.0;")
    # The grammar runtime of OpenQASM 3 prints the reason, and raises an error without it.
    with redirect_stderr(io.StringIO()) as printed:
        try:
            return _qasm2(text, include) if version[1] == "2" else qasm3.loads(text)
        except Exception as error:  # the two parsers and their grammar runtime have no common base class
            reason = _located(printed.getvalue().strip() or _unexpected(error) or _reason(error))
            raise CircuitError(field, given=shown, expected=f"valid OpenQASM {version[1]}", hint=reason) from error


def decode_qpy(text: str, field: str = "qpy") -> QuantumCircuit:
    """The circuit of QPY data in base64.

    Raises:
        CircuitError: the text is not base64, too long, or not the QPY form of one circuit.

    Example:
        >>> buffer = io.BytesIO()
        >>> qpy.dump(QuantumCircuit(3), buffer)
        >>> decode_qpy(base64.b64encode(buffer.getvalue()).decode()).num_qubits
        3
    """
    try:
        raw = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise CircuitError(field, given=text, expected="QPY data in base64", hint=f"{error}.") from error
    if len(raw) > _LARGEST_FILE:
        raise CircuitError(field, given=f"{len(raw)} bytes", expected=f"at most {_LARGEST_FILE} bytes")
    return _one_qpy_circuit(raw, f"{len(raw)} bytes", field)


def call_entry_point(reference: str, field: str = "python") -> QuantumCircuit:
    """The circuit that a Python function returns, named as ``module:function``.

    Raises:
        CircuitError: there is no such function, it fails, or it returns something else.
    """
    expected = "an importable 'module:function' that takes no argument and returns a QuantumCircuit"
    module, colon, function = reference.partition(":")
    if not (module and colon and function):
        raise CircuitError(field, given=reference, expected=expected)
    try:
        circuit = getattr(importlib.import_module(module), function)()
    except (Exception, SystemExit) as error:  # user code may raise anything
        raise CircuitError(
            field, given=reference, expected=expected, hint=f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(circuit, QuantumCircuit):
        raise CircuitError(field, given=reference, expected=expected, hint=f"It returned {type(circuit).__name__}.")
    return circuit


def _read_bytes(path: Path, field: str) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise CircuitError(field, given=str(path), expected="a readable file", hint=f"{reason}.") from error
    if len(raw) > _LARGEST_FILE:
        raise CircuitError(field, given=str(path), expected=f"a file of at most {_LARGEST_FILE} bytes")
    return raw


def _one_qpy_circuit(raw: bytes, shown: str, field: str) -> QuantumCircuit:
    if not raw.startswith(_MAGIC) or raw[len(_MAGIC) : len(_MAGIC) + 1] < bytes([_OLDEST_SAFE_QPY]):
        raise CircuitError(
            field,
            given=shown,
            expected=f"QPY data of format {_OLDEST_SAFE_QPY} or later",
            hint="Write the circuit again with qiskit.qpy.dump of Qiskit 1.3 or later.",
        )
    try:
        circuits = qpy.load(io.BytesIO(raw))
    except Exception as error:  # a damaged file raises whatever its bytes lead to
        raise CircuitError(field, given=shown, expected="a valid QPY file", hint=_reason(error)) from error
    if len(circuits) != 1 or not isinstance(circuits[0], QuantumCircuit):
        raise CircuitError(field, given=f"{shown} with {len(circuits)} circuits", expected="exactly one circuit")
    return circuits[0]


def _reason(error: Exception) -> str:
    """What a parser's error says in one line, without the backtrace and the colours that Rust code adds."""
    text = _COLOUR.sub("", str(getattr(error, "message", "") or error))
    cause = _CAUSE.search(text)
    told = " ".join((cause[1] if cause else text).split()) or type(error).__name__
    return told if told.endswith((".", "!", "?")) else f"{told}."


def _unexpected(error: Exception) -> str:
    """The word at which the grammar runtime gave up, with its place; empty if it is not the runtime's error."""
    token = next((getattr(cause, "offendingToken", None) for cause in getattr(error.__cause__, "args", ())), None)
    return f"line {token.line}:{token.column} unexpected {token.text!r}" if token else ""


def _located(reason: str) -> str:
    """A parser's reason, its place in words; columns count from 1."""
    reason = " ".join(reason.split())
    place = _PLACE.match(reason)
    if place is None:
        return reason
    return f"Line {place[1]}, column {int(place[2]) + 1}: {reason[place.end() :].rstrip('.')}."


def _qasm2(text: str, include: Path | None) -> QuantumCircuit:
    return qasm2.loads(
        text,
        include_path=(str(include or "."),),
        custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS,
    )
