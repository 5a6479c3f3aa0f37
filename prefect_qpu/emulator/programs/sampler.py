"""The program ``sampler``: PUBs of the client's ``SamplerV2``."""

import json
from collections.abc import Mapping
from datetime import datetime
from math import prod
from typing import Any

from qiskit.primitives.containers import BitArray, DataBin, PrimitiveResult, SamplerPubResult
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_ibm_runtime import RuntimeDecoder, RuntimeEncoder
from qiskit_ibm_runtime.execution_span import DoubleSliceSpan, ExecutionSpans

from prefect_qpu.emulator.answers import utc_now
from prefect_qpu.emulator.payloads import DEFAULT_SHOTS
from prefect_qpu.emulator.programs.drawing import Sampling, registers
from prefect_qpu.emulator.programs.outcome import Outcome
from prefect_qpu.errors import InputError


def run_sampler(text: str, sampling: Sampling) -> Outcome:
    """Outcomes of each register, by PUB, as a primitive result.

    Raises:
        QpuError: a PUB or an option cannot be run.
    """
    params = json.loads(text, cls=RuntimeDecoder)
    options = params.get("options") or {}
    pubs = [_pub(given, options) for given in params["pubs"]]
    drawn = with_seed(sampling, options)
    started = utc_now()
    results = [_result(pub, drawn.draw(pub)) for pub in pubs]
    body = json.dumps(PrimitiveResult(results, metadata=_metadata(pubs, started)), cls=RuntimeEncoder).encode()
    return Outcome(body, sum(pub.shots * pub.parameter_values.size for pub in pubs), ignored(options))


def with_seed(sampling: Sampling, options: Mapping[str, Any]) -> Sampling:
    """The sampling with the seed that the options ask for."""
    seed = (options.get("simulator") or {}).get("seed_simulator")
    return Sampling(sampling.noise, seed, sampling.random)


def ignored(options: Mapping[str, Any]) -> tuple[str, ...]:
    """Options that are accepted and have no effect, as lines of the log."""
    asked = {
        "dynamical_decoupling": (options.get("dynamical_decoupling") or {}).get("enable"),
        "twirling": any((options.get("twirling") or {}).get(key) for key in ("enable_gates", "enable_measure")),
        "simulator.noise_model": (options.get("simulator") or {}).get("noise_model") is not None,
    }
    return tuple(f"The emulator ignores the option {name}." for name, given in asked.items() if given)


def _pub(given: list[Any], options: Mapping[str, Any]) -> SamplerPub:
    meas_type = (options.get("execution") or {}).get("meas_type") or "classified"
    if meas_type != "classified":
        raise InputError("options.execution.meas_type", given=meas_type, expected="classified, on an emulator")
    circuit, values, shots = (*given, None, None)[:3]
    if not circuit.num_clbits:
        raise InputError("pubs", given="a circuit without classical bits", expected="circuits that are measured")
    return SamplerPub.coerce((circuit, values, shots), shots=shots or options.get("default_shots") or DEFAULT_SHOTS)


def _result(pub: SamplerPub, bits: BitArray) -> SamplerPubResult:
    data = DataBin(**registers(pub.circuit, bits), shape=pub.parameter_values.shape)
    return SamplerPubResult(data, metadata={"circuit_metadata": pub.circuit.metadata or {}})


def _metadata(pubs: list[SamplerPub], started: datetime) -> dict[str, Any]:
    slices = {
        index: (pub.parameter_values.shape, slice(0, prod(pub.parameter_values.shape)), slice(0, pub.shots))
        for index, pub in enumerate(pubs)
    }
    spans = ExecutionSpans([DoubleSliceSpan(started, utc_now(), slices)])
    return {"execution": {"execution_spans": spans}, "version": 2}
