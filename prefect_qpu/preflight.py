"""All that can be known to be wrong before anything runs or is stored."""

from prefect_qpu.circuits import circuit_metrics
from prefect_qpu.errors import CircuitError
from prefect_qpu.experiment import Experiment
from prefect_qpu.mitigation import check_methods
from prefect_qpu.providers import Provider
from prefect_qpu.transpiling import check_layout
from prefect_qpu.validation import width_findings


def preflight(experiment: Experiment, provider: Provider) -> dict[str, int]:
    """Qubits, depth and two-qubit gates of an experiment that may start.

    Raises:
        InputError: a method is unknown, the circuit has more qubits than the device, or the layout does not fit.
    """
    check_methods(experiment.mitigation)
    circuit, target = experiment.workload.encode().circuit, provider.target()
    for finding in width_findings(circuit, target):
        raise CircuitError(
            "backend",
            given=f"{provider.name} with {target.num_qubits} qubits",
            expected=f"at least {circuit.num_qubits} qubits, as the circuit has",
            hint=f"{finding.message}: choose a larger device.",
        )
    check_layout(circuit.num_qubits, target, experiment.transpile.initial_layout)
    metrics = circuit_metrics(circuit)
    return {
        "qubits": circuit.num_qubits,
        "depth": metrics.depth,
        "two_qubit_gates": metrics.two_qubit_gates,
    }
