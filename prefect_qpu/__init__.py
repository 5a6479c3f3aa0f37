"""Quantum experiments as Prefect flows: from simulator to QPU and back, recorded, replayable and compared.

Names are loaded when they are first used, so that importing the package costs nothing.

Example:
    >>> import prefect_qpu
    >>> prefect_qpu.Experiment.__name__
    'Experiment'
"""

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from prefect_qpu.calibration import Calibration
    from prefect_qpu.errors import InputError, QpuError
    from prefect_qpu.experiment import Experiment
    from prefect_qpu.loading import read_experiment
    from prefect_qpu.records import RecordStore
    from prefect_qpu.run import Run, open_run
    from prefect_qpu.summary import RunSummary

__all__ = [
    "Calibration",
    "Experiment",
    "InputError",
    "QpuError",
    "RecordStore",
    "Run",
    "RunSummary",
    "__version__",
    "open_run",
    "read_experiment",
]

_HOMES = {
    "Calibration": "calibration",
    "Experiment": "experiment",
    "InputError": "errors",
    "QpuError": "errors",
    "RecordStore": "records",
    "Run": "run",
    "RunSummary": "summary",
    "open_run": "run",
    "read_experiment": "loading",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return version("prefect-qpu")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
