"""How much mitigation methods reduce the error of raw values, and how often their intervals hold the truth.

    python -m benchmarks.mitigation errors [seeds]
    python -m benchmarks.mitigation coverage [repeats] [method ...]
    python -m benchmarks.mitigation unseen [repeats]
    python -m benchmarks.mitigation held-out [repeats]
    python -m benchmarks.mitigation flags [repeats] [method ...]
    python -m benchmarks.mitigation speed
    python -m benchmarks.mitigation combining

All counts are simulated with the noise of a device's calibration; tables are printed in markdown.
"""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives.containers import BitArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import SparsePauliOp

from benchmarks.mitigation_cases import (
    DEVICES,
    HELD_OUT,
    HELD_OUT_DEVICES,
    UNSEEN,
    UNSEEN_DEVICES,
    WORKLOADS,
    Workload,
    batch,
    calibration,
    context,
    repeated_counts,
)
from prefect_qpu.experiment import MethodSpec
from prefect_qpu.mitigation import Measurement, PlanContext, combine_batch, plan_batch
from prefect_qpu.mitigation.folding import fold
from prefect_qpu.observables import Estimate, group_terms
from prefect_qpu.providers.simulation import Simulation
from prefect_qpu.statistics import normal_quantile

SHOTS = 4000
METHODS = {
    "raw": MethodSpec(method="raw"),
    "readout": MethodSpec(method="readout", name="readout"),
    "readout, TREX": MethodSpec(method="readout", name="readout, TREX", options={"readout": "trex"}),
    "ZNE without readout": MethodSpec(method="zne", name="ZNE without readout", options={"readout": "none"}),
    "ZNE": MethodSpec(method="zne", name="ZNE"),
    "ZNE, linear": MethodSpec(method="zne", name="ZNE, linear", options={"fit": "linear"}),
    "ZNE, twirled": MethodSpec(method="zne", name="ZNE, twirled", options={"twirl": 8}),
    "PEC": MethodSpec(method="pec", name="PEC"),
    "CDR": MethodSpec(method="cdr", name="CDR"),
    "LRE": MethodSpec(method="lre", name="LRE"),
}
MANY_CIRCUITS = {"readout, TREX", "ZNE, twirled", "PEC", "CDR", "LRE"}
FEW_SEEDS = 3
"""Seeds of the methods with many circuits."""
COVERED = ("readout", "ZNE without readout", "ZNE", "ZNE, linear")
LEVEL = 0.9


def errors(seeds: int) -> None:
    """The root mean square error of raw values divided by that of each method."""
    print(f"| device | workload | raw error | {' | '.join(name for name in METHODS if name != 'raw')} |")
    print("|---" * (2 + len(METHODS)) + "|")
    for shown, device in DEVICES.items():
        for workload in WORKLOADS:
            found = {
                name: _errors(device, workload, name, min(seeds, FEW_SEEDS) if name in MANY_CIRCUITS else seeds)
                for name in METHODS
            }
            raw = found.pop("raw")
            cells = ["refused" if error is None else f"{raw / error:.1f}" for error in found.values()]
            print(f"| {shown} | {workload} | {raw:.4f} | {' | '.join(cells)} |", flush=True)


