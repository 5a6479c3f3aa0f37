"""The program ``estimator``: PUBs of the client's ``EstimatorV2``.

Each set of qubit-wise commuting terms is measured with the shots that the precision asks for. From resilience level 1
on, readout errors are inverted, term by term, as the service does with twirled readout.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, pi, prod
from typing import Any

import numpy as np
from numpy.typing import NDArray
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import PauliList, SparsePauliOp
from qiskit_ibm_runtime import RuntimeDecoder, RuntimeEncoder
from qiskit_ibm_runtime.results.estimator_pub import EstimatorPubResult

from prefect_qpu.emulator.payloads import DEFAULT_PRECISION
from prefect_qpu.emulator.programs.drawing import Sampling
from prefect_qpu.emulator.programs.outcome import Outcome
from prefect_qpu.emulator.programs.sampler import ignored, with_seed
from prefect_qpu.errors import ObservableError
from prefect_qpu.hashing import derive_seed
from prefect_qpu.observables import Group, estimate_from_counts, group_terms

_REGISTER = "measured"


@dataclass(frozen=True)
class EstimatorPub:
    """A circuit, its observables and parameter sets, and the shots for each term."""

    circuit: QuantumCircuit
    observables: ObservablesArray
    parameters: BindingsArray
    shots: int
    precision: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the values."""
        return np.broadcast_shapes(self.observables.shape, self.parameters.shape)


def run_estimator(text: str, sampling: Sampling) -> Outcome:
    """Expectation values with standard errors, by PUB, as a primitive result.

    Raises:
        QpuError: a PUB or an option cannot be run.
    """
    params = json.loads(text, cls=RuntimeDecoder)
    options = params.get("options") or {}
    level = params.get("resilience_level")
    mitigated = _mitigated(params, level)
    drawn, executions, results = with_seed(sampling, options), 0, []
    for index, pub in enumerate(_pub(given, options) for given in params["pubs"]):
        seed = None if drawn.seed is None else derive_seed(drawn.seed, f"pub-{index}")
        result, count = _estimated(pub, Sampling(drawn.noise, seed, drawn.random), mitigated=mitigated)
        results.append(result)
        executions += count
    body = json.dumps(PrimitiveResult(results, metadata={"version": 2}), cls=RuntimeEncoder).encode()
    return Outcome(body, executions, (*ignored(options), *_ignored_resilience(params)))


def _mitigated(params: Mapping[str, Any], level: int | None) -> bool:
    given = (params.get("resilience") or {}).get("measure_mitigation")
    return bool(given) if given is not None else (1 if level is None else level) >= 1


def _ignored_resilience(params: Mapping[str, Any]) -> tuple[str, ...]:
    asked = [name for name in ("zne_mitigation", "pec_mitigation") if (params.get("resilience") or {}).get(name)]
    asked += ["resilience_level 2"] if (params.get("resilience_level") or 0) >= 2 else []
    return tuple(f"The emulator ignores {name}; readout errors alone are mitigated." for name in asked)


def _pub(given: Sequence[Any], options: Mapping[str, Any]) -> EstimatorPub:
    circuit, observables, values, precision = (*given, None, None)[:4]
    array = ObservablesArray.coerce(observables)
    if array.num_qubits != circuit.num_qubits:
        raise ObservableError(
            "observables", given=f"{array.num_qubits} qubits", expected=f"the circuit's {circuit.num_qubits}"
        )
    wanted = precision or options.get("default_precision") or DEFAULT_PRECISION
    if precision is None and options.get("default_shots"):
        wanted = options["default_shots"] ** -0.5
    parameters = BindingsArray({tuple(circuit.parameters): values} if circuit.num_parameters else {}, _shape(values))
    return EstimatorPub(circuit, array, parameters, ceil(round(wanted**-2, 6)), wanted)


def _shape(values: Any) -> tuple[int, ...] | None:
    return None if values is None else np.shape(values)[:-1]


