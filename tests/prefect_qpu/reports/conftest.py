"""Run summaries as runs would leave them, from a run that failed at once to one that queued for three hours."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import sqrt
from random import Random
from typing import Any

import pytest
from qiskit import QuantumCircuit

from prefect_qpu.summary import RunSummary

MOST_COUNTS = 64
START = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
CALIBRATION = {
    "device": "fake_manila",
    "num_qubits": 5,
    "median_t1": 1.3246e-4,
    "median_t2": 5.17e-5,
    "median_readout_error": 0.0242,
    "median_two_qubit_error": 0.00887,
    "median_frequency": 4.9713e9,
    "two_qubit_gate": "cx",
}
VERSIONS = {"python": "3.11.2", "prefect-qpu": "0.1.0", "prefect": "3.8.8", "qiskit": "2.6.0", "qiskit-aer": "0.18.0"}


@dataclass(frozen=True)
class Sample:
    """A summary, with the circuit of the run where one is drawn."""

    summary: RunSummary
    circuit: QuantumCircuit | None = None


def base(name: str, **changes: Any) -> dict[str, Any]:
    definition = {
        "name": name,
        "workload": {"kind": "circuit", "observables": {"zz": "IZZ", "parity": "XXX"}},
        "backend": {"kind": "aer", "device": "FakeManilaV2", "calibration": None, "method": "automatic"},
        "shots": 4096,
        "seed": 7,
        "mitigation": [{"method": "raw", "options": {}}, {"method": "readout", "options": {}}],
    }
    return {
        "run_id": "5b0f6c1e-8a0e-4a53-9a53-1f6b1f0b7c11",
        "state": "ended",
        "started_at": START,
        "experiment": {
            "name": name,
            "hash": "9c1e" * 16,
            "execution_hash": "71ab" * 16,
            "workload": "circuit",
            "shots": 4096,
            "definition": definition,
        },
        "backend": {
            "name": "aer-manila",
            "kind": "aer",
            "simulator": True,
            "calibration_hash": "c0ffee12" * 8,
            "calibration_time": datetime(2021, 3, 15, 8, 0, tzinfo=UTC),
            "calibration": CALIBRATION,
            "settings": {"device": "FakeManilaV2", "method": "automatic"},
        },
        "estimates": [],
        "spans": [],
        "submissions": [],
        "circuits": [],
        "versions": VERSIONS,
        "seeds": {
            "experiment": 7,
            "transpile": 7,
            "execute": 7,
            "smoke-ideal": 91_228_115,
            "smoke-noise": 1_776_120_034,
        },
    } | changes


def estimate(method: str, observable: str, value: float, stderr: float, **changes: Any) -> dict[str, Any]:
    fields = {"method": method, "observable": observable, "value": value, "stderr": stderr}
    return {"source": "quantum", "shots": 4096, "exact": 1.0, "variance_multiplier": 1.0} | fields | changes


def spans(*stages: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [
        {
            "stage": stage,
            "start": START + timedelta(seconds=begin),
            "end": START + timedelta(seconds=begin + length),
            "seconds": length,
            "source": source[0] if source else "workflow",
            "role": source[1] if len(source) > 1 else None,
        }
        for stage, begin, length, *source in stages
    ]


def submission(role: str, shots: list[int], **changes: Any) -> dict[str, Any]:
    return {
        "role": role,
        "request_hash": "ab54d286" * 8,
        "provider": "aer",
        "backend": "aer-manila" if role != "smoke-ideal" else "aer",
        "job_id": f"aer-{role}-7c1d",
        "state": "done",
        "attempts": 1,
        "replicate": 1,
        "seed": 7,
        "shots": shots,
        "payload_bytes": 2648,
    } | changes


def criterion(name: str, verdict: str, reason: str, **changes: Any) -> dict[str, Any]:
    return {"name": name, "verdict": verdict, "reason": reason} | changes


def size(width: int, depth: int, two_qubit_gates: int, gates: int, payload_bytes: int) -> dict[str, Any]:
    fields = {"width": width, "depth": depth, "two_qubit_gates": two_qubit_gates, "size": gates}
    return {"hash": "d4e1" * 16, "payload_bytes": payload_bytes} | fields


def sampled(weights: dict[str, float], shots: int, seed: int) -> dict[str, int]:
    drawn = Random(seed).choices(list(weights), list(weights.values()), k=shots)
    ranked = Counter(drawn).most_common()
    rest = sum(count for _, count in ranked[MOST_COUNTS:])
    return dict(ranked[:MOST_COUNTS]) | ({"other": rest} if rest else {})


def ghz(qubits: int) -> QuantumCircuit:
    circuit = QuantumCircuit(qubits)
    circuit.h(0)
    for qubit in range(qubits - 1):
        circuit.cx(qubit, qubit + 1)
    return circuit


def noisy_ghz(qubits: int, flip: float = 0.03) -> dict[str, float]:
    weights: dict[str, float] = {}
    for outcome in range(2**qubits):
        ones = outcome.bit_count()
        weight = sum(flip**wrong * (1 - flip) ** (qubits - wrong) for wrong in (ones, qubits - ones)) / 2
        weights[f"{outcome:0{qubits}b}"] = weight
    return weights


def promoted() -> Sample:
    ideal = {"000": 0.5, "111": 0.5}
    even = dict.fromkeys(("000", "011", "101", "110"), 0.25)
    return Sample(
        RunSummary.model_validate(
            base(
                "ghz-3-on-manila",
                outcome="promoted",
                source="quantum",
                flow_run_id="0d3ac8a2-6a7f-4c89-8f0a-8c8a2e1f1f3d",
                ended_at=START + timedelta(seconds=4.31),
                decision={
                    "outcome": "promoted",
                    "reason": "every criterion that applies is met",
                    "criteria": [
                        criterion(
                            "circuit_valid", "pass", "every circuit can run on the target", observed=0, threshold=0
                        ),
                        criterion(
                            "ideal_agrees",
                            "pass",
                            "the ideal simulation differs from the reference by +0, tolerance 0.05",
                            observed=0.0,
                            interval=(-0.0, 0.0),
                            threshold=0.05,
                            observable="zz",
                        ),
                        criterion(
                            "noise_distinguishable",
                            "pass",
                            "87% of the ideal signal is left, at least 5% is wanted",
                            observed=0.8706,
                            interval=(0.8555, 0.8857),
                            threshold=0.05,
                            observable="zz",
                        ),
                        criterion(
                            "calibration_age",
                            "not applicable",
                            "the backend is a simulator with a saved calibration, and the policy sets no limit",
                            observed=157_768_013.0,
                        ),
                        criterion(
                            "hypothesis_stated", "pass", "GHZ survives the device (zz from 0.8 to 1)", observable="zz"
                        ),
                    ],
                },
                estimates=[
                    estimate("raw", "zz", 0.8735, 0.0076),
                    estimate("readout", "zz", 0.9562, 0.0089, variance_multiplier=1.37, systematic=0.012),
                    estimate("raw", "parity", 0.8105, 0.0092),
                    estimate("readout", "parity", 0.9377, 0.0121, variance_multiplier=1.61, systematic=0.02),
                ],
                simulations={
                    "ideal": {
                        "zz": {"value": 1.0, "stderr": 0.0, "shots": 4096},
                        "parity": {"value": 1.0, "stderr": 0.0, "shots": 4096},
                    },
                    "noisy": {
                        "zz": {"value": 0.8706, "stderr": 0.0077, "shots": 4096},
                        "parity": {"value": 0.8174, "stderr": 0.0090, "shots": 4096},
                    },
                },
                counts={
                    "ZZZ": sampled(noisy_ghz(3), 4096, 1),
                    "XXX": sampled(even | {"001": 0.04, "010": 0.03}, 4096, 2),
                },
                ideal_counts={"ZZZ": sampled(ideal, 4096, 3), "XXX": sampled(even, 4096, 4)},
                baseline=BASELINES[0],
                baselines=BASELINES,
                comparison={
                    "verdict": "classical better",
                    "reason": "both values agree within 0.05; wall time 4.1 s quantum, 0.0021 s statevector",
                    "observable": "zz",
                    "hypothesis": {
                        "verdict": "supported",
                        "reason": "zz lies in [0.9388, 0.9736], expected [0.8, 1]",
                        "statement": "GHZ survives the device",
                    },
                    "agreement": [
                        {
                            "against": against,
                            "observable": observable,
                            "value": value,
                            "other": other,
                            "interval": [value - other - 0.015, value - other + 0.015],
                            "threshold": 0.05,
                            "verdict": verdict,
                        }
                        for against, observable, value, other, verdict in (
                            ("exact value", "zz", 0.9562, 1.0, "inconclusive"),
                            ("exact value", "parity", 0.9377, 1.0, "fail"),
                            ("noise simulation", "zz", 0.8735, 0.8706, "pass"),
                            ("noise simulation", "parity", 0.8105, 0.8174, "pass"),
                        )
                    ],
                    "cost": {
                        "quantum wall [s]": 2.433,
                        "queue [s]": 0.31,
                        "execution [s]": 0.96,
                        "classical [s]": 0.0021,
                        "QPU [s]": 0.0,
                        "shots": 16_384,
                        "simulated shots": 16_384,
                        "payload [bytes]": 5296,
                    },
                },
                spans=spans(
                    ("encode", 0.0, 0.031),
                    ("transpile", 0.04, 0.22),
                    ("smoke_test", 0.27, 1.92),
                    ("promote", 2.2, 0.012),
                    ("submit", 2.23, 0.05),
                    ("execution", 0.4, 0.3, "provider", "smoke-ideal"),
                    ("execution", 1.1, 0.9, "provider", "smoke-noise"),
                    ("queue", 2.28, 0.31, "provider"),
                    ("execution", 2.59, 0.96, "provider"),
                    ("baseline", 2.30, 0.42),
                    ("poll", 2.4, 0.01),
                    ("poll", 3.0, 0.01),
                    ("poll", 3.56, 0.03),
                    ("mitigate", 3.62, 0.18),
                    ("compare", 3.82, 0.05),
                    ("report", 3.9, 0.39),
                ),
                submissions=[
                    submission("smoke-ideal", [4096, 4096]),
                    submission("smoke-noise", [4096, 4096]),
                    submission("primary", [4096, 4096, 4096, 4096], payload_bytes=5296),
                ],
                circuits=[
                    {
                        "basis": "ZZZ",
                        "before": size(3, 4, 2, 6, 1196),
                        "after": size(3, 6, 2, 9, 1432),
                        "qubits": [2, 3, 4],
                    },
                    {
                        "basis": "XXX",
                        "before": size(3, 5, 2, 9, 1240),
                        "after": size(3, 8, 2, 18, 1604),
                        "qubits": [2, 3, 4],
                    },
                ],
            )
        ),
        ghz(3),
    )


BASELINES = [
    {
        "method": "statevector",
        "observable": observable,
        "value": 1.0,
        "exact": True,
        "certificate": {"kind": "exact diagonal sum", "terms": 1},
        "seconds": 0.0021,
    }
    for observable in ("zz", "parity")
]


def rejected() -> Sample:
    return Sample(
        RunSummary.model_validate(
            base(
                "deep-ising-trotter",
                outcome="fallback",
                source="simulator",
                ended_at=START + timedelta(seconds=9.4),
                decision={
                    "outcome": "rejected",
                    "reason": "failed: noise_distinguishable[energy], beats_trivial[energy]",
                    "criteria": [
                        criterion(
                            "circuit_valid", "pass", "every circuit can run on the target", observed=0, threshold=0
                        ),
                        criterion("max_depth", "pass", "412 of at most 500", observed=412, threshold=500),
                        criterion(
                            "ideal_agrees",
                            "inconclusive",
                            "the ideal simulation differs from the reference by -0.031; 21077 shots would decide",
                            observed=-0.031,
                            interval=(-0.063, 0.001),
                            threshold=0.05,
                            observable="energy",
                        ),
                        criterion(
                            "noise_distinguishable",
                            "fail",
                            "2% of the ideal signal is left, at least 5% is wanted",
                            observed=0.021,
                            interval=(0.003, 0.039),
                            threshold=0.05,
                            observable="energy",
                        ),
                        criterion(
                            "beats_trivial",
                            "fail",
                            "the guess 0 is 0.012 nearer to the ideal value than the prediction",
                            observed=-0.012,
                            interval=(-0.02, -0.004),
                            threshold=0.0,
                            observable="energy",
                        ),
                        criterion("hypothesis_stated", "not applicable", "no hypothesis is stated"),
                    ],
                },
                estimates=[
                    estimate("raw", "energy", -3.1042, 0.0201, source="simulator", exact=-3.0962),
                    estimate("raw", "magnetisation", 0.2145, 0.0153, source="simulator", exact=0.2231),
                ],
                simulations={
                    "ideal": {"energy": {"value": -3.1271, "stderr": 0.0198, "shots": 8192}},
                    "noisy": {
                        "energy": {"value": -0.066, "stderr": 0.028, "shots": 8192},
                        "magnetisation": {"value": 0.012, "stderr": 0.0156, "shots": 4096},
                    },
                },
                counts={"ZZZZ": sampled({f"{k:04b}": 1 + (5 * k) % 7 for k in range(16)}, 4096, 5)},
                fallback={
                    "reason": "the gate rejected the quantum path",
                    "source": "simulator",
                    "refused": [
                        {"source": "cached", "reason": "no earlier run of this experiment has a quantum answer"}
                    ],
                    "details": {"backend": {"kind": "aer", "name": "aer", "simulator": True}},
                },
                no_baseline="no classical opponent is registered for this workload",
                spans=spans(
                    ("encode", 0.0, 0.05),
                    ("transpile", 0.06, 1.4),
                    ("smoke_test", 1.5, 6.8),
                    ("fallback-simulator", 8.4, 0.9),
                ),
                submissions=[
                    submission("smoke-ideal", [4096, 4096]),
                    submission("smoke-noise", [4096, 4096], seed=1_776_120_034),
                    submission("fallback", [4096, 4096], backend="aer", seed=55),
                ],
                circuits=[
                    {
                        "basis": "ZZZZ",
                        "before": size(4, 201, 180, 388, 11_920),
                        "after": size(4, 412, 236, 1402, 39_712),
                    },
                    {
                        "basis": "XXXX",
                        "before": size(4, 202, 180, 392, 11_960),
                        "after": size(4, 414, 236, 1410, 39_900),
                    },
                ],
            )
        )
    )


def maxcut() -> Sample:
    random = Random(11)
    weights = {f"{random.getrandbits(8):08b}": random.random() ** 3 + 0.02 for _ in range(28)}
    graph = QuantumCircuit(8)
    graph.h(range(8))
    for node in range(8):
        graph.rzz(0.7853981633974483, node, (node + 1) % 8)
    graph.rx(0.61, range(8))
    fields = base(
        "maxcut-ring-8",
        outcome="promoted",
        source="quantum",
        ended_at=START + timedelta(seconds=22.8),
        estimates=[
            estimate("raw", "cut", 5.412, 0.041, exact=None, shots=1024),
            estimate("readout", "cut", 5.731, 0.058, exact=None, shots=1024, variance_multiplier=1.9),
            estimate("zne", "cut", 5.902, 0.127, exact=None, shots=3072, variance_multiplier=9.4, systematic=0.22),
        ],
        simulations={
            "ideal": {"cut": {"value": 6.0068, "stderr": 0.033, "shots": 1024}},
            "noisy": {"cut": {"value": 5.377, "stderr": 0.042, "shots": 1024}},
        },
        counts={"ZZZZZZZZ": sampled(weights, 1024, 6)},
        ideal_counts={"ZZZZZZZZ": sampled({name: weight**1.6 for name, weight in weights.items()}, 1024, 7)},
        answer={"value": 8.0, "solution": "01010101"},
        baselines=[
            {
                "method": "local search",
                "observable": "cut",
                "value": 8.0,
                "bound": 8.0,
                "exact": False,
                "certificate": {"kind": "SDP upper bound", "gap": 0.0},
                "seconds": 0.34,
            }
        ],
        comparison={
            "verdict": "classical better",
            "reason": "both found 8; wall time 22.1 s quantum, 0.34 s local search",
            "observable": "cut",
            "cost": {"wall_seconds": 22.1, "classical_seconds": 0.34, "shots": 5120, "qpu_seconds": 4.0},
            "best_ratio": 1.0,
        },
        spans=spans(
            ("encode", 0, 0.2),
            ("transpile", 0.21, 1.1),
            ("smoke_test", 1.4, 3.9),
            ("submit", 5.4, 0.8),
            ("queue", 6.2, 9.5, "provider"),
            ("execution", 15.7, 4.1, "provider"),
            ("baseline", 6.3, 0.34),
            ("mitigate", 20.2, 2.1),
        ),
        submissions=[
            submission("smoke-ideal", [1024]),
            submission(
                "primary",
                [1024] * 5,
                provider="ibm",
                backend="ibm_torino",
                job_id="d0cz3f8x1v0g008k",
                seed=None,
                qpu_seconds=4.0,
            ),
        ],
    )
    fields["experiment"] |= {"workload": "maxcut", "shots": 1024}
    fields["backend"] |= {"name": "ibm_torino", "kind": "ibm", "simulator": False}
    return Sample(RunSummary.model_validate(fields), graph)


def failed() -> Sample:
    fields = base(
        "broken-circuit",
        state="failed",
        outcome="failed",
        error="CircuitError: circuit: got 'a measurement', expected gates, and measurements only at the end.",
        versions={},
        seeds={},
    )
    fields["backend"] = {"name": "aer", "kind": "aer", "simulator": True}
    return Sample(RunSummary.model_validate(fields))


def long_strings() -> Sample:
    ideal = {"0" * 12: 0.5, "1" * 12: 0.5}
    measured = noisy_ghz(12, 0.035)
    bases = {"Z" * 12: measured, "X" * 12: {f"{k:012b}": 1.0 for k in range(0, 4096, 17)}}
    bases |= {f"{'Y' * k}{'X' * (12 - k)}": measured for k in (4, 6, 8)}
    return Sample(
        RunSummary.model_validate(
            base(
                "ghz-12-across-the-whole-heavy-hexagon-row-of-the-device",
                outcome="promoted",
                source="quantum",
                ended_at=START + timedelta(seconds=0.4),
                estimates=[
                    estimate(
                        method,
                        f"stabiliser_{index:02d}_of_the_ghz_state_with_a_long_name",
                        0.9 - 0.02 * index,
                        0.011 / sqrt(1 + index),
                    )
                    for index in range(14)
                    for method in ("raw", "readout")
                ],
                counts={basis: sampled(weights, 4096, 9) for basis, weights in bases.items()},
                ideal_counts={"Z" * 12: sampled(ideal, 4096, 10)},
                spans=spans(("encode", 0, 0.011), ("transpile", 0.012, 0.033), ("mitigate", 0.05, 0.0021)),
                submissions=[submission("primary", [4096] * 5)],
            )
        ),
        ghz(12),
    )


def cached() -> Sample:
    sample = rejected().summary.model_dump()
    sample |= {
        "source": "cached",
        "estimates": [estimate("raw", "energy", -2.871, 0.024, source="cached", exact=-3.0962)],
        "counts": {},
        "fallback": {
            "source": "cached",
            "reason": "the gate rejected the quantum path",
            "refused": [],
            "details": {"run_id": "c7f0a1d2-1111-4a53-9a53-000000000001", "measured_at": "2026-03-01T11:00:00+00:00"},
        },
        "submissions": [submission("smoke-ideal", [4096, 4096])],
    }
    return Sample(RunSummary.model_validate(sample))


def queued() -> Sample:
    job = 3 * 3600 + 412.0
    sample = promoted().summary.model_dump()
    sample |= {
        "run_id": "aa11bb22-0000-4000-8000-1234567890ab",
        "outcome": "held",
        "ended_at": START + timedelta(seconds=job + 9),
        "spans": spans(
            ("encode", 0, 0.05),
            ("transpile", 0.1, 0.9),
            ("smoke_test", 1.1, 3.4),
            ("promote", 4.5, 0.05),
            ("submit", 4.6, 1.2),
            ("queue", 5.8, job - 5.8, "provider"),
            ("baseline", 5.9, 2.3),
            ("execution", job, 3.2, "provider"),
            ("mitigate", job + 4.4, 1.4),
            ("report", job + 6, 0.8),
        ),
        "seconds_by_stage": {"queue": job - 5.8, "execution": 3.2},
    }
    sample["backend"] |= {"name": "ibm_torino", "kind": "ibm", "simulator": False}
    sample["decision"] |= {"outcome": "held", "by": "person", "held_by": "the policy asks for a person's approval"}
    return Sample(RunSummary.model_validate(sample), ghz(3))


BUILDERS: dict[str, Callable[[], Sample]] = {
    "promoted": promoted,
    "rejected": rejected,
    "maxcut": maxcut,
    "failed": failed,
    "cached": cached,
    "long_strings": long_strings,
    "queued": queued,
}


@pytest.fixture(params=list(BUILDERS))
def sample(request: pytest.FixtureRequest) -> Sample:
    return BUILDERS[request.param]()


@pytest.fixture
def promoted_summary() -> RunSummary:
    return promoted().summary


@pytest.fixture
def rejected_summary() -> RunSummary:
    return rejected().summary


@pytest.fixture
def cached_summary() -> RunSummary:
    return cached().summary


@pytest.fixture
def maxcut_summary() -> RunSummary:
    return maxcut().summary


@pytest.fixture
def failed_summary() -> RunSummary:
    return failed().summary


@pytest.fixture
def many_observables() -> RunSummary:
    return long_strings().summary
