"""What a target can do on given qubits, also where it has no qubit map."""

from collections.abc import Sequence

from qiskit.transpiler import Target


def is_native(target: Target, name: str, qubits: Sequence[int], parameters: Sequence[float] = ()) -> bool:
    """Whether the target has an instruction on the qubits; one without a qubit map has it everywhere or nowhere.

    Example:
        >>> from qiskit.providers.fake_provider import GenericBackendV2
        >>> is_native(GenericBackendV2(2, seed=1).target, "cx", (0, 1)), is_native(Target(), "cx", (0, 1))
        (True, False)
    """
    if not target.num_qubits:
        return name in target
    supported: bool = target.instruction_supported(name, tuple(qubits), parameters=list(parameters) or None)
    return supported
