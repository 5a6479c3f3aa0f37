"""Every setting that the record shows is the one that the executor received."""

from collections.abc import Callable

import pytest
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from prefect_qpu.circuits import circuit_hash
from prefect_qpu.providers import simulation
from prefect_qpu.run import Run
from prefect_qpu.stages.transpile import transpile
from prefect_qpu.summarise import summarise
from prefect_qpu.summary import RunSummary, SubmissionSummary
from tests.experiments import ghz


def primary(summary: RunSummary) -> SubmissionSummary:
    return next(item for item in summary.submissions if item.role == "primary")


@pytest.fixture
def received(monkeypatch: pytest.MonkeyPatch) -> list[dict]:
    """What Aer's own `run` was called with, in order; the simulations run as always."""
    from qiskit_aer import AerSimulator

    calls: list[dict] = []
    original = AerSimulator.run

    def spy(self: AerSimulator, circuits: list, **options: object) -> object:
        calls.append({"simulator": self, "circuits": circuits, **options})
        return original(self, circuits, **options)

    monkeypatch.setattr(AerSimulator, "run", spy)
    return calls


def test_the_seed(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(seed=1234))
    submission = primary(summarise(run.store, run.id))
    assert submission.seed == received[-1]["seed_simulator"] == run.seeds["execute"] == 1234
    assert submission.executed[0]["seed"] == 1234


def test_a_drawn_seed(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(seed=None))
    summary = summarise(run.store, run.id)
    assert primary(summary).seed == received[-1]["seed_simulator"] == summary.seeds["execute"]


def test_the_seeds_of_the_smoke_test(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz())
    used = {call["seed_simulator"] for call in received}
    assert used == {run.seeds["smoke-ideal"], run.seeds["smoke-noise"], run.seeds["execute"]}
    assert len(used) == 3


def test_the_shots(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(shots=777))
    submission = primary(summarise(run.store, run.id))
    assert received[-1]["shots"] == 777
    assert submission.shots == [item["shots"] for item in submission.executed] == [777, 777]
    assert all(sum(counts.values()) == 777 for counts in summarise(run.store, run.id).counts.values())


def test_the_noise_model(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(transpile={"optimization_level": 0, "initial_layout": [0, 1, 2, 3]}))
    summary = summarise(run.store, run.id)
    assert summary.backend.calibration_hash == primary_calibration(run)
    calibration = run.store.calibrations.get(primary_calibration(run))
    assert simulation.noise_model(calibration, tuple(range(5))) == NoiseModel.from_backend(FakeManilaV2())
    used = received[-1]["simulator"].options.noise_model
    assert used == simulation.noise_model(calibration, (0, 1, 2, 3))
    assert primary(summary).executed[0]["noise"] == "superop"


def primary_calibration(run: Run) -> str:
    key = run.store.submissions.for_run(run.id)["primary"].calibration_hash
    assert key is not None
    return key


def test_an_ideal_backend_has_no_noise_model(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(backend={"kind": "aer"}))
    assert summarise(run.store, run.id).backend.calibration_hash is None
    assert received[-1]["simulator"].options.noise_model is None


def test_the_simulation_method(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(backend={"kind": "aer", "device": "FakeManilaV2", "method": "density_matrix"}))
    assert received[-1]["simulator"].options.method == "density_matrix"
    assert primary(summarise(run.store, run.id)).executed[0]["method"] == "density_matrix"


@pytest.mark.parametrize("level", [0, 1, 2, 3])
def test_the_optimisation_level(opened: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, level: int) -> None:
    from prefect_qpu import transpiling

    seen: list[dict] = []
    original = transpiling.generate_preset_pass_manager

    def spy(**options: object) -> object:
        seen.append(options)
        return original(**options)

    monkeypatch.setattr(transpiling, "generate_preset_pass_manager", spy)
    run = opened(ghz(transpile={"optimization_level": level, "seed": 99, "routing_method": "sabre"}))
    transpile(run)
    assert [(item["optimization_level"], item["seed_transpiler"], item["routing_method"]) for item in seen] == [
        (level, 99, "sabre")
    ]
    definition = summarise(run.store, run.id).experiment.definition
    assert definition["transpile"] == {
        "optimization_level": level,
        "initial_layout": None,
        "routing_method": "sabre",
        "seed": 99,
    }
    assert run.seeds["transpile"] == 99


def test_the_initial_layout(executed: Callable[..., Run], received: list[dict]) -> None:
    run = executed(ghz(transpile={"optimization_level": 0, "initial_layout": [4, 3, 2, 1]}))
    circuits = summarise(run.store, run.id).circuits
    assert [circuit.qubits for circuit in circuits] == [[4, 3, 2, 1], [4, 3, 2, 1]]


def test_the_circuits(executed: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    original = simulation.Simulation.run

    def spy(self: simulation.Simulation) -> object:
        sent[:] = [circuit_hash(pub.circuit) for pub in self.pubs]
        return original(self)

    monkeypatch.setattr(simulation.Simulation, "run", spy)
    run = executed(ghz())
    shown = [circuit.after.hash for circuit in summarise(run.store, run.id).circuits if circuit.after]
    assert shown == sent
    assert [pub["circuit"] for pub in run.store.submissions.for_run(run.id)["primary"].pubs] == sent
