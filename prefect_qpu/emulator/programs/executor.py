"""The program ``executor``: quantum programs of the client's new primitives, circuits with or without a samplex."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib import import_module
from math import prod
from typing import Any

import numpy as np
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_ibm_runtime.fake_provider.executor.broadcast_sample import broadcast_sample
from qiskit_ibm_runtime.quantum_program.params_converters import QUANTUM_PROGRAM_PARAMS_CONVERTERS
from samplomatic.quantum_program import SamplexItem

from prefect_qpu.emulator.answers import utc_now
from prefect_qpu.emulator.programs.drawing import Sampling, registers
from prefect_qpu.emulator.programs.outcome import Outcome
from prefect_qpu.errors import InputError

_SCHEMA = "v2.0"


def run_executor(text: str, sampling: Sampling) -> Outcome:
    """The data of each item, as the schema's result document.

    Raises:
        InputError: another schema version, or a measurement level that is not simulated.
    """
    params = json.loads(text)
    if params.get("schema_version") != _SCHEMA:
        raise InputError("schema_version", given=params.get("schema_version"), expected=_SCHEMA)
    converter = QUANTUM_PROGRAM_PARAMS_CONVERTERS[_SCHEMA]
    model: Any = converter.model(**params)
    program, _ = converter.decoder(model)
    if program.meas_level != "classified":
        raise InputError("meas_level", given=program.meas_level, expected="classified, on an emulator")
    rng, started = np.random.default_rng(sampling.seed), utc_now()
    data = [_drawn(item, program.shots, sampling, rng) for item in program.items]
    sizes = [prod(item.shape) for item in program.items]
    body = _document(data, sizes, started, model.quantum_program)
    return Outcome(body.encode(), program.shots * sum(sizes))


def _drawn(item: Any, shots: int, sampling: Sampling, rng: np.random.Generator) -> dict[str, Any]:
    """Outcomes of each register, and what the samplex drew besides its circuit's parameters."""
    sampled: dict[str, Any] = {}
    values = None
    if isinstance(item, SamplexItem):
        item.samplex.finalize()
        sampled = broadcast_sample(item.samplex, item.samplex_arguments, item.shape, rng)
        values = sampled.pop("parameter_values")
    elif item.circuit_arguments is not None:
        values = item.circuit_arguments
    bindings = {tuple(item.circuit.parameters): values} if item.circuit.num_parameters else {}
    pub = SamplerPub(item.circuit, BindingsArray(bindings, item.shape), shots)
    outcomes = registers(item.circuit, sampling.draw(pub))
    return sampled | {name: bits.to_bool_array(order="little") for name, bits in outcomes.items()}


def _document(data: list[dict[str, Any]], sizes: list[int], started: datetime, plan: Any) -> str:
    # The type checker knows nothing of the schemas.
    models: Any = import_module("ibm_quantum_schemas.executor.version_2_0.models")
    tensor: Callable[[Any], Any] = models.CompressedTensorModel.from_numpy
    parts = [
        models.ChunkPart(idx_item=index, size=size, permutation=[], element_range=(0, size, 1))
        for index, size in enumerate(sizes)
    ]
    result = models.QuantumProgramResultModel(
        data=[_item(models, tensor, item) for item in data],
        metadata=models.MetadataModel(chunk_timing=[models.ChunkSpan(start=started, stop=utc_now(), parts=parts)]),
        passthrough_data=plan.passthrough_data,
        semantic_role=plan.semantic_role,
    )
    return str(result.model_dump_json())


def _item(models: Any, tensor: Callable[[Any], Any], item: Mapping[str, Any]) -> Any:
    return models.QuantumProgramResultItemModel(
        results={name: tensor(values) for name, values in item.items()}, metadata=models.ItemMetadataModel()
    )
