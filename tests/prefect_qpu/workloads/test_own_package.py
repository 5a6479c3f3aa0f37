"""The example of a workload in a package of its own, found as an installed package is."""

import importlib
import itertools
import shutil
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from qiskit.primitives.containers import BitArray

from prefect_qpu import read_experiment
from prefect_qpu.baselines import check_certificate, exact_values, solve_baseline
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Workload

EXAMPLE = Path(__file__).parents[3] / "examples/number_partition"
NUMBERS = [7, 5, 9, 4, 6, 3]


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The package with the metadata that an installer makes of its pyproject.toml."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    metadata = tmp_path / "number_partition-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: 1.0\n")
    groups = project["entry-points"].items()
    lines = [
        f"[{group}]\n" + "\n".join(f"{name} = {value}" for name, value in kinds.items()) for group, kinds in groups
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines))
    shutil.copy(EXAMPLE / "number_partition.py", tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    importlib.invalidate_caches()
    yield
    sys.modules.pop("number_partition", None)


def workload(numbers: list[int]) -> Any:
    return sys.modules["number_partition"].NumberPartition(numbers=numbers)


@pytest.fixture
def partition(installed: None) -> Workload:
    return read_experiment(EXAMPLE / "partition.yaml").workload


def test_its_experiment_is_read_and_named_by_its_content(partition: Workload) -> None:
    assert partition.document()["numbers"] == NUMBERS
    assert type(partition).__module__ == "number_partition"
    assert type(partition).model_validate(partition.document()) == partition


def test_its_observable_is_the_squared_difference(partition: Any) -> None:
    operator = partition.encode().observables["imbalance"]
    diagonal = operator.to_matrix().diagonal().real
    for state, bits in enumerate(itertools.product("01", repeat=6)):
        assert diagonal[state] == partition.imbalance("".join(reversed(bits)))


def test_its_circuit_does_better_than_chance(partition: Workload) -> None:
    assert exact_values(partition.encode())["imbalance"] < 0.3 * sum(number**2 for number in NUMBERS)  # type: ignore[index]


def test_the_best_sampled_groups_are_its_answer(partition: Workload) -> None:
    bits = BitArray.from_counts({0b000000: 5, 0b000101: 2, 0b100000: 1}, num_bits=6)
    answer = partition.decode(bits)
    assert answer is not None
    assert (answer.solution, answer.value) == ("101000", (7 + 9 - 5 - 4 - 6 - 3) ** 2)


@pytest.mark.usefixtures("partition")
def test_its_opponent_finds_the_optimum_of_any_numbers() -> None:
    random = np.random.default_rng(1)
    for size in range(2, 12):
        own = workload(random.integers(1, 30, size).tolist())
        (found,) = solve_baseline(own, own.encode(), 1.0).baselines
        assert found.value == min(own.imbalance("".join(groups)) for groups in itertools.product("01", repeat=size))
        check_certificate(own, found)


def test_a_false_claim_of_its_opponent_is_found(partition: Workload) -> None:
    (found,) = solve_baseline(partition, partition.encode(), 1.0).baselines
    worse = {**found.certificate, "groups": "000000"}
    with pytest.raises(CertificateError, match="do not have the imbalance"):
        check_certificate(partition, replace(found, certificate=worse))
    claim = replace(found, certificate=worse, value=34.0**2, bound=34.0**2)
    with pytest.raises(CertificateError, match="the smallest imbalance is 0"):
        check_certificate(partition, claim)
    with pytest.raises(CertificateError, match="not about these numbers"):
        check_certificate(partition, replace(found, certificate={**found.certificate, "numbers": [1, 2]}))