def coverage(
    repeats: int,
    devices: Mapping[str, str] = DEVICES,
    workloads: Mapping[str, Workload] = WORKLOADS,
    methods: Sequence[str] = COVERED,
) -> None:
    """How often intervals of 90 % hold the exact value: of the statistical error alone, and with the systematic one."""
    print(
        "| device | workload | method | bias | scatter | standard error | systematic | statistical | with systematic |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    pooled: dict[str, list[float]] = {name: [] for name in methods}
    for shown, device in devices.items():
        for workload, item in workloads.items():
            for name in methods:
                refused = batch(device, workload, [METHODS[name]], SHOTS).refused
                if refused:
                    print(f"| {shown} | {workload} | {name} | refused: {refused[name]} |")
                    continue
                estimates = _repeated(device, workload, name, repeats)
                row, held = _coverage(estimates, item.exact)
                pooled[name].append(held)
                print(f"| {shown} | {workload} | {name} | {row} |", flush=True)
    for name, held in pooled.items():
        print(f"\nMean over the cases, {name}: {np.mean(held):.3f}")


def flags(
    repeats: int,
    methods: Sequence[str],
    devices: Mapping[str, str] | None = None,
    workloads: Mapping[str, Workload] | None = None,
) -> None:
    """How often a method comes out farther from the truth than raw, and how often without a flag that warns of it."""
    print("| method | estimates | flagged | worse than raw | worse and not flagged |")
    print("|---|---|---|---|---|")
    if devices is None or workloads is None:
        cases = [(device, name) for device in DEVICES.values() for name in WORKLOADS]
        cases += [(device, name) for device in UNSEEN_DEVICES.values() for name in UNSEEN]
    else:
        cases = [(device, name) for device in devices.values() for name in workloads]
    for method in methods:
        seen = [row for device, workload in cases for row in _against_raw(device, workload, method, repeats)]
        flagged, worse = np.array(seen, dtype=bool).T
        shares = " | ".join(f"{share:.3f}" for share in (flagged.mean(), worse.mean(), (worse & ~flagged).mean()))
        print(f"| {method} | {len(seen)} | {shares} |", flush=True)


def _against_raw(device: str, workload: str, method: str, repeats: int) -> list[tuple[bool, bool]]:
    """For each repeat whether the estimate is flagged, and whether its error is larger than that of raw."""
    planned = batch(device, workload, [METHODS[method]], SHOTS)
    measurement, exact = context(device, workload, SHOTS).measurement, (WORKLOADS | UNSEEN | HELD_OUT)[workload].exact
    found = []
    for counts in repeated_counts(planned, device, repeats, seed=5):
        estimates = combine_batch(planned.shares, counts, measurement).estimates
        if method in estimates:
            item, raw = estimates[method]["value"], estimates["raw"]["value"]
            found.append((bool(item.metadata["flags"]), bool(abs(item.value - exact) > abs(raw.value - exact))))
    return found


def speed() -> None:
    """Seconds to fold a large circuit and to plan all methods."""
    large = _brickwork(127, 40_000)
    target = calibration("FakeSherbrooke").target()
    taken = [_seconds(partial(fold, large, 3, target, 1)) for _ in range(3)]
    print(f"fold by 3, 127 qubits, {large.size()} gates: {median(taken):.2f} s")
    plan = _wide()
    for name, spec in METHODS.items():
        taken = [_seconds(partial(plan_batch, [spec], plan)) for _ in range(3)]
        print(f"plan {name}, 20 qubits, {plan.circuits[0].size()} gates: {median(taken):.2f} s")
    print(f"plan all of these at once: {_seconds(partial(plan_batch, list(METHODS.values()), plan)):.2f} s")


def combining() -> None:
    """Seconds that combining took beside those that the plan allowed, on small and wide circuits and many outcomes."""
    print("| circuit | method | seconds | at most |")
    print("|---|---|---|---|")
    plans = {"5 qubits": context("FakeManilaV2", "QAOA p = 2", SHOTS), "20 qubits": replace(_wide(), shots=20_000)}
    methods = [*METHODS.values(), MethodSpec(method="readout", name="readout, M3", options={"readout": "mthree"})]
    random = np.random.default_rng(1)
    for shown, plan in plans.items():
        planned = plan_batch(methods, plan)
        counts = [_noise(pub, random) for pub in planned.pubs]
        for share in planned.shares:
            taken = _seconds(partial(combine_batch, [share], counts, plan.measurement))
            print(f"| {shown} | {share.label} | {taken:.3f} | {share.at_most:.1f} |", flush=True)


def _noise(pub: SamplerPub, random: np.random.Generator) -> BitArray:
    """The counts of a state in which nearly all outcomes differ."""
    ones = np.array([0.9 if pub.circuit.name.endswith("1" * 5) else 0.1])
    drawn = random.random((pub.shots, pub.circuit.num_clbits)) < ones
    return BitArray.from_bool_array(drawn)


def _errors(device: str, workload: str, name: str, seeds: int) -> float | None:
    exact, differences = WORKLOADS[workload].exact, []
    for seed in range(seeds):
        plan = replace(context(device, workload, SHOTS), seed=seed)
        planned = plan_batch([METHODS[name]], plan)
        if planned.refused:
            return None
        counts, _ = Simulation(planned.pubs, calibration(device), seed).run()
        combined = combine_batch(planned.shares, counts, plan.measurement)
        differences.append(float(combined.estimates[name]["value"].value) - exact)
    return float(np.sqrt(np.mean(np.square(differences))))


def _repeated(device: str, workload: str, name: str, repeats: int) -> list[Estimate]:
    planned = batch(device, workload, [METHODS[name]], SHOTS)
    share = next(item for item in planned.shares if item.label == name)
    measurement = context(device, workload, SHOTS).measurement
    return [
        combine_batch([share], counts, measurement).estimates[name]["value"]
        for counts in repeated_counts(planned, device, repeats, seed=3)
    ]


def _coverage(estimates: list[Estimate], exact: float) -> tuple[str, float]:
    value, stderr = (np.array([float(getattr(item, key)) for item in estimates]) for key in ("value", "stderr"))
    systematic = np.array([0.0 if item.systematic is None else float(item.systematic) for item in estimates])
    reach = normal_quantile((1 + LEVEL) / 2)
    alone = np.mean(abs(value - exact) < reach * stderr)
    both = float(np.mean(abs(value - exact) < reach * np.hypot(stderr, systematic)))
    numbers = (value.mean() - exact, value.std(ddof=1), stderr.mean(), systematic.mean())
    return f"{' | '.join(f'{number:.4f}' for number in numbers)} | {alone:.3f} | {both:.3f}", both


def _brickwork(qubits: int, size: int) -> QuantumCircuit:
    """Layers of native gates along the device's couplings."""
    target = calibration("FakeSherbrooke").target()
    pairs, used = [], set()
    for pair, reported in sorted(target["ecr"].items()):
        # A coupler out of order makes the methods refuse at once, in no time.
        if max(pair) < qubits and used.isdisjoint(pair) and reported.error < 1:
            pairs.append(pair)
            used |= set(pair)
    circuit = QuantumCircuit(127)
    while circuit.size() < size:
        circuit.sx(range(qubits))
        circuit.rz(0.3, range(qubits))
        for pair in pairs:
            circuit.ecr(*pair)
    return circuit


def _wide() -> PlanContext:
    """Twenty qubits of a large device, about 1,400 gates, magnetisation."""
    circuit = _brickwork(20, 1400)
    used = range(20)
    circuit.add_register(ClassicalRegister(20, "meas"))
    circuit.measure(used, used)
    observables = {"value": SparsePauliOp.from_sparse_list([("Z", [qubit], 1 / 20) for qubit in used], 20)}
    measurement = Measurement(observables, tuple(group_terms(observables)))
    return PlanContext((circuit,), measurement, calibration("FakeSherbrooke").target(), 100_000, 7)


def _seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor: others may share it."""
    started = time.process_time()
    work()
    return time.process_time() - started


if __name__ == "__main__":
    mode, *rest = sys.argv[1:] or ["errors"]
    if mode == "errors":
        errors(int(rest[0]) if rest else 10)
    elif mode == "coverage":
        coverage(int(rest[0]) if rest else 200, methods=tuple(rest[1:]) or COVERED)
    elif mode == "unseen":
        coverage(int(rest[0]) if rest else 200, UNSEEN_DEVICES, UNSEEN, ("ZNE",))
    elif mode == "held-out":
        repeats = int(rest[0]) if rest else 200
        coverage(repeats, HELD_OUT_DEVICES, HELD_OUT, ("ZNE",))
        flags(repeats, ["readout", "ZNE"], HELD_OUT_DEVICES, HELD_OUT)
    elif mode == "flags":
        flags(int(rest[0]) if rest else 20, rest[1:] or [name for name in METHODS if name != "raw"])
    elif mode == "combining":
        combining()
    else:
        speed()