def _estimated(pub: EstimatorPub, sampling: Sampling, *, mitigated: bool) -> tuple[EstimatorPubResult, int]:
    """The values of a PUB, and the shots that they took."""
    operators = [_operator(item) for item in pub.observables.sparse_observables_array().ravel()]
    qubits = sorted(
        {
            int(qubit)
            for operator in operators
            for qubit in np.flatnonzero((operator.paulis.x | operator.paulis.z).any(0))
        }
    )
    named = {
        str(index): _cut(operator, qubits, sampling if mitigated else None) for index, operator in enumerate(operators)
    }
    groups = [group for group in group_terms(named) if group.terms] if qubits else []
    counts = [_measured(pub, qubits, group, sampling) for group in groups]
    values, errors = _over_parameters(named, groups, counts, pub)
    where = (
        np.broadcast_to(np.arange(len(operators)).reshape(pub.observables.shape), pub.shape),
        np.broadcast_to(np.arange(pub.parameters.size).reshape(pub.parameters.shape), pub.shape),
    )
    evs, stds = np.asarray(values[where]), np.asarray(errors[where])
    data = DataBin(evs=evs, stds=stds, ensemble_standard_error=stds, shape=pub.shape)
    metadata = {
        "shots": pub.shots,
        "target_precision": pub.precision,
        "circuit_metadata": pub.circuit.metadata or {},
        "resilience": {"measure_mitigation": mitigated},
        "num_randomizations": 1,
    }
    return EstimatorPubResult(data, metadata), pub.shots * pub.parameters.size * max(1, len(groups))


def _operator(observable: Any) -> SparsePauliOp:
    return SparsePauliOp.from_sparse_observable(observable).simplify()


def _cut(operator: SparsePauliOp, qubits: Sequence[int], sampling: Sampling | None) -> SparsePauliOp:
    """The operator on some qubits; with the attenuation by readout errors divided out, where sampling is given."""
    kept = list(qubits) or [0]
    paulis = PauliList.from_symplectic(operator.paulis.z[:, kept], operator.paulis.x[:, kept])
    if sampling is None or sampling.random:
        return SparsePauliOp(paulis, operator.coeffs)
    damping = np.array([1 - 2 * sampling.noise.readout_errors.get(qubit, 0.0) for qubit in kept])
    supports = paulis.x | paulis.z
    return SparsePauliOp(paulis, operator.coeffs / np.prod(np.where(supports, damping, 1.0), axis=1))


def _measured(pub: EstimatorPub, qubits: Sequence[int], group: Group, sampling: Sampling) -> BitArray:
    """Outcomes of the circuit in one basis; bit ``i`` is the ``i``-th of the qubits."""
    circuit = pub.circuit.copy()
    bits = ClassicalRegister(len(qubits), _REGISTER)
    circuit.add_register(bits)
    for index, (qubit, letter) in enumerate(zip(qubits, reversed(group.basis), strict=True)):
        if letter == "X":
            circuit.rz(pi / 2, qubit)
        if letter in "XY":
            circuit.sx(qubit)
        circuit.measure(qubit, bits[index])
    seed = None if sampling.seed is None else derive_seed(sampling.seed, group.basis)
    joint = Sampling(sampling.noise, seed, sampling.random).draw(SamplerPub(circuit, pub.parameters, pub.shots))
    return joint.slice_bits(range(joint.num_bits - len(qubits), joint.num_bits))


def _over_parameters(
    named: Mapping[str, SparsePauliOp], groups: Sequence[Group], counts: Sequence[BitArray], pub: EstimatorPub
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Values and standard errors, by observable and parameter set."""
    size = prod(pub.parameters.shape)
    if not groups:
        constants = np.array([float(operator.coeffs.real.sum()) for operator in named.values()])
        return np.repeat(constants[:, None], size, axis=1), np.zeros((len(named), size))
    estimates = estimate_from_counts(named, groups, counts)
    values = np.array([estimates[name].value.reshape(size) for name in named])
    return values, np.array([estimates[name].stderr.reshape(size) for name in named])
