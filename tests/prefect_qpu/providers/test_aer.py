import time

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime import fake_provider

from prefect_qpu.calibration import Calibration
from prefect_qpu.errors import BackendError, JobFailedError
from prefect_qpu.experiment import AerBackendSpec
from prefect_qpu.providers import JobRequest, JobState, Provider
from prefect_qpu.providers import aer as aer_module
from prefect_qpu.providers.aer import AerProvider
from prefect_qpu.providers.devices import device_calibration
from prefect_qpu.providers.isolated import run_isolated
from prefect_qpu.providers.simulation import Simulation, noise_model


def bell() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    return circuit


def isa_bell() -> QuantumCircuit:
    circuit = QuantumCircuit(5, 2)
    circuit.rz(np.pi / 2, 3)
    circuit.sx(3)
    circuit.rz(np.pi / 2, 3)
    circuit.cx(3, 4)
    circuit.measure([3, 4], [0, 1])
    return circuit


def pub(circuit: QuantumCircuit, shots: int, values: object = None) -> SamplerPub:
    return SamplerPub.coerce((circuit, values, shots))


def errors_of(model: NoiseModel) -> dict[tuple, dict]:
    """All errors of a model by kind, instruction and qubits, without the identifiers that each error draws."""
    return {
        (error["type"], *error["operations"], *map(tuple, error["gate_qubits"])): {
            key: value for key, value in error.items() if key != "id"
        }
        for error in model.to_dict(serializable=True)["errors"]
    }


def waited(provider: AerProvider, job_id: str) -> JobState:
    deadline = time.monotonic() + 60
    while not (state := provider.status([job_id])[0].state).final:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return state


def test_it_is_a_provider() -> None:
    assert isinstance(AerProvider(AerBackendSpec()), Provider)


@pytest.mark.parametrize("device", ["FakeManilaV2", "FakeSherbrooke", "FakeTorino"])
def test_the_noise_model_is_the_one_that_qiskit_makes_of_the_device(device: str) -> None:
    backend = getattr(fake_provider, device)()
    calibration = device_calibration(device)
    qubits = tuple(range(calibration.num_qubits))
    mine, theirs = noise_model(calibration, qubits), NoiseModel.from_backend(backend)
    assert sorted(mine.basis_gates) == sorted(theirs.basis_gates)
    assert errors_of(mine) == errors_of(theirs)


def test_cutting_the_device_to_the_used_qubits_leaves_the_distribution_as_it_is() -> None:
    calibration = device_calibration("FakeManilaV2")
    shots = 200_000
    ((bits,), _) = Simulation((pub(isa_bell(), shots),), calibration, 1).run()
    whole = AerSimulator(noise_model=noise_model(calibration, tuple(range(5))))
    counts = whole.run(isa_bell(), shots=shots, seed_simulator=2).result().get_counts()
    mine = np.array([bits.get_counts()[key] for key in ("00", "01", "10", "11")]) / shots
    theirs = np.array([counts[key] for key in ("00", "01", "10", "11")]) / shots
    assert np.abs(mine - theirs).max() < 5 * np.sqrt(0.5 / shots)


def test_the_executor_reports_the_seed_shots_and_noise_that_it_was_given() -> None:
    calibration = device_calibration("FakeManilaV2")
    _, report = Simulation((pub(isa_bell(), 321),), calibration, 17, "density_matrix").run()
    assert report["pubs"][0] == {
        "seed": 17,
        "shots": 321,
        "method": "density_matrix",
        "noise": "superop",
        "seconds": report["pubs"][0]["seconds"],
    }


def test_the_counts_are_those_of_aer_with_the_same_seed() -> None:
    ((bits,), _) = Simulation((pub(bell(), 1000),), None, 7).run()
    assert bits.get_counts() == AerSimulator().run(bell(), shots=1000, seed_simulator=7).result().get_counts()


def test_another_seed_gives_other_counts_and_the_same_seed_the_same() -> None:
    def counts(seed: int) -> dict[str, int]:
        ((bits,), _) = Simulation((pub(bell(), 1000),), None, seed).run()
        return bits.get_counts()

    assert counts(1) == counts(1) != counts(2)


def test_each_pub_gets_its_own_shots_and_its_own_randomness() -> None:
    (first, second, third), report = Simulation((pub(bell(), 50), pub(bell(), 80), pub(bell(), 50)), None, 7).run()
    assert (first.num_shots, second.num_shots, third.num_shots) == (50, 80, 50)
    assert len({item["seed"] for item in report["pubs"]}) == 3


def test_parameter_arrays_are_broadcast() -> None:
    theta = Parameter("theta")
    circuit = QuantumCircuit(1, 1)
    circuit.rx(theta, 0)
    circuit.measure(0, 0)
    values = {theta: np.array([[0.0, np.pi], [np.pi, 0.0]])}
    ((bits,), _) = Simulation((pub(circuit, 20, values),), None, 1).run()
    assert bits.shape == (2, 2)
    assert [bits[index].get_counts() for index in np.ndindex(2, 2)] == [{"0": 20}, {"1": 20}, {"1": 20}, {"0": 20}]


