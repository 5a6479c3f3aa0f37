"""Exact expectation values over arrays of parameter values: one state vector for each point, all in one call of Aer."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import SparsePauliOp

from prefect_qpu.providers.forecast import state_vector_seconds

MOST_QUBITS = 20


def exact_over_arrays(
    circuit: QuantumCircuit,
    observables: Mapping[str, SparsePauliOp],
    values: Mapping[str, NDArray[np.float64]],
    time_limit: float = 10.0,
) -> dict[str, NDArray[np.float64]] | None:
    """The exact value of each observable at each point; none if there are too many qubits, or it would take too long.

    Args:
        circuit: State preparation with free parameters.
        observables: By name.
        values: The values of each parameter, one for each point.
        time_limit: Predicted wall seconds above which nothing is computed.

    Example:
        >>> from qiskit.circuit import Parameter
        >>> circuit = QuantumCircuit(1)
        >>> _ = circuit.ry(Parameter("t"), 0)
        >>> found = exact_over_arrays(circuit, {"z": SparsePauliOp("Z")}, {"t": np.array([0.0, np.pi / 2, np.pi])})
        >>> np.round(found["z"], 9).tolist()
        [1.0, 0.0, -1.0]
    """
    points = len(next(iter(values.values()))) if circuit.parameters else 1
    seconds = points * state_vector_seconds(circuit.num_qubits, circuit.size() + 2 * len(observables), 0)
    if circuit.num_qubits > MOST_QUBITS or seconds > time_limit:
        return None
    from qiskit_aer import AerSimulator

    simulator = AerSimulator(method="statevector", runtime_parameter_bind_enable=bool(circuit.parameters))
    # At this level the transpiler only translates gates, so that no parameter goes astray.
    prepared = transpile(circuit, simulator, optimization_level=0)
    for number, operator in enumerate(observables.values()):
        prepared.save_expectation_value(operator, range(circuit.num_qubits), label=str(number))
    bound = {item: values[item.name] for item in prepared.parameters}
    result = simulator.run(prepared, shots=1, parameter_binds=[bound] if bound else None).result()
    if not result.success:
        return None
    return {
        name: np.array([float(np.real(result.data(point)[str(number)])) for point in range(points)])
        for number, name in enumerate(observables)
    }
