"""The sweep of `benchmarks.sweeps` through prefect-qiskit, run by an interpreter that has it.

Point by point, gathered, and as one broadcast PUB; this package need not be there.
"""

import asyncio
import json
import sys
import time

from prefect import flow
from prefect_qiskit.runtime import QuantumRuntime
from prefect_qiskit.vendors.qiskit_aer import QiskitAerCredentials
from qiskit import transpile

from benchmarks.sweeps import LONGEST_LOOP, QUBITS, SEED, SHOTS, circuit, values

LONGEST_SINGLE = 16
"""Points up to which single calls are measured."""


@flow
async def measured(way: str, points: int) -> float:
    credentials = QiskitAerCredentials(num_qubits=QUBITS)
    runtime = QuantumRuntime(resource_name="aer_simulator", credentials=credentials, enable_job_analytics=False)
    isa = transpile(circuit(), target=await runtime.async_get_target(), optimization_level=2, seed_transpiler=SEED)
    columns = [int(parameter.name[1:]) for parameter in isa.parameters]
    rows = values(points)[:, columns]
    options = {"default_shots": SHOTS}
    began = time.perf_counter()
    if way == "broadcast":
        await runtime.async_sampler([(isa, rows, SHOTS)], options=options)
    elif way == "gathered":
        await asyncio.gather(*(runtime.async_sampler([(isa, row, SHOTS)], options=options) for row in rows))
    else:
        for row in rows:
            await runtime.async_sampler([(isa, row, SHOTS)], options=options)
    return time.perf_counter() - began


def main(points: int) -> None:
    asyncio.run(measured("broadcast", 1))
    found = {"c broadcast": asyncio.run(measured("broadcast", points))}
    if points <= LONGEST_LOOP:
        found["c gathered"] = asyncio.run(measured("gathered", points))
    if points <= LONGEST_SINGLE:
        found["c each"] = asyncio.run(measured("each", points))
    print(json.dumps(found))


if __name__ == "__main__":
    main(int(sys.argv[2]))
