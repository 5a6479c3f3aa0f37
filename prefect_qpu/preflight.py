"""All that can be known to be wrong before anything runs or is stored."""

from qiskit import QuantumCircuit

from prefect_qpu.circuits import circuit_metrics
from prefect_qpu.errors import CircuitError, ExperimentError
from prefect_qpu.experiment import Experiment
from prefect_qpu.mitigation import check_methods
from prefect_qpu.providers import Provider
from prefect_qpu.transpiling import check_layout
from prefect_qpu.validation import width_findings


def preflight(experiment: Experiment, provider: Provider | None) -> dict[str, int]:
    """Qubits, depth and two-qubit gates of an experiment that may start.

    Args:
        experiment: What is to run.
        provider: Where it is to run; without one, what depends on the device is not checked.

    Raises:
        InputError: a method is unknown, the circuit has more qubits than the device, or the layout does not fit.

    Example:
        >>> bell = {"kind": "circuit", "qasm": "OPENQASM 3.0; qubit[2] q; U(1, 0, 0) q[0];", "observables": {"z": "IZ"}}
        >>> preflight(Experiment.parse({"name": "bell", "workload": bell}), None)
        {'qubits': 2, 'depth': 1, 'two_qubit_gates': 0}
    """
    check_methods(experiment.mitigation)
    _check_routing(experiment.transpile.routing_method)
    circuit = experiment.workload.encode().circuit
    if provider is not None:
        _check_device(circuit, provider, experiment.transpile.initial_layout)
    metrics = circuit_metrics(circuit)
    return {
        "qubits": circuit.num_qubits,
        "depth": metrics.depth,
        "two_qubit_gates": metrics.two_qubit_gates,
    }


def _check_device(circuit: QuantumCircuit, provider: Provider, layout: tuple[int, ...] | None) -> None:
    target = provider.target()
    for finding in width_findings(circuit, target):
        raise CircuitError(
            "backend",
            given=f"{provider.name} with {target.num_qubits} qubits",
            expected=f"at least {circuit.num_qubits} qubits",
            hint=f"{finding.message.capitalize()}: choose a larger device.",
        )
    check_layout(circuit.num_qubits, target, layout)


def _check_routing(method: str | None) -> None:
    if method is None:
        return
    from qiskit.transpiler.preset_passmanagers.plugin import list_stage_plugins  # looks through all installed packages

    known = list_stage_plugins("routing")
    if method not in known:
        raise ExperimentError("transpile.routing_method", given=method, expected=f"one of {', '.join(known)}")
