"""The sweep of `benchmarks.sweeps` through prefect-qiskit, run by an interpreter that has it.

Point by point, gathered, and as one broadcast PUB.
"""

import asyncio
import json
import sys
import time

import numpy as np
from prefect import flow
from prefect_qiskit.runtime import QuantumRuntime
from prefect_qiskit.vendors.qiskit_aer import QiskitAerCredentials
from qiskit import QuantumCircuit, transpile
from qiskit.circuit import Parameter

QUBITS, LAYERS, SHOTS, SEED = 6, 2, 1024, 7
ANGLES = QUBITS * (LAYERS + 1)
LONGEST_GATHERED, LONGEST_SINGLE = 1000, 16


def circuit() -> QuantumCircuit:
    angles = [Parameter(f"t{index}") for index in range(ANGLES)]
    made = QuantumCircuit(QUBITS)
    for layer in range(LAYERS + 1):
        for qubit in range(QUBITS):
            made.ry(angles[layer * QUBITS + qubit], qubit)
        if layer < LAYERS:
            for qubit in range(QUBITS - 1):
                made.cx(qubit, qubit + 1)
    made.measure_all()
    return made


@flow
async def measured(way: str, points: int) -> float:
    credentials = QiskitAerCredentials(num_qubits=QUBITS)
    runtime = QuantumRuntime(resource_name="aer_simulator", credentials=credentials, enable_job_analytics=False)
    isa = transpile(circuit(), target=await runtime.async_get_target(), optimization_level=2, seed_transpiler=SEED)
    columns = [int(parameter.name[1:]) for parameter in isa.parameters]
    values = np.random.default_rng(SEED).uniform(0, 6.28, (points, ANGLES))[:, columns]
    options = {"default_shots": SHOTS}
    began = time.perf_counter()
    if way == "broadcast":
        await runtime.async_sampler([(isa, values, SHOTS)], options=options)
    elif way == "gathered":
        await asyncio.gather(*(runtime.async_sampler([(isa, row, SHOTS)], options=options) for row in values))
    else:
        for row in values:
            await runtime.async_sampler([(isa, row, SHOTS)], options=options)
    return time.perf_counter() - began


def main(points: int) -> None:
    asyncio.run(measured("broadcast", 1))
    found = {"c broadcast": asyncio.run(measured("broadcast", points))}
    if points <= LONGEST_GATHERED:
        found["c gathered"] = asyncio.run(measured("gathered", points))
    if points <= LONGEST_SINGLE:
        found["c each"] = asyncio.run(measured("each", points))
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[2]))
