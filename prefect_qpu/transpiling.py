"""From a state preparation to measured ISA circuits: one transpilation, then the bases of all groups on its result.

All groups share one layout, so that calibration circuits and folded circuits of a mitigation method serve them all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi

from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.circuit.equivalence_library import SessionEquivalenceLibrary
from qiskit.transpiler import PassManager, Target, generate_preset_pass_manager
from qiskit.transpiler.exceptions import TranspilerError
from qiskit.transpiler.passes import BasisTranslator, Optimize1qGatesDecomposition, UnrollCustomDefinitions

from prefect_qpu.errors import CircuitError, ExperimentError
from prefect_qpu.experiment import TranspileOptions
from prefect_qpu.validation import width_findings

MEASURED = "meas"


@dataclass(frozen=True)
class Compiled:
    """A transpiled state preparation without measurements."""

    circuit: QuantumCircuit
    qubits: tuple[int, ...]
    """Physical qubit that holds each circuit qubit at the end."""


def compile_preparation(circuit: QuantumCircuit, target: Target, options: TranspileOptions, seed: int) -> Compiled:
    """The state preparation in the target's instructions.

    It is transpiled with measurements behind a barrier, so that the layout counts readout errors, and no pass may drop
    gates that a measurement in Z would not see; both are removed again.

    Args:
        circuit: State preparation without measurements; free parameters stay free.
        target: What to compile for; without a number of qubits, all pairs are connected and no layout is made.
        options: Options of Qiskit's preset pass manager.
        seed: Seed of layout and routing.

    Raises:
        CircuitError: the circuit does not fit the target.
        ExperimentError: the options do not fit the circuit or the target.

    Example:
        >>> from qiskit.providers.fake_provider import GenericBackendV2
        >>> bell = QuantumCircuit(2)
        >>> _, _ = bell.h(0), bell.cx(0, 1)
        >>> target = GenericBackendV2(5, seed=1).target
        >>> compiled = compile_preparation(bell, target, TranspileOptions(initial_layout=(3, 1)), seed=7)
        >>> compiled.qubits
        (3, 1)
    """
    for finding in width_findings(circuit, target):
        raise CircuitError("workload", given=finding.message, expected="a circuit that fits the device")
    check_layout(circuit.num_qubits, target, options.initial_layout)
    probe = circuit.copy_empty_like()
    probe.compose(circuit, inplace=True)
    probe.barrier()
    probe.measure_all(add_bits=True)
    try:
        isa = _pass_manager(target, options, seed).run(probe)
    except TranspilerError as error:
        raise CircuitError(
            "workload", given="a circuit that the transpiler refuses", expected="known gates", hint=str(error)
        ) from error
    qubits = [0] * circuit.num_qubits
    bare = QuantumCircuit(*isa.qregs, global_phase=isa.global_phase)
    for instruction in isa.data:
        if instruction.operation.name == "measure":
            qubits[isa.find_bit(instruction.clbits[0]).index] = isa.find_bit(instruction.qubits[0]).index
        else:
            bare.append(instruction)
    _drop_last_barriers(bare)
    return Compiled(bare, tuple(qubits))


def measure_in_basis(
    compiled: Compiled, basis: str, target: Target, *, optimization_level: int = 1, name: str | None = None
) -> QuantumCircuit:
    """The compiled circuit followed by rotations into a basis and a measurement of every circuit qubit.

    Args:
        compiled: The state preparation.
        basis: One letter X, Y or Z for each circuit qubit, in Qiskit's label order.
        target: What it was compiled for.
        optimization_level: 0 keeps the rotations apart, any other merges them into their neighbours.
        name: Name of the new circuit.

    Returns:
        An ISA circuit with one classical register ``meas``; bit ``i`` is circuit qubit ``i``.
    """
    rotated = compiled.circuit.copy()
    for letter, qubit in zip(reversed(basis), compiled.qubits, strict=True):
        _rotate(rotated, letter, qubit)
    if set(basis) - {"Z"}:
        rotated = _basis_translation(target, merge=optimization_level > 0).run(rotated)
    rotated.name = name or f"measured-{basis}"
    register = ClassicalRegister(len(basis), MEASURED)
    rotated.add_register(register)
    rotated.barrier(compiled.qubits)
    rotated.measure(list(compiled.qubits), register)
    return rotated


def compile_in_bases(
    circuit: QuantumCircuit, bases: Sequence[str], target: Target, options: TranspileOptions, seed: int
) -> tuple[tuple[int, ...], list[QuantumCircuit]]:
    """The physical qubits of a compiled circuit, and the circuit measured in each basis."""
    compiled = compile_preparation(circuit, target, options, seed)
    level = options.optimization_level
    return compiled.qubits, [measure_in_basis(compiled, basis, target, optimization_level=level) for basis in bases]


def check_layout(num_qubits: int, target: Target, layout: Sequence[int] | None) -> None:
    """Refuse an initial layout that does not fit.

    Raises:
        ExperimentError: the target has no qubit map, or the layout has the wrong length or an unknown qubit.
    """
    if layout is None:
        return
    if not target.num_qubits:
        raise ExperimentError(
            "transpile.initial_layout", given=layout, expected="no layout on an ideal simulator, which has no qubit map"
        )
    if len(layout) != num_qubits or max(layout) >= target.num_qubits:
        raise ExperimentError(
            "transpile.initial_layout",
            given=layout,
            expected=f"{num_qubits} qubits between 0 and {target.num_qubits - 1}",
        )


def _pass_manager(target: Target, options: TranspileOptions, seed: int) -> PassManager:
    place = {"target": target} if target.num_qubits else {"basis_gates": sorted(target.operation_names)}
    return generate_preset_pass_manager(
        optimization_level=options.optimization_level,
        initial_layout=list(options.initial_layout) if options.initial_layout else None,
        routing_method=options.routing_method,
        seed_transpiler=seed,
        **place,
    )


def _drop_last_barriers(circuit: QuantumCircuit) -> None:
    while circuit.data and circuit.data[-1].operation.name == "barrier":
        circuit.data.pop()


def _rotate(circuit: QuantumCircuit, letter: str, qubit: int) -> None:
    if letter == "Y":
        circuit.rz(-pi / 2, qubit)
    if letter in "XY":
        circuit.h(qubit)


def _basis_translation(target: Target, *, merge: bool) -> PassManager:
    translation = [
        UnrollCustomDefinitions(SessionEquivalenceLibrary, target=target),
        BasisTranslator(SessionEquivalenceLibrary, None, target),
    ]
    return PassManager([*translation, Optimize1qGatesDecomposition(target=target)] if merge else translation)
