"""The noise of a device at one calibration, cut to what a circuit uses."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import SimpleNamespace

from qiskit import QuantumCircuit
from qiskit_ibm_runtime.utils.backend_converter import convert_to_target
from qiskit_ibm_runtime.utils.backend_decoder import configuration_from_server_data, properties_from_server_data

from prefect_qpu.calibration import Calibration, InstructionCalibration
from prefect_qpu.emulator.answers import utc_now
from prefect_qpu.emulator.backends import Device
from prefect_qpu.emulator.schema import CalibrationRow
from prefect_qpu.errors import CircuitError

_ANYWHERE = {"barrier", "delay", "reset", "measure", "id", "if_else", "for_loop", "while_loop", "switch_case"}


@dataclass(frozen=True, eq=False)
class Noise:
    """A calibration of a device."""

    calibration: Calibration

    @cached_property
    def instructions(self) -> Mapping[tuple[str, tuple[int, ...] | None], InstructionCalibration]:
        """Calibrated instructions by name and qubits."""
        return {(item.name, item.qubits): item for item in self.calibration.instructions}

    @cached_property
    def readout_errors(self) -> Mapping[int, float]:
        """Probability of a wrong outcome, by qubit."""
        found = [item for item in self.calibration.instructions if item.name == "measure"]
        return {item.qubits[0]: item.error or 0.0 for item in found if item.qubits is not None}

    def check(self, circuit: QuantumCircuit) -> None:
        """Refuse a circuit that the device cannot run.

        Raises:
            CircuitError: it is too wide, or not made of the device's instructions.
        """
        if circuit.num_qubits > self.calibration.num_qubits:
            expected = f"at most {self.calibration.num_qubits}"
            raise CircuitError("circuit", given=f"{circuit.num_qubits} qubits", expected=expected)
        for name, qubits in _used(circuit) - self.instructions.keys():
            if name not in _ANYWHERE and (name, None) not in self.instructions:
                raise CircuitError(
                    "circuit",
                    given=f"{name} on qubits {list(qubits)}",
                    expected="instructions of the device",
                    hint="Transpile the circuit for the backend.",
                )

    def of(self, circuit: QuantumCircuit) -> Calibration:
        """The calibration of the instructions that a circuit uses; building the noise of the others would cost more."""
        if circuit.has_control_flow_op():
            return self.calibration
        used = sorted(_used(circuit) & self.instructions.keys())
        anywhere = [item for (_, qubits), item in self.instructions.items() if qubits is None]
        return self.calibration.model_copy(
            update={"instructions": (*(self.instructions[key] for key in used), *anywhere)}
        )


@lru_cache(maxsize=16)
def device_noise(device: Device, number: int, seed: int, drift: float) -> Noise:
    """The noise of a device at a calibration of its history."""
    row = CalibrationRow(device=device.name, number=number, taken_at=utc_now(), seed=seed, drift=drift)
    configuration = configuration_from_server_data(device.configuration(), use_fractional_gates=None)
    properties = properties_from_server_data(device.properties(row), use_fractional_gates=None)
    target = convert_to_target(configuration, properties)
    backend = SimpleNamespace(name=device.name, backend_version=None, target=target)
    return Noise(Calibration.from_backend(backend))


def _used(circuit: QuantumCircuit) -> set[tuple[str, tuple[int, ...]]]:
    position = {qubit: index for index, qubit in enumerate(circuit.qubits)}
    return {
        (instruction.operation.name, tuple(position[qubit] for qubit in instruction.qubits))
        for instruction in circuit.data
    }