def test_several_classical_registers_come_back_as_one_word() -> None:
    from qiskit import ClassicalRegister, QuantumRegister

    circuit = QuantumCircuit(QuantumRegister(2), ClassicalRegister(1, "a"), ClassicalRegister(1, "b"))
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    ((bits,), _) = Simulation((pub(circuit, 5),), None, 1).run()
    assert bits.get_counts() == {"10": 5}


def test_a_simulation_in_another_process_gives_the_same_counts() -> None:
    theta = Parameter("theta")
    parametrised = QuantumCircuit(5, 1)
    parametrised.rz(theta, 4)
    parametrised.sx(4)
    parametrised.measure(4, 0)
    simulation = Simulation(
        (pub(isa_bell(), 500), pub(parametrised, 300, {theta: [0.3, 1.2]})), device_calibration("FakeManilaV2"), 11
    )
    here, there = simulation.run()[0], run_isolated(simulation)[0]
    for mine, theirs in zip(here, there, strict=True):
        assert mine.shape == theirs.shape
        assert all(mine[index].get_counts() == theirs[index].get_counts() for index in np.ndindex(mine.shape))


def test_a_failure_in_the_other_process_is_told() -> None:
    circuit = QuantumCircuit(40, 40)
    for qubit in range(40):
        circuit.rx(0.1, qubit)
    circuit.measure(range(40), range(40))
    with pytest.raises(JobFailedError, match=r"(?i)memory|qubits"):
        run_isolated(Simulation((pub(circuit, 10),), None, 1, "statevector"))


def test_a_job_goes_from_submission_to_result() -> None:
    provider = AerProvider(AerBackendSpec())
    job_id = provider.submit(JobRequest((pub(bell(), 100),), "tag-1", seed=3))
    assert waited(provider, job_id) is JobState.DONE
    result = provider.result(job_id)
    assert result.counts[0].num_shots == 100
    assert result.created is not None
    assert result.started is not None
    assert result.finished is not None
    assert result.created <= result.started <= result.finished
    assert [status.job_id for status in provider.find("tag-1")] == [job_id]


def test_a_failed_simulation_is_a_failed_job_and_no_exception_of_the_poll() -> None:
    provider = AerProvider(AerBackendSpec(method="stabilizer"))
    circuit = QuantumCircuit(1, 1)
    circuit.rx(0.3, 0)
    circuit.measure(0, 0)
    job_id = provider.submit(JobRequest((pub(circuit, 10),), "tag-2", seed=3))
    assert waited(provider, job_id) is JobState.FAILED
    with pytest.raises(JobFailedError):
        provider.result(job_id)


def test_a_job_of_another_process_is_lost() -> None:
    assert AerProvider(AerBackendSpec()).status(["aer-unknown"])[0].state is JobState.LOST


def test_a_long_simulation_does_not_hold_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []
    monkeypatch.setattr(aer_module, "run_isolated", lambda simulation: chosen.append(simulation) or simulation.run())
    monkeypatch.setattr(aer_module, "LONG_SECONDS", 0.0)
    provider = AerProvider(AerBackendSpec())
    assert waited(provider, provider.submit(JobRequest((pub(bell(), 10),), "tag-3", seed=1))) is JobState.DONE
    assert len(chosen) == 1


@pytest.mark.parametrize(("device", "near"), [("FakeManila", "FakeManilaV2"), ("fake_torino", "FakeTorino")])
def test_an_unknown_device_is_refused_with_the_nearest_names(device: str, near: str) -> None:
    with pytest.raises(BackendError, match=near):
        AerProvider(AerBackendSpec(device=device)).calibration()


def test_an_unknown_method_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BackendError, match="density_matrix"):
        AerProvider(AerBackendSpec(method="magic"))


def test_a_saved_snapshot_makes_the_same_noise(tmp_path) -> None:
    calibration = device_calibration("FakeManilaV2")
    calibration.write(tmp_path / "manila.json")
    provider = AerProvider(AerBackendSpec(calibration=Calibration.read(tmp_path / "manila.json")))
    assert provider.calibration() == calibration
    assert provider.describe()["calibration_hash"] == calibration.hash


@pytest.mark.parametrize(
    "content", ["", "{}", "[1]", '{"device": "x", "num_qubits": 0, "qubits": [], "instructions": []}']
)
def test_a_malformed_snapshot_is_refused(tmp_path, content: str) -> None:
    (tmp_path / "bad.json").write_text(content)
    with pytest.raises(BackendError, match="calibration snapshot"):
        Calibration.read(tmp_path / "bad.json")
