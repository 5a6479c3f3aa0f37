"""Reading Pauli Hamiltonians: OpenFermion's text, and JSON with labels or with letters and qubits."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from math import isfinite
from pathlib import Path
from typing import Any

from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import WorkloadError
from prefect_qpu.workloads.quadratic_files import read_text

MOST_QUBITS = 100
MOST_TERMS = 200_000

Factors = tuple[tuple[int, str], ...]
"""Qubits and their letters; empty for the identity."""
_IMAGINARY = 1e-12
_TERM = re.compile(r"([^\[\]]*)\[([^\[\]]*)\]")
_LABEL = re.compile(r"[IXYZ]+")
_FACTOR = re.compile(r"([XYZ])(\d+)")


def read_hamiltonian(path: Path, field: str = "hamiltonian") -> SparsePauliOp:
    """The Hamiltonian in a JSON file, or else in OpenFermion's text.

    Raises:
        WorkloadError: the file is missing, too large or malformed.
    """
    text = read_text(path, field)
    if not text.lstrip().startswith(("{", "[")) or path.suffix.lower() not in {".json", ""}:
        return parse_openfermion(text, field=field, shown=path.name)
    try:
        return hamiltonian_of(json.loads(text), field)
    except (ValueError, RecursionError) as error:
        raise WorkloadError(field, given=str(path), expected="a JSON file", hint=f"{error}.") from error


def parse_openfermion(text: str, *, field: str = "hamiltonian", shown: str = "the text") -> SparsePauliOp:
    """The operator of the text that OpenFermion prints of a ``QubitOperator``: ``weight [X0 Y2] + ...``.

    Example:
        >>> parse_openfermion("(-0.5+0j) [] + 0.25 [X0 Z2]").to_list()
        [('III', (-0.5+0j)), ('ZIX', (0.25+0j))]
    """
    text = text.strip().removeprefix("QubitOperator:")
    found = [(match[2], match[1]) for match in _TERM.finditer(text)]
    rest = _TERM.sub("", text).strip()
    if not found or rest:
        given = rest[:40] or text[:40]
        raise WorkloadError(field, given=given, expected=f"terms 'weight [X0 Y2]' joined by +, in {shown}")
    return _operator(((_factors(term, field), _weight(weight, field)) for term, weight in found), field)


def hamiltonian_of(given: Any, field: str = "hamiltonian") -> SparsePauliOp:
    """The Hamiltonian of JSON data.

    Either weights by label, ``{"ZZ": 0.5}`` (the last letter is qubit 0) or ``{"Z0 Z1": 0.5, "": -1.0}``; or a list of
    ``[label, weight]``, as ``SparsePauliOp.to_list`` gives it; or ``{"paulis": [...], "coeffs": [...]}``. A weight is a
    number, or ``[real, imaginary]``.

    Example:
        >>> hamiltonian_of({"Z0 Z1": 0.5, "": -1.0}) == hamiltonian_of([["ZZ", 0.5], ["II", [-1.0, 0.0]]])
        True
    """
    match given:
        case {"paulis": list(labels), "coeffs": list(weights)} if len(labels) == len(weights) and len(given) == 2:
            pairs = list(zip(labels, weights, strict=True))
        case Mapping():
            pairs = list(given.items())
        case list() | tuple() if all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in given):
            pairs = [tuple(pair) for pair in given]
        case _:
            expected = "a path, weights by label, a list of [label, weight], or paulis and coeffs"
            raise WorkloadError(field, given=given, expected=expected)
    width = max((len(label) for label, _ in pairs if _is_label(label)), default=0)
    return _operator(
        ((_labelled(label, width, field), _weight(weight, field)) for label, weight in pairs), field, width
    )


def _is_label(label: Any) -> bool:
    return isinstance(label, str) and _LABEL.fullmatch(label) is not None


def _labelled(label: Any, width: int, field: str) -> Factors:
    if not _is_label(label):
        return _factors(label, field)
    if len(label) != width:
        raise WorkloadError(field, given=label, expected=f"labels of one length, {width}")
    return tuple((qubit, letter) for qubit, letter in enumerate(reversed(label)) if letter != "I")


def _factors(term: Any, field: str) -> Factors:
    """The factors of ``X0 Y2``."""
    words = term.split() if isinstance(term, str) else [""]
    found = [_FACTOR.fullmatch(word) for word in words]
    qubits = [int(match[2]) for match in found if match]
    if len(qubits) < len(words) or len(set(qubits)) < len(qubits) or any(qubit >= MOST_QUBITS for qubit in qubits):
        expected = f"letters I, X, Y, Z, or different qubits below {MOST_QUBITS} as in 'X0 Y2'"
        raise WorkloadError(field, given=term, expected=expected)
    return tuple(sorted((int(match[2]), match[1]) for match in found if match))


def _weight(weight: Any, field: str) -> float:
    """The weight of a number, of ``[real, imaginary]``, or of a text such as ``+ (0.5+0j)``."""
    try:
        if isinstance(weight, str):
            number = _complex("".join(weight.split()))
        else:
            number = complex(*weight) if isinstance(weight, list | tuple) else complex(weight)
    except (TypeError, ValueError):
        number = complex("nan")
    if isinstance(weight, bool) or not isfinite(number.real) or abs(number.imag) > _IMAGINARY:
        raise WorkloadError(field, given=weight, expected="a real, finite number as the weight of a term")
    return number.real


def _complex(text: str) -> complex:
    """The number of a text with a sign before its brackets."""
    if text in {"", "+", "-"}:
        return complex(f"{text}1")
    return -complex(text[1:]) if text.startswith("-(") else complex(text.removeprefix("+"))


def _operator(terms: Iterable[tuple[Factors, float]], field: str, width: int = 0) -> SparsePauliOp:
    summed: dict[Factors, float] = defaultdict(float)
    for factors, weight in terms:
        summed[factors] += weight
        width = max([width, *(qubit + 1 for qubit, _ in factors)])
    kept = {factors: weight for factors, weight in summed.items() if weight}
    if not any(kept) or width > MOST_QUBITS or len(kept) > MOST_TERMS:
        given = f"{len(kept)} terms on {width} qubits"
        expected = f"a term that is not constant, at most {MOST_TERMS} terms on at most {MOST_QUBITS} qubits"
        raise WorkloadError(field, given=given, expected=expected)
    listed = [
        ("".join(letter for _, letter in factors), [qubit for qubit, _ in factors], weight)
        for factors, weight in sorted(kept.items())
    ]
    return SparsePauliOp.from_sparse_list(listed, num_qubits=width)
