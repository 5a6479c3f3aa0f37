"""Estimator and the new client-side primitives, against the emulator."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.quantum_info import SparsePauliOp, Statevector
from qiskit_ibm_runtime import EstimatorV2
from qiskit_ibm_runtime.executor_estimator import Estimator
from qiskit_ibm_runtime.executor_sampler import Sampler

pytestmark = [pytest.mark.server, pytest.mark.filterwarnings("ignore")]

Isa = Callable[[QuantumCircuit], QuantumCircuit]


def rotated() -> QuantumCircuit:
    circuit = QuantumCircuit(2)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    circuit.rz(Parameter("b"), 1)
    return circuit


VALUES = np.array([[0.3, 0.2], [1.1, -0.7], [2.2, 1.9]])
OBSERVABLES = [SparsePauliOp("ZZ"), SparsePauliOp(["XX", "IY"], [0.5, -1.5]), SparsePauliOp(["II", "ZI"], [2.0, 1.0])]


def exact() -> np.ndarray:
    states = [Statevector(rotated().assign_parameters(values)) for values in VALUES]
    return np.array([[state.expectation_value(operator).real for state in states] for operator in OBSERVABLES])


def estimator_pub(isa: Isa) -> tuple[Any, ...]:
    circuit = isa(rotated())
    observables = [[operator.apply_layout(circuit.layout)] for operator in OBSERVABLES]
    return circuit, observables, VALUES


def test_the_estimator_agrees_with_the_exact_values_up_to_the_noise(backend: Any, isa: Isa) -> None:
    estimator = EstimatorV2(mode=backend)
    estimator.options.simulator.seed_simulator = 3
    result = estimator.run([estimator_pub(isa)], precision=0.02).result(poll_interval=0.1)[0]
    assert result.data.evs.shape == (3, 3)
    assert np.max(np.abs(result.data.evs - exact())) < 0.25
    assert np.all(result.data.stds > 0)
    assert result.metadata["shots"] == 2500


def test_readout_mitigation_brings_the_estimates_closer(backend: Any, isa: Isa) -> None:
    distances = {}
    for level in (0, 1):
        estimator = EstimatorV2(mode=backend, options={"resilience_level": level})
        estimator.options.simulator.seed_simulator = 5
        values = estimator.run([estimator_pub(isa)], precision=0.01).result(poll_interval=0.1)[0].data.evs
        distances[level] = np.mean(np.abs(values - exact()))
    assert distances[1] < distances[0]


def test_an_identity_has_its_exact_value(backend: Any, isa: Isa) -> None:
    circuit = isa(QuantumCircuit(2))
    result = EstimatorV2(mode=backend).run([(circuit, SparsePauliOp("I" * 5, 0.5))]).result(poll_interval=0.1)[0]
    assert result.data.evs == 0.5
    assert result.data.stds == 0


def test_the_new_sampler_runs(backend: Any, bell: QuantumCircuit) -> None:
    bits = Sampler(mode=backend).run([bell], shots=2000).result(poll_interval=0.1)[0].data.meas
    counts = bits.get_counts()
    assert sum(counts.values()) == 2000
    assert counts["00"] + counts["11"] > 1500


def test_the_new_sampler_runs_twirled_circuits(backend: Any, bell: QuantumCircuit) -> None:
    sampler = Sampler(mode=backend)
    sampler.options.twirling.enable_gates = True
    sampler.options.twirling.enable_measure = True
    counts = sampler.run([bell], shots=1024).result(poll_interval=0.1)[0].data.meas.get_counts()
    assert counts["00"] + counts["11"] > 750


def test_the_new_estimator_runs(backend: Any, isa: Isa) -> None:
    circuit, observables, values = estimator_pub(isa)
    result = Estimator(mode=backend).run([(circuit, observables, values)], precision=0.05).result(poll_interval=0.1)[0]
    assert np.max(np.abs(result.data.evs - exact())) < 0.4


def test_the_new_estimator_runs_on_a_large_device(service: Any) -> None:
    from qiskit.transpiler import generate_preset_pass_manager

    backend = service.backend("ibm_torino")
    circuit = generate_preset_pass_manager(optimization_level=1, backend=backend).run(rotated())
    operator = OBSERVABLES[0].apply_layout(circuit.layout)
    result = Estimator(mode=backend).run([(circuit, operator, VALUES[:1])], precision=0.1).result(poll_interval=0.1)[0]
    assert abs(result.data.evs[0] - exact()[0, 0]) < 0.6
