from dataclasses import replace
from typing import Any

import pytest
from qiskit import QuantumCircuit
from qiskit.quantum_info import random_clifford

from prefect_qpu.baselines import Baseline, circuit_values, statevector, value_certificates
from prefect_qpu.baselines.circuit_values import solve_values
from prefect_qpu.baselines.value_certificates import check_value
from prefect_qpu.errors import CertificateError
from prefect_qpu.workloads import Encoding
from tests.prefect_qpu.baselines.kicked_ising import kicked_ising, local

CHAIN = Encoding(kicked_ising(12, 6), {"z": local("Z", [6], 12)})
WIDE = Encoding(random_clifford(30, seed=3).to_circuit(), {"p": local("ZYX", [0, 9, 29], 30)})
CONES = Encoding(kicked_ising(60, 3), {"z": local("Z", [8], 60)})


def check(encoding: Encoding, baseline: Baseline) -> None:
    check_value(encoding, baseline, 30.0, lambda: 0.0)


@pytest.fixture
def truncated(monkeypatch: pytest.MonkeyPatch) -> dict[str, Baseline]:
    """Claims of little effort, about a circuit of which no exact value can be had."""
    monkeypatch.setattr(statevector, "MOST_QUBITS", 2)
    monkeypatch.setattr(circuit_values, "_MOST_STRINGS", 1000)
    monkeypatch.setattr(circuit_values, "_MOST_BONDS", 8)
    return {item.method: item for item in solve_values(CHAIN, 60.0).baselines}


@pytest.mark.parametrize("encoding", [CHAIN, WIDE, CONES], ids=["state vector", "stabilisers", "light cones"])
def test_exact_values_are_checked_and_others_refused(encoding: Encoding, request: pytest.FixtureRequest) -> None:
    (found,) = solve_values(encoding, 60.0).baselines
    assert found.method == request.node.callspec.id
    check(encoding, found)
    with pytest.raises(CertificateError, match="but the exact value is"):
        check(encoding, replace(found, value=found.value + 1e-3))


@pytest.mark.parametrize("method", ["matrix product state", "pauli propagation"])
def test_a_truncated_value_is_made_again(truncated: dict[str, Baseline], method: str) -> None:
    found = truncated[method]
    assert found.error is not None
    check(CHAIN, found)
    with pytest.raises(CertificateError, match="but the method gives"):
        check(CHAIN, replace(found, value=found.value + 1e-3))
    with pytest.raises(CertificateError, match="is proven"):
        check(CHAIN, replace(found, error=found.error / 2))
    with pytest.raises(CertificateError, match="is called exact"):
        check(CHAIN, replace(found, exact=True))


@pytest.mark.parametrize("effort", [None, "all", 0.5])
def test_a_truncated_value_needs_its_effort(truncated: dict[str, Baseline], effort: Any) -> None:
    found = truncated["pauli propagation"]
    with pytest.raises(CertificateError, match="could not be made again"):
        check(CHAIN, replace(found, certificate={**found.certificate, "effort": effort}))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"circuit": "0" * 64}, "is for the circuit"),
        ({"parameters": {"theta": 1.0}}, "is for the parameters"),
        ({"method": "guess"}, "no method 'guess'"),
    ],
)
def test_a_certificate_of_something_else_is_refused(changes: dict[str, Any], told: str) -> None:
    (found,) = solve_values(CONES, 60.0).baselines
    with pytest.raises(CertificateError, match=told):
        check(CONES, replace(found, certificate={**found.certificate, **changes}))
    with pytest.raises(CertificateError, match="no observable 'y'"):
        check(CONES, replace(found, observable="y"))


def test_an_error_that_excludes_the_exact_value_is_refused() -> None:
    (found,) = solve_values(CHAIN, 60.0).baselines
    claim = replace(found, value=found.value + 0.01, exact=False)
    check(CHAIN, replace(claim, error=0.02))
    with pytest.raises(CertificateError, match="but the exact value is"):
        check(CHAIN, replace(claim, error=0.005))


def test_a_tableau_agrees_on_a_chain_of_entangled_qubits() -> None:
    circuit = QuantumCircuit(40)
    circuit.h(0)
    for qubit in range(39):
        circuit.cx(qubit, qubit + 1)
    circuit.s(39)
    encoding = Encoding(circuit, {"y": local("X" * 39 + "Y", list(range(40)), 40)})
    assert value_certificates._stabilised(encoding.observables["y"], encoding) == 1.0
    assert solve_values(encoding, 10.0).baselines[0].value == 1.0
