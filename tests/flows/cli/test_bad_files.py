"""Experiment files that cannot be read, and single values that cannot be set."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from prefect_qpu.errors import ExperimentError
from prefect_qpu.loading import read_document
from prefect_qpu.workloads import workload_kinds

Refused = Callable[..., str]

GOOD = """name: bell
workload:
  kind: circuit
  qasm: 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; h q[0]; cx q[0], q[1];'
  observables: {zz: ZZ}
"""

UNREADABLE = {
    "empty": ("", "got nothing, expected a mapping of settings in {file}"),
    "only a comment": ("# later\n", "got nothing, expected a mapping of settings in {file}"),
    "a list": ("- bell\n- ghz\n", "got ['bell', 'ghz'], expected a mapping of settings in {file}"),
    "a word": ("bell", "got 'bell', expected a mapping of settings in {file}"),
    "binary": (bytes(range(256)), "got '{file}', expected a readable YAML or JSON file. 'utf-8' codec can't decode"),
    "latin 1": ("name: Zürich".encode("latin-1"), "got '{file}', expected a readable YAML or JSON file. 'utf-8' codec"),
    "a control character": ("name: a\x00b", "got '{file}', expected valid YAML or JSON. unacceptable character #x0000"),
    "a tab": ("name: a\nworkload:\n\tkind: circuit", "got '{file}', expected valid YAML or JSON. Line 3, column 1: "),
    "an unclosed bracket": ("name: [a\n", "got '{file}', expected valid YAML or JSON. Line 2, column 1: "),
    "a repeated key": (
        GOOD + "shots: 1\nshots: 2",
        "got '{file}', expected valid YAML or JSON. Line 7, column 1: while constructing a mapping, found duplicate",
    ),
    "two documents": (GOOD + "---\n" + GOOD, "got '{file}', expected valid YAML or JSON. Line 6, column 1: "),
    "an unknown alias": ("name: *bell", "got '{file}', expected valid YAML or JSON. Line 1, column 7: "),
    "a Python object": (
        "name: !!python/object/apply:os.system [id]",
        "got '{file}', expected valid YAML or JSON. Line 1, column 7: could not determine a constructor for the tag",
    ),
    "JSON cut off": ('{"name": "bell", ', "got '{file}', expected valid YAML or JSON. Line 1, column 18: "),
    "deep nesting": ("[" * 5000, "got '{file}', expected valid YAML or JSON. It is nested too deeply."),
    "a number of many digits": (f"shots: {'9' * 5000}", "got '{file}', expected valid YAML or JSON. Exceeds the limit"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_a_file_that_is_no_mapping_is_named_with_the_place(refused: Refused, tmp_path: Path, kind: str) -> None:
    text, told = UNREADABLE[kind]
    assert refused(text).startswith("experiment: " + told.format(file=tmp_path / "experiment.yaml"))


def test_a_file_larger_than_any_definition_is_not_read(refused: Refused) -> None:
    assert refused(GOOD + "#" * 5_000_000).endswith("expected at most 4194304 characters.")


@pytest.mark.parametrize("command", ["validate", "run"])
def test_what_is_no_file_is_named(refusal: Refused, tmp_path: Path, command: str) -> None:
    expected = "expected a readable YAML or JSON file."
    missing, below = str(tmp_path / "nowhere.yaml"), str(tmp_path / "nowhere.yaml" / "x")
    assert refusal(command, missing) == f"experiment: got {missing!r}, {expected} No such file or directory."
    assert refusal(command, str(tmp_path)) == f"experiment: got {str(tmp_path)!r}, {expected} Is a directory."
    assert refusal(command, below) == f"experiment: got {below!r}, {expected} No such file or directory."
    assert refusal(command, "a\x00b") == f"experiment: got 'a\\x00b', {expected} embedded null byte."


def test_an_alias_that_contains_itself_is_no_setting(refused: Refused) -> None:
    told = refused("name: a\nworkload: &w {kind: *w}")
    assert told == f"workload.kind: got {{'kind': {{...}}}}, expected one of {', '.join(sorted(workload_kinds()))}."


def test_a_date_is_a_text_as_it_is_in_json(refused: Refused) -> None:
    assert refused(GOOD + "seed: 2026-01-31") == "seed: got '2026-01-31', expected an integer."


ASSIGNMENTS = {
    "shots": "--set: got 'shots', expected dotted.key=value, for example shots=1000.",
    "=3": "--set: got '=3', expected dotted.key=value, for example shots=1000.",
    "promotion..power=0.9": "--set: got 'promotion..power=0.9', expected dotted.key=value, for example shots=1000.",
    "name.first=1": "--set: got 'name.first=1', expected 'name' to be a mapping.",
    "shots=[1": "--set: got 'shots=[1', expected a value in YAML or JSON. Line 1, column 3: ",
    "shots=1: 2: 3": "--set: got 'shots=1: 2: 3', expected a value in YAML or JSON. Line 1, column 5: ",
    "shots=": "shots: got nothing, expected an integer.",
    "shots=many": "shots: got 'many', expected an integer.",
    "promotion.tolerance=-1": "promotion.tolerance: got -1, expected a number greater than 0.",
    "promotion.tolerence=1": "promotion.tolerence: got unknown key 'tolerence', expected one of tolerance, ",
}


@pytest.mark.parametrize("assignment", ASSIGNMENTS)
def test_a_value_that_cannot_be_set_is_told(refused: Refused, assignment: str) -> None:
    assert refused(GOOD, "--set", assignment).startswith(ASSIGNMENTS[assignment])


def test_several_problems_stand_on_a_line_each(refused: Refused) -> None:
    assert refused(GOOD, "--set", "shots=-1", "--set", "seed=-1").splitlines() == [
        "shots: got -1, expected a number from 1.",
        "seed: got -1, expected a number from 0.",
    ]


@pytest.mark.parametrize("command", ["validate", "run"])
def test_the_installed_command_refuses_without_importing_prefect(tmp_path: Path, command: str) -> None:
    (tmp_path / "bad.yaml").write_text(GOOD + "shots: -5")
    entry = (
        "import sys; from prefect_qpu.flows.cli import main\ntry: main()\nfinally: assert 'prefect' not in sys.modules"
    )
    arguments = [command, "bad.yaml", *(["--store", "sqlite:///records.db"] if command == "run" else [])]
    done = subprocess.run(
        [sys.executable, "-c", entry, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "error: shots: got -5, expected a number from 1.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.one_of(st.text(), st.text(alphabet="{}[]:,-&*!|>'\"#%@` \n\t?ab01.<=~")))
def test_any_text_is_a_mapping_or_an_error_of_this_package(tmp_path: Path, text: str) -> None:
    file = tmp_path / "any.yaml"
    file.write_text(text, encoding="utf-8")
    try:
        document: object = read_document(file)
    except ExperimentError as error:
        document = {"refused": error.field}
    assert isinstance(document, dict)
