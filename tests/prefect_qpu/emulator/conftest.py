"""One emulator for the session, and the genuine client pointed at it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.transpiler import generate_preset_pass_manager

from tests.prefect_qpu.emulator.emulators import Emulator, emulator, refuse_other_hosts


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_other_hosts(monkeypatch)


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator"), "--device", "manila", "--device", "torino") as running:
        yield running


@pytest.fixture
def server(shared: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    """The session's emulator without delays and faults, to which the environment points."""
    for name, value in shared.environment.items():
        monkeypatch.setenv(name, value)
    shared.reset()
    yield shared
    shared.reset()


@pytest.fixture(scope="session")
def connected() -> dict[str, Any]:
    """The client that tests share; a test that spoils it takes it out."""
    return {}


@pytest.fixture
def service(server: Emulator, connected: dict[str, Any]) -> Any:
    from qiskit_ibm_runtime import QiskitRuntimeService

    if "service" not in connected:
        connected["service"] = QiskitRuntimeService()
    return connected["service"]


@pytest.fixture
def backend(service: Any) -> Any:
    return service.backend("ibm_manila")


@pytest.fixture
def isa(backend: Any) -> Callable[[QuantumCircuit], QuantumCircuit]:
    return generate_preset_pass_manager(optimization_level=1, backend=backend, seed_transpiler=7).run


@pytest.fixture
def bell(isa: Callable[[QuantumCircuit], QuantumCircuit]) -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return isa(circuit)
