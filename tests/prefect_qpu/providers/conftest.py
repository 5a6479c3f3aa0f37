"""An emulator that the genuine client of IBM Quantum talks to, and a provider at one of its devices."""

from collections.abc import Iterator

import pytest
from pydantic import SecretStr
from qiskit import QuantumCircuit
from qiskit.primitives.containers.sampler_pub import SamplerPub

from prefect_qpu.providers.ibm import IBMQuantumProvider
from prefect_qpu.providers.ibm_account import IBMAccount
from prefect_qpu.providers.ibm_spec import IBMBackendSpec
from tests.prefect_qpu.emulator.emulators import Emulator, emulator, refuse_other_hosts
from tests.prefect_qpu.providers.ibm_service import KEY, isa


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with emulator(tmp_path_factory.mktemp("emulator"), "--device", "manila") as running:
        yield running


@pytest.fixture
def server(shared: Emulator, monkeypatch: pytest.MonkeyPatch) -> Iterator[Emulator]:
    refuse_other_hosts(monkeypatch)
    for name in ("IAM_URL", "GLOBAL_SEARCH_URL", "GLOBAL_CATALOG_URL", "NO_PROXY"):
        monkeypatch.setenv(name, shared.environment[name])
    shared.reset()
    shared.ask("DELETE", "/requests")
    yield shared
    shared.reset()


@pytest.fixture
def account(server: Emulator) -> IBMAccount:
    told = server.environment
    return IBMAccount(SecretStr(KEY), told["QISKIT_IBM_INSTANCE"], url=told["QISKIT_IBM_URL"])


@pytest.fixture
def provider(account: IBMAccount) -> IBMQuantumProvider:
    return IBMQuantumProvider(IBMBackendSpec(backend="ibm_manila"), account)


@pytest.fixture
def tag(request: pytest.FixtureRequest) -> str:
    """The name of the test stands for a request hash."""
    return request.node.name


@pytest.fixture
def bell(provider: IBMQuantumProvider) -> SamplerPub:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure_all()
    return isa(provider, circuit, 100)
