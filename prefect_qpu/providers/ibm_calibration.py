"""The calibration of an IBM Quantum backend at the time of a job."""

from collections.abc import Mapping
from datetime import datetime
from types import SimpleNamespace
from typing import Any, cast

from qiskit.providers import BackendV2

from prefect_qpu.calibration import Calibration
from prefect_qpu.providers.ibm_answers import moment


def calibration_at_run(service: Any, backend: Any, metrics: Mapping[str, Any]) -> Calibration | None:
    """The calibration that a job ran with, by its id or else by its time; none if it has not run.

    Args:
        service: IBM's client.
        backend: Where the job ran.
        metrics: The service's metrics of the job.
    """
    identifier = metrics.get("calibration_id")
    if identifier:
        fractional = backend.options.use_fractional_gates
        return Calibration.from_backend(
            service.backend(backend.name, use_fractional_gates=fractional, calibration_id=str(identifier))
        )
    started = moment((metrics.get("timestamps") or {}).get("running"))
    return None if started is None else _calibration_at(backend, started)


def _calibration_at(backend: Any, time: datetime) -> Calibration | None:
    from qiskit_ibm_runtime.utils.backend_converter import convert_to_target

    properties = backend.properties(datetime=time)
    if properties is None:
        return None
    target = convert_to_target(configuration=backend.configuration(), properties=properties)
    then = SimpleNamespace(
        name=backend.name, backend_version=backend.backend_version, target=target, properties=lambda: properties
    )
    return Calibration.from_backend(cast("BackendV2", then))
