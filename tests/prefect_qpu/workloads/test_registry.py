from importlib.metadata import EntryPoint, EntryPoints

import pytest
from pydantic import BaseModel
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.errors import ExperimentError, WorkloadError
from prefect_qpu.experiment import Experiment
from prefect_qpu.workloads import Encoding, Workload, registry, workload_class, workload_kinds
from prefect_qpu.workloads.maxcut import MaxCutWorkload


class FlipWorkload(Workload):
    kind: str = "flip"
    qubits: int

    def document(self) -> dict[str, object]:
        return {"kind": self.kind, "qubits": self.qubits}

    def encode(self) -> Encoding:
        circuit = QuantumCircuit(self.qubits)
        circuit.x(range(self.qubits))
        return Encoding(circuit, {"z": SparsePauliOp("Z" * self.qubits)})

    def observable_names(self) -> set[str]:
        return {"z"}


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[EntryPoint]:
    """Entry points of installed packages; a test adds its own."""
    found: list[EntryPoint] = []
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(found).select(group=group))
    return found


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, registry.GROUP)


def experiment(workload: object) -> Experiment:
    return Experiment.parse({"name": "test", "workload": workload})


def test_built_in_kinds_need_no_installation(installed: list[EntryPoint]) -> None:
    assert installed == []
    assert workload_class("maxcut") is MaxCutWorkload


def test_an_installed_package_adds_a_kind(installed: list[EntryPoint]) -> None:
    installed.append(entry("flip", f"{__name__}:FlipWorkload"))
    assert experiment({"kind": "flip", "qubits": 2}).document()["workload"] == {"kind": "flip", "qubits": 2}


def test_the_built_in_table_agrees_with_the_entry_points_of_the_project() -> None:
    assert workload_kinds().items() >= registry._BUILT_IN.items()


@pytest.mark.parametrize("value", ["no_such_module:Thing", "prefect_qpu.errors:NoSuchClass"])
def test_a_kind_that_cannot_be_imported_is_named(installed: list[EntryPoint], value: str) -> None:
    installed.append(entry("broken", value))
    with pytest.raises(WorkloadError, match=r"^workload\.kind: got 'broken', expected a kind whose package can be"):
        experiment({"kind": "broken"})


def test_a_kind_must_be_a_workload(installed: list[EntryPoint]) -> None:
    installed.append(entry("odd", "pydantic:BaseModel"))
    with pytest.raises(WorkloadError, match="derives from Workload") as caught:
        workload_class("odd")
    assert repr(BaseModel) in str(caught.value)


@pytest.mark.parametrize("workload", [{"kind": "tsp"}, {"kind": ["maxcut"]}, {"kind": None}, {}])
def test_an_unknown_kind_is_refused_with_the_known_ones(workload: dict[str, object]) -> None:
    with pytest.raises(WorkloadError, match=r"^workload\.kind: got .*, expected one of circuit, .*maxcut"):
        experiment(workload)


@pytest.mark.parametrize("workload", ["maxcut", None, ["maxcut"], 3])
def test_a_workload_that_is_no_mapping_is_refused(workload: object) -> None:
    with pytest.raises(WorkloadError, match=r"^workload: got .*, expected a mapping with the key kind\.$"):
        experiment(workload)


def test_a_workload_passes_through_as_it_is() -> None:
    workload = MaxCutWorkload(graph=[[0, 1]])
    assert experiment(workload).workload is workload


def test_a_malformed_workload_is_told_by_its_whole_path() -> None:
    graph = {"generator": "random_regular", "degree": -1, "nodes": 8, "seed": 1}
    with pytest.raises(ExperimentError, match=r"^workload\.graph\.degree: got -1, expected a number from 1\.$"):
        experiment({"kind": "maxcut", "graph": graph})


def test_workloads_are_equal_if_their_documents_are() -> None:
    first, second = MaxCutWorkload(graph=[[0, 1], [1, 2]]), MaxCutWorkload(graph=[[2, 1, 1.0], [1, 0]])
    assert first == second
    assert hash(first) == hash(second)
    assert first != MaxCutWorkload(graph=[[0, 1], [1, 2, 2]])
    assert first != "maxcut"
